package skep.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import skep.linux.sys.Block;
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

    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;
    private static final short POLLIN = 1;
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int EFD_NONBLOCK = 0x800;

    private final Host host;
    private final long mask;
    private final int wake;
    private final MemorySegment consumer;
    private final MemorySegment producer;
    private final MemorySegment data;
    /** pollfd[2] (fd 4, events 2, revents 2), a timespec at 16, the eventfd's word at 32. */
    private final Block waiting;
    /** Separate from {@link #waiting}, since another thread wakes. */
    private final Block waking;

    /** Held while the mapping is read, so that closing waits. */
    private final Object draining = new Object();

    private volatile boolean closed;

    private RingBufferReader(Host host, int map, int wake, MemorySegment consumer, MemorySegment producer) {
        this.host = host;
        this.wake = wake;
        this.consumer = consumer;
        this.producer = producer;
        this.data = producer.asSlice(consumer.byteSize());
        this.mask = data.byteSize() / 2 - 1;
        this.waiting = host.syscalls().allocateShared(40);
        this.waking = host.syscalls().allocateShared(8);
        waiting.putInt(0, map).putInt(4, POLLIN).putInt(8, wake).putInt(12, POLLIN);
        waking.putLong(0, 1);
    }

    static RingBufferReader open(Host host, String name, int map, long bytes) {
        long page = host.pageBytes();
        long consumer = map(host, name, map, page, PROT_READ | PROT_WRITE, 0);
        long producer = map(host, name, map, page + 2 * bytes, PROT_READ, page);
        long wake = host.syscalls().call(Sys.EVENTFD2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (Errno.isError(wake)) {
            throw new TargetException("ring buffer " + name + ": eventfd failed: " + Errno.name(-wake));
        }
        return new RingBufferReader(
                host,
                map,
                (int) wake,
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
            if (timeoutMillis != 0 && !hasData()) {
                await(timeoutMillis);
            }
            return closed ? 0 : drain(sink);
        }
    }

    private boolean hasData() {
        long produced = producer.get(ValueLayout.JAVA_LONG, 0);
        VarHandle.acquireFence();
        return produced != consumer.get(ValueLayout.JAVA_LONG, 0);
    }

    private void await(int timeoutMillis) {
        long time = 0;
        if (timeoutMillis > 0) {
            waiting.putLong(16, timeoutMillis / 1000).putLong(24, timeoutMillis % 1000 * 1_000_000L);
            time = waiting.address() + 16;
        }
        waiting.putInt(4, POLLIN).putInt(12, POLLIN);
        long ready = host.syscalls().call(Sys.PPOLL, waiting.pushed(40), 2, time, 0, 0);
        if (ready > 0 && waiting.pulled(0, 16).get(ValueLayout.JAVA_SHORT, 14) != 0) {
            host.syscalls().call(Sys.READ, wake, waiting.address() + 32, 8);
        }
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
    public synchronized void wakeUp() {
        if (!closed) {
            host.syscalls().call(Sys.WRITE, wake, waking.pushed(8), 8);
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            wakeUp();
            closed = true;
        }
        synchronized (draining) {
            host.syscalls().call(Sys.MUNMAP, consumer.address(), consumer.byteSize());
            host.syscalls().call(Sys.MUNMAP, producer.address(), producer.byteSize());
            host.close(wake);
        }
    }
}
