package skep.isa.kernel;

import java.util.OptionalInt;

/**
 * One attach point, resolved: no wildcards left.
 *
 * @param kind what it attaches to
 * @param module kernel module, tracepoint category, path of a binary, or empty
 * @param target function, event name, software event, interval unit ({@code ns}); empty where the kind has none
 * @param offset offset in bytes from the start of the function, or 0
 * @param value period: nanoseconds for intervals and profiles by time, count for events, frequency for
 *     {@code hz}; 0 where the kind has none
 * @param pid only this process, if given
 */
public record ProbeSpec(ProbeKind kind, String module, String target, long offset, long value, OptionalInt pid) {
    public static ProbeSpec of(ProbeKind kind, String target) {
        return new ProbeSpec(kind, "", target, 0, 0, OptionalInt.empty());
    }

    public static ProbeSpec tracepoint(String category, String event) {
        return new ProbeSpec(ProbeKind.TRACEPOINT, category, event, 0, 0, OptionalInt.empty());
    }

    public static ProbeSpec interval(long periodNanos) {
        return new ProbeSpec(ProbeKind.INTERVAL, "", "ns", 0, periodNanos, OptionalInt.empty());
    }

    /** The name as the builtin {@code probe} and error messages show it, for example {@code tracepoint:sched:sched_switch}. */
    public String displayName() {
        var name = new StringBuilder(kind.longName());
        if (!module.isEmpty()) {
            name.append(':').append(module);
        }
        if (!target.isEmpty()) {
            name.append(':').append(target);
        }
        if (offset != 0) {
            name.append('+').append(offset);
        }
        if (value != 0) {
            name.append(':').append(value);
        }
        return name.toString();
    }
}
