package skep.vm.maps;

import skep.isa.kernel.Errno;
import skep.isa.object.MapSpec;
import skep.vm.Memory;

/**
 * {@code stack_trace}: stacks by an id that is a hash of their frames. The id is a bucket; a different stack with the
 * same id is a collision, which the caller may overwrite or not.
 *
 * <pre>
 *  bucket (hidden):  0 frames, -1 while being written, 0 empty | 4 hash | 8 frames...
 * </pre>
 */
public final class StackTraceMap implements BpfMap {
    public static final long SKIP_MASK = 0xff;
    public static final long USER_STACK = 1 << 8;
    public static final long FAST_COMPARE = 1 << 9;
    public static final long REUSE_ID = 1 << 10;

    private static final int HEADER_BYTES = 8;

    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final int buckets;
    private final int stride;
    private final long base;

    StackTraceMap(int id, MapRequest request, MapContext context) {
        this.id = id;
        this.spec = request.spec();
        this.memory = new MapMemory(context, spec.name());
        this.buckets = Integer.highestOneBit(Math.max(1, spec.maxEntries() - 1)) * (spec.maxEntries() > 1 ? 2 : 1);
        this.stride = HEADER_BYTES + spec.valueSizeBytes();
        this.base = memory.hidden((long) stride * buckets);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    /** How many frames a stack of this map can have. */
    public int maxFrames() {
        return spec.valueSizeBytes() / 8;
    }

    /** Stores a stack: its id, or -EEXIST for a collision. */
    public int store(long[] frames, int count, long flags) {
        int kept = Math.min(count, maxFrames());
        int hash = 17;
        for (int i = 0; i < kept; i++) {
            hash = 31 * hash + Long.hashCode(frames[i] * 0x9e37_79b9_7f4a_7c15L);
        }
        hash ^= hash >>> 16;
        int bucket = hash & buckets - 1;
        long at = base + (long) bucket * stride;
        for (int spins = 0; ; spins++) {
            int state = (int) Memory.getAcquire(at, 4);
            if (state > 0 && Memory.getInt(at + 4) == hash) {
                if ((flags & FAST_COMPARE) != 0 || state == kept && sameFrames(at + HEADER_BYTES, frames, kept)) {
                    return bucket;
                }
            }
            if (state > 0 && (flags & REUSE_ID) == 0) {
                return Errno.EEXIST.negated();
            }
            if (state >= 0 && Memory.compareAndExchange(at, state, -1) == state) {
                Memory.putInt(at + 4, hash);
                for (int i = 0; i < kept; i++) {
                    Memory.putLong(at + HEADER_BYTES + 8L * i, frames[i]);
                }
                Memory.fill(at + HEADER_BYTES + 8L * kept, spec.valueSizeBytes() - 8L * kept, (byte) 0);
                Memory.putRelease(at, 4, kept);
                return bucket;
            }
            SpinLock.pause(spins);
        }
    }

    private static boolean sameFrames(long at, long[] frames, int count) {
        for (int i = 0; i < count; i++) {
            if (Memory.getLong(at + 8L * i) != frames[i]) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int readUser(long key, long into, long flags) {
        int bucket = Memory.getInt(key);
        if (Integer.compareUnsigned(bucket, buckets) >= 0) {
            return Errno.ENOENT.negated();
        }
        long at = base + (long) bucket * stride;
        if ((int) Memory.getAcquire(at, 4) <= 0) {
            return Errno.ENOENT.negated();
        }
        Memory.copy(at + HEADER_BYTES, into, spec.valueSizeBytes());
        return 0;
    }

    @Override
    public int updateUser(long key, long value, long flags) {
        return Errno.EINVAL.negated();
    }

    @Override
    public int delete(long key) {
        int bucket = Memory.getInt(key);
        if (Integer.compareUnsigned(bucket, buckets) >= 0) {
            return Errno.E2BIG.negated();
        }
        long at = base + (long) bucket * stride;
        for (int spins = 0; ; spins++) {
            int state = (int) Memory.getAcquire(at, 4);
            if (state == 0) {
                return Errno.ENOENT.negated();
            }
            if (state > 0 && Memory.compareAndExchange(at, state, 0) == state) {
                return 0;
            }
            SpinLock.pause(spins);
        }
    }

    @Override
    public int nextKey(long key, long next) {
        long from = key == 0 ? 0 : Integer.toUnsignedLong(Memory.getInt(key)) + 1;
        if (from > buckets) {
            from = 0;
        }
        for (long bucket = from; bucket < buckets; bucket++) {
            if ((int) Memory.getAcquire(base + bucket * stride, 4) > 0) {
                Memory.putInt(next, (int) bucket);
                return 0;
            }
        }
        return Errno.ENOENT.negated();
    }

    @Override
    public long memoryBytes() {
        return memory.chargedBytes();
    }

    @Override
    public void close() {
        memory.close();
    }
}
