package skep.dsl;

import java.util.Optional;
import skep.source.Span;

/**
 * How a map of the script is read and printed.
 *
 * @param name as the script writes it, for example {@code @start}
 * @param mapName its name in the object
 * @param key the key's type: a {@link Type.Tuple} for several parts, of which the outer parentheses are not printed;
 *     empty for a map without keys
 * @param value the value's type: an {@link Type.Aggregation} or any other
 * @param storage where key and value lie
 * @param perCpu whether user space merges one value per CPU
 * @param printAtExit whether it is printed when the script ends
 * @param generation offset of the map's generation in {@link CompiledScript#GENERATIONS_MAP}, or {@link #NO_GENERATION}
 * @param span where the script first names it
 */
public record MapView(
        String name,
        String mapName,
        Optional<Type> key,
        Type value,
        Storage storage,
        boolean perCpu,
        boolean printAtExit,
        int generation,
        Span span) {
    /** The key has no generation. */
    public static final int NO_GENERATION = -1;

    /** A map without generations. */
    public MapView(
            String name,
            String mapName,
            Optional<Type> key,
            Type value,
            Storage storage,
            boolean perCpu,
            boolean printAtExit,
            Span span) {
        this(name, mapName, key, value, storage, perCpu, printAtExit, NO_GENERATION, span);
    }

    /**
     * Whether keys end with the number of a generation. Clearing such a map is beginning the next generation, so that it
     * takes effect at once; user space removes the entries of those before.
     */
    public boolean hasGenerations() {
        return generation >= 0;
    }

    /** Offset of the {@code u64} generation in a key in bytes. */
    public int generationInKey() {
        return key.map(type -> Type.Layout.alignUp(type.sizeBytes(), 8)).orElse(0);
    }

    /** The size of a key in bytes. */
    public int keyBytes() {
        return hasGenerations()
                ? generationInKey() + 8
                : key.map(Type::sizeBytes).orElse(8);
    }

    /** How the entries of a map are stored. */
    public enum Storage {
        /** A hash from the key to the value. A map without keys has the one key {@code u64} 0. */
        HASH,
        /**
         * No key: an array with one entry at {@code u32} index 0: the value padded to eight bytes, then {@code u64} 1
         * once it is set (0: the map is empty). Deleting it is writing zeros.
         */
        SCALAR,
        /**
         * No key, an aggregation: a per-CPU array with one entry at {@code u32} index 0, zeros while nothing was
         * added. A count, sum, average or statistic is empty while all its words are zero on all CPUs.
         */
        AGGREGATE
    }

    /** Whether it is the compiler's own or thread-local: such maps are not among the results. */
    public boolean isHidden() {
        return name.startsWith("@.") || name.contains("->");
    }

    /** Offset of the presence word of {@link Storage#SCALAR}. */
    public int presenceOffsetBytes() {
        return Type.Layout.alignUp(value.sizeBytes(), 8);
    }
}
