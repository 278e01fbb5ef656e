package skep.events.embedded;

import skep.isa.kernel.ProbeKind;
import skep.vm.VmProgram;

/**
 * What tracing costs in virtual time with {@code overhead=on}: getting to the program, by the kind of probe, and then its
 * instructions. The figures are of the order that current machines show; they are there to study how a probe changes what it
 * observes, not to predict it.
 */
final class Overhead {
    /** Half a nanosecond an instruction: not all of a program runs each time, and some of it are calls. */
    private static final int INSNS_PER_NANO = 2;

    private Overhead() {}

    static long nanos(ProbeKind kind, VmProgram program) {
        long entry = switch (kind) {
            case KPROBE -> 90;
            case KRETPROBE -> 180;
            case FENTRY, FEXIT, RAWTRACEPOINT -> 20;
            case TRACEPOINT -> 45;
            case UPROBE, USDT -> 1_200;
            case URETPROBE -> 1_800;
            case PROFILE, INTERVAL, SOFTWARE, HARDWARE -> 350;
            default -> 50;
        };
        return entry + program.spec().code().size() / INSNS_PER_NANO;
    }
}
