package skep.target;

import java.util.List;
import java.util.Optional;
import skep.isa.object.MapSpec;

/**
 * A map inside a target, seen from user space. Keys and values are little-endian bytes of exactly the declared sizes;
 * a value of a per-CPU map is the values of all possible CPUs in a row, each padded to a multiple of eight bytes.
 * Errors of the map (full, too big) are {@link TargetException}s with errno.
 */
public interface LoadedMap {
    MapSpec spec();

    Optional<byte[]> lookup(byte[] key);

    /** Flags: 0 any, 1 must not exist, 2 must exist. */
    void update(byte[] key, byte[] value, long flags);

    /** Changes the value of an entry that is there; returns whether it was. Programs may delete it at any time. */
    default boolean replace(byte[] key, byte[] value) {
        try {
            update(key, value, 2);
            return true;
        } catch (TargetException e) {
            if (lookup(key).isPresent()) {
                throw e;
            }
            return false;
        }
    }

    /** Returns whether the key existed. */
    boolean delete(byte[] key);

    /** All entries; a consistent copy is not promised while programs run. */
    List<Entry> entries();

    /** Removes all entries (arrays: sets them to zero). */
    void clear();

    /** Takes an entry out: what it was, or empty if there is none. Queues and stacks have keys of no bytes. */
    default Optional<byte[]> lookupAndDelete(byte[] key) {
        var value = lookup(key);
        value.ifPresent(_ -> delete(key));
        return value;
    }

    /** Takes all entries out. What programs add meanwhile is in the result or stays. */
    default List<Entry> takeAll() {
        var taken = entries();
        taken.forEach(entry -> delete(entry.key()));
        return taken;
    }

    /** Stores many entries; in few calls where the kernel can. */
    default void updateAll(List<Entry> entries) {
        entries.forEach(entry -> update(entry.key(), entry.value(), 0));
    }

    /** Removes many keys, whether or not they exist; in few calls where the kernel can. */
    default void deleteAll(List<byte[]> keys) {
        keys.forEach(this::delete);
    }

    /**
     * Keeps the map under a path of a BPF file system, beyond the end of this process.
     *
     * @throws TargetException if the target has none, or the path is taken
     */
    default void pin(String path) {
        throw new TargetException("map " + spec().name() + " cannot be pinned: this target has no BPF file system");
    }

    /** The number that a map of maps holds for this map. */
    default int handle() {
        throw new TargetException("map " + spec().name() + " cannot be put into another map");
    }

    /** A key and its value, or values of all CPUs. */
    record Entry(byte[] key, byte[] value) {}
}
