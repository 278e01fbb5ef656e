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

    /** Returns whether the key existed. */
    boolean delete(byte[] key);

    /** All entries; a consistent copy is not promised while programs run. */
    List<Entry> entries();

    /** Removes all entries (arrays: sets them to zero). */
    void clear();

    /** A key and its value, or values of all CPUs. */
    record Entry(byte[] key, byte[] value) {}
}
