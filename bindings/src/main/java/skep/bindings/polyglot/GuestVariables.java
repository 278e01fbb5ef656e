package skep.bindings.polyglot;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.graalvm.polyglot.Value;
import skep.bindings.java.Variables;

/** Keeps the global variables of one guest language in step with the shared ones: names, not copies. */
final class GuestVariables {
    private final GuestContext guests;
    private final Value globals;
    private final Variables variables = Variables.shared();

    /** What the language itself and our prelude defined: not the user's as long as it is as it was. */
    private final Map<String, Value> own = new HashMap<>();

    /** What either side was last told of: by name, what is shared. */
    private final Map<String, Object> told = new HashMap<>();

    private final Map<String, Value> seen = new HashMap<>();

    GuestVariables(GuestContext guests, String language) {
        this.guests = guests;
        this.globals = guests.bindings(language);
        for (var name : names()) {
            own.put(name, globals.getMember(name));
        }
    }

    private Set<String> names() {
        var names = new HashSet<String>();
        for (var name : globals.getMemberKeys()) {
            if (!name.startsWith("_") && isName(name)) {
                names.add(name);
            }
        }
        return names;
    }

    private static boolean isName(String name) {
        return !name.isEmpty()
                && Character.isJavaIdentifierStart(name.charAt(0))
                && name.chars().allMatch(Character::isJavaIdentifierPart);
    }

    /** Before a text runs: it sees what other languages have defined. */
    void bringIn() {
        variables.values().forEach((name, value) -> {
            if (isName(name) && !value.equals(told.get(name))) {
                told.put(name, value);
                var guest = guests.context().asValue(guests.toGuest(value));
                seen.put(name, guest);
                globals.putMember(name, guest);
            }
        });
    }

    /** After it ran: others see what it has defined. */
    void takeOut() {
        for (var name : names()) {
            var value = globals.getMember(name);
            boolean unchanged = value == null || value.equals(seen.get(name)) || value.equals(own.get(name));
            if (unchanged || value.isNull() || isModule(value)) {
                continue;
            }
            seen.put(name, value);
            var java = guests.toJava(value);
            told.put(name, java);
            variables.put(name, java);
        }
    }

    static boolean isModule(Value value) {
        var kind = value.getMetaObject();
        return kind != null && kind.isMetaObject() && kind.getMetaSimpleName().equals("module");
    }
}
