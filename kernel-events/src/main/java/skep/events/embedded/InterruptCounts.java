package skep.events.embedded;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;

/** How often each CPU has served which interrupt, as {@code /proc/interrupts} and {@code /proc/softirqs} show it. */
final class InterruptCounts {
    private final int cpus;
    private final List<Interrupts.Source> sources = new ArrayList<>();
    private final long[][] softirqs;

    InterruptCounts(int cpus) {
        this.cpus = cpus;
        softirqs = new long[Interrupts.SOFTIRQ_NAMES.length][cpus];
    }

    void interrupt(Interrupts.Source source, Cpu cpu) {
        if (source.served.length == 0) {
            source.served = new long[cpus];
            sources.add(source);
        }
        source.served[cpu.id]++;
    }

    void softirq(int number, Cpu cpu) {
        softirqs[number][cpu.id]++;
    }

    /** Devices by their numbers, then those between CPUs, which have none. */
    String interrupts() {
        var text = heading(5);
        var rows = new TreeMap<String, long[]>();
        for (var source : sources) {
            var number = source.number >= 0 ? String.format(Locale.ROOT, "%4d:", source.number) : " IPI:";
            var row = rows.computeIfAbsent(
                    number + new String(source.name, StandardCharsets.US_ASCII), name -> new long[cpus]);
            for (int cpu = 0; cpu < cpus; cpu++) {
                row[cpu] += source.served[cpu];
            }
        }
        rows.forEach((name, served) -> {
            counts(text.append(name, 0, 5), served);
            text.append("  model  ").append(name.substring(5)).append('\n');
        });
        return text.toString();
    }

    String softInterrupts() {
        var text = heading(12);
        for (int i = 0; i < softirqs.length; i++) {
            var name = new String(Interrupts.SOFTIRQ_NAMES[i], StandardCharsets.US_ASCII);
            counts(text.append(String.format(Locale.ROOT, "%11s:", name)), softirqs[i]);
            text.append('\n');
        }
        return text.toString();
    }

    private StringBuilder heading(int indent) {
        var text = new StringBuilder(" ".repeat(indent));
        for (int cpu = 0; cpu < cpus; cpu++) {
            text.append(String.format(Locale.ROOT, " %10s", "CPU" + cpu));
        }
        return text.append('\n');
    }

    private static void counts(StringBuilder text, long[] counts) {
        for (long count : counts) {
            text.append(String.format(Locale.ROOT, " %10d", count));
        }
    }
}
