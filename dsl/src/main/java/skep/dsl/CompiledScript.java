package skep.dsl;

import java.util.List;
import java.util.Optional;
import skep.isa.object.BpfObject;

/**
 * A script, compiled: the object to load and the plan of what user space does with its maps and records.
 *
 * @param object programs and maps; the maps named by the constants of this class are in it only when needed
 * @param programs when and where each program runs, in script order
 * @param maps the script's maps, in order of first appearance
 * @param actions what records ask for, by id
 * @param faults what the counters of {@link #COUNTERS_MAP} mean; counter {@link #LOST_EVENTS_COUNTER} is not listed
 * @param usesUserSymbols whether names of addresses of processes are asked for
 * @param usesRingBuffer whether the object has {@link #EVENTS_MAP}
 * @param usesCounters whether it has {@link #COUNTERS_MAP}
 * @param usesUserSymbols whether names of addresses of processes are wanted, also after these have ended
 */
public record CompiledScript(
        BpfObject object,
        List<ScriptProgram> programs,
        List<MapView> maps,
        List<Action> actions,
        List<RuntimeFault> faults,
        boolean usesRingBuffer,
        boolean usesCounters,
        boolean usesUserSymbols,
        ScriptConfig config) {
    /** The ring buffer that carries {@link Action} records. */
    public static final String EVENTS_MAP = "events";

    /**
     * An array with one entry (index {@code u32} 0) of {@code u64} counters, added to atomically: how often a record
     * did not fit into the ring buffer, then the {@link RuntimeFault}s.
     */
    public static final String COUNTERS_MAP = "counters";

    /** Generations of the maps that the script clears, a {@code u64} each. */
    public static final String GENERATIONS_MAP = "generations";

    /** Index of the counter of lost records in {@link #COUNTERS_MAP}. */
    public static final int LOST_EVENTS_COUNTER = 0;

    public CompiledScript {
        programs = List.copyOf(programs);
        maps = List.copyOf(maps);
        actions = List.copyOf(actions);
        faults = List.copyOf(faults);
    }

    public Optional<MapView> map(String name) {
        return maps.stream().filter(m -> m.name().equals(name)).findFirst();
    }
}
