package skep.vm;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Which addresses programs of one VM may touch: a sorted table of regions. The stack of a {@link VmCpu} is not in it; the
 * CPU tests that itself.
 *
 * <p>Looking up is lock-free and safe from any thread. Adding and removing copies the table: maps register one region for
 * all their elements, not one an element. Regions never overlap; they may adjoin, and an access may not straddle two.
 */
public final class AddressSpace {
    private volatile Table table = new Table(new Region[0]);

    /** What a program may do with the bytes of a region. */
    public enum Access {
        READ_ONLY,
        READ_WRITE
    }

    /**
     * A contiguous range that programs may access.
     *
     * @param name for people, for example {@code map counts}
     */
    public record Region(long base, long lengthBytes, Access access, String name) {
        public Region {
            if (base < 0 || lengthBytes < 0 || base + lengthBytes < 0) {
                throw new IllegalArgumentException("region " + name + " wraps around");
            }
        }

        public long end() {
            return base + lengthBytes;
        }

        public boolean writable() {
            return access == Access.READ_WRITE;
        }
    }

    /**
     * Adds a region.
     *
     * @throws IllegalArgumentException if it overlaps one that is there
     */
    public synchronized Region add(long base, long lengthBytes, Access access, String name) {
        var added = new Region(base, lengthBytes, access, name);
        var old = table.regions;
        for (var other : old) {
            if (added.base < other.end() && other.base < added.end()) {
                throw new IllegalArgumentException(
                        "region " + name + " of " + lengthBytes + " bytes overlaps " + other.name);
            }
        }
        var regions = Arrays.copyOf(old, old.length + 1);
        regions[old.length] = added;
        table = new Table(regions);
        return added;
    }

    /** Adds a block as one region. */
    public Region add(Memory.Block block, Access access, String name) {
        return add(block.address(), block.sizeBytes(), access, name);
    }

    /** Removes a region; call before its memory is freed. */
    public synchronized void remove(Region region) {
        table = new Table(Arrays.stream(table.regions).filter(r -> r != region).toArray(Region[]::new));
    }

    /** All regions as they are now, in the order they were added. */
    public List<Region> regions() {
        return List.of(table.regions);
    }

    /** Whether all bytes of the range lie in one region that permits the access. */
    public boolean contains(long address, long sizeBytes, boolean write) {
        return table.find(address, sizeBytes, write) >= 0;
    }

    /** The table as it is now; the fast path of backends, which keep it for one access at a time. */
    Table table() {
        return table;
    }

    /** An immutable, sorted view. */
    static final class Table {
        private final Region[] regions;
        private final long[] starts;
        private final long[] ends;
        private final boolean[] writable;

        private Table(Region[] regions) {
            this.regions = regions;
            var sorted = regions.clone();
            Arrays.sort(sorted, Comparator.comparingLong(Region::base));
            starts = new long[sorted.length];
            ends = new long[sorted.length];
            writable = new boolean[sorted.length];
            for (int i = 0; i < sorted.length; i++) {
                starts[i] = sorted[i].base;
                ends[i] = sorted[i].end();
                writable[i] = sorted[i].writable();
            }
        }

        /** Index of the region that permits the access, or -1. */
        int find(long address, long sizeBytes, boolean write) {
            int low = 0;
            int high = starts.length - 1;
            while (low <= high) {
                int middle = (low + high) >>> 1;
                if (starts[middle] <= address) {
                    low = middle + 1;
                } else {
                    high = middle - 1;
                }
            }
            // high is the last region that starts at or before the address
            if (high < 0 || sizeBytes < 0 || address > ends[high] - sizeBytes || (write && !writable[high])) {
                return -1;
            }
            return high;
        }

        long start(int index) {
            return starts[index];
        }

        long end(int index) {
            return ends[index];
        }
    }
}
