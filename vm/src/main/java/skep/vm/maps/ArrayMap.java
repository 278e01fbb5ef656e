package skep.vm.maps;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.object.MapSpec;
import skep.vm.AddressSpace.Access;
import skep.vm.Memory;
import skep.vm.verifier.MapDefinition;
import skep.vm.verifier.SpecialField;

/** {@code array} and {@code percpu_array}: all elements exist from the start, as zeros. */
final class ArrayMap implements BpfMap {
    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final ValueShape shape;
    private final long base;
    private final int stride;
    private final int cpus;
    private final long cpuStride;
    private final boolean perCpu;
    private volatile boolean frozen;

    ArrayMap(int id, MapRequest request, MapContext context, boolean perCpu) {
        this.id = id;
        this.spec = request.spec();
        this.perCpu = perCpu;
        this.cpus = perCpu ? context.possibleCpus() : 1;
        this.shape = ValueShape.of(request);
        this.stride = shape.paddedBytes();
        long oneCpu = (long) stride * spec.maxEntries();
        // CPUs begin on cache lines of their own.
        this.cpuStride = perCpu ? oneCpu + MapMemory.ALIGN_BYTES - 1 & -MapMemory.ALIGN_BYTES : 0;
        this.memory = new MapMemory(context, spec.name());
        var access = (spec.flags() & MapFlags.RDONLY_PROG) != 0 ? Access.READ_ONLY : Access.READ_WRITE;
        this.base = memory.shared(perCpu ? cpuStride * cpus : oneCpu, access);
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
        return Integer.compareUnsigned(index, spec.maxEntries()) < 0 ? element(index, cpu) : 0;
    }

    private long element(int index, int cpu) {
        return base + cpu * cpuStride + (long) index * stride;
    }

    @Override
    public long lookupPerCpu(long key, int cpu) {
        return cpu < 0 || cpu >= cpus ? 0 : lookup(key, cpu);
    }

    @Override
    public int update(long key, long value, long flags, int cpu) {
        int error = checkUpdate(key, flags);
        if (error != 0) {
            return error;
        }
        long to = element(Memory.getInt(key), cpu);
        if ((flags & MapFlags.LOCK) != 0) {
            shape.copyLocked(value, to);
        } else {
            shape.copy(value, to);
        }
        return 0;
    }

    private int checkUpdate(long key, long flags) {
        if ((flags & ~MapFlags.LOCK) > MapFlags.EXIST || flags < 0) {
            return Errno.EINVAL.negated();
        }
        if (Integer.compareUnsigned(Memory.getInt(key), spec.maxEntries()) >= 0) {
            return Errno.E2BIG.negated();
        }
        if ((flags & MapFlags.NOEXIST) != 0) {
            return Errno.EEXIST.negated();
        }
        return (flags & MapFlags.LOCK) != 0 && shape.lockOffset() < 0 ? Errno.EINVAL.negated() : 0;
    }

    @Override
    public int delete(long key) {
        return Errno.EINVAL.negated();
    }

    @Override
    public int userValueBytes() {
        return perCpu ? stride * cpus : spec.valueSizeBytes();
    }

    @Override
    public int readUser(long key, long into, long flags) {
        if ((flags & MapFlags.LOCK) != 0 && shape.lockOffset() < 0) {
            return Errno.EINVAL.negated();
        }
        int index = Memory.getInt(key);
        if (Integer.compareUnsigned(index, spec.maxEntries()) >= 0) {
            return Errno.ENOENT.negated();
        }
        if (!perCpu) {
            shape.read(element(index, 0), into, (flags & MapFlags.LOCK) != 0);
            return 0;
        }
        for (int cpu = 0; cpu < cpus; cpu++) {
            Memory.copy(element(index, cpu), into + (long) cpu * stride, stride);
        }
        return 0;
    }

    @Override
    public int updateUser(long key, long value, long flags) {
        if (!perCpu) {
            return update(key, value, flags, 0);
        }
        int error = checkUpdate(key, flags);
        for (int cpu = 0; error == 0 && cpu < cpus; cpu++) {
            Memory.copy(value + (long) cpu * stride, element(Memory.getInt(key), cpu), stride);
        }
        return error;
    }

    @Override
    public int takeUser(long key, long into) {
        return ENOTSUPP;
    }

    @Override
    public int nextKey(long key, long next) {
        return nextIndex(key, next, spec.maxEntries());
    }

    /** The next key of any map whose keys are indices. */
    static int nextIndex(long key, long next, int maxEntries) {
        int index = key == 0 ? -1 : Memory.getInt(key);
        if (Integer.compareUnsigned(index, maxEntries) >= 0) {
            Memory.putInt(next, 0);
            return 0;
        }
        if (index == maxEntries - 1) {
            return Errno.ENOENT.negated();
        }
        Memory.putInt(next, index + 1);
        return 0;
    }

    @Override
    public long forEach(Visitor visitor, int cpu, long keyScratch) {
        for (int index = 0; index < spec.maxEntries(); index++) {
            Memory.putInt(keyScratch, index);
            if (visitor.visit(keyScratch, element(index, cpu)) != 0) {
                return index + 1L;
            }
        }
        return spec.maxEntries();
    }

    @Override
    public OptionalLong directValueAddress(int offBytes) {
        boolean inside = offBytes >= 0 && offBytes < (long) stride * spec.maxEntries();
        return perCpu || !inside ? OptionalLong.empty() : OptionalLong.of(base + offBytes);
    }

    @Override
    public Optional<ArrayLayout> arrayLayout() {
        return Optional.of(new ArrayLayout(base, stride, spec.maxEntries(), cpuStride));
    }

    @Override
    public Element elementAt(long address) {
        int index = (int) ((address - base) / stride);
        var key = java.nio.ByteBuffer.allocate(4)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .putInt(index)
                .array();
        return new Element(key, element(index, 0));
    }

    @Override
    public List<SpecialField> fields() {
        return shape.fields();
    }

    @Override
    public Optional<MapDefinition.Constants> frozenConstants() {
        boolean constant = frozen && (spec.flags() & MapFlags.RDONLY_PROG) != 0 && !perCpu;
        return constant ? Optional.of(this::constant) : Optional.empty();
    }

    private long constant(int offBytes, int sizeBytes) {
        long at = base + offBytes;
        return switch (sizeBytes) {
            case 1 -> Memory.getByte(at) & 0xffL;
            case 2 -> Memory.getShort(at) & 0xffffL;
            case 4 -> Memory.getInt(at) & 0xffff_ffffL;
            default -> Memory.getLong(at);
        };
    }

    @Override
    public boolean frozen() {
        return frozen;
    }

    @Override
    public int freeze() {
        frozen = true;
        return 0;
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
