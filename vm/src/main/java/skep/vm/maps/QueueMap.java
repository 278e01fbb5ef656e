package skep.vm.maps;

import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.object.MapSpec;
import skep.vm.Memory;

/** {@code queue} and {@code stack}: values without keys, first in first out or last in first out. */
final class QueueMap implements BpfMap {
    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final boolean lastFirst;
    private final int stride;
    private final long values;
    private final long lock;
    /** Number of the oldest value, and of the next to come; both only grow but for a stack's. */
    private long oldest;

    private long next;

    QueueMap(int id, MapRequest request, MapContext context, boolean lastFirst) {
        this.id = id;
        this.spec = request.spec();
        this.lastFirst = lastFirst;
        this.memory = new MapMemory(context, spec.name());
        this.stride = ValueShape.pad(spec.valueSizeBytes());
        this.values = memory.hidden((long) stride * spec.maxEntries());
        this.lock = memory.hidden(8);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    private long place(long number) {
        return values + number % spec.maxEntries() * stride;
    }

    @Override
    public int push(long value, long flags) {
        if (flags != MapFlags.ANY && flags != MapFlags.EXIST) {
            return Errno.EINVAL.negated();
        }
        SpinLock.lock(lock);
        try {
            if (next - oldest == spec.maxEntries()) {
                if (flags != MapFlags.EXIST) {
                    return Errno.E2BIG.negated();
                }
                oldest++;
            }
            ValueShape.copyBytes(value, place(next), spec.valueSizeBytes());
            next++;
            return 0;
        } finally {
            SpinLock.unlock(lock);
        }
    }

    @Override
    public int pop(long value) {
        return get(value, true);
    }

    @Override
    public int peek(long value) {
        return get(value, false);
    }

    private int get(long value, boolean remove) {
        SpinLock.lock(lock);
        try {
            if (next == oldest) {
                Memory.fill(value, spec.valueSizeBytes(), (byte) 0);
                return Errno.ENOENT.negated();
            }
            ValueShape.copyBytes(place(lastFirst ? next - 1 : oldest), value, spec.valueSizeBytes());
            if (remove && lastFirst) {
                next--;
            } else if (remove) {
                oldest++;
            }
            return 0;
        } finally {
            SpinLock.unlock(lock);
        }
    }

    @Override
    public int readUser(long key, long into, long flags) {
        return peek(into);
    }

    @Override
    public int takeUser(long key, long into) {
        return pop(into);
    }

    @Override
    public int updateUser(long key, long value, long flags) {
        return push(value, flags);
    }

    @Override
    public int deleteUser(long key) {
        return Errno.EINVAL.negated();
    }

    @Override
    public int nextKey(long key, long next) {
        return Errno.EINVAL.negated();
    }

    /** There are no keys: user space takes the values with {@link #takeUser}. */
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
