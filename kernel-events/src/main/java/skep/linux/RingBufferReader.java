package skep.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import skep.linux.sys.Errno;
import skep.linux.sys.Sys;
import skep.target.OutputReader;
import skep.target.TargetException;

/**
 * Drains a BPF ring buffer through its mapping ({@code kernel/bpf/ringbuf.c}).
 *
 * <pre>
 *   page 0 (writable): consumer position | page 1: producer position | data, mapped twice in a row
 *   record: length (bit 31 busy, bit 30 discarded) 4, page offset 4, bytes, padded to 8
 * </pre>
 *
 * <p>Positions only grow; a record lies at its position modulo the size, and the second mapping makes it contiguous. The
 * producer position and a record's length are read in acquire order, the consumer position is written in release order.
 */
final class RingBufferReader implements OutputReader {
    private static final int HEADER_BYTES = 8;
    private static final int BUSY = 1 << 31;
    private static final int DISCARDED = 1 << 30;

    /** After so many records in one go, the next are left to gather: each wait then serves many. */
    private static final int MANY_RECORDS = 64;

    private static final int GATHER_MILLIS = 2;

    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;

    private final Host host;
    private final long mask;
    private final MemorySegment consumer;
    private final MemorySegment producer;
    private final MemorySegment data;
    private final Waiter waiter;
    /** Held while the mapping is read, so that closing waits. */
    private final Object draining = new Object();

    private volatile boolean closed;
    private boolean busy;

    private RingBufferReader(Host host, int map, MemorySegment consumer, MemorySegment producer) {
        this.host = host;
        this.consumer = consumer;
        this.producer = producer;
        this.data = producer.asSlice(consumer.byteSize());
        this.mask = data.byteSize() / 2 - 1;
        this.waiter = new Waiter(host, map);
    }

    static RingBufferReader open(Host host, String name, int map, long bytes) {
        long page = host.pageBytes();
        long consumer = map(host, name, map, page, PROT_READ | PROT_WRITE, 0);
        long producer = map(host, name, map, page + 2 * bytes, PROT_READ, page);
        return new RingBufferReader(
                host,
                map,
                host.syscalls().view(consumer, page).orElseThrow(),
                host.syscalls().view(producer, page + 2 * bytes).orElseThrow());
    }

    private static long map(Host host, String name, int map, long bytes, int protection, long offset) {
        long address = host.syscalls().call(Sys.MMAP, 0, bytes, protection, MAP_SHARED, map, offset);
        if (Errno.isError(address)) {
            throw new TargetException("ring buffer " + name + ": mmap failed: " + Errno.name(-address));
        }
        return address;
    }

    @Override
    public int poll(int timeoutMillis, Consumer sink) {
        synchronized (draining) {
            if (closed) {
                return 0;
            }
            if (timeoutMillis != 0 && busy) {
                // A record that finds its reader waiting wakes it, which costs more than the record itself.
                waiter.pause(Math.min(timeoutMillis & Integer.MAX_VALUE, GATHER_MILLIS));
            }
            if (timeoutMillis != 0 && !hasData()) {
                waiter.await(timeoutMillis);
            }
            int count = closed ? 0 : drain(sink);
            busy = count >= MANY_RECORDS;
            return count;
        }
    }

    private boolean hasData() {
        long produced = producer.get(ValueLayout.JAVA_LONG, 0);
        VarHandle.acquireFence();
        return produced != consumer.get(ValueLayout.JAVA_LONG, 0);
    }

    /** Hands over what is there now; records that come meanwhile are for the next call, so that it always ends. */
    private int drain(Consumer sink) {
        long at = consumer.get(ValueLayout.JAVA_LONG, 0);
        long end = producer.get(ValueLayout.JAVA_LONG, 0);
        VarHandle.acquireFence();
        int count = 0;
        while (at < end) {
            long offset = at & mask;
            int header = data.get(ValueLayout.JAVA_INT, offset);
            VarHandle.acquireFence();
            if ((header & BUSY) != 0) {
                break;
            }
            int length = header & ~(BUSY | DISCARDED);
            boolean goOn = true;
            if ((header & DISCARDED) == 0) {
                goOn = sink.accept(data.asSlice(offset + HEADER_BYTES, length));
                count++;
            }
            at += (length + HEADER_BYTES + 7L) & ~7L;
            VarHandle.releaseFence();
            consumer.set(ValueLayout.JAVA_LONG, 0, at);
            if (!goOn) {
                break;
            }
        }
        return count;
    }

    @Override
    public void wakeUp() {
        waiter.wakeUp();
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        waiter.wakeUp();
        synchronized (draining) {
            host.syscalls().call(Sys.MUNMAP, consumer.address(), consumer.byteSize());
            host.syscalls().call(Sys.MUNMAP, producer.address(), producer.byteSize());
            waiter.close();
        }
    }
}
