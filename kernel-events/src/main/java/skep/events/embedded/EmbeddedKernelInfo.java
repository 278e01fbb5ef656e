package skep.events.embedded;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import skep.btf.Btf;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.TracepointFormat;
import skep.isa.kernel.Unsupported;
import skep.isa.kernel.UserBinary;
import skep.vm.Iteration;
import skep.vm.helpers.KfuncTable;

/** What a compiler may know of the model. Reads only what is fixed once the kernel is built, so any thread may ask. */
final class EmbeddedKernelInfo implements KernelInfo {
    static final KernelVersion VERSION = new KernelVersion(6, 12, 117);

    private final EmbeddedKernel kernel;
    private volatile Optional<Btf> types = Optional.empty();

    EmbeddedKernelInfo(EmbeddedKernel kernel) {
        this.kernel = kernel;
    }

    @Override
    public String description() {
        var options = kernel.options();
        return "embedded kernel " + VERSION + " " + arch().machine() + ", scenario " + options.scenario() + ", seed "
                + options.seed();
    }

    @Override
    public Arch arch() {
        return kernel.arch;
    }

    @Override
    public KernelVersion version() {
        return VERSION;
    }

    @Override
    public int possibleCpus() {
        return kernel.cpus.length;
    }

    @Override
    public Optional<Btf> types() {
        if (types.isEmpty()) {
            types = Optional.of(kernel.types.withDeclarations(kernel.symbols, kernel.allTracepoints()));
        }
        return types;
    }

    @Override
    public Optional<TracepointFormat> tracepoint(String category, String event) {
        return kernel.findTracepoint(category, event).map(Tracepoint::format);
    }

    @Override
    public Stream<String> probes(ProbeKind kind) {
        return switch (kind) {
            case KPROBE, KRETPROBE, FENTRY, FEXIT -> kernel.symbols.probeableNames().stream();
            case TRACEPOINT ->
                kernel.allTracepoints().stream()
                        .map(t -> t.category() + ":" + t.event())
                        .sorted();
            case RAWTRACEPOINT -> kernel.rawTracepointNames().stream();
            case UPROBE, URETPROBE ->
                kernel.userSpace.images().values().stream()
                        .flatMap(image -> image.functions().stream().map(name -> image.path() + ":" + name))
                        .sorted();
            case USDT ->
                kernel.userSpace.images().values().stream()
                        .flatMap(image -> image.probes().stream().map(probe -> image.path() + ":" + probe))
                        .sorted();
            case ITER -> Stream.of(Iteration.MAP_ELEMENTS, Iteration.TASKS);
            default -> Stream.empty();
        };
    }

    @Override
    public boolean hasFunction(String module, String function) {
        return (module.isEmpty() || module.equals("vmlinux"))
                && kernel.symbols.find(function).filter(Routine::probeable).isPresent();
    }

    @Override
    public Optional<UserBinary> binary(String nameOrPath) {
        return kernel.userSpace.find(nameOrPath).map(image -> image);
    }

    @Override
    public OptionalLong cgroupId(String path) {
        var below = path.startsWith("/sys/fs/cgroup") ? path.substring("/sys/fs/cgroup".length()) : path;
        var found = kernel.containers.findGroup(below.isEmpty() ? "/" : below);
        return found.isPresent() ? OptionalLong.of(found.get()) : OptionalLong.empty();
    }

    @Override
    public Optional<Long> symbolAddress(String name) {
        return kernel.symbols.address(name);
    }

    @Override
    public Optional<Symbol> symbolAt(long address) {
        return kernel.symbols.at(address).map(r -> new Symbol(r.name(), "", address - r.address));
    }

    @Override
    public String missingFunction(String name) {
        return KfuncTable.refusal(name);
    }

    @Override
    public Optional<Unsupported> unsupported(Feature feature) {
        return switch (feature) {
            case BPF_SYSCALL,
                    KPROBE,
                    KPROBE_MULTI,
                    FENTRY,
                    TRACEPOINT,
                    RAW_TRACEPOINT,
                    BTF_TRACEPOINT,
                    UPROBE,
                    UPROBE_MULTI,
                    PERF_SOFTWARE,
                    PERF_HARDWARE,
                    RING_BUFFER,
                    BTF,
                    ITER -> Optional.empty();
            case KPROBE_SESSION, UPROBE_SESSION ->
                no(
                        feature,
                        "the embedded kernel has no session links",
                        "Use a probe of the entry and one of the return.");
            case FMOD_RET, LSM, SOCKET_FILTER, XDP, TC, CGROUP ->
                no(feature, "the embedded kernel runs tracing programs only", "");
            case WATCHPOINT ->
                no(feature, "the embedded kernel has no watchpoints", "Use a kprobe of the function that writes.");
            case USER_STACK_COPY ->
                no(feature, "the programs of the embedded kernel all have frame pointers", "Use ustack.");
        };
    }

    private static Optional<Unsupported> no(Feature feature, String reason, String instead) {
        return Optional.of(new Unsupported(feature, reason, instead));
    }
}
