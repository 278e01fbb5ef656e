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
import skep.isa.object.BpfObject;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;

/**
 * An object file as programs and maps, functions linked, not yet adapted to any kernel.
 *
 * @param programs with the section that each came from
 * @param maps in the order of the file, global data last
 * @param types the types of the programs, if the file has BTF
 * @param offsets where global variables lie in their sections
 */
public record ElfObject(
        List<ElfProgram> programs, List<ElfMap> maps, String license, Optional<Btf> types, Map<String, Long> offsets) {
    public ElfObject {
        programs = List.copyOf(programs);
        maps = List.copyOf(maps);
        offsets = Map.copyOf(offsets);
    }

    /**
     * A program.
     *
     * @param relocations CO-RE relocations, offsets counted from the start of the linked program
     */
    public record ElfProgram(ProgramSpec spec, SectionName section, List<BtfExt.CoreRelocation> relocations) {
        public ElfProgram {
            relocations = List.copyOf(relocations);
        }
    }

    /**
     * A map.
     *
     * @param inner for maps of maps, the shape of those inside
     * @param innerNames for maps of maps, the maps that the file puts inside, by index
     * @param contents the first value of a map of global data
     * @param pinned whether it wants to be pinned by its name
     * @param valueTypeId type of a value in the file's BTF, 0 if not known
     */
    public record ElfMap(
            MapSpec spec,
            Optional<MapSpec> inner,
            Map<Integer, String> innerNames,
            Optional<RelocatableFile.Data> contents,
            boolean readOnly,
            boolean pinned,
            int keyTypeId,
            int valueTypeId,
            long extra) {
        public ElfMap {
            innerNames = Map.copyOf(innerNames);
        }
    }

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
            var programs = new Linker(file, ext, maps, license).programs();
            return new ElfObject(programs, maps.all(), license, types, offsets(file));
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
     * The programs and maps for one kernel: CO-RE relocations applied.
     *
     * @param kernelTypes the types of that kernel
     * @throws ElfException if a relocation needs types and there are none
     */
    public BpfObject relocated(Optional<Btf> kernelTypes) {
        var specs = new ArrayList<ProgramSpec>();
        for (var program : programs) {
            specs.add(
                    program.relocations.isEmpty() || types.isEmpty()
                            ? program.spec
                            : new CoreRelocator(types.get(), kernelTypes).apply(program));
        }
        return new BpfObject(specs, maps.stream().map(ElfMap::spec).toList());
    }

    /** The same object with its relocations applied, so that any kernel takes it as it is. */
    public ElfObject adaptedTo(Btf kernelTypes) {
        var adapted = new ArrayList<ElfProgram>();
        var specs = relocated(Optional.of(kernelTypes)).programs();
        for (int i = 0; i < specs.size(); i++) {
            adapted.add(new ElfProgram(specs.get(i), programs.get(i).section, List.of()));
        }
        return new ElfObject(adapted, maps, license, types, offsets);
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
