package skep.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.OptionalLong;
import skep.linux.sys.Errno;
import skep.linux.sys.Sys;
import skep.target.TargetException;

/**
 * The ring of one perf event ({@code perf_event_mmap_page}, Linux 6.18): one page of positions, then data.
 *
 * <pre>  page 0: head (written by the kernel) at 1024, tail (written here) at 1032 | data
 *  record: type 4, misc 2, size 2, content</pre>
 *
 * <p>Records may wrap around the end; then they are put together in a buffer of ours. A ring in the memory of an agent is copied:
 * all that is new in one or two pieces, however many records there are.
 */
final class PerfRing implements AutoCloseable {
    private static final int HEAD = 1024;
    private static final int TAIL = 1032;
    private static final int HEADER_BYTES = 8;
    private static final int MAX_RECORD_BYTES = 1 << 16;

    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;

    /** Receives a record without its header; the memory is valid during the call. Returns whether to go on. */
    @FunctionalInterface
    interface Sink {
        boolean accept(int type, int misc, MemorySegment content);
    }

    private final Host host;
    private final int fd;
    private final long address;
    private final long page;
    private final long size;
    /** The whole mapping; empty if it is in another process. */
    private final Optional<MemorySegment> mapping;

    private final MemorySegment wrapped = MemorySegment.ofArray(new byte[MAX_RECORD_BYTES]);
    /** Where the next record begins. */
    private long tail;

    private PerfRing(Host host, int fd, long address, long page, long size) {
        this.host = host;
        this.fd = fd;
        this.address = address;
        this.page = page;
        this.size = size;
        this.mapping = host.syscalls().view(address, page + size);
    }

    /** Takes over the descriptor of an event and maps its ring of {@code bytes}, a power of two; at least a page. */
    static PerfRing map(Host host, int fd, long bytes) {
        long page = host.pageBytes();
        long size = Math.max(bytes, page);
        long address = host.syscalls().call(Sys.MMAP, 0, page + size, PROT_READ_WRITE, MAP_SHARED, fd, 0);
        if (Errno.isError(address)) {
            host.close(fd);
            throw new TargetException("the ring of a perf event could not be mapped: " + Errno.name(-address));
        }
        return new PerfRing(host, fd, address, page, size);
    }

    int fd() {
        return fd;
    }

    /** Where the next record begins, in bytes since the ring was made. */
    long position() {
        return tail;
    }

    /** As of {@link skep.linux.sys.Perf#dropped}. */
    OptionalLong dropped() {
        return host.perf().dropped(fd);
    }

    boolean hasData() {
        return head() != tail;
    }

    private long head() {
        if (mapping.isPresent()) {
            long head = mapping.get().get(ValueLayout.JAVA_LONG, HEAD);
            VarHandle.acquireFence();
            return head;
        }
        return ByteBuffer.wrap(copy(address + HEAD, 8))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    private byte[] copy(long from, long bytes) {
        var copy = new byte[Math.toIntExact(bytes)];
        host.syscalls().copy(from, copy);
        return copy;
    }

    /** Hands over what is there now; false if the sink stopped. */
    boolean drain(Sink sink) {
        long head = head();
        if (head == tail) {
            return true;
        }
        return mapping.isPresent() ? drain(mapping.get().asSlice(page), head, sink) : drainCopy(head, sink);
    }

    private boolean drain(MemorySegment data, long head, Sink sink) {
        while (tail < head) {
            long at = tail & size - 1;
            int type = data.get(ValueLayout.JAVA_INT, at);
            int rest = data.get(ValueLayout.JAVA_INT, at + 4);
            int bytes = rest >>> 16;
            boolean goOn = sink.accept(type, rest & 0xffff, content(data, at, bytes));
            tail += bytes;
            VarHandle.releaseFence();
            mapping.orElseThrow().set(ValueLayout.JAVA_LONG, TAIL, tail);
            if (!goOn) {
                return false;
            }
        }
        return true;
    }

    /** Records are multiples of eight bytes, so that a header never wraps. */
    private MemorySegment content(MemorySegment data, long at, int bytes) {
        if (at + bytes <= size) {
            return data.asSlice(at + HEADER_BYTES, bytes - HEADER_BYTES);
        }
        long first = size - at;
        MemorySegment.copy(data, at, wrapped, 0, first);
        MemorySegment.copy(data, 0, wrapped, first, bytes - first);
        return wrapped.asSlice(HEADER_BYTES, bytes - HEADER_BYTES);
    }

    private boolean drainCopy(long head, Sink sink) {
        long start = tail & size - 1;
        long bytes = head - tail;
        long first = Math.min(bytes, size - start);
        var all = MemorySegment.ofArray(new long[Math.toIntExact(bytes / 8)]);
        MemorySegment.copy(MemorySegment.ofArray(copy(address + page + start, first)), 0, all, 0, first);
        if (first < bytes) {
            MemorySegment.copy(
                    MemorySegment.ofArray(copy(address + page, bytes - first)), 0, all, first, bytes - first);
        }
        boolean goOn = true;
        long at = 0;
        while (goOn && at < bytes) {
            int type = all.get(ValueLayout.JAVA_INT, at);
            int rest = all.get(ValueLayout.JAVA_INT, at + 4);
            int length = rest >>> 16;
            goOn = sink.accept(type, rest & 0xffff, all.asSlice(at + HEADER_BYTES, length - HEADER_BYTES));
            at += length;
        }
        tail += at;
        host.syscalls().release(address + TAIL, tail);
        return goOn;
    }

    @Override
    public void close() {
        host.syscalls().call(Sys.MUNMAP, address, page + size);
        host.close(fd);
    }
}
