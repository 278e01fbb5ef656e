package skep.vm.maps;

import java.util.concurrent.atomic.AtomicIntegerArray;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.vm.AddressSpace.Access;
import skep.vm.Memory;

/**
 * Arrays that refer to things outside the VM by number: devices, sockets, CPUs, cgroups. A slot is empty or holds
 * a value as user space stored it.
 */
final class NumberArray implements BpfMap {
    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final AtomicIntegerArray present;
    private final long values;
    private final int stride;

    NumberArray(int id, MapRequest request, MapContext context) {
        this.id = id;
        this.spec = request.spec();
        this.memory = new MapMemory(context, spec.name());
        this.stride = ValueShape.pad(spec.valueSizeBytes());
        memory.charge(4L * spec.maxEntries());
        this.present = new AtomicIntegerArray(spec.maxEntries());
        this.values = memory.shared((long) stride * spec.maxEntries(), Access.READ_ONLY);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    @Override
    public long lookup(long key, int cpu) {
        int index = Memory.getInt(key);
        return Integer.compareUnsigned(index, present.length()) < 0 && present.get(index) != 0
                ? values + (long) index * stride
                : 0;
    }

    @Override
    public int update(long key, long value, long flags, int cpu) {
        int index = Memory.getInt(key);
        if (flags > MapFlags.EXIST || flags < 0) {
            return Errno.EINVAL.negated();
        }
        if (Integer.compareUnsigned(index, present.length()) >= 0) {
            return Errno.E2BIG.negated();
        }
        if (flags == MapFlags.NOEXIST && present.get(index) != 0) {
            return Errno.EEXIST.negated();
        }
        if (flags == MapFlags.EXIST && present.get(index) == 0) {
            return Errno.ENOENT.negated();
        }
        Memory.copy(value, values + (long) index * stride, spec.valueSizeBytes());
        present.set(index, 1);
        return 0;
    }

    @Override
    public int delete(long key) {
        int index = Memory.getInt(key);
        var type = spec.type();
        if (Integer.compareUnsigned(index, present.length()) >= 0) {
            return type == MapType.CGROUP_ARRAY ? Errno.E2BIG.negated() : Errno.EINVAL.negated();
        }
        boolean was = present.getAndSet(index, 0) != 0;
        return switch (type) {
            case DEVMAP, CPUMAP, XSKMAP -> 0;
            case SOCKMAP -> was ? 0 : Errno.EINVAL.negated();
            default -> was ? 0 : Errno.ENOENT.negated();
        };
    }

    /** Sockets are told by their cookies, which take 8 bytes; those of XDP are not told. */
    @Override
    public int readUser(long key, long into, long flags) {
        return switch (spec.type()) {
            case XSKMAP -> Errno.EOPNOTSUPP.negated();
            case CGROUP_ARRAY -> ENOTSUPP;
            case SOCKMAP ->
                spec.valueSizeBytes() == 8 ? BpfMap.super.readUser(key, into, flags) : Errno.ENOSPC.negated();
            default -> BpfMap.super.readUser(key, into, flags);
        };
    }

    @Override
    public int nextKey(long key, long next) {
        return ArrayMap.nextIndex(key, next, spec.maxEntries());
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
