package skep.vm.maps;

import java.util.concurrent.atomic.AtomicReferenceArray;
import skep.isa.kernel.Errno;
import skep.isa.object.MapSpec;
import skep.target.OutputReader;
import skep.vm.Memory;

/** {@code perf_event_array}: one buffer a CPU; a record written by a program is copied into that of its CPU. */
public final class PerfEventArray implements BpfMap {
    /** In the low half of the flags: the buffer of the CPU that runs. */
    public static final long CURRENT_CPU = 0xffff_ffffL;

    /** Bytes of a CPU's buffer when none are asked for: 64 pages, as BCC and libbpf take by default. */
    public static final int DEFAULT_BUFFER_BYTES = 64 * 4096;

    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final int cpus;
    private final AtomicReferenceArray<RecordRing> rings;
    private final RecordRing.Waiter waiter = new RecordRing.Waiter();
    /** Held while records are read, so that their memory is not freed under the reader. */
    private final Object gate = new Object();

    private volatile boolean closed;

    PerfEventArray(int id, MapRequest request, MapContext context) {
        this.id = id;
        this.spec = request.spec();
        this.cpus = context.possibleCpus();
        this.memory = new MapMemory(context, spec.name());
        memory.charge(64L * cpus);
        this.rings = new AtomicReferenceArray<>(cpus);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    /**
     * {@code bpf_perf_event_output}: 0, -ENOENT where nobody listens, -EOPNOTSUPP for another CPU's buffer, -E2BIG
     * beyond the array, -ENOSPC when the buffer is full (the record is counted as lost).
     */
    public int output(long flags, long data, long sizeBytes, int cpu) {
        long index = flags & CURRENT_CPU;
        if ((flags & ~CURRENT_CPU) != 0) {
            return Errno.EINVAL.negated();
        }
        if (index == CURRENT_CPU) {
            index = cpu;
        }
        if (index >= spec.maxEntries()) {
            return Errno.E2BIG.negated();
        }
        var ring = index < cpus ? rings.get((int) index) : null;
        if (ring == null) {
            return Errno.ENOENT.negated();
        }
        if (index != cpu) {
            return Errno.EOPNOTSUPP.negated();
        }
        long record = ring.reserve(sizeBytes);
        if (record == 0) {
            return Errno.ENOSPC.negated();
        }
        Memory.copy(data, record, sizeBytes);
        ring.commit(record, false);
        ring.wake();
        return 0;
    }

    /** Records that found no room, over all CPUs. */
    public long droppedRecords() {
        long dropped = 0;
        for (int cpu = 0; cpu < cpus; cpu++) {
            var ring = rings.get(cpu);
            dropped += ring == null ? 0 : ring.droppedRecords();
        }
        return dropped;
    }

    /** Opens a buffer of this size (rounded up to a power of two of at least a page) on each CPU of the array. */
    public OutputReader openReader(int bufferBytes) {
        int size = Math.max(4096, Integer.highestOneBit(Math.max(1, bufferBytes - 1)) * 2);
        for (int cpu = 0; cpu < Math.min(cpus, spec.maxEntries()); cpu++) {
            if (!rings.compareAndSet(cpu, null, new RecordRing(memory, size, id, waiter))) {
                throw new MapException(Errno.EBUSY, "perf event array " + spec.name() + " has a reader");
            }
        }
        return new Reader();
    }

    @Override
    public int delete(long key) {
        int cpu = Memory.getInt(key);
        if (Integer.compareUnsigned(cpu, spec.maxEntries()) >= 0) {
            return Errno.E2BIG.negated();
        }
        return cpu < cpus && rings.getAndSet(cpu, null) != null ? 0 : Errno.ENOENT.negated();
    }

    @Override
    public int readUser(long key, long into, long flags) {
        return ENOTSUPP;
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
        closed = true;
        waiter.wakeAlways();
        synchronized (gate) {
            memory.close();
        }
    }

    /** Unread bytes of the fullest buffer. */
    public long unreadBytes() {
        long most = 0;
        for (int cpu = 0; cpu < cpus; cpu++) {
            var ring = rings.get(cpu);
            most = Math.max(most, ring == null ? 0 : ring.available());
        }
        return most;
    }

    /** Bytes of one CPU's buffer; 0 without a reader. */
    public long bufferBytes() {
        var ring = cpus == 0 ? null : rings.get(0);
        return ring == null ? 0 : ring.sizeBytes();
    }

    private boolean anyRecord() {
        for (int cpu = 0; cpu < cpus; cpu++) {
            var ring = rings.get(cpu);
            if (ring != null && ring.hasRecord()) {
                return true;
            }
        }
        return false;
    }

    private final class Reader implements OutputReader {
        private int draining;

        @Override
        public int cpu() {
            return draining;
        }

        @Override
        public long lost() {
            return droppedRecords();
        }

        @Override
        public int poll(int timeoutMillis, Consumer consumer) {
            synchronized (gate) {
                if (closed) {
                    return 0;
                }
                waiter.await(PerfEventArray.this::anyRecord, timeoutMillis);
                return drainAll(record -> consumer.accept(record) && !closed);
            }
        }

        private int drainAll(Consumer consumer) {
            int total = 0;
            for (int cpu = 0; cpu < cpus && !closed; cpu++) {
                var ring = rings.get(cpu);
                draining = cpu;
                int count = ring == null ? 0 : ring.drain(consumer);
                if (count < 0) {
                    return total - count - 1;
                }
                total += count;
            }
            return total;
        }

        @Override
        public void wakeUp() {
            waiter.wakeAlways();
        }

        @Override
        public void close() {
            for (int cpu = 0; cpu < cpus; cpu++) {
                rings.set(cpu, null);
            }
        }
    }
}
