package skep.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.TracepointFormat;
import skep.isa.kernel.Unsupported;
import skep.isa.kernel.UserBinary;
import skep.linux.sys.Sys;

/**
 * What a compiler may know of a live kernel. Each piece is read when it is first asked for and then kept: the types are
 * six megabytes, the symbols four. Safe for any thread.
 */
public final class LinuxKernel implements KernelInfo {
    private static final String TYPES = "/sys/kernel/btf/";
    private static final int UTS_FIELD_BYTES = 65;

    /** {@code PROC_PID_INIT_INO} of the kernel (include/linux/proc_ns.h). */
    private static final long FIRST_PID_NAMESPACE = 0xEFFF_FFFCL;

    private final Host host;
    private final Tracefs tracefs;
    private final String release;
    private final KernelVersion version;
    private final int possibleCpus;
    private final FeatureProbes features;
    private final Binaries binaries;
    private final Map<Feature, Optional<Unsupported>> refusals = new ConcurrentHashMap<>();
    private final Map<String, Optional<TracepointFormat>> formats = new ConcurrentHashMap<>();

    private final Map<String, Optional<Btf>> moduleTypes = new ConcurrentHashMap<>();

    private volatile Optional<Btf> types = Optional.empty();
    private volatile boolean typesRead;
    private volatile Optional<BuildConfiguration> configuration = Optional.empty();
    private volatile Optional<Kallsyms> symbols = Optional.empty();

    LinuxKernel(Host host) {
        this.host = host;
        this.tracefs = new Tracefs(host);
        this.release = release(host);
        this.version = version(release);
        this.possibleCpus = highestCpu(host, "possible") + 1;
        this.features = new FeatureProbes(host, this);
        this.binaries = new Binaries(host);
    }

    private static String release(Host host) {
        try (var names = host.syscalls().allocate(6 * UTS_FIELD_BYTES)) {
            host.syscalls().call(Sys.UNAME, names.address());
            names.pulled(0, names.sizeBytes());
            return names.getString(2 * UTS_FIELD_BYTES, UTS_FIELD_BYTES);
        }
    }

    /** {@code 6.18.44-fc-v669} is 6.18.44; what follows the numbers is the distributor's. */
    static KernelVersion version(String release) {
        var parts = new int[3];
        int part = 0;
        for (int i = 0; i < release.length(); i++) {
            char c = release.charAt(i);
            if (c >= '0' && c <= '9') {
                parts[part] = parts[part] * 10 + (c - '0');
            } else if (c != '.' || ++part == parts.length) {
                break;
            }
        }
        return new KernelVersion(parts[0], parts[1], parts[2]);
    }

    /** The last number of a CPU list such as {@code 0-3,6}. */
    private static int highestCpu(Host host, String list) {
        var text = host.files().text("/sys/devices/system/cpu/" + list).orElse("0");
        int start = Math.max(text.lastIndexOf('-'), text.lastIndexOf(',')) + 1;
        return Integer.parseInt(text.substring(start));
    }

    /** The CPUs that run now. */
    int[] onlineCpus() {
        var text = host.files().text("/sys/devices/system/cpu/online").orElse("0");
        return Stream.of(text.split(","))
                .flatMapToInt(range -> {
                    int dash = range.indexOf('-');
                    int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
                    int last = Integer.parseInt(range.substring(dash + 1));
                    return java.util.stream.IntStream.rangeClosed(first, last);
                })
                .toArray();
    }

    /** The name as {@code uname -r} prints it. */
    public String release() {
        return release;
    }

    Tracefs tracefs() {
        return tracefs;
    }

    @Override
    public String description() {
        return "Linux " + release + " " + arch().machine();
    }

    @Override
    public Arch arch() {
        return host.syscalls().arch();
    }

    @Override
    public KernelVersion version() {
        return version;
    }

    @Override
    public int possibleCpus() {
        return possibleCpus;
    }

    @Override
    public OptionalLong memoryBytes() {
        // MemTotal:       24689764 kB
        return host.files()
                .text("/proc/meminfo")
                .flatMap(text -> text.lines()
                        .filter(line -> line.startsWith("MemTotal:"))
                        .findFirst())
                .map(line -> line.replaceAll("[^0-9]", ""))
                .filter(digits -> !digits.isEmpty())
                .map(digits -> OptionalLong.of(Long.parseLong(digits) * 1024))
                .orElse(OptionalLong.empty());
    }

    @Override
    public Optional<Btf> types() {
        if (!typesRead) {
            synchronized (this) {
                if (!typesRead) {
                    types = host.files().read(TYPES + "vmlinux").map(Btf::parse);
                    typesRead = true;
                }
            }
        }
        return types;
    }

    @Override
    public Optional<Btf> types(String module) {
        if (module.isEmpty() || module.equals("vmlinux")) {
            return types();
        }
        return moduleTypes.computeIfAbsent(
                module, name -> types().flatMap(base -> moduleBtf(name).map(bytes -> Btf.parseSplit(bytes, base))));
    }

    Optional<byte[]> moduleBtf(String module) {
        return module.contains("/") ? Optional.empty() : host.files().read(TYPES + module);
    }

    /** The modules that publish their types. */
    List<String> typedModules() {
        return host.files().list(TYPES).stream()
                .filter(name -> !name.equals("vmlinux"))
                .sorted()
                .toList();
    }

    @Override
    public Optional<String> moduleOf(String function) {
        return symbols().moduleOf(function);
    }

    @Override
    public Optional<String> configuration(String name) {
        if (configuration.isEmpty()) {
            configuration = Optional.of(BuildConfiguration.read(host, release));
        }
        return configuration.get().value(name);
    }

    @Override
    public Optional<TracepointFormat> tracepoint(String category, String event) {
        return formats.computeIfAbsent(category + ":" + event, name -> tracefs.format(category, event));
    }

    @Override
    public Stream<String> probes(ProbeKind kind) {
        return switch (kind) {
            case TRACEPOINT -> tracefs.events().stream();
            case RAWTRACEPOINT -> rawTracepoints().stream();
            case KPROBE, KRETPROBE -> tracedFunctions().stream();
            case FENTRY, FEXIT -> typedFunctions();
            case SOFTWARE -> PerfEvents.SOFTWARE.names().stream();
            case HARDWARE -> PerfEvents.HARDWARE.names().stream();
            case ITER -> iterators().stream();
            default -> Stream.of();
        };
    }

    /** A system call's events are no tracepoints of their own; all others carry the tracepoint's name. */
    private List<String> rawTracepoints() {
        return tracefs.events().stream()
                .filter(event -> !event.startsWith("syscalls:"))
                .map(event -> "vmlinux:" + event.substring(event.indexOf(':') + 1))
                .distinct()
                .sorted()
                .toList();
    }

    /** What ftrace can patch, or all functions where the kernel does not tell. */
    private List<String> tracedFunctions() {
        var own = host.settings().functions();
        var listed = (own.isEmpty()
                        ? tracefs.read("available_filter_functions")
                        : host.files().read(own))
                .filter(bytes -> bytes.length > 0);
        if (listed.isEmpty()) {
            return symbols().functions();
        }
        return new String(listed.get(), java.nio.charset.StandardCharsets.US_ASCII)
                .lines()
                .map(line -> {
                    int space = line.indexOf(' ');
                    return space < 0
                            ? line
                            : line.substring(space + 1).replace("[", "").replace("]", ":") + line.substring(0, space);
                })
                .sorted()
                .distinct()
                .toList();
    }

    private Stream<String> typedFunctions() {
        return Stream.concat(Stream.of("vmlinux"), Stream.of(0).flatMap(later -> typedModules().stream()))
                .flatMap(module -> types(module).stream().flatMap(btf -> typedFunctions(module, btf)));
    }

    /** Functions that have a type, as {@code vmlinux:name}, sorted. */
    static Stream<String> typedFunctions(String module, Btf btf) {
        return btf.ids(BtfKind.FUNC)
                .mapToObj(id -> module + ":" + btf.name(id))
                .distinct()
                .sorted();
    }

    private List<String> iterators() {
        return types().stream()
                .flatMap(btf -> btf.ids(BtfKind.FUNC).mapToObj(btf::name))
                .filter(name -> name.startsWith("bpf_iter_"))
                .map(name -> name.substring("bpf_iter_".length()))
                .filter(name -> !name.contains("__"))
                .filter(this::isIterator)
                .distinct()
                .sorted()
                .toList();
    }

    /** Iterators hand over {@code struct bpf_iter__NAME}; other functions share their prefix. */
    private boolean isIterator(String name) {
        return types().flatMap(btf -> btf.struct("bpf_iter__" + name)).isPresent();
    }

    @Override
    public boolean hasFunction(String module, String function) {
        return symbols().hasFunction(module, function);
    }

    @Override
    public Optional<Long> symbolAddress(String name) {
        return symbols().address(name);
    }

    @Override
    public Optional<Symbol> symbolAt(long address) {
        return symbols().at(address);
    }

    byte[] symbolText() {
        return host.files().read("/proc/kallsyms").orElse(new byte[0]);
    }

    Kallsyms symbols() {
        var known = symbols;
        if (known.isEmpty()) {
            synchronized (this) {
                known = symbols;
                if (known.isEmpty()) {
                    known = Optional.of(
                            Kallsyms.parse(host.files().read("/proc/kallsyms").orElse(new byte[0])));
                    symbols = known;
                }
            }
        }
        return known.get();
    }

    Binaries binaries() {
        return binaries;
    }

    @Override
    public Optional<UserBinary> binary(String nameOrPath) {
        return binaries.find(nameOrPath).stream()
                .<UserBinary>map(binary -> binary)
                .findFirst();
    }

    @Override
    public boolean knowsFiles() {
        return true;
    }

    @Override
    public List<UserBinary> binaries(String nameOrPattern, OptionalInt pid) {
        return binaries.find(nameOrPattern, pid).stream()
                .<UserBinary>map(binary -> binary)
                .toList();
    }

    /** The id of a control group is the number of its folder. */
    @Override
    public OptionalLong cgroupId(String path) {
        long inode = host.files().inode(path);
        return inode > 0 ? OptionalLong.of(inode) : OptionalLong.empty();
    }

    @Override
    public Optional<Namespace> pidNamespace() {
        var name = host.files().link("/proc/self/ns/pid").orElse("");
        if (!host.isLocal() || !name.startsWith("pid:[") || name.equals("pid:[" + FIRST_PID_NAMESPACE + "]")) {
            return Optional.empty();
        }
        try {
            var device = java.nio.file.Files.getAttribute(Path.of("/proc/self/ns/pid"), "unix:dev");
            long inode = Long.parseLong(name.substring(5, name.length() - 1));
            return Optional.of(new Namespace(((Number) device).longValue(), inode));
        } catch (IOException | NumberFormatException unreadable) {
            return Optional.empty();
        }
    }

    @Override
    public Optional<Unsupported> unsupported(Feature feature) {
        var known = refusals.get(feature);
        if (known == null) {
            known = features.probe(feature);
            refusals.put(feature, known);
        }
        return known;
    }
}
