package skep.target;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.isa.kernel.ProbeSpec;
import skep.isa.object.BpfObject;

/** Programs and maps inside a target. Closing it detaches and frees all of them. Not thread-safe unless said. */
public interface LoadedObject extends AutoCloseable {
    LoadedMap map(String name);

    List<LoadedProgram> programs();

    /**
     * Attaches a program of this object.
     *
     * @throws AttachException naming the probe, the step and the errno
     */
    Link attach(String program, ProbeSpec probe);

    /** Attaches many at once, as fast as the target can; all or nothing. The links are in the order of the requests. */
    default List<Link> attachAll(List<AttachRequest> requests) {
        var links = new java.util.ArrayList<Link>();
        try {
            for (var request : requests) {
                links.add(attach(request.program(), request.probe()));
            }
        } catch (RuntimeException failure) {
            links.forEach(Link::close);
            throw failure;
        }
        return links;
    }

    /** Closes links, as fast as the target can; some kernels wait for milliseconds at each that is closed alone. */
    default void detachAll(List<? extends Link> links) {
        links.forEach(Link::close);
    }

    /**
     * Loads further programs into this object, all or nothing. A map that this object has under the same name is the
     * same map; others are created.
     *
     * @throws LoadException with the verifier's log when a program is rejected
     * @throws TargetException if a map of that name differs in type or sizes, or a program has the name of another
     */
    default void extend(BpfObject more, LoadOptions options) {
        throw new TargetException("this target cannot load further programs into an object");
    }

    /**
     * How often programs did not run although their probe fired, by name, where that happened and the target counts it: the
     * kernel keeps a program from running inside itself.
     */
    default Map<String, Long> missedRuns() {
        return Map.of();
    }

    /** Runs a program once, now, in the process of the caller ({@code BEGIN}, {@code END}); returns r0. */
    long runOnce(String program, byte[] context);

    /**
     * Walks an iterator program to its end; returns what it wrote ({@code bpf_seq_printf}).
     *
     * @param map the map of this object whose elements it walks, for {@code iter/bpf_map_elem}
     * @throws TargetException if the program is no iterator, or the target has none of that kind
     */
    default byte[] iterate(String program, Optional<String> map) {
        throw new TargetException("this target runs no iterators");
    }

    /**
     * The reader of a ring buffer map; one per map.
     *
     * @throws IllegalArgumentException if the map is no ring buffer
     */
    OutputReader openRingBuffer(String map);

    /**
     * The same with the size of a perf buffer, in bytes a CPU; a ring buffer has the size of its map.
     *
     * @param bytesPerCpu rounded up to a power of two of pages
     */
    default OutputReader openRingBuffer(String map, long bytesPerCpu) {
        return openRingBuffer(map);
    }

    /**
     * Puts a counter of each CPU into a map for programs to read ({@code perf_read}, {@code perf_counter_value}); it counts until
     * this object is closed or another takes its place.
     *
     * @param map an array of perf events
     * @param type and {@code config}: {@code perf_event_attr}
     * @throws IllegalArgumentException if the map is no such array
     * @throws TargetException if the target has no such counters
     */
    default void openCounters(String map, int type, long config) {
        throw new TargetException("this target has no counters that programs can read; a live kernel has");
    }

    /** The number that an array of programs holds for a program of this object. */
    default int programHandle(String program) {
        throw new TargetException("programs of this target cannot be called by others");
    }

    @Override
    void close();

    /** A program and where it goes. */
    record AttachRequest(String program, ProbeSpec probe) {}

    /**
     * What is known of a loaded program.
     *
     * @param xlatedInsns instructions after the loader's rewriting
     * @param jitedBytes size of machine code, 0 if not compiled
     * @param runCount and {@code runNanos}: empty unless statistics are on
     */
    record LoadedProgram(
            String name,
            long id,
            String tag,
            int xlatedInsns,
            int jitedBytes,
            Optional<Long> runCount,
            Optional<Long> runNanos) {}
}
