package skep.events.embedded;

import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;

/**
 * The model's {@code trace_pipe}: lines that programs print, in its format. Bounded; when nobody reads, the oldest lines
 * go. Written by the kernel's thread, read by any.
 */
final class TraceLog {
    private static final int MAX_LINES = 10_000;

    private final LinkedBlockingDeque<String> lines = new LinkedBlockingDeque<>(MAX_LINES);

    void print(String comm, int tid, int cpu, long nanos, String text) {
        // Right-aligned comm, tid, CPU, flags of the context, seconds: what readers take apart by position.
        var line = String.format(
                Locale.ROOT,
                "%16s-%-7d [%03d] ...21 %5d.%06d: bpf_trace_printk: %s",
                comm,
                tid,
                cpu,
                nanos / 1_000_000_000,
                nanos / 1000 % 1_000_000,
                text.stripTrailing());
        while (!lines.offerLast(line)) {
            lines.pollFirst();
        }
    }

    /** The next line, or empty if none came in time. */
    Optional<String> next(int timeoutMillis) {
        try {
            return Optional.ofNullable(lines.pollFirst(timeoutMillis, TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
