package skep.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import skep.linux.sys.Errno;
import skep.linux.sys.Sys;
import skep.target.TargetException;

/**
 * The ring of one perf event ({@code perf_event_mmap_page}, Linux 6.18): one page of positions, then data.
 *
 * <pre>  page 0: head (written by the kernel) at 1024, tail (written here) at 1032 | data
 *  record: type 4, misc 2, size 2, content</pre>
 *
 * <p>Records may wrap around the end; then they are put together in a buffer of ours.
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
    private final MemorySegment mapping;
    private final MemorySegment data;
    private final MemorySegment wrapped = MemorySegment.ofArray(new byte[MAX_RECORD_BYTES]);

    private PerfRing(Host host, int fd, MemorySegment mapping, long page) {
        this.host = host;
        this.fd = fd;
        this.mapping = mapping;
        this.data = mapping.asSlice(page);
    }

    /** Takes over the descriptor of an event and maps its ring of {@code bytes}, a power of two of pages. */
    static PerfRing map(Host host, int fd, long bytes) {
        long page = host.pageBytes();
        long address = host.syscalls().call(Sys.MMAP, 0, page + bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0);
        if (Errno.isError(address)) {
            host.close(fd);
            throw new TargetException("the ring of a perf event could not be mapped: " + Errno.name(-address));
        }
        return new PerfRing(
                host, fd, host.syscalls().view(address, page + bytes).orElseThrow(), page);
    }

    int fd() {
        return fd;
    }

    boolean hasData() {
        long head = mapping.get(ValueLayout.JAVA_LONG, HEAD);
        VarHandle.acquireFence();
        return head != mapping.get(ValueLayout.JAVA_LONG, TAIL);
    }

    /** Hands over what is there now; false if the sink stopped. */
    boolean drain(Sink sink) {
        long head = mapping.get(ValueLayout.JAVA_LONG, HEAD);
        VarHandle.acquireFence();
        long tail = mapping.get(ValueLayout.JAVA_LONG, TAIL);
        long size = data.byteSize();
        while (tail < head) {
            long at = tail & size - 1;
            int type = data.get(ValueLayout.JAVA_INT, at);
            int rest = data.get(ValueLayout.JAVA_INT, at + 4);
            int bytes = rest >>> 16;
            boolean goOn = sink.accept(type, rest & 0xffff, content(at, bytes, size));
            tail += bytes;
            VarHandle.releaseFence();
            mapping.set(ValueLayout.JAVA_LONG, TAIL, tail);
            if (!goOn) {
                return false;
            }
        }
        return true;
    }

    /** Records are multiples of eight bytes, so that a header never wraps. */
    private MemorySegment content(long at, int bytes, long size) {
        if (at + bytes <= size) {
            return data.asSlice(at + HEADER_BYTES, bytes - HEADER_BYTES);
        }
        long first = size - at;
        MemorySegment.copy(data, at, wrapped, 0, first);
        MemorySegment.copy(data, 0, wrapped, first, bytes - first);
        return wrapped.asSlice(HEADER_BYTES, bytes - HEADER_BYTES);
    }

    @Override
    public void close() {
        host.syscalls().call(Sys.MUNMAP, mapping.address(), mapping.byteSize());
        host.close(fd);
    }
}
