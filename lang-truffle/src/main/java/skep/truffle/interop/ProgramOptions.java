package skep.truffle.interop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a C program is compiled and run, as guests say it.
 *
 * @param target empty for that of the context
 * @param duration how long a simulated kernel runs once a function is attached
 */
record ProgramOptions(Optional<String> target, String name, Optional<Duration> duration, List<String> cflags) {
    static final ProgramOptions NONE = new ProgramOptions(Optional.empty(), "program.c", Optional.empty(), List.of());

    private static final List<String> KNOWN = List.of("target", "name", "duration", "cflags");

    static ProgramOptions read(Object guest) {
        var given = Guest.isNull(guest) ? Map.<String, Object>of() : Guest.members(guest);
        for (var name : given.keySet()) {
            if (!KNOWN.contains(name)) {
                throw new IllegalArgumentException(
                        "there is no option " + name + " of a program; there are " + String.join(", ", KNOWN));
            }
        }
        var cflags = new ArrayList<String>();
        present(given, "cflags")
                .ifPresent(list -> Guest.elements(list).forEach(flag -> cflags.add(Guest.string(flag))));
        return new ProgramOptions(
                present(given, "target").map(Guest::string),
                present(given, "name").map(Guest::string).orElse(NONE.name),
                present(given, "duration").map(TraceOptions::duration),
                cflags);
    }

    private static Optional<Object> present(Map<String, Object> given, String name) {
        return Optional.ofNullable(given.get(name)).filter(value -> !Guest.isNull(value));
    }
}
