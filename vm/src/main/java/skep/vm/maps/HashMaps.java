package skep.vm.maps;

import java.util.List;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.vm.HelperFunction;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.verifier.SpecialField;

/** {@code hash} and {@code lru_hash}. */
final class HashMaps implements BpfMap {
    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final ValueShape shape;
    private final HashTable table;
    private final boolean lru;
    private final HashTable.Values drops;
    private final MapContext context;
    /** Whether replacing a value is nothing but a copy. */
    private final boolean plain;

    private final HashTable.Writer writer;

    HashMaps(int id, MapRequest request, MapContext context, boolean lru) {
        this.id = id;
        this.spec = request.spec();
        this.lru = lru;
        this.memory = new MapMemory(context, spec.name());
        this.shape = ValueShape.of(request);
        this.table = new HashTable(memory, spec.keySizeBytes(), shape.paddedBytes(), spec.maxEntries(), lru);
        this.context = context;
        this.plain = shape.fields().isEmpty();
        this.writer = table.writer(spec.valueSizeBytes());
        this.drops = shape.fields().stream()
                .filter(field -> field.kind() == SpecialField.Kind.TIMER)
                .findFirst()
                .<HashTable.Values>map(field -> new DroppedTimer(context, field.offBytes()))
                .orElse(Ignored.VALUES);
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
    public Element elementAt(long address) {
        return table.elementAt(address);
    }

    @Override
    public List<SpecialField> fields() {
        return shape.fields();
    }

    @Override
    public long lookup(long key, int cpu) {
        return table.find(key, lru);
    }

    @Override
    public HelperFunction lookups() {
        return lru ? BpfMap.super.lookups() : new PlainLookup(table.reader());
    }

    @Override
    public HelperFunction updates() {
        return plain ? new PlainUpdate(writer, this) : BpfMap.super.updates();
    }

    /** The look-up of generated code that knows the map. */
    private record PlainLookup(HashTable.Reader reader) implements HelperFunction {
        @Override
        public long call(VmCpu cpu, long map, long key, long c, long d, long e) {
            return reader.find(key);
        }
    }

    private record PlainUpdate(HashTable.Writer writer, HashMaps map) implements HelperFunction {
        @Override
        public long call(VmCpu cpu, long handle, long key, long value, long flags, long e) {
            boolean replaces = flags == MapFlags.ANY || flags == MapFlags.EXIST;
            return replaces && writer.replace(key, value) ? 0 : map.insert(key, value, flags);
        }
    }

    @Override
    public int update(long key, long value, long flags, int cpu) {
        boolean replaces = plain && (flags == MapFlags.ANY || flags == MapFlags.EXIST);
        return replaces && writer.replace(key, value) ? 0 : insert(key, value, flags);
    }

    private int insert(long key, long value, long flags) {
        if ((flags & ~MapFlags.LOCK) > MapFlags.EXIST
                || flags < 0
                || (flags & MapFlags.LOCK) != 0 && shape.lockOffset() < 0) {
            return Errno.EINVAL.negated();
        }
        return table.put(key, flags, new CopiedValue(shape, value, (flags & MapFlags.LOCK) != 0, drops));
    }

    @Override
    public int delete(long key) {
        return table.remove(key, drops);
    }

    @Override
    public int readUser(long key, long into, long flags) {
        if ((flags & MapFlags.LOCK) != 0 && shape.lockOffset() < 0) {
            return Errno.EINVAL.negated();
        }
        if (spec.type() == MapType.SOCKHASH && spec.valueSizeBytes() != 8) {
            return Errno.ENOSPC.negated(); // a socket is told by its cookie
        }
        long value = table.find(key, false);
        if (value == 0) {
            return Errno.ENOENT.negated();
        }
        shape.read(value, into, (flags & MapFlags.LOCK) != 0);
        return 0;
    }

    @Override
    public int takeUser(long key, long into) {
        return table.remove(key, new TakenValue(shape, into));
    }

    @Override
    public int nextKey(long key, long next) {
        return table.nextKey(key, next);
    }

    @Override
    public void walkKeys(KeyVisitor visitor, long room) {
        table.forEach((key, _) -> {
            visitor.visit(key);
            return 0;
        });
    }

    @Override
    public long forEach(Visitor visitor, int cpu, long keyScratch) {
        return table.forEach(visitor);
    }

    @Override
    public long memoryBytes() {
        return memory.chargedBytes();
    }

    @Override
    public void close() {
        context.forgetTimersOf(handle());
        memory.close();
    }

    /** A value to be stored. */
    private record CopiedValue(ValueShape shape, long source, boolean locked, HashTable.Values drops)
            implements HashTable.Values {
        @Override
        public void init(long value) {
            shape.init(source, value);
        }

        @Override
        public boolean overwrite(long value) {
            if (locked) {
                shape.copyLocked(source, value);
            }
            return locked;
        }

        @Override
        public void drop(long value) {
            drops.drop(value);
        }
    }

    /** What happens to a value that goes: its timer stops. */
    private record DroppedTimer(MapContext context, int offBytes) implements HashTable.Values {
        @Override
        public void init(long value) {}

        @Override
        public boolean overwrite(long value) {
            return false;
        }

        @Override
        public void drop(long value) {
            context.forgetTimer(value + offBytes);
        }
    }

    /** A value to be copied out as it goes. */
    private record TakenValue(ValueShape shape, long into) implements HashTable.Values {
        @Override
        public void init(long value) {}

        @Override
        public boolean overwrite(long value) {
            return false;
        }

        @Override
        public void drop(long value) {
            shape.init(value, into);
        }
    }

    /** Where only the key matters. */
    enum Ignored implements HashTable.Values {
        VALUES;

        @Override
        public void init(long value) {}

        @Override
        public boolean overwrite(long value) {
            return false;
        }
    }

    /** {@code percpu_hash} and {@code lru_percpu_hash}: one element holds the values of all CPUs in a row. */
    static final class PerCpu implements BpfMap {
        private final int id;
        private final MapSpec spec;
        private final MapMemory memory;
        private final int stride;
        private final int cpus;
        private final HashTable table;
        private final boolean lru;

        PerCpu(int id, MapRequest request, MapContext context, boolean lru) {
            this.id = id;
            this.spec = request.spec();
            this.lru = lru;
            this.cpus = context.possibleCpus();
            this.stride = ValueShape.pad(spec.valueSizeBytes());
            this.memory = new MapMemory(context, spec.name());
            this.table = new HashTable(memory, spec.keySizeBytes(), (long) stride * cpus, spec.maxEntries(), lru);
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
            long values = table.find(key, lru);
            return values == 0 ? 0 : values + (long) cpu * stride;
        }

        @Override
        public long lookupPerCpu(long key, int cpu) {
            return cpu < 0 || cpu >= cpus ? 0 : lookup(key, cpu);
        }

        @Override
        public int update(long key, long value, long flags, int cpu) {
            if (flags > MapFlags.EXIST || flags < 0) {
                return Errno.EINVAL.negated();
            }
            return table.put(key, flags, new OneCpu(value, spec.valueSizeBytes(), stride, cpu, cpus));
        }

        @Override
        public int delete(long key) {
            return table.remove(key, Ignored.VALUES);
        }

        @Override
        public int userValueBytes() {
            return stride * cpus;
        }

        @Override
        public int readUser(long key, long into, long flags) {
            long values = table.find(key, false);
            if (values == 0) {
                return Errno.ENOENT.negated();
            }
            Memory.copy(values, into, userValueBytes());
            return 0;
        }

        @Override
        public int updateUser(long key, long value, long flags) {
            if (flags > MapFlags.EXIST || flags < 0) {
                return Errno.EINVAL.negated();
            }
            return table.put(key, flags, new AllCpus(value, userValueBytes()));
        }

        @Override
        public int takeUser(long key, long into) {
            return table.remove(key, new AllCpus(into, userValueBytes()));
        }

        @Override
        public int nextKey(long key, long next) {
            return table.nextKey(key, next);
        }

        @Override
        public void walkKeys(KeyVisitor visitor, long room) {
            table.forEach((key, _) -> {
                visitor.visit(key);
                return 0;
            });
        }

        @Override
        public long forEach(Visitor visitor, int cpu, long keyScratch) {
            return table.forEach((key, values) -> visitor.visit(key, values + (long) cpu * stride));
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

    /** A program's update: its own CPU's value, zero for the others of a fresh element. */
    private record OneCpu(long source, int sizeBytes, int stride, int cpu, int cpus) implements HashTable.Values {
        @Override
        public void init(long values) {
            Memory.fill(values, (long) stride * cpus, (byte) 0);
            overwrite(values);
        }

        @Override
        public boolean overwrite(long values) {
            ValueShape.copyBytes(source, values + (long) cpu * stride, sizeBytes);
            return true;
        }
    }

    /** User space's update or taking of all values. */
    private record AllCpus(long outside, int totalBytes) implements HashTable.Values {
        @Override
        public void init(long values) {
            Memory.copy(outside, values, totalBytes);
        }

        @Override
        public boolean overwrite(long values) {
            init(values);
            return true;
        }

        @Override
        public void drop(long values) {
            Memory.copy(values, outside, totalBytes);
        }
    }
}
