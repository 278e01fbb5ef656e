package skep.linux;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import skep.linux.sys.Errno;
import skep.linux.sys.Sys;
import skep.target.OutputReader;
import skep.target.TargetException;

/**
 * Drains a ring buffer that is mapped in an agent's memory ({@link RingBufferReader} has its layout). All that is new comes
 * in one piece, so that a drain costs two round trips however many records there are. Waiting is done in short slices,
 * since the agent does one thing at a time.
 */
final class RemoteRingBufferReader implements OutputReader {
    private static final int SLICE_MILLIS = 20;
    private static final int HEADER_BYTES = 8;
    private static final int BUSY = 1 << 31;
    private static final int DISCARDED = 1 << 30;
    private static final int PROT_READ = 1;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;

    private final Host host;
    private final long size;
    private final long consumer;
    private final long producer;
    private final long data;
    private final Waiter waiter;
    private long position;
    private volatile boolean woken;
    private volatile boolean closed;

    private RemoteRingBufferReader(Host host, int map, long size, long page, long consumer, long producer) {
        this.host = host;
        this.size = size;
        this.consumer = consumer;
        this.producer = producer;
        this.data = producer + page;
        this.waiter = new Waiter(host, map);
    }

    static RemoteRingBufferReader open(Host host, String name, int map, long size) {
        long page = host.pageBytes();
        long consumer = host.syscalls().call(Sys.MMAP, 0, page, PROT_READ_WRITE, MAP_SHARED, map, 0);
        long producer = host.syscalls().call(Sys.MMAP, 0, page + 2 * size, PROT_READ, MAP_SHARED, map, page);
        if (Errno.isError(consumer) || Errno.isError(producer)) {
            throw new TargetException("ring buffer " + name + ": mmap failed");
        }
        return new RemoteRingBufferReader(host, map, size, page, consumer, producer);
    }

    private long produced() {
        var word = new byte[8];
        host.syscalls().copy(producer, word);
        return ByteBuffer.wrap(word).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    @Override
    public synchronized int poll(int timeoutMillis, Consumer sink) {
        long end = System.nanoTime() + Math.max(0, timeoutMillis) * 1_000_000L;
        long head = closed ? position : produced();
        while (head == position && !woken && !closed && (timeoutMillis < 0 || System.nanoTime() < end)) {
            waiter.await(SLICE_MILLIS);
            head = produced();
        }
        woken = false;
        return head == position || closed ? 0 : drain(head, sink);
    }

    private int drain(long head, Consumer sink) {
        var bytes = new byte[(int) (head - position)];
        host.syscalls().copy(data + (position & size - 1), bytes);
        var headers = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        var segment = MemorySegment.ofArray(bytes);
        int count = 0;
        int at = 0;
        boolean goOn = true;
        while (goOn && at < bytes.length) {
            int header = headers.getInt(at);
            if ((header & BUSY) != 0) {
                break;
            }
            int length = header & ~(BUSY | DISCARDED);
            if ((header & DISCARDED) == 0) {
                // Readers take words at multiples of eight, which a byte array does not promise: the copy is of words.
                var words = MemorySegment.ofArray(new long[(length + 7) / 8]);
                MemorySegment.copy(segment, at + HEADER_BYTES, words, 0, length);
                goOn = sink.accept(words.asSlice(0, length));
                count++;
            }
            at += length + HEADER_BYTES + 7 & ~7;
        }
        position += at;
        host.syscalls().release(consumer, position);
        return count;
    }

    @Override
    public void wakeUp() {
        woken = true;
    }

    @Override
    public void close() {
        closed = true;
        synchronized (this) {
            waiter.close();
        }
    }
}
