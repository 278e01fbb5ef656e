package skep.vm.maps;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import skep.target.OutputReader;
import skep.vm.AddressSpace.Access;
import skep.vm.Memory;

/**
 * Records from many producers to one consumer, in the order of their reservation: what ring buffers and perf buffers
 * share. Positions only grow; a record lies at its position modulo the size.
 *
 * <pre>
 *  record:  0 length, bit 31 busy, bit 30 discarded | 4 tag of the owner | 8 data, padded to 8
 *
 *  |0 ......................... size|...... spill|
 *             [hdr|data][hdr|data-----data]          a record may run on behind the end; it owns the
 *  ^ those bytes at the start it would otherwise wrap into
 * </pre>
 *
 * <p>The kernel maps its pages twice so that no record is ever split. Here the memory is simply longer; a record too
 * long for the spill is preceded by a discarded one up to the end.
 */
final class RecordRing {
    static final int HEADER_BYTES = 8;
    static final int BUSY = 1 << 31;
    static final int DISCARDED = 1 << 30;
    private static final int LENGTH_MASK = DISCARDED - 1;
    private static final int MAX_SPILL_BYTES = 1 << 16;

    private final long base;
    private final int sizeBytes;
    private final int spillBytes;
    private final int tag;
    private final long lock;

    private final AtomicLong producer = new AtomicLong();
    private final AtomicLong consumer = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final Waiter waiter;

    RecordRing(MapMemory memory, int sizeBytes, int tag, Waiter waiter) {
        this.sizeBytes = sizeBytes;
        this.spillBytes = Math.min(sizeBytes, MAX_SPILL_BYTES);
        this.base = memory.shared((long) sizeBytes + spillBytes, Access.READ_WRITE);
        this.lock = memory.hidden(8);
        this.tag = tag;
        this.waiter = waiter;
    }

    /** The thread that waits for records. */
    static final class Waiter {
        private volatile boolean waiting;
        private volatile boolean woken;
        private volatile Thread thread = Thread.currentThread();

        void wake() {
            if (waiting) {
                LockSupport.unpark(thread);
            }
        }

        void wakeAlways() {
            woken = true;
            LockSupport.unpark(thread);
        }

        /** Waits until {@code ready}, a wake-up or the timeout. */
        void await(java.util.function.BooleanSupplier ready, int timeoutMillis) {
            if (timeoutMillis == 0 || ready.getAsBoolean()) {
                woken = false;
                return;
            }
            long deadline = System.nanoTime() + timeoutMillis * 1_000_000L;
            thread = Thread.currentThread();
            waiting = true;
            try {
                while (!ready.getAsBoolean()
                        && !woken
                        && !Thread.currentThread().isInterrupted()) {
                    long left = deadline - System.nanoTime();
                    if (timeoutMillis > 0 && left <= 0) {
                        break;
                    }
                    LockSupport.parkNanos(this, timeoutMillis > 0 ? left : Long.MAX_VALUE);
                }
            } finally {
                waiting = false;
                woken = false;
            }
        }
    }

    long base() {
        return base;
    }

    int sizeBytes() {
        return sizeBytes;
    }

    long available() {
        return producer.get() - consumer.get();
    }

    long consumerPosition() {
        return consumer.get();
    }

    long producerPosition() {
        return producer.get();
    }

    long droppedRecords() {
        return dropped.get();
    }

    /** Address of the data of a new record, marked busy; 0 if there is no room, which is counted. */
    long reserve(long length) {
        long total = length + HEADER_BYTES + 7 & ~7L;
        if (length < 0 || length > LENGTH_MASK || total > sizeBytes) {
            dropped.incrementAndGet();
            return 0;
        }
        SpinLock.lock(lock);
        try {
            long position = producer.get();
            long toEnd = sizeBytes - (position & sizeBytes - 1);
            long skip = total > toEnd + spillBytes ? toEnd : 0;
            if (position + skip + total - consumer.get() > sizeBytes) {
                dropped.incrementAndGet();
                return 0;
            }
            if (skip != 0) {
                Memory.putInt(header(position), (int) (skip - HEADER_BYTES) | DISCARDED);
            }
            long header = header(position + skip);
            Memory.putInt(header, (int) length | BUSY);
            Memory.putInt(header + 4, tag);
            producer.setRelease(position + skip + total);
            return header + HEADER_BYTES;
        } finally {
            SpinLock.unlock(lock);
        }
    }

    private long header(long position) {
        return base + (position & sizeBytes - 1);
    }

    /**
     * Publishes or discards a record.
     *
     * @return whether the consumer had caught up with it, and so may be asleep
     */
    boolean commit(long data, boolean discard) {
        long header = data - HEADER_BYTES;
        int length = Memory.getInt(header) & LENGTH_MASK;
        // Exchange rather than store: the consumer's position must not be read before the record is public.
        Memory.getAndSet(header, discard ? length | DISCARDED : length);
        return (consumer.get() & sizeBytes - 1) == header - base;
    }

    void wake() {
        waiter.wake();
    }

    boolean hasRecord() {
        long position = consumer.get();
        return position < producer.getAcquire() && (Memory.getAcquire(header(position), 4) & BUSY & 0xffff_ffffL) == 0;
    }

    /** Hands over what is there, up to the first busy record. Returns the count; negative (-count - 1) if told to stop. */
    int drain(OutputReader.Consumer sink) {
        int count = 0;
        long position = consumer.get();
        long end = producer.getAcquire();
        while (position < end) {
            long header = header(position);
            int word = (int) Memory.getAcquire(header, 4);
            if ((word & BUSY) != 0) {
                break;
            }
            int length = word & LENGTH_MASK;
            boolean proceed = true;
            if ((word & DISCARDED) == 0) {
                count++;
                proceed = sink.accept(Memory.view(header + HEADER_BYTES, length));
            }
            position += length + HEADER_BYTES + 7 & ~7L;
            consumer.set(position);
            if (!proceed) {
                return -count - 1;
            }
            if (position == end) {
                end = producer.getAcquire();
            }
        }
        return count;
    }

    /** Whether an address is that of a record's data which is busy now; for programs that no verifier saw. */
    boolean isReserved(long data) {
        return data >= base + HEADER_BYTES
                && data < base + sizeBytes + HEADER_BYTES
                && (data & 7) == 0
                && (Memory.getInt(data - HEADER_BYTES) & BUSY) != 0
                && Memory.getInt(data - HEADER_BYTES + 4) == tag;
    }
}
