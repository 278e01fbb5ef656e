package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;

/**
 * Perf events of the model. Software events are counted where they happen. Of hardware events the model knows only how
 * fast they go while a CPU works: a rate a second of work, with some variation, and none while it idles.
 */
final class Counters {
    /** A software event that happens in a task. */
    enum Kind {
        PAGE_FAULTS,
        /** Passing time, which a timer stands for. */
        CLOCK,
        CONTEXT_SWITCHES,
        MIGRATIONS
    }

    private final EmbeddedKernel kernel;
    private final List<Counter> counters = new ArrayList<>();

    /** A program that runs at each so many events, counted a CPU. */
    private static final class Counter {
        final Kind kind;
        final long period;
        final Attachment[] list;
        final long[] counts;

        Counter(Kind kind, long period, Attachment attachment, int cpus) {
            this.kind = kind;
            this.period = Math.max(1, period);
            list = new Attachment[] {attachment};
            counts = new long[cpus];
        }
    }

    Counters(EmbeddedKernel kernel) {
        this.kernel = kernel;
    }

    /** Attaches a program; the result detaches it. */
    Runnable attach(Kind kind, long period, Attachment attachment) {
        var counter = new Counter(kind, period, attachment, kernel.cpus.length);
        counters.add(counter);
        return () -> counters.remove(counter);
    }

    private void count(Kind kind, Task task) {
        for (int i = 0; i < counters.size(); i++) {
            var counter = counters.get(i);
            if (counter.kind == kind && ++counter.counts[task.cpu.id] >= counter.period) {
                counter.counts[task.cpu.id] = 0;
                kernel.firing.sample(task, counter.list, counter.period);
            }
        }
    }

    void pageFault(Task task) {
        if (!counters.isEmpty()) {
            count(Kind.PAGE_FAULTS, task);
        }
    }

    void contextSwitch(Task task) {
        if (!counters.isEmpty()) {
            count(Kind.CONTEXT_SWITCHES, task);
        }
    }

    void migration(Task task) {
        if (!counters.isEmpty()) {
            count(Kind.MIGRATIONS, task);
        }
    }

    /** How often a hardware event happens in a second of work, or 0 if the model knows none of this name. */
    static long ratePerSecond(String event) {
        return switch (event) {
            case "cpu-cycles", "cycles", "ref-cycles" -> 3_000_000_000L;
            case "instructions" -> 4_200_000_000L;
            case "branch-instructions", "branches" -> 800_000_000L;
            case "branch-misses" -> 8_000_000L;
            case "bus-cycles" -> 100_000_000L;
            case "cache-references" -> 60_000_000L;
            case "cache-misses" -> 6_000_000L;
            case "frontend-stalls", "backend-stalls" -> 400_000_000L;
            default -> 0;
        };
    }
}
