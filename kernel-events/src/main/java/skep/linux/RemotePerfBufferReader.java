package skep.linux;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import skep.linux.sys.Errno;
import skep.linux.sys.Perf;
import skep.linux.sys.Sys;
import skep.target.OutputReader;
import skep.target.TargetException;

/**
 * Drains a perf buffer whose rings are mapped in an agent's memory ({@link PerfRing} has their layout). All that is new of
 * a ring comes in one or two pieces; an idle ring costs one round trip to look at.
 */
final class RemotePerfBufferReader implements OutputReader {
    private static final int SLICE_MILLIS = 20;
    private static final int HEAD = 1024;
    private static final int TAIL = 1032;
    private static final int HEADER_BYTES = 8;
    private static final int RECORD_LOST = 2;
    private static final int RECORD_SAMPLE = 9;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;

    /** One CPU's ring; the tail is ours. */
    private static final class Ring {
        private final int fd;
        private final long address;
        private final long page;
        private long tail;

        Ring(int fd, long address, long page) {
            this.fd = fd;
            this.address = address;
            this.page = page;
        }
    }

    private final Host host;
    private final List<Ring> rings;
    private final long size;
    private final Waiter waiter;
    private volatile boolean woken;
    private volatile boolean closed;
    private volatile long lost;

    private RemotePerfBufferReader(Host host, List<Ring> rings, long size) {
        this.host = host;
        this.rings = rings;
        this.size = size;
        this.waiter = new Waiter(host, rings.stream().mapToInt(ring -> ring.fd).toArray());
    }

    /** Opens an event on each CPU and puts it into the map; {@code bytes} a CPU, a power of two of pages. */
    static RemotePerfBufferReader open(Host host, LinuxMap map, int[] cpus, long bytes) {
        var rings = new ArrayList<Ring>();
        long page = host.pageBytes();
        long size = Math.max(bytes, page);
        try {
            for (int cpu : cpus) {
                long fd = host.perf().open(Perf.Event.of(Perf.TYPE_SOFTWARE, Perf.SW_BPF_OUTPUT, 1), -1, cpu);
                long address = Errno.isError(fd)
                        ? fd
                        : host.syscalls().call(Sys.MMAP, 0, page + size, PROT_READ_WRITE, MAP_SHARED, fd, 0);
                if (Errno.isError(address)) {
                    throw new TargetException(
                            "perf buffer " + map.spec().name() + " could not be opened: " + Errno.name(-address));
                }
                rings.add(new Ring((int) fd, address, page));
                map.update(PerfBufferReader.word(cpu), PerfBufferReader.word((int) fd), 0);
                host.perf().enable((int) fd);
            }
            return new RemotePerfBufferReader(host, rings, size);
        } catch (RuntimeException failure) {
            rings.forEach(ring -> host.close(ring.fd));
            throw failure;
        }
    }

    @Override
    public synchronized int poll(int timeoutMillis, Consumer sink) {
        long end = System.nanoTime() + Math.max(0, timeoutMillis) * 1_000_000L;
        int count = closed ? 0 : drain(sink);
        while (count == 0 && !woken && !closed && (timeoutMillis < 0 || System.nanoTime() < end)) {
            waiter.await(SLICE_MILLIS);
            count = drain(sink);
        }
        woken = false;
        return count;
    }

    private int drain(Consumer sink) {
        int count = 0;
        for (var ring : rings) {
            var word = new byte[8];
            host.syscalls().copy(ring.address + HEAD, word);
            long head = ByteBuffer.wrap(word).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (head == ring.tail) {
                continue;
            }
            var bytes = copy(ring, (int) (head - ring.tail));
            int at = 0;
            boolean goOn = true;
            while (goOn && at < bytes.limit()) {
                int type = bytes.getInt(at);
                int length = bytes.getShort(at + 6) & 0xffff;
                if (type == RECORD_LOST) {
                    lost += bytes.getLong(at + HEADER_BYTES + 8);
                } else if (type == RECORD_SAMPLE) {
                    count++;
                    goOn = sink.accept(sample(bytes, at + HEADER_BYTES));
                }
                at += length;
            }
            ring.tail += at;
            host.syscalls().release(ring.address + TAIL, ring.tail);
            if (!goOn) {
                break;
            }
        }
        return count;
    }

    /** What lies between tail and head, put together where it wraps. */
    private ByteBuffer copy(Ring ring, int length) {
        var bytes = new byte[length];
        long start = ring.tail & size - 1;
        int first = (int) Math.min(length, size - start);
        var piece = new byte[first];
        host.syscalls().copy(ring.address + ring.page + start, piece);
        System.arraycopy(piece, 0, bytes, 0, first);
        if (first < length) {
            var rest = new byte[length - first];
            host.syscalls().copy(ring.address + ring.page, rest);
            System.arraycopy(rest, 0, bytes, first, rest.length);
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A copy in words: readers take words at multiples of eight. */
    private static MemorySegment sample(ByteBuffer bytes, int at) {
        int length = bytes.getInt(at);
        var words = MemorySegment.ofArray(new long[(length + 7) / 8]);
        MemorySegment.copy(MemorySegment.ofArray(bytes.array()), at + 4L, words, 0, length);
        return words.asSlice(0, length);
    }

    @Override
    public long lost() {
        return lost;
    }

    @Override
    public void wakeUp() {
        woken = true;
    }

    @Override
    public void close() {
        closed = true;
        synchronized (this) {
            for (var ring : rings) {
                host.syscalls().call(Sys.MUNMAP, ring.address, ring.page + size);
                host.close(ring.fd);
            }
            rings.clear();
            waiter.close();
        }
    }
}
