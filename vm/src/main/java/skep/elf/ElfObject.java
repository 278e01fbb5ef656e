package skep.elf;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.btf.Btf;
import skep.btf.BtfException;
import skep.btf.BtfExt;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.object.BpfObject;
import skep.isa.object.MapSetup;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;

/**
 * An object file as programs and maps, functions linked, not yet adapted to any kernel.
 *
 * @param programs with the section that each came from
 * @param maps in the order of the file, global data last
 * @param types the types of the programs, if the file has BTF, as a kernel takes them
 * @param offsets where global variables lie in their sections
 * @param externs settings of the kernel that the programs read
 */
public record ElfObject(
        List<ElfProgram> programs,
        List<ElfMap> maps,
        String license,
        Optional<Btf> types,
        Map<String, Long> offsets,
        Settings externs) {
    public ElfObject {
        programs = List.copyOf(programs);
        maps = List.copyOf(maps);
        offsets = Map.copyOf(offsets);
    }

    /** Settings of the kernel's build that the programs read, and the map that will hold them. */
    public static final class Settings {
        private final Externs externs;
        private final String map;

        private Settings(Externs externs, String map) {
            this.externs = externs;
            this.map = map;
        }
    }

    /**
     * A program.
     *
     * @param relocations CO-RE relocations, offsets counted from the start of the linked program
     * @param uses kernel functions and variables that it names
     */
    public record ElfProgram(
            ProgramSpec spec, SectionName section, List<BtfExt.CoreRelocation> relocations, List<Use> uses) {
        public ElfProgram {
            relocations = List.copyOf(relocations);
            uses = List.copyOf(uses);
        }
    }

    /**
     * A place in a program that names a kernel function or variable ({@code __ksym}).
     *
     * @param slot of the call or of the 64-bit load
     * @param weak whether the program goes without if the kernel does not have it
     * @param typed whether the program knows its type: then the verifier does too
     */
    public record Use(int slot, String name, boolean call, boolean weak, boolean typed) {}

    /**
     * A map.
     *
     * @param pinned whether it wants to be pinned by its name
     */
    public record ElfMap(MapSpec spec, boolean pinned) {}

    /**
     * Reads an object file.
     *
     * @param name of the file, without folders and suffix: global data maps are called after it
     * @throws ElfException if it is malformed or asks for what cannot be done
     */
    public static ElfObject parse(byte[] bytes, String name) {
        var file = RelocatableFile.parse(bytes);
        try {
            var types = file.section(".BTF").map(s -> Btf.parse(s.data().bytes()));
            var ext = types.isPresent()
                    ? file.section(".BTF.ext")
                            .map(s -> BtfExt.parse(s.data().bytes(), types.get()))
                            .orElse(BtfExt.EMPTY)
                    : BtfExt.EMPTY;
            var license = file.section("license").map(ElfObject::text).orElse("");
            var maps = MapSections.read(file, types, name);
            var externs = Externs.read(file, types);
            var settings = new Settings(externs, MapSections.dataName(name, Externs.SETTINGS_SECTION));
            var programs = new Linker(file, ext, maps, license, types, externs, settings.map).programs();
            var loadable = types.map(btf -> LoadableTypes.of(btf, file));
            return new ElfObject(programs, maps.all(), license, loadable, offsets(file), settings);
        } catch (BtfException malformed) {
            throw new ElfException("the file's BTF: " + malformed.getMessage());
        }
    }

    private static Map<String, Long> offsets(RelocatableFile file) {
        var offsets = new HashMap<String, Long>();
        for (var symbol : file.symbols()) {
            if (symbol.kind() == RelocatableFile.SYMBOL_OBJECT) {
                offsets.put(symbol.name(), symbol.value());
            }
        }
        return offsets;
    }

    private static String text(RelocatableFile.Section section) {
        return section.data().length() == 0 ? "" : RelocatableFile.string(section.data(), 0);
    }

    /**
     * The programs and maps for one kernel: CO-RE relocations applied, kernel functions, variables and settings filled in.
     *
     * @throws ElfException if the kernel lacks what the programs need
     */
    public BpfObject relocated(KernelInfo kernel) {
        boolean needsTypes = programs.stream().anyMatch(program -> !program.relocations.isEmpty());
        return relocated(needsTypes ? kernel.types() : Optional.empty(), Optional.of(kernel));
    }

    /**
     * The same for a kernel of which nothing is known but its types.
     *
     * @throws ElfException if a relocation needs types and there are none, or the programs need more than types
     */
    public BpfObject relocated(Optional<Btf> kernelTypes) {
        return relocated(kernelTypes, Optional.empty());
    }

    private BpfObject relocated(Optional<Btf> kernelTypes, Optional<KernelInfo> kernel) {
        var resolver = new ExternResolver(types, kernel);
        var specs = new ArrayList<ProgramSpec>();
        for (var program : programs) {
            var spec = program.relocations.isEmpty() || types.isEmpty()
                    ? program.spec
                    : new CoreRelocator(types.get(), kernelTypes).apply(program);
            specs.add(resolver.apply(spec, program.uses));
        }
        var specsOfMaps = new ArrayList<>(maps.stream().map(ElfMap::spec).toList());
        if (!externs.externs.settings().isEmpty()) {
            var contents = resolver.settings(externs.externs);
            specsOfMaps.add(new MapSpec(
                    externs.map,
                    MapType.ARRAY,
                    4,
                    contents.length(),
                    1,
                    MapFlags.MMAPABLE | MapFlags.RDONLY_PROG,
                    MapSetup.data(Optional.of(contents), true, 0)));
        }
        return new BpfObject(specs, specsOfMaps, types);
    }

    public ElfProgram program(String name) {
        return programs.stream()
                .filter(p -> p.spec.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no program " + name));
    }

    /** The variables in a map of global data by name, with their places; empty without BTF. */
    public Map<String, BtfType.DataSection.Slot> variables(ElfMap map) {
        var variables = new LinkedHashMap<String, BtfType.DataSection.Slot>();
        var section = map.spec().name().substring(Math.max(0, map.spec().name().indexOf('.')));
        types.ifPresent(btf -> btf.find(section, BtfKind.DATASEC).ifPresent(id -> {
            for (var slot : ((BtfType.DataSection) btf.type(id)).variables()) {
                if (btf.type(slot.typeId()) instanceof BtfType.Variable variable) {
                    long offset = offsets.getOrDefault(variable.name(), slot.offsetBytes());
                    variables.put(
                            variable.name(),
                            new BtfType.DataSection.Slot(variable.typeId(), offset, btf.sizeBytes(variable.typeId())));
                }
            }
        }));
        return variables;
    }

    /** Sections of programs by program name. */
    public Map<String, String> sections() {
        var sections = new LinkedHashMap<String, String>();
        programs.forEach(p -> sections.put(p.spec.name(), p.section.section()));
        return sections;
    }
}
