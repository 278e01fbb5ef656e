package skep.linux;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.zip.GZIPInputStream;
import skep.btf.BtfKind;
import skep.isa.Bytecode;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.kernel.Unsupported;
import skep.linux.sys.Bpf;
import skep.linux.sys.Errno;
import skep.linux.sys.Perf;

/**
 * Asks a kernel what it allows, by trying the smallest thing that needs it, and words a refusal from what the kernel
 * says: errno, configuration, lockdown, missing devices. Nothing that is tried stays, and nothing changes the machine.
 */
final class FeatureProbes {
    private static final String DEVICES = "/sys/bus/event_source/devices/";
    private static final String TRY_ELSEWHERE =
            "Use a tracepoint (list them with -l 'tracepoint:*'), or run the script with --target embedded.";

    private final Host host;
    private final LinuxKernel kernel;
    private volatile String configuration = "";

    FeatureProbes(Host host, LinuxKernel kernel) {
        this.host = host;
        this.kernel = kernel;
    }

    Optional<Unsupported> probe(Feature feature) {
        return switch (feature) {
            case BPF_SYSCALL -> bpfSyscall();
            case KPROBE -> kprobe();
            case KPROBE_MULTI -> kprobeMulti();
            case KPROBE_SESSION ->
                since(Feature.KPROBE_SESSION, Feature.KPROBE_MULTI, 6, 10, "Use a kprobe and a kretprobe.");
            case FMOD_RET ->
                onTrampolines(Feature.FMOD_RET)
                        .or(() ->
                                typed(Feature.FMOD_RET, AttachType.MODIFY_RETURN, "security_file_open", BtfKind.FUNC));
            case LSM -> lsm();
            case FENTRY -> fentry();
            case TRACEPOINT -> tracepoint();
            case RAW_TRACEPOINT -> loads(Feature.RAW_TRACEPOINT, ProgramType.RAW_TRACEPOINT, 0, 0);
            case BTF_TRACEPOINT ->
                typed(Feature.BTF_TRACEPOINT, AttachType.TRACE_RAW_TP, "btf_trace_sched_switch", BtfKind.TYPEDEF);
            case UPROBE -> device(Feature.UPROBE, "uprobe", "CONFIG_UPROBE_EVENTS", "uprobes");
            case UPROBE_MULTI -> uprobeMulti();
            case UPROBE_SESSION ->
                since(Feature.UPROBE_SESSION, Feature.UPROBE_MULTI, 6, 13, "Use a uprobe and a uretprobe.");
            case SOCKET_FILTER -> loads(Feature.SOCKET_FILTER, ProgramType.SOCKET_FILTER, 0, 0);
            case XDP -> loads(Feature.XDP, ProgramType.XDP, AttachType.XDP.number(), 0);
            case TC -> tc();
            case CGROUP -> cgroup();
            case WATCHPOINT -> device(Feature.WATCHPOINT, "breakpoint", "CONFIG_HAVE_HW_BREAKPOINT", "watchpoints");
            case PERF_SOFTWARE -> opens(Feature.PERF_SOFTWARE, Perf.Event.of(Perf.TYPE_SOFTWARE, 9, 1));
            case PERF_HARDWARE -> opens(Feature.PERF_HARDWARE, Perf.Event.of(Perf.TYPE_HARDWARE, 0, 1_000_000));
            case ITER -> typed(Feature.ITER, AttachType.TRACE_ITER, "bpf_iter_task", BtfKind.FUNC);
            case RING_BUFFER -> ringBuffer();
            case USER_STACK_COPY -> userStackCopy();
            case BTF -> btf();
        };
    }

    private static Optional<Unsupported> refuse(Feature feature, String reason, String instead) {
        return Optional.of(new Unsupported(feature, reason, instead));
    }

    private Optional<Unsupported> bpfSyscall() {
        long fd = host.bpf().mapCreate(MapType.ARRAY, "probe", 4, 4, 1, 0, Bpf.MapDetails.NONE);
        if (!Errno.isError(fd)) {
            host.close((int) fd);
            return Optional.empty();
        }
        return refuse(Feature.BPF_SYSCALL, reason(-fd, "CONFIG_BPF_SYSCALL", "the bpf() system call"), TRY_ELSEWHERE);
    }

    private Optional<Unsupported> kprobe() {
        if (host.files().exists(DEVICES + "kprobe/type") || kernel.tracefs().has("kprobe_events")) {
            return Optional.empty();
        }
        var reason = isOff("CONFIG_KPROBES")
                ? "this kernel is built without kprobes"
                : "this kernel offers neither a kprobe device nor kprobe_events in tracefs";
        var instead =
                kernel.unsupported(Feature.FENTRY).isEmpty() ? "Use fentry, which this kernel allows." : TRY_ELSEWHERE;
        return refuse(Feature.KPROBE, reason, instead);
    }

    private Optional<Unsupported> kprobeMulti() {
        var kprobes = kernel.unsupported(Feature.KPROBE);
        if (kprobes.isPresent()) {
            return refuse(
                    Feature.KPROBE_MULTI, kprobes.get().reason(), kprobes.get().instead());
        }
        if (!kernel.version().isAtLeast(5, 18)) {
            return refuse(
                    Feature.KPROBE_MULTI,
                    "kprobe multi links came with Linux 5.18 and this is " + kernel.version(),
                    "Use kprobes one by one.");
        }
        if (isOff("CONFIG_FPROBE") || !knowsKprobeMulti()) {
            return refuse(Feature.KPROBE_MULTI, "this kernel is built without fprobe", "Use kprobes one by one.");
        }
        return Optional.empty();
    }

    /** A link to no functions is EINVAL where there are multi links, EOPNOTSUPP where they are left out. */
    private boolean knowsKprobeMulti() {
        long program = loadNothing(ProgramType.KPROBE, AttachType.TRACE_KPROBE_MULTI.number(), 0);
        if (Errno.isError(program)) {
            return false;
        }
        long link = host.bpf().linkKprobes((int) program, AttachType.TRACE_KPROBE_MULTI, 0, 0, 0, 0);
        if (!Errno.isError(link)) {
            host.close((int) link);
        }
        host.close((int) program);
        return link != -Errno.EOPNOTSUPP;
    }

    /** Something that came with a version, on top of another feature. */
    private Optional<Unsupported> since(Feature feature, Feature basis, int major, int minor, String instead) {
        var refusal = kernel.unsupported(basis);
        if (refusal.isPresent()) {
            return refuse(feature, refusal.get().reason(), refusal.get().instead());
        }
        return kernel.version().isAtLeast(major, minor)
                ? Optional.empty()
                : refuse(
                        feature,
                        feature.title() + " came with Linux " + major + "." + minor + " and this is "
                                + kernel.version(),
                        instead);
    }

    /** A function that nothing calls but the kernel's own test of programs. */
    private static final String TEST_FUNCTION = "bpf_fentry_test1";

    /** ARM64 kernels before 6.4 load such programs and then cannot attach them. */
    private Optional<Unsupported> fentry() {
        var refusal = typed(Feature.FENTRY, AttachType.TRACE_FENTRY, "vfs_read", BtfKind.FUNC);
        var id = kernel.types()
                .map(types -> types.find(TEST_FUNCTION, BtfKind.FUNC))
                .orElse(OptionalInt.empty());
        if (refusal.isPresent() || id.isEmpty()) {
            return refusal;
        }
        long program = loadNothing(ProgramType.TRACING, AttachType.TRACE_FENTRY.number(), id.getAsInt());
        if (Errno.isError(program)) {
            return Optional.empty();
        }
        long link = host.bpf().rawTracepointOpen(0, (int) program);
        host.close((int) program);
        if (!Errno.isError(link)) {
            host.close((int) link);
            return Optional.empty();
        }
        return refuse(
                Feature.FENTRY,
                "this kernel has no trampolines on " + kernel.arch().machine() + " (" + Errno.name(-link) + ")",
                "Use a kprobe.");
    }

    /** The hooks call programs only where the list of security modules has {@code bpf}. */
    private Optional<Unsupported> lsm() {
        if (isOff("CONFIG_BPF_LSM")) {
            return refuse(Feature.LSM, "this kernel is built without CONFIG_BPF_LSM", "");
        }
        var modules = host.files().text("/sys/kernel/security/lsm").orElse("");
        if (!modules.isEmpty() && !List.of(modules.split(",")).contains("bpf")) {
            return refuse(Feature.LSM, "bpf is not among the security modules of this kernel (" + modules + ")", "");
        }
        return onTrampolines(Feature.LSM)
                .or(() -> typedAs(ProgramType.LSM, Feature.LSM, AttachType.LSM_MAC, "bpf_lsm_file_open", BtfKind.FUNC));
    }

    private Optional<Unsupported> onTrampolines(Feature feature) {
        return kernel.unsupported(Feature.FENTRY).flatMap(no -> refuse(feature, no.reason(), ""));
    }

    private Optional<Unsupported> tc() {
        if (!kernel.version().isAtLeast(6, 6)) {
            return refuse(Feature.TC, "tcx links came with Linux 6.6 and this is " + kernel.version(), "");
        }
        return loads(Feature.TC, ProgramType.SCHED_CLS, AttachType.TCX_INGRESS.number(), 0);
    }

    private Optional<Unsupported> cgroup() {
        return isOff("CONFIG_CGROUP_BPF")
                ? refuse(Feature.CGROUP, "this kernel is built without CONFIG_CGROUP_BPF", "")
                : loads(Feature.CGROUP, ProgramType.CGROUP_SKB, AttachType.CGROUP_INET_EGRESS.number(), 0);
    }

    private Optional<Unsupported> tracepoint() {
        return device(Feature.TRACEPOINT, "tracepoint", "CONFIG_EVENT_TRACING", "tracepoints");
    }

    private Optional<Unsupported> device(Feature feature, String device, String option, String what) {
        if (host.files().exists(DEVICES + device + "/type")) {
            return Optional.empty();
        }
        var reason =
                isOff(option) ? "this kernel is built without " + what : "this kernel has no " + device + " device";
        return refuse(feature, reason, TRY_ELSEWHERE);
    }

    private Optional<Unsupported> typed(Feature feature, AttachType attachType, String name, BtfKind kind) {
        return typedAs(ProgramType.TRACING, feature, attachType, name, kind);
    }

    private Optional<Unsupported> typedAs(
            ProgramType type, Feature feature, AttachType attachType, String name, BtfKind kind) {
        var types = kernel.types();
        if (types.isEmpty()) {
            return refuse(feature, btf().orElseThrow().reason(), TRY_ELSEWHERE);
        }
        var id = types.get().find(name, kind);
        if (id.isEmpty()) {
            return refuse(feature, "this kernel's BTF has no " + name, TRY_ELSEWHERE);
        }
        return loads(feature, type, attachType.number(), id.getAsInt());
    }

    private Optional<Unsupported> loads(Feature feature, ProgramType type, int attachType, int btfId) {
        long fd = loadNothing(type, attachType, btfId);
        if (!Errno.isError(fd)) {
            host.close((int) fd);
            return Optional.empty();
        }
        return refuse(feature, reason(-fd, "", feature.title()), TRY_ELSEWHERE);
    }

    /** Loads {@code r0 = 0; exit}; a descriptor or minus an errno. */
    private long loadNothing(ProgramType type, int attachType, int btfId) {
        var nothing = Bytecode.of(Bytecode.pack(0xb7, 0, 0, 0, 0), Bytecode.pack(0x95, 0, 0, 0, 0));
        try (var memory = host.syscalls().allocate(32)) {
            memory.putBytes(0, nothing.toBytes()).putBytes(16, new byte[] {'G', 'P', 'L', 0});
            long at = memory.pushed(20);
            return host.bpf()
                    .programLoad(new Bpf.ProgramLoad(
                            type,
                            attachType,
                            "skep_feature",
                            at,
                            2,
                            at + 16,
                            btfId,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            Bpf.FunctionInfo.NONE));
        }
    }

    /** A link to a folder fails with EBADF where multi links are known, with EINVAL where they are not. */
    private Optional<Unsupported> uprobeMulti() {
        long program = loadNothing(ProgramType.KPROBE, AttachType.TRACE_UPROBE_MULTI.number(), 0);
        if (Errno.isError(program)) {
            return refuse(Feature.UPROBE_MULTI, reason(-program, "", "uprobe multi links"), "Use uprobes one by one.");
        }
        try (var memory = host.syscalls().allocate(16)) {
            memory.putBytes(0, new byte[] {'/', 0});
            long at = memory.pushed(16);
            long link = host.bpf().linkUprobes((int) program, AttachType.TRACE_UPROBE_MULTI, at, at + 8, 0, 0, 1, 0, 0);
            if (!Errno.isError(link)) {
                host.close((int) link);
            } else if (link != -Errno.EBADF) {
                return refuse(
                        Feature.UPROBE_MULTI,
                        "this kernel has no uprobe multi links (they came with Linux 6.6)",
                        "Use uprobes one by one.");
            }
            return Optional.empty();
        } finally {
            host.close((int) program);
        }
    }

    private Optional<Unsupported> opens(Feature feature, Perf.Event event) {
        long fd = host.perf().open(event, 0, -1);
        if (!Errno.isError(fd)) {
            host.close((int) fd);
            return Optional.empty();
        }
        var reason = feature == Feature.PERF_HARDWARE && (fd == -Errno.ENOENT || fd == -Errno.EOPNOTSUPP)
                ? "this machine has no hardware performance counters (no PMU), as is usual in virtual machines"
                : reason(-fd, "CONFIG_PERF_EVENTS", feature.title());
        return refuse(feature, reason, "Use software events, such as software:cpu-clock.");
    }

    private Optional<Unsupported> ringBuffer() {
        long fd = host.bpf().mapCreate(MapType.RINGBUF, "probe", 0, 0, 4096, 0, Bpf.MapDetails.NONE);
        if (!Errno.isError(fd)) {
            host.close((int) fd);
            return Optional.empty();
        }
        return refuse(Feature.RING_BUFFER, "BPF ring buffers came with Linux 5.8 and this is " + kernel.version(), "");
    }

    private Optional<Unsupported> userStackCopy() {
        return kernel.version().isAtLeast(5, 15)
                ? Optional.empty()
                : refuse(
                        Feature.USER_STACK_COPY,
                        "bpf_task_pt_regs came with Linux 5.15 and this is " + kernel.version(),
                        "Use ustack, which follows frame pointers.");
    }

    private Optional<Unsupported> btf() {
        if (host.files().exists("/sys/kernel/btf/vmlinux")) {
            return Optional.empty();
        }
        var reason = isOff("CONFIG_DEBUG_INFO_BTF")
                ? "this kernel is built without BTF"
                : "this kernel publishes no BTF at /sys/kernel/btf/vmlinux";
        return refuse(Feature.BTF, reason, "");
    }

    /** Why the kernel said no, as a clause. */
    String reason(long errno, String option, String what) {
        if (!option.isEmpty() && isOff(option)) {
            return "this kernel is built without " + what;
        }
        if (errno == Errno.EPERM || errno == Errno.EACCES) {
            return denied(what);
        }
        return "this kernel refuses " + what + " (" + Errno.name(errno) + ")";
    }

    /** A refusal although the capabilities are there comes from a security policy. */
    private String denied(String what) {
        if (LinuxTargetProvider.missing(host) != 0) {
            return "this user lacks CAP_BPF or CAP_PERFMON for " + what;
        }
        var lockdown = host.files().text("/sys/kernel/security/lockdown").orElse("");
        int open = lockdown.indexOf('[');
        int close = lockdown.indexOf(']');
        var level = open >= 0 && close > open ? lockdown.substring(open + 1, close) : "";
        return level.isEmpty() || level.equals("none")
                ? "this kernel is locked down: it refuses " + what + " to every user (EPERM)"
                : "this kernel is locked down (" + level + "): it refuses " + what + " to every user (EPERM)";
    }

    /** Whether the kernel says that it was built without an option; false if it says nothing. */
    boolean isOff(String option) {
        var text = configuration();
        return !text.isEmpty() && !text.contains("\n" + option + "=");
    }

    private String configuration() {
        if (configuration.isEmpty()) {
            configuration = host.files()
                    .read("/proc/config.gz")
                    .map(FeatureProbes::inflate)
                    .or(() -> host.files().text("/boot/config-" + kernel.release()))
                    .orElse("");
        }
        return configuration;
    }

    private static String inflate(byte[] gzip) {
        try (var in = new GZIPInputStream(new ByteArrayInputStream(gzip))) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
        } catch (IOException damaged) {
            return "";
        }
    }
}
