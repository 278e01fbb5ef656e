package skep.dsl.check;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import skep.dsl.Type;
import skep.source.Source;

/** What the C preamble of a script declares: structures, enumerations, type names and macros without parameters. */
final class CDeclarations {
    private final Map<String, Type> types = new HashMap<>();
    private final Map<String, Type.Enum> enumerators = new HashMap<>();
    private final Map<String, Long> values = new HashMap<>();
    private final Map<String, Source> defines = new LinkedHashMap<>();

    Optional<Type> type(String name) {
        return Optional.ofNullable(types.get(name));
    }

    Optional<Type.Enum> enumerator(String name) {
        return Optional.ofNullable(enumerators.get(name));
    }

    /** The replacement of a {@code #define}, as a source named like the macro. */
    Optional<Source> define(String name) {
        return Optional.ofNullable(defines.get(name));
    }

    void addType(String name, Type type) {
        types.put(name, type);
    }

    /** A type name that stands for a tag; a real type name wins. */
    void addTypeIfAbsent(String name, Type type) {
        types.putIfAbsent(name, type);
    }

    void addEnumerator(String name, long value, Type.Enum type) {
        enumerators.put(name, type);
        values.put(name, value);
    }

    /** The value of an enumerator; two of one enumeration may have the same. */
    long value(String enumerator) {
        return values.get(enumerator);
    }

    void addDefine(String name, String replacement) {
        defines.put(name, new Source(name, replacement));
    }

    void removeDefine(String name) {
        defines.remove(name);
    }

    boolean isDefined(String name) {
        return defines.containsKey(name);
    }
}
