package skep.truffle.interop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import skep.session.Overflow;
import skep.session.RunningScript;
import skep.session.SessionOptions;
import skep.target.LoadOptions;

/**
 * How a script is run, as guests say it: members or entries {@code duration} (seconds), {@code target}, {@code name},
 * {@code command}, {@code pid}, {@code args}, {@code parameters}, {@code unsafe}, {@code queue} (events), {@code overflow}
 * ({@code wait}, {@code drop-oldest}, {@code drop-newest}). All may be missing.
 *
 * @param target empty for that of the context
 */
public record TraceOptions(
        Optional<String> target, String name, SessionOptions session, Overflow overflow, int queueEvents) {
    private static final List<String> KNOWN = List.of(
            "duration", "target", "name", "command", "pid", "args", "parameters", "unsafe", "queue", "overflow");

    /** None given. */
    public static TraceOptions of(String name) {
        return new TraceOptions(
                Optional.empty(), name, SessionOptions.DEFAULT, Overflow.WAIT, RunningScript.DEFAULT_QUEUE_EVENTS);
    }

    /** @throws IllegalArgumentException naming the option that is unknown, or what is wrong with its value */
    static TraceOptions read(Object guest, String defaultName) {
        var given = Guest.isNull(guest) ? Map.<String, Object>of() : Guest.members(guest);
        var values = new LinkedHashMap<String, Object>();
        given.forEach((name, value) -> {
            if (!KNOWN.contains(name)) {
                throw new IllegalArgumentException(
                        "there is no option " + name + " of a trace; there are " + String.join(", ", KNOWN));
            }
            if (!Guest.isNull(value)) {
                values.put(name, value);
            }
        });
        var positional = new ArrayList<String>();
        if (values.containsKey("args")) {
            Guest.elements(values.get("args")).forEach(argument -> positional.add(Guest.word(argument)));
        }
        var named = new LinkedHashMap<String, String>();
        if (values.containsKey("parameters")) {
            Guest.members(values.get("parameters")).forEach((name, value) -> named.put(name, Guest.word(value)));
        }
        var session = new SessionOptions(
                positional,
                named,
                Map.of(),
                Optional.ofNullable(values.get("command")).map(Guest::string),
                values.containsKey("pid") ? OptionalInt.of(Guest.integer32(values.get("pid"))) : OptionalInt.empty(),
                Optional.ofNullable(values.get("duration")).map(TraceOptions::duration),
                values.containsKey("unsafe") && Guest.truth(values.get("unsafe")),
                0,
                List.of(),
                Set.of(),
                false,
                false,
                false,
                Optional.empty(),
                LoadOptions.DEFAULT,
                true);
        int queue =
                values.containsKey("queue") ? Guest.integer32(values.get("queue")) : RunningScript.DEFAULT_QUEUE_EVENTS;
        if (queue < 1) {
            throw new IllegalArgumentException("a queue for " + queue + " events");
        }
        return new TraceOptions(
                Optional.ofNullable(values.get("target")).map(Guest::string),
                values.containsKey("name") ? Guest.string(values.get("name")) : defaultName,
                session,
                values.containsKey("overflow") ? overflow(Guest.string(values.get("overflow"))) : Overflow.WAIT,
                queue);
    }

    static Duration duration(Object guest) {
        double seconds = Guest.number(guest);
        if (!(seconds > 0)) {
            throw new IllegalArgumentException("a duration of " + seconds + " seconds");
        }
        return Duration.ofNanos((long) (seconds * 1e9));
    }

    private static Overflow overflow(String text) {
        for (var overflow : Overflow.values()) {
            if (overflow.name().toLowerCase(Locale.ROOT).replace('_', '-').equals(text)) {
                return overflow;
            }
        }
        throw new IllegalArgumentException("overflow " + text + ": it is wait, drop-oldest or drop-newest");
    }

    /** Whether it makes processes or changes the system. */
    public boolean wantsProcesses() {
        return session.unsafe() || session.command().isPresent();
    }
}
