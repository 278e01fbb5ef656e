package skep.vm.maps;

import java.util.concurrent.atomic.AtomicLong;
import skep.vm.AddressSpace.Access;
import skep.vm.Memory;

/**
 * Elements of one size at addresses that never change, numbered from 0. Grows in chunks, each twice the one before, so
 * that a map costs what it holds and not what it may hold.
 *
 * <p>An element is two pieces: a head, which programs may read (keys are passed to callbacks) but not write, and a
 * value. Taking and giving back are lock-free (a Treiber stack whose top carries a change count against ABA); only a
 * new chunk takes a lock.
 */
final class Slab {
    /** Bytes of the first chunk, at least {@value #FIRST_ELEMENTS_MIN} elements. */
    private static final int FIRST_CHUNK_BYTES = 1 << 15;

    private static final int FIRST_ELEMENTS_MIN = 8;
    private static final int MAX_CHUNKS = 33;

    private final MapMemory memory;
    private final int capacity;
    private final int headBytes;
    private final long valueBytes;
    /** Elements of the first chunk: {@code 1 << shift}. */
    private final int shift;

    private final long[] headBases = new long[MAX_CHUNKS];
    private final long[] valueBases = new long[MAX_CHUNKS];
    private final Layout layout;
    private int chunks;

    /** Low half: index + 1 of the first free element, or 0; high half: changes. */
    private final AtomicLong free = new AtomicLong();
    /** Elements ever used. */
    private final AtomicLong used = new AtomicLong();

    /** Offset of the link of the free list in a head. */
    private final int linkOffset;

    Slab(MapMemory memory, int capacity, int headBytes, int linkOffset, long valueBytes) {
        this.memory = memory;
        this.capacity = capacity;
        this.headBytes = headBytes;
        this.linkOffset = linkOffset;
        this.valueBytes = Math.max(8, valueBytes);
        long fitting = FIRST_CHUNK_BYTES / (headBytes + this.valueBytes);
        long first = Math.clamp(fitting, FIRST_ELEMENTS_MIN, Math.max(FIRST_ELEMENTS_MIN, capacity));
        this.shift = 63 - Long.numberOfLeadingZeros(first);
        this.layout = new Layout(headBytes, this.valueBytes, shift, headBases, valueBases);
    }

    Layout layout() {
        return layout;
    }

    long head(int index) {
        return layout.head(index);
    }

    long value(int index) {
        return layout.value(index);
    }

    /** The element whose value holds this address, or -1. */
    int indexOfValue(long address) {
        for (int chunk = 0; chunk < chunksReady(); chunk++) {
            long from = chunk == 0 ? 0 : 1L << shift + chunk - 1;
            long elements = Math.min(capacity, chunk == 0 ? 1L << shift : from * 2) - from;
            long offset = address - valueBases[chunk];
            if (offset >= 0 && offset < elements * valueBytes) {
                return (int) (from + offset / valueBytes);
            }
        }
        return -1;
    }

    private int chunk(int index) {
        return layout.chunk(index);
    }

    /**
     * Where elements lie. A record, so that HotSpot takes its parts for constants where generated code knows the map.
     *
     * @param shift elements of the first chunk: {@code 1 << shift}
     */
    record Layout(int headBytes, long valueBytes, int shift, long[] headBases, long[] valueBases) {
        long head(int index) {
            int chunk = chunk(index);
            return headBases[chunk] + (long) within(index, chunk) * headBytes;
        }

        long value(int index) {
            int chunk = chunk(index);
            return valueBases[chunk] + within(index, chunk) * valueBytes;
        }

        private int chunk(int index) {
            return 32 - Integer.numberOfLeadingZeros(index >>> shift);
        }

        private int within(int index, int chunk) {
            return chunk == 0 ? index : index - (1 << shift + chunk - 1);
        }
    }

    /** A free element's number, or -1 if all are taken (or memory is out). */
    int take() {
        for (; ; ) {
            long top = free.get();
            int index = (int) top - 1;
            if (index < 0) {
                return takeUnused();
            }
            long next = Memory.getInt(head(index) + linkOffset) & 0xffff_ffffL;
            if (free.compareAndSet(top, (top >>> 32) + 1 << 32 | next)) {
                return index;
            }
        }
    }

    private int takeUnused() {
        for (; ; ) {
            long count = used.get();
            if (count >= capacity) {
                return (int) free.get() == 0 ? -1 : take();
            }
            if (chunk((int) count) >= chunksReady() && !grow(chunk((int) count))) {
                return -1;
            }
            if (used.compareAndSet(count, count + 1)) {
                return (int) count;
            }
        }
    }

    private synchronized int chunksReady() {
        return chunks;
    }

    private synchronized boolean grow(int chunk) {
        if (chunk < chunks) {
            return true;
        }
        long from = chunk == 0 ? 0 : 1L << shift + chunk - 1;
        long elements = Math.min(capacity, chunk == 0 ? 1L << shift : from * 2) - from;
        try {
            headBases[chunk] = memory.shared(elements * headBytes, Access.READ_ONLY);
            valueBases[chunk] = memory.shared(elements * valueBytes, Access.READ_WRITE);
        } catch (MapException noMemory) {
            return false;
        }
        chunks = chunk + 1;
        return true;
    }

    /** Frees an element. It keeps its bytes until it is taken again. */
    void give(int index) {
        for (; ; ) {
            long top = free.get();
            Memory.putInt(head(index) + linkOffset, (int) top);
            if (free.compareAndSet(top, (top >>> 32) + 1 << 32 | index + 1)) {
                return;
            }
        }
    }

    /** How many elements were ever used: numbers are below this. */
    int highWater() {
        return (int) used.get();
    }
}
