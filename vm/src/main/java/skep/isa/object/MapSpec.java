package skep.isa.object;

import skep.isa.kernel.MapType;

/**
 * The definition of a map.
 *
 * @param name unique within its object; at most 15 bytes reach the kernel
 * @param flags {@code BPF_F_*} of map creation
 * @param setup what it needs besides
 */
public record MapSpec(
        String name, MapType type, int keySizeBytes, int valueSizeBytes, int maxEntries, int flags, MapSetup setup) {
    /** A map that needs nothing besides its shape. */
    public MapSpec(String name, MapType type, int keySizeBytes, int valueSizeBytes, int maxEntries, int flags) {
        this(name, type, keySizeBytes, valueSizeBytes, maxEntries, flags, MapSetup.NONE);
    }

    public MapSpec with(MapSetup other) {
        return new MapSpec(name, type, keySizeBytes, valueSizeBytes, maxEntries, flags, other);
    }

    /** Whether a lookup from user space yields one value per possible CPU. */
    public boolean perCpu() {
        return switch (type) {
            case PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH, PERCPU_CGROUP_STORAGE -> true;
            default -> false;
        };
    }
}
