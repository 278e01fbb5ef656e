package skep.isa.kernel;

/** Something a kernel may or may not allow; probed once per target. Rows are added where a probe kind or a data path needs one. */
public enum Feature {
    BPF_SYSCALL("the bpf() system call"),
    KPROBE("kprobes"),
    KPROBE_MULTI("kprobe multi links"),
    KPROBE_SESSION("kprobe session links"),
    FENTRY("fentry and fexit"),
    FMOD_RET("programs that replace a result (fmod_ret)"),
    LSM("programs at LSM hooks"),
    TRACEPOINT("tracepoints"),
    RAW_TRACEPOINT("raw tracepoints"),
    BTF_TRACEPOINT("typed (BTF) tracepoints"),
    UPROBE("uprobes"),
    UPROBE_MULTI("uprobe multi links"),
    UPROBE_SESSION("uprobe session links"),
    WATCHPOINT("watchpoints"),
    PERF_SOFTWARE("software perf events"),
    PERF_HARDWARE("hardware perf events"),
    ITER("BPF iterators"),
    RING_BUFFER("BPF ring buffers"),
    SOCKET_FILTER("socket filters"),
    XDP("XDP programs"),
    TC("programs at tc hooks"),
    CGROUP("programs of cgroups"),
    USER_STACK_COPY("copies of user stacks, for unwinding"),
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
