package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/** A cache of equal objects: slabs of pages, each CPU with a slab of its own, the others partial or full. */
final class SlabCache {
    final String name;
    final byte[] nameBytes;
    final int objectBytes;
    /** Distance of two objects. */
    final int sizeBytes;

    final int order;
    final int objectsPerSlab;
    /** Address of its {@code struct kmem_cache}. */
    final long address;

    final @Nullable Slab[] cpuSlabs;
    /** Slabs that no CPU owns and that have free objects. */
    final ArrayDeque<Slab> partial = new ArrayDeque<>();

    int slabs;
    long allocations;
    long frees;

    SlabCache(String name, int objectBytes, long address, int cpus) {
        this.name = name;
        this.nameBytes = name.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        this.objectBytes = objectBytes;
        this.sizeBytes = objectBytes + 7 & -8;
        this.address = address;
        int order = 0;
        while (order < 3 && (SparseMemory.PAGE_BYTES << order) / sizeBytes < 16) {
            order++;
        }
        this.order = order;
        this.objectsPerSlab = (SparseMemory.PAGE_BYTES << order) / sizeBytes;
        this.cpuSlabs = new Slab[cpus];
    }

    long live() {
        return allocations - frees;
    }

    /** A run of pages cut into objects, with what the model knows of each object. */
    static final class Slab {
        final SlabCache cache;
        final long pfn;
        final long address;
        private final int[] free;
        private int freeCount;
        final long[] allocatedNanos;
        final long[] site;
        final int[] tid;
        boolean ownedByCpu;
        boolean listed;
        /** Its pages are given back. */
        boolean gone;

        Slab(SlabCache cache, long pfn, long address, Rng rng) {
            this.cache = cache;
            this.pfn = pfn;
            this.address = address;
            int count = cache.objectsPerSlab;
            free = new int[count];
            allocatedNanos = new long[count];
            site = new long[count];
            tid = new int[count];
            // the order of the free list is shuffled, as CONFIG_SLAB_FREELIST_RANDOM does
            for (int i = 0; i < count; i++) {
                int j = rng.below(i + 1);
                free[i] = free[j];
                free[j] = i;
                allocatedNanos[i] = -1;
            }
            freeCount = count;
        }

        boolean exhausted() {
            return freeCount == 0;
        }

        boolean unused() {
            return freeCount == free.length;
        }

        int index(long object) {
            return (int) ((object - address) / cache.sizeBytes);
        }

        boolean live(int index) {
            return allocatedNanos[index] >= 0;
        }

        long allocate(long nanos, long site, int tid) {
            int index = free[--freeCount];
            allocatedNanos[index] = nanos;
            this.site[index] = site;
            this.tid[index] = tid;
            return address + (long) index * cache.sizeBytes;
        }

        void release(int index) {
            allocatedNanos[index] = -1;
            free[freeCount++] = index;
        }

        void addLive(ArrayList<GroundTruth.LiveObject> into) {
            for (int i = 0; i < free.length; i++) {
                if (live(i)) {
                    into.add(new GroundTruth.LiveObject(
                            address + (long) i * cache.sizeBytes, cache.name, allocatedNanos[i], site[i], tid[i]));
                }
            }
        }
    }
}
