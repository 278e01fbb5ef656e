package skep.vm.maps;

import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.object.MapSpec;
import skep.vm.Memory;

/** {@code bloom_filter}: a set that may say yes to what was never put in, but never no to what was. */
final class BloomFilter implements BpfMap {
    private static final int DEFAULT_HASHES = 5;
    private static final long MAX_BITS = 1L << 32;

    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final int hashes;
    private final long bits;
    private final long base;

    BloomFilter(int id, MapRequest request, MapContext context) {
        this.id = id;
        this.spec = request.spec();
        this.memory = new MapMemory(context, spec.name());
        this.hashes = request.extra() == 0 ? DEFAULT_HASHES : (int) request.extra();
        // Entries × hashes / ln 2 gives the least errors; 7/5 is the kernel's 1 / ln 2.
        long wanted = Math.max(64, (long) spec.maxEntries() * hashes * 7 / 5);
        this.bits = Math.min(MAX_BITS, Long.highestOneBit(wanted - 1) * 2);
        this.base = memory.hidden(bits / 8);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    private long bit(long value, int seed) {
        long hash = seed * 0x9e37_79b9_7f4a_7c15L + spec.valueSizeBytes();
        for (int i = 0; i < spec.valueSizeBytes(); i++) {
            hash = (hash ^ Memory.getByte(value + i) & 0xff) * 0xff51_afd7_ed55_8ccdL;
            hash ^= hash >>> 33;
        }
        return hash & bits - 1;
    }

    @Override
    public int push(long value, long flags) {
        if (flags != MapFlags.ANY) {
            return Errno.EINVAL.negated();
        }
        for (int i = 0; i < hashes; i++) {
            long bit = bit(value, i);
            Memory.getAndOr(base + bit / 64 * 8, 1L << bit % 64);
        }
        return 0;
    }

    @Override
    public int peek(long value) {
        for (int i = 0; i < hashes; i++) {
            long bit = bit(value, i);
            if ((Memory.getLong(base + bit / 64 * 8) >>> bit % 64 & 1) == 0) {
                return Errno.ENOENT.negated();
            }
        }
        return 0;
    }

    @Override
    public int pop(long value) {
        return Errno.EOPNOTSUPP.negated();
    }

    /** The value asked for is in {@code into}. */
    @Override
    public int readUser(long key, long into, long flags) {
        return peek(into);
    }

    @Override
    public int updateUser(long key, long value, long flags) {
        return push(value, flags);
    }

    @Override
    public int deleteUser(long key) {
        return Errno.EOPNOTSUPP.negated();
    }

    @Override
    public int nextKey(long key, long next) {
        return Errno.EOPNOTSUPP.negated();
    }

    @Override
    public void walkKeys(KeyVisitor visitor, long room) {}

    @Override
    public long memoryBytes() {
        return memory.chargedBytes();
    }

    @Override
    public void close() {
        memory.close();
    }
}
