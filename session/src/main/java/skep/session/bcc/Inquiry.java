package skep.session.bcc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import skep.btf.BtfKind;
import skep.c.bcc.UsdtArguments;
import skep.c.pp.IncludeProvider;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.UsdtProbe;
import skep.source.Source;

/** Questions that loaders of BCC programs ask about a kernel and about programs of its users. Answers are lines of text. */
public final class Inquiry {
    private final KernelInfo kernel;

    public Inquiry(BccHost host) {
        this.kernel = host.target().kernel();
    }

    public String kernelFunctions(Pattern wanted) {
        var names = kernel.probes(ProbeKind.KPROBE).map(name -> name.substring(name.indexOf(':') + 1));
        // Kernels call it by another name once the compiler has changed it.
        var served = KernelProbes.servesSwitches(kernel) ? Stream.of("finish_task_switch") : Stream.<String>empty();
        return Stream.concat(served, names)
                .filter(name -> wanted.matcher(name).matches())
                .distinct()
                .collect(Collectors.joining("\n"));
    }

    public String tracepoints(Pattern wanted) {
        return kernel.probes(ProbeKind.TRACEPOINT)
                .filter(name -> wanted.matcher(name).matches())
                .collect(Collectors.joining("\n"));
    }

    /** @param feature the name of a {@link Feature} */
    public boolean supports(String feature) {
        return kernel.unsupported(Feature.valueOf(feature)).isEmpty();
    }

    public int structHasField(String struct, String field) {
        var types = kernel.types();
        if (types.isEmpty()) {
            return -1;
        }
        var btf = types.get();
        var id = btf.find(struct, BtfKind.STRUCT);
        if (id.isEmpty()) {
            id = btf.find(struct, BtfKind.UNION);
        }
        return id.isEmpty() ? -1 : btf.path(id.getAsInt(), field).isPresent() ? 1 : 0;
    }

    /** @param kind a kind of BTF, for example {@code FUNC} or {@code TYPEDEF} */
    public boolean hasType(String kind, String name) {
        return kernel.types()
                .map(btf -> btf.find(name, BtfKind.valueOf(kind)).isPresent())
                .orElse(false);
    }

    /** The path of a library by its short name: {@code c} is the C library. */
    public Optional<String> library(String name) {
        if (name.contains("/")) {
            return Optional.of(name);
        }
        return kernel.binary("lib" + name)
                .map(binary -> binary.path())
                .or(() -> images().filter(path -> isLibrary(path, name)).findFirst());
    }

    private static boolean isLibrary(String path, String name) {
        var file = path.substring(path.lastIndexOf('/') + 1);
        return file.startsWith("lib" + name + ".so") || file.startsWith("lib" + name + "-");
    }

    /** The path of a program by its name. */
    public Optional<String> program(String name) {
        if (name.contains("/")) {
            return Optional.of(name);
        }
        return kernel.binary(name)
                .map(binary -> binary.path())
                .filter(path -> !path.contains(".so"))
                .or(() -> images().filter(path -> path.endsWith("/" + name)).findFirst());
    }

    /** Binaries of a simulated system. */
    private Stream<String> images() {
        return kernel.probes(ProbeKind.UPROBE)
                .map(name -> name.substring(0, name.lastIndexOf(':')))
                .distinct();
    }

    public String userFunctions(String path, Pattern wanted) {
        var binary = kernel.binary(path);
        var names = binary.isPresent()
                ? binary.get().functions().stream()
                : kernel.probes(ProbeKind.UPROBE)
                        .filter(name -> name.startsWith(path + ":"))
                        .map(name -> name.substring(path.length() + 1));
        return names.filter(name -> wanted.matcher(name).matches()).collect(Collectors.joining("\n"));
    }

    /** {@code provider TAB name TAB offset TAB semaphore TAB sizes of the arguments, negative if signed}, one a line. */
    public String staticProbes(String path) {
        return kernel.binary(path).stream()
                .flatMap(binary -> binary.staticProbes().stream())
                .map(probe -> probe.provider() + "\t" + probe.name() + "\t" + probe.offset() + "\t"
                        + probe.semaphoreOffset() + "\t"
                        + probe.arguments().stream()
                                .map(a -> Integer.toString(a.signed() ? -a.sizeBytes() : a.sizeBytes()))
                                .collect(Collectors.joining(" ")))
                .collect(Collectors.joining("\n"));
    }

    /**
     * The places of a static probe.
     *
     * @param provider empty for any
     * @throws BccException if there are none
     */
    public List<UsdtProbe> staticPlaces(String path, String provider, String name) {
        var binary = kernel.binary(path)
                .orElseThrow(() ->
                        new BccException(BccException.Step.ATTACH, path + " cannot be read as a program or library"));
        var places = binary.staticProbes().stream()
                .filter(probe -> probe.name().equals(name))
                .filter(probe -> provider.isEmpty() || probe.provider().equals(provider))
                .toList();
        if (places.isEmpty()) {
            throw new BccException(
                    BccException.Step.ATTACH,
                    path + " has no static probe " + name + "."
                            + KernelProbes.didYouMean(
                                    name,
                                    binary.staticProbes().stream()
                                            .map(UsdtProbe::name)
                                            .distinct()));
        }
        return places;
    }

    /** Lines {@code path TAB provider TAB name TAB function}, with the arguments of each place. */
    public List<UsdtArguments> usdtArguments(List<String> lines) {
        var all = new ArrayList<UsdtArguments>();
        for (var line : lines) {
            var parts = line.split("\t", -1);
            var places = staticPlaces(parts[0], parts[1], parts[2]);
            all.add(new UsdtArguments(
                    places.getFirst().provider(),
                    parts[2],
                    parts[3],
                    places.stream().map(UsdtProbe::arguments).toList()));
        }
        return all;
    }

    /** Headers of the user, next to the source. */
    public IncludeProvider includes(String folder) {
        if (folder.isEmpty()) {
            return IncludeProvider.NONE;
        }
        return (name, angled, includer) -> {
            if (angled) {
                return Optional.empty();
            }
            try {
                return Optional.of(
                        new Source(name, Files.readString(Path.of(folder).resolve(name), StandardCharsets.UTF_8)));
            } catch (IOException e) {
                return Optional.empty();
            }
        };
    }
}
