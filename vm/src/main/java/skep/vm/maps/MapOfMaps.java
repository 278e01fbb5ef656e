package skep.vm.maps;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.vm.Memory;
import skep.vm.VmMap;

/**
 * {@code array_of_maps} and {@code hash_of_maps}: a program looks up a map, which it uses like any other. User space
 * writes and reads the inner map's number; what is stored is its handle. All inner maps are shaped like the template.
 */
final class MapOfMaps implements BpfMap {
    private final int id;
    private final MapSpec spec;
    private final MapSpec template;
    private final MapMemory memory;
    private final MapContext context;
    private final Store store;

    /** Where the handles are. */
    private interface Store {
        long get(long key);

        /** Stores; 0 or a negated error. What was there is handed to {@link #release}. */
        int put(long key, long handle, long flags);

        int remove(long key);

        int nextKey(long key, long next);

        void forEach(KeyVisitor visitor, long room);
    }

    MapOfMaps(int id, MapRequest request, MapContext context) {
        this.id = id;
        this.spec = request.spec();
        this.context = context;
        this.template = request.inner()
                .orElseThrow(() -> new MapException(
                        Errno.EBADF, "map " + request.spec().name() + " of maps needs the template of an inner map"));
        if (template.type() == MapType.ARRAY_OF_MAPS || template.type() == MapType.HASH_OF_MAPS) {
            throw new MapException(Errno.EINVAL, "map " + spec.name() + ": maps of maps of maps do not exist");
        }
        if (spec.valueSizeBytes() != 4) {
            throw new MapException(Errno.EINVAL, "map " + spec.name() + ": values are 4 bytes");
        }
        this.memory = new MapMemory(context, spec.name());
        this.store = spec.type() == MapType.ARRAY_OF_MAPS ? new Slots() : new Table();
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
    public Optional<MapSpec> innerSpec() {
        return Optional.of(template);
    }

    @Override
    public long lookup(long key, int cpu) {
        return store.get(key);
    }

    @Override
    public int readUser(long key, long into, long flags) {
        long handle = store.get(key);
        if (handle == 0) {
            return Errno.ENOENT.negated();
        }
        Memory.putInt(into, VmMap.idOf(handle));
        return 0;
    }

    @Override
    public int updateUser(long key, long value, long flags) {
        if (flags < 0 || flags > MapFlags.EXIST) {
            return Errno.EINVAL.negated();
        }
        var inner = context.retainMap(Memory.getInt(value));
        if (inner.isEmpty()) {
            return Errno.EBADF.negated();
        }
        int result = fits(inner.get().spec()) ? store.put(key, inner.get().handle(), flags) : Errno.EINVAL.negated();
        if (result != 0) {
            context.releaseMap(inner.get().id());
        }
        return result;
    }

    private boolean fits(MapSpec inner) {
        boolean sizeMatters = inner.type() == MapType.ARRAY && (template.flags() & MapFlags.INNER_MAP) == 0;
        return inner.type() == template.type()
                && inner.keySizeBytes() == template.keySizeBytes()
                && inner.valueSizeBytes() == template.valueSizeBytes()
                && inner.flags() == template.flags()
                && (!sizeMatters || inner.maxEntries() == template.maxEntries());
    }

    @Override
    public int deleteUser(long key) {
        return store.remove(key);
    }

    @Override
    public int takeUser(long key, long into) {
        return ENOTSUPP;
    }

    private void release(long handle) {
        if (handle != 0) {
            context.releaseMap(VmMap.idOf(handle));
        }
    }

    @Override
    public int nextKey(long key, long next) {
        return store.nextKey(key, next);
    }

    @Override
    public void walkKeys(KeyVisitor visitor, long room) {
        store.forEach(visitor, room);
    }

    @Override
    public long memoryBytes() {
        return memory.chargedBytes();
    }

    @Override
    public void close() {
        try (var room = Memory.allocate(ValueShape.pad(spec.keySizeBytes()), 8)) {
            store.forEach(key -> release(store.get(key)), room.address());
        }
        memory.close();
    }

    private final class Slots implements Store {
        private final AtomicLongArray handles;

        Slots() {
            memory.charge(8L * spec.maxEntries());
            handles = new AtomicLongArray(spec.maxEntries());
        }

        private boolean holds(int index) {
            return Integer.compareUnsigned(index, handles.length()) < 0;
        }

        @Override
        public long get(long key) {
            int index = Memory.getInt(key);
            return holds(index) ? handles.get(index) : 0;
        }

        @Override
        public int put(long key, long handle, long flags) {
            int index = Memory.getInt(key);
            if (flags != MapFlags.ANY) {
                return Errno.EINVAL.negated();
            }
            if (!holds(index)) {
                return Errno.E2BIG.negated();
            }
            release(handles.getAndSet(index, handle));
            return 0;
        }

        @Override
        public int remove(long key) {
            int index = Memory.getInt(key);
            if (!holds(index)) {
                return Errno.E2BIG.negated();
            }
            long old = handles.getAndSet(index, 0);
            release(old);
            return old == 0 ? Errno.ENOENT.negated() : 0;
        }

        @Override
        public int nextKey(long key, long next) {
            return ArrayMap.nextIndex(key, next, spec.maxEntries());
        }

        @Override
        public void forEach(KeyVisitor visitor, long room) {
            for (int index = 0; index < handles.length(); index++) {
                if (handles.get(index) != 0) {
                    Memory.putInt(room, index);
                    visitor.visit(room);
                }
            }
        }
    }

    private final class Table implements Store {
        private final HashTable table = new HashTable(memory, spec.keySizeBytes(), 8, spec.maxEntries(), false);

        /** Writes a handle, and releases what goes. */
        private record Handle(MapOfMaps map, long handle) implements HashTable.Values {
            @Override
            public void init(long value) {
                Memory.putLong(value, handle);
            }

            @Override
            public boolean overwrite(long value) {
                map.release(Memory.getAndSet(value, handle));
                return true;
            }

            @Override
            public void drop(long value) {
                map.release(Memory.getAndSet(value, 0L));
            }
        }

        @Override
        public long get(long key) {
            long value = table.find(key, false);
            return value == 0 ? 0 : Memory.getLong(value);
        }

        @Override
        public int put(long key, long handle, long flags) {
            return table.put(key, flags, new Handle(MapOfMaps.this, handle));
        }

        @Override
        public int remove(long key) {
            return table.remove(key, new Handle(MapOfMaps.this, 0));
        }

        @Override
        public int nextKey(long key, long next) {
            return table.nextKey(key, next);
        }

        @Override
        public void forEach(KeyVisitor visitor, long room) {
            table.forEach((key, _) -> {
                visitor.visit(key);
                return 0;
            });
        }
    }
}
