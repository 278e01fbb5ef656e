package skep.vm.maps;

import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.vm.Memory;

/**
 * Local storage: one value for each task, inode, socket or cgroup, made when a program asks for it. An owner is known by
 * its kernel address (a cgroup by its number). User space names a task by its pid, a cgroup by its number.
 */
final class StorageMap implements BpfMap {
    /** Owners with a value; the kernel's bound is memory. */
    private static final int MAX_OWNERS = 1 << 20;

    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final MapContext context;
    private final ValueShape shape;
    private final boolean perCpu;
    private final boolean ofCgroups;
    private final int valueBytes;
    private final HashTable table;

    StorageMap(int id, MapRequest request, MapContext context) {
        this.id = id;
        this.spec = request.spec();
        this.context = context;
        this.memory = new MapMemory(context, spec.name());
        this.shape = ValueShape.of(request);
        this.perCpu = spec.type() == MapType.PERCPU_CGROUP_STORAGE;
        this.ofCgroups = perCpu || spec.type() == MapType.CGROUP_STORAGE;
        this.valueBytes = perCpu ? shape.paddedBytes() * context.possibleCpus() : spec.valueSizeBytes();
        this.table = new HashTable(memory, 8, ValueShape.pad(valueBytes), MAX_OWNERS, false);
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
    public java.util.List<skep.vm.verifier.SpecialField> fields() {
        return shape.fields();
    }

    /** Fills a fresh value from a program's, or with zeros. */
    private record Initial(ValueShape shape, int valueBytes, long from, boolean replace) implements HashTable.Values {
        @Override
        public void init(long value) {
            Memory.fill(value, ValueShape.pad(valueBytes), (byte) 0);
            if (from != 0 && valueBytes > shape.paddedBytes()) {
                Memory.copy(from, value, valueBytes);
            } else if (from != 0) {
                shape.init(from, value);
            }
        }

        @Override
        public boolean overwrite(long value) {
            if (replace && valueBytes > shape.paddedBytes()) {
                Memory.copy(from, value, valueBytes);
            } else if (replace) {
                shape.copy(from, value);
            }
            return true;
        }
    }

    @Override
    public long storage(long owner, long initial, boolean create, int cpu) {
        long value = table.find(owner, false);
        if (value == 0 && create) {
            // Whoever comes second finds the first one's value.
            value = table.putAndFind(owner, MapFlags.ANY, new Initial(shape, valueBytes, initial, false));
            value = value > -4096 && value < 0 ? 0 : value;
        }
        return value == 0 ? 0 : value + (perCpu ? (long) cpu * shape.paddedBytes() : 0);
    }

    @Override
    public int deleteStorage(long owner) {
        return table.remove(owner, new Initial(shape, valueBytes, 0, false));
    }

    /** The owner that a key of user space names, or 0. */
    private long owner(long key) {
        return switch (spec.type()) {
            case CGROUP_STORAGE, PERCPU_CGROUP_STORAGE -> Memory.getLong(key);
            case CGRP_STORAGE -> Memory.getInt(key);
            case TASK_STORAGE -> context.taskOfPid(Memory.getInt(key));
            default -> 0;
        };
    }

    @Override
    public int userValueBytes() {
        return valueBytes;
    }

    /** What user space does with the value of the owner that a key names. */
    private int withOwner(long key, java.util.function.LongToIntFunction action) {
        long owner = owner(key);
        if (owner == 0) {
            return ofCgroups ? Errno.ENOENT.negated() : Errno.EBADF.negated();
        }
        try (var room = Memory.allocate(8, 8)) {
            Memory.putLong(room.address(), owner);
            return action.applyAsInt(room.address());
        }
    }

    @Override
    public int readUser(long key, long into, long flags) {
        return withOwner(key, owner -> {
            long value = table.find(owner, false);
            if (value == 0) {
                return Errno.ENOENT.negated();
            }
            Memory.copy(value, into, valueBytes);
            return 0;
        });
    }

    /** Storage of the old kind is there as long as a program is attached to the cgroup: user space makes none. */
    @Override
    public int updateUser(long key, long value, long flags) {
        if (ofCgroups) {
            return flags != MapFlags.ANY && flags != MapFlags.EXIST
                    ? Errno.EINVAL.negated()
                    : withOwner(
                            key,
                            owner -> table.put(owner, MapFlags.EXIST, new Initial(shape, valueBytes, value, true)));
        }
        return flags < 0 || flags > MapFlags.EXIST
                ? Errno.EINVAL.negated()
                : withOwner(key, owner -> table.put(owner, flags, new Initial(shape, valueBytes, value, true)));
    }

    @Override
    public int deleteUser(long key) {
        return ofCgroups ? Errno.EINVAL.negated() : withOwner(key, this::deleteStorage);
    }

    /** Of cgroups the kernel keeps a list. */
    @Override
    public int nextKey(long key, long next) {
        if (!ofCgroups) {
            return ENOTSUPP;
        }
        int result = table.nextKey(key, next);
        if (result == 0 && spec.keySizeBytes() > 8) {
            Memory.putLong(next + 8, 0);
        }
        return result;
    }

    @Override
    public void walkKeys(KeyVisitor visitor, long room) {
        if (ofCgroups) {
            BpfMap.super.walkKeys(visitor, room);
        }
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
