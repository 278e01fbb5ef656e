package skep.vm.maps;

import java.util.concurrent.atomic.AtomicBoolean;
import skep.isa.kernel.Errno;
import skep.isa.object.MapSpec;
import skep.target.OutputReader;
import skep.vm.Memory;

/** {@code ringbuf}: records from all CPUs to one reader in user space, reserved and committed in place. */
public final class RingBuffer implements BpfMap {
    /** Flag: do not wake the reader. */
    public static final long NO_WAKEUP = 1;

    /** Flag: wake the reader even if it lags behind. */
    public static final long FORCE_WAKEUP = 2;

    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final RecordRing ring;
    private final RecordRing.Waiter waiter = new RecordRing.Waiter();
    /** Held while records are read, so that their memory is not freed under the reader. */
    private final Object gate = new Object();

    private volatile boolean closed;
    private final AtomicBoolean open = new AtomicBoolean();

    RingBuffer(int id, MapRequest request, MapContext context) {
        this.id = id;
        this.spec = request.spec();
        this.memory = new MapMemory(context, spec.name());
        this.ring = new RecordRing(memory, spec.maxEntries(), id, waiter);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    /** Address of the data of a new record, or 0 if there is no room. */
    public long reserve(long sizeBytes, long flags) {
        return flags != 0 ? 0 : ring.reserve(sizeBytes);
    }

    /** Gives a reserved record to the reader, or takes it back. */
    public void commit(long data, long flags, boolean discard) {
        boolean caughtUp = ring.commit(data, discard);
        if ((flags & FORCE_WAKEUP) != 0 || caughtUp && (flags & NO_WAKEUP) == 0) {
            ring.wake();
        }
    }

    /** Copies a record in: 0, -EAGAIN without room, -EINVAL for unknown flags. */
    public int output(long data, long sizeBytes, long flags) {
        if ((flags & ~(NO_WAKEUP | FORCE_WAKEUP)) != 0) {
            return Errno.EINVAL.negated();
        }
        long record = ring.reserve(sizeBytes);
        if (record == 0) {
            return Errno.EAGAIN.negated();
        }
        Memory.copy(data, record, sizeBytes);
        commit(record, flags, false);
        return 0;
    }

    /** {@code bpf_ringbuf_query}: 0 unread bytes, 1 size, 2 the consumer's position, 3 the producers'. */
    public long query(long what) {
        return switch ((int) what) {
            case 0 -> ring.available();
            case 1 -> ring.sizeBytes();
            case 2 -> ring.consumerPosition();
            case 3 -> ring.producerPosition();
            default -> 0;
        };
    }

    /** Records that found no room. */
    public long droppedRecords() {
        return ring.droppedRecords();
    }

    /** Whether this is the data of a record that was reserved and not yet committed. */
    public boolean isReserved(long data) {
        return ring.isReserved(data);
    }

    /**
     * The one reader.
     *
     * @throws MapException EBUSY while there is another
     */
    public OutputReader openReader() {
        if (!open.compareAndSet(false, true)) {
            throw new MapException(Errno.EBUSY, "ring buffer " + spec.name() + " has a reader");
        }
        return new Reader();
    }

    @Override
    public int updateUser(long key, long value, long flags) {
        return ENOTSUPP;
    }

    @Override
    public int readUser(long key, long into, long flags) {
        return ENOTSUPP;
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

    private final class Reader implements OutputReader {
        @Override
        public int poll(int timeoutMillis, Consumer consumer) {
            synchronized (gate) {
                if (closed) {
                    return 0;
                }
                waiter.await(ring::hasRecord, timeoutMillis);
                int count = closed ? 0 : ring.drain(record -> consumer.accept(record) && !closed);
                return count < 0 ? -count - 1 : count;
            }
        }

        @Override
        public void wakeUp() {
            waiter.wakeAlways();
        }

        @Override
        public void close() {
            open.set(false);
        }
    }
}
