package skep.isa.kernel;

/** Something a kernel may or may not allow; probed once per target. Rows are added where a probe kind or a data path needs one. */
public enum Feature {
    BPF_SYSCALL("the bpf() system call"),
    KPROBE("kprobes"),
    KPROBE_MULTI("kprobe multi links"),
    FENTRY("fentry and fexit"),
    TRACEPOINT("tracepoints"),
    RAW_TRACEPOINT("raw tracepoints"),
    BTF_TRACEPOINT("typed (BTF) tracepoints"),
    UPROBE("uprobes"),
    UPROBE_MULTI("uprobe multi links"),
    WATCHPOINT("watchpoints"),
    PERF_SOFTWARE("software perf events"),
    PERF_HARDWARE("hardware perf events"),
    ITER("BPF iterators"),
    RING_BUFFER("BPF ring buffers"),
    BTF("BTF types of the kernel");

    private final String title;

    Feature(String title) {
        this.title = title;
    }

    /** How a sentence names it. */
    public String title() {
        return title;
    }
}
