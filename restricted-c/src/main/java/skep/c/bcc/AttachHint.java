package skep.c.bcc;

/** What the name, the macro or the section of a function says of where it is to be attached. */
public sealed interface AttachHint {
    /** Nothing: the program that loads it decides. */
    record None() implements AttachHint {}

    /** {@code kprobe__FUNCTION}. */
    record Kprobe(String function) implements AttachHint {}

    /** {@code kretprobe__FUNCTION}. */
    record Kretprobe(String function) implements AttachHint {}

    /** {@code tracepoint__CATEGORY__EVENT} or {@code TRACEPOINT_PROBE(CATEGORY, EVENT)}. */
    record Tracepoint(String category, String event) implements AttachHint {}

    /** {@code raw_tracepoint__EVENT} or {@code RAW_TRACEPOINT_PROBE(EVENT)}. */
    record RawTracepoint(String event) implements AttachHint {}

    /** {@code KFUNC_PROBE}: fentry of a kernel function. */
    record Kfunc(String function) implements AttachHint {}

    /** {@code KRETFUNC_PROBE}: fexit. */
    record Kretfunc(String function) implements AttachHint {}

    /** {@code KMOD_RET}: its result may replace that of the function. */
    record KmodRet(String function) implements AttachHint {}

    /** {@code LSM_PROBE}. */
    record Lsm(String hook) implements AttachHint {}

    /** {@code BPF_ITER}. */
    record Iterator(String target) implements AttachHint {}

    /** {@code SEC("…")} as libbpf reads it. */
    record Section(String section) implements AttachHint {}
}
