package skep.session.bcc;

import java.util.List;
import java.util.OptionalInt;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;

/** Perf events by the numbers of {@code perf_event.h}, as probes of the tracing language name them. */
final class PerfEventNames {
    private static final int HARDWARE = 0;
    private static final int SOFTWARE = 1;

    private static final List<String> HARDWARE_EVENTS = List.of(
            "cpu-cycles",
            "instructions",
            "cache-references",
            "cache-misses",
            "branch-instructions",
            "branch-misses",
            "bus-cycles",
            "frontend-stalls",
            "backend-stalls",
            "ref-cycles");

    private static final List<String> SOFTWARE_EVENTS = List.of(
            "cpu-clock",
            "task-clock",
            "page-faults",
            "context-switches",
            "cpu-migrations",
            "minor-faults",
            "major-faults",
            "alignment-faults",
            "emulation-faults",
            "dummy",
            "bpf-output");

    private PerfEventNames() {}

    static ProbeSpec probe(int type, long config, long period, long frequency, OptionalInt pid) {
        boolean clock = type == SOFTWARE && config <= 1;
        if (clock && frequency > 0) {
            return new ProbeSpec(ProbeKind.PROFILE, "", "hz", 0, frequency, pid);
        }
        if (clock) {
            return new ProbeSpec(ProbeKind.PROFILE, "", "ns", 0, Math.max(1, period), pid);
        }
        var names = switch (type) {
            case HARDWARE -> HARDWARE_EVENTS;
            case SOFTWARE -> SOFTWARE_EVENTS;
            default ->
                throw new BccException(BccException.Step.ATTACH, "perf events of type " + type + " cannot be attached");
        };
        if (config < 0 || config >= names.size()) {
            throw new BccException(BccException.Step.ATTACH, "there is no perf event " + type + ":" + config);
        }
        var kind = type == HARDWARE ? ProbeKind.HARDWARE : ProbeKind.SOFTWARE;
        // A frequency of events that are no time: the kernel adapts the period; here about as many a second on a busy
        // CPU.
        long every = period > 0 ? period : Math.max(1, 1_000_000_000L / Math.max(1, frequency));
        return new ProbeSpec(kind, "", names.get((int) config), 0, every, pid);
    }
}
