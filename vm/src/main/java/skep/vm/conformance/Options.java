package skep.vm.conformance;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import skep.vm.Backend;

/**
 * Arguments of a subcommand: {@code --name value} or {@code --name=value}, and words.
 *
 * @param words what is no option, in order
 */
record Options(Map<String, String> values, List<String> words) {
    static final String BACKEND = "--backend";
    static final String DEFAULT_BACKEND = "interp";

    /**
     * Parses.
     *
     * @throws IllegalArgumentException for an option that is not among {@code known}, or lacks its value
     */
    static Options parse(List<String> arguments, Set<String> known) {
        var values = new HashMap<String, String>();
        var words = new ArrayList<String>();
        var left = arguments.iterator();
        while (left.hasNext()) {
            var argument = left.next();
            if (!argument.startsWith("-") || argument.equals("-")) {
                words.add(argument);
                continue;
            }
            int equals = argument.indexOf('=');
            var name = equals < 0 ? argument : argument.substring(0, equals);
            if (!known.contains(name)) {
                throw new IllegalArgumentException(
                        "unknown option " + name + "; there are " + String.join(", ", known));
            }
            if (equals < 0 && !left.hasNext()) {
                throw new IllegalArgumentException(name + " needs a value");
            }
            values.put(name, equals < 0 ? left.next() : argument.substring(equals + 1));
        }
        return new Options(values, words);
    }

    String value(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    /** The backend that was asked for; unavailable ones are an error here. */
    Backend backend() {
        var backend = Backend.named(value(BACKEND, DEFAULT_BACKEND));
        backend.unavailableReason().ifPresent(reason -> {
            throw new IllegalArgumentException("backend " + backend.name() + ": " + reason);
        });
        backend.prepare();
        return backend;
    }
}
