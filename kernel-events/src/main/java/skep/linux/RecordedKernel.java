package skep.linux;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import skep.btf.Btf;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.TracepointFormat;
import skep.isa.kernel.Unsupported;

/**
 * What a compiler may know of a kernel, written down on its machine and read on another: a zip file of
 *
 * <pre>
 *   kernel      lines KEY VALUE: description, arch, version, cpus, memory (bytes)
 *   features    lines FEATURE TAB reason TAB instead; those that are refused
 *   btf         the kernel's types as it publishes them
 *   btf/MODULE  those of a module
 *   formats     category:event, then the fields as in tracefs, a blank line after each
 *   probes/KIND names of attach points, one a line
 *   kallsyms    as in /proc
 * </pre>
 */
final class RecordedKernel implements KernelInfo {
    private static final List<ProbeKind> KINDS =
            List.of(ProbeKind.TRACEPOINT, ProbeKind.RAWTRACEPOINT, ProbeKind.KPROBE, ProbeKind.ITER);
    /** Against files that only look like recordings. */
    private static final int MAX_PART_BYTES = 1 << 28;

    private static final String MODULE_TYPES = "btf/";

    private final Map<String, byte[]> moduleBtf = new TreeMap<>();
    private final Map<String, Optional<Btf>> moduleTypes = new ConcurrentHashMap<>();
    private final Map<String, String> facts = new HashMap<>();
    private final Map<Feature, Unsupported> refusals = new EnumMap<>(Feature.class);
    private final Map<String, String> formats = new HashMap<>();
    private final Map<ProbeKind, List<String>> probes = new EnumMap<>(ProbeKind.class);
    private byte[] btf = {};
    private byte[] kallsyms = {};
    private volatile Optional<Btf> types = Optional.empty();
    private volatile Optional<Kallsyms> symbols = Optional.empty();

    private RecordedKernel() {}

    static void write(LinuxKernel kernel, OutputStream out) throws IOException {
        var zip = new ZipOutputStream(out);
        part(zip, "kernel", """
                description %s
                arch %s
                version %s
                cpus %d
                memory %d
                """.formatted(
                        kernel.description(),
                        kernel.arch(),
                        kernel.version(),
                        kernel.possibleCpus(),
                        kernel.memoryBytes().orElse(0)));
        var features = new StringBuilder();
        for (var feature : Feature.values()) {
            kernel.unsupported(feature)
                    .ifPresent(no -> features.append(feature)
                            .append('\t')
                            .append(no.reason())
                            .append('\t')
                            .append(no.instead())
                            .append('\n'));
        }
        part(zip, "features", features.toString());
        part(zip, "btf", kernel.types().map(Btf::bytes).orElse(new byte[0]));
        for (var module : kernel.typedModules()) {
            part(zip, MODULE_TYPES + module, kernel.moduleBtf(module).orElse(new byte[0]));
        }
        var formats = new StringBuilder();
        for (var event : kernel.tracefs().events()) {
            int colon = event.indexOf(':');
            kernel.tracefs()
                    .formatText(event.substring(0, colon), event.substring(colon + 1))
                    .ifPresent(text -> formats.append(event)
                            .append('\n')
                            .append(text.lines()
                                    .filter(line -> line.contains("field:"))
                                    .takeWhile(line -> !line.startsWith("print fmt"))
                                    .reduce("", (all, line) -> all + line + "\n"))
                            .append('\n'));
        }
        part(zip, "formats", formats.toString());
        for (var kind : KINDS) {
            part(zip, "probes/" + kind, String.join("\n", kernel.probes(kind).toList()));
        }
        part(zip, "kallsyms", kernel.symbolText());
        zip.finish();
        zip.flush();
    }

    private static void part(ZipOutputStream zip, String name, String text) throws IOException {
        part(zip, name, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void part(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        var entry = new ZipEntry(name);
        entry.setTime(0);
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }

    /**
     * Reads a recording.
     *
     * @throws IOException if it is none; the message says what is wrong
     */
    static RecordedKernel read(InputStream in) throws IOException {
        var kernel = new RecordedKernel();
        var zip = new ZipInputStream(in);
        for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
            var bytes = zip.readNBytes(MAX_PART_BYTES);
            switch (entry.getName()) {
                case "kernel" -> kernel.readFacts(text(bytes));
                case "features" -> kernel.readFeatures(text(bytes));
                case "btf" -> kernel.btf = bytes;
                case "formats" -> kernel.readFormats(text(bytes));
                case "kallsyms" -> kernel.kallsyms = bytes;
                default -> {
                    if (entry.getName().startsWith(MODULE_TYPES)) {
                        kernel.moduleBtf.put(entry.getName().substring(MODULE_TYPES.length()), bytes);
                    } else {
                        kernel.readProbes(entry.getName(), text(bytes));
                    }
                }
            }
        }
        if (!kernel.facts.keySet().containsAll(List.of("description", "arch", "version", "cpus"))) {
            throw new IOException("no recording of a kernel: make one with skep kernel-info > FILE");
        }
        try {
            kernel.arch();
            kernel.possibleCpus();
        } catch (IllegalArgumentException damaged) {
            throw new IOException("a damaged recording of a kernel: " + damaged.getMessage());
        }
        return kernel;
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private void readFacts(String text) {
        text.lines().filter(line -> line.indexOf(' ') > 0).forEach(line -> {
            int space = line.indexOf(' ');
            facts.put(line.substring(0, space), line.substring(space + 1));
        });
    }

    private void readFeatures(String text) {
        text.lines().forEach(line -> {
            var parts = line.split("\t", -1);
            for (var feature : Feature.values()) {
                if (parts.length == 3 && feature.name().equals(parts[0])) {
                    refusals.put(feature, new Unsupported(feature, parts[1], parts[2]));
                }
            }
        });
    }

    private void readFormats(String text) {
        for (var block : text.split("\n\n")) {
            int end = block.indexOf('\n');
            if (end > 0) {
                formats.put(block.substring(0, end), block.substring(end + 1));
            }
        }
    }

    private void readProbes(String name, String text) {
        for (var kind : KINDS) {
            if (name.equals("probes/" + kind)) {
                probes.put(kind, text.lines().toList());
            }
        }
    }

    @Override
    public String description() {
        return facts.get("description");
    }

    @Override
    public Arch arch() {
        return Arch.valueOf(facts.get("arch"));
    }

    @Override
    public KernelVersion version() {
        return LinuxKernel.version(facts.get("version"));
    }

    @Override
    public int possibleCpus() {
        return Integer.parseInt(facts.get("cpus"));
    }

    @Override
    public Optional<Btf> types() {
        if (types.isEmpty() && btf.length > 0) {
            types = Optional.of(Btf.parse(btf));
        }
        return types;
    }

    @Override
    public Optional<TracepointFormat> tracepoint(String category, String event) {
        return Optional.ofNullable(formats.get(category + ":" + event))
                .map(text -> Tracefs.parse(category, event, text));
    }

    @Override
    public Optional<Btf> types(String module) {
        if (module.isEmpty() || module.equals("vmlinux")) {
            return types();
        }
        return moduleTypes.computeIfAbsent(
                module,
                name -> Optional.ofNullable(moduleBtf.get(name))
                        .flatMap(bytes -> types().map(base -> Btf.parseSplit(bytes, base))));
    }

    @Override
    public Optional<String> moduleOf(String function) {
        return symbols().moduleOf(function);
    }

    @Override
    public OptionalLong memoryBytes() {
        long bytes = Long.parseLong(facts.getOrDefault("memory", "0"));
        return bytes > 0 ? OptionalLong.of(bytes) : OptionalLong.empty();
    }

    @Override
    public Stream<String> probes(ProbeKind kind) {
        var same = kind == ProbeKind.KRETPROBE ? ProbeKind.KPROBE : kind;
        return switch (kind) {
            case FENTRY, FEXIT ->
                Stream.concat(Stream.of("vmlinux"), moduleBtf.keySet().stream())
                        .flatMap(module ->
                                types(module).stream().flatMap(btf -> LinuxKernel.typedFunctions(module, btf)));
            default -> new ArrayList<>(probes.getOrDefault(same, List.of())).stream();
        };
    }

    private Kallsyms symbols() {
        if (symbols.isEmpty()) {
            symbols = Optional.of(Kallsyms.parse(kallsyms));
        }
        return symbols.get();
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

    @Override
    public Optional<Unsupported> unsupported(Feature feature) {
        return Optional.ofNullable(refusals.get(feature));
    }
}
