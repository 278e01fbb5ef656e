package skep.target;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import skep.isa.Bytecode;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;

/**
 * All programs and maps that are loaded somewhere, whoever loaded them: what {@code skep prog} and {@code skep map} show.
 * Implemented by the VM and by the live kernel.
 */
public interface Inventory extends AutoCloseable {
    /** All programs, by ascending id. */
    List<ProgramRow> programs();

    /** All maps, by ascending id. */
    List<MapRow> maps();

    /**
     * The code of a program as it runs, after the loader's rewriting.
     *
     * @throws TargetException if there is no such program or it may not be read
     */
    Bytecode xlated(int programId);

    /** What the JIT made of a program, as lines to read; empty if nothing. */
    List<String> jited(int programId);

    /** What a kernel's JIT made of a program, as it is; empty if nothing, or if this is no kernel's. */
    default Optional<MachineImage> image(int programId) {
        return Optional.empty();
    }

    /**
     * The id of the map that a file of a BPF file system stands for.
     *
     * @throws TargetException if it stands for none, or there are no such files here
     */
    default int pinnedMap(String path) {
        throw noPins();
    }

    /** The same for programs. */
    default int pinnedProgram(String path) {
        throw noPins();
    }

    /**
     * Makes a file of a BPF file system stand for a map, which stays loaded until the file is removed.
     *
     * @throws TargetException with the reason if the kernel refuses
     */
    default void pinMap(int mapId, String path) {
        throw noPins();
    }

    /** The same for programs. */
    default void pinProgram(int programId, String path) {
        throw noPins();
    }

    private static TargetException noPins() {
        return new TargetException("only a live kernel has a BPF file system");
    }

    /** All entries of a map; values of per-CPU maps as {@link LoadedMap} has them. */
    List<LoadedMap.Entry> entries(int mapId);

    @Override
    void close();

    /**
     * A program.
     *
     * @param name empty if it has none
     * @param memlockBytes memory charged for it, 0 if not known
     * @param runCount empty unless statistics are on
     */
    record ProgramRow(
            int id,
            ProgramType type,
            String name,
            String tag,
            boolean gplCompatible,
            Instant loadedAt,
            int uid,
            int xlatedBytes,
            int jitedBytes,
            long memlockBytes,
            List<Integer> mapIds,
            OptionalInt btfId,
            Optional<Long> runCount,
            Optional<Long> runNanos) {
        public ProgramRow {
            mapIds = List.copyOf(mapIds);
        }
    }

    /** A map. */
    record MapRow(
            int id,
            MapType type,
            String name,
            int flags,
            int keySizeBytes,
            int valueSizeBytes,
            int maxEntries,
            long memlockBytes,
            OptionalInt btfId,
            boolean frozen) {}
}
