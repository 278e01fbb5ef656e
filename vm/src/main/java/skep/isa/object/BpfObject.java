package skep.isa.object;

import java.util.List;
import java.util.Optional;
import skep.btf.Btf;

/**
 * What a compiler makes and a target loads: programs and the maps they share. Deterministic and free of the environment.
 *
 * @param types the types that maps and functions refer to by id, in a form that a kernel takes
 */
public record BpfObject(List<ProgramSpec> programs, List<MapSpec> maps, Optional<Btf> types) {
    /** An object without types. */
    public BpfObject(List<ProgramSpec> programs, List<MapSpec> maps) {
        this(programs, maps, Optional.empty());
    }

    public BpfObject {
        programs = List.copyOf(programs);
        maps = List.copyOf(maps);
    }

    public MapSpec map(String name) {
        return maps.stream()
                .filter(m -> m.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no map " + name));
    }
}
