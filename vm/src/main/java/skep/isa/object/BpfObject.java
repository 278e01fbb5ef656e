package skep.isa.object;

import java.util.List;

/** What a compiler makes and a target loads: programs and the maps they share. Deterministic and free of the environment. */
public record BpfObject(List<ProgramSpec> programs, List<MapSpec> maps) {
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
