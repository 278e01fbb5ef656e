package skep.vm.maps;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.object.MapSpec;
import skep.vm.Executable;
import skep.vm.Memory;
import skep.vm.VmMap;

/** {@code prog_array}: what tail calls go through. User space stores program ids. */
final class ProgramArray implements VmMap.Programs, BpfMap {
    private record Entry(int programId, Executable executable) {}

    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final MapContext context;
    private final AtomicReferenceArray<Entry> entries;

    ProgramArray(int id, MapRequest request, MapContext context) {
        this.id = id;
        this.spec = request.spec();
        this.context = context;
        this.memory = new MapMemory(context, spec.name());
        memory.charge(8L * spec.maxEntries());
        this.entries = new AtomicReferenceArray<>(spec.maxEntries());
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
    public Optional<Executable> program(int index) {
        if (Integer.compareUnsigned(index, entries.length()) >= 0) {
            return Optional.empty();
        }
        var entry = entries.get(index);
        return entry == null ? Optional.empty() : Optional.of(entry.executable);
    }

    @Override
    public int updateUser(long key, long value, long flags) {
        if (flags != MapFlags.ANY) {
            return Errno.EINVAL.negated();
        }
        int index = Memory.getInt(key);
        if (Integer.compareUnsigned(index, entries.length()) >= 0) {
            return Errno.E2BIG.negated();
        }
        int program = Memory.getInt(value);
        var executable = context.retainProgram(program);
        if (executable.isEmpty()) {
            return Errno.EBADF.negated();
        }
        release(entries.getAndSet(index, new Entry(program, executable.get())));
        return 0;
    }

    private void release(@org.jspecify.annotations.Nullable Entry entry) {
        if (entry != null) {
            context.releaseProgram(entry.programId);
        }
    }

    @Override
    public int readUser(long key, long into, long flags) {
        int index = Memory.getInt(key);
        var entry = Integer.compareUnsigned(index, entries.length()) < 0 ? entries.get(index) : null;
        if (entry == null) {
            return Errno.ENOENT.negated();
        }
        Memory.putInt(into, entry.programId);
        return 0;
    }

    @Override
    public int deleteUser(long key) {
        int index = Memory.getInt(key);
        if (Integer.compareUnsigned(index, entries.length()) >= 0) {
            return Errno.E2BIG.negated();
        }
        var entry = entries.getAndSet(index, null);
        release(entry);
        return entry == null ? Errno.ENOENT.negated() : 0;
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
        for (int i = 0; i < entries.length(); i++) {
            release(entries.getAndSet(i, null));
        }
        memory.close();
    }
}
