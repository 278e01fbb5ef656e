package skep.linux.sys;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import skep.isa.kernel.Arch;

/**
 * The one door to a kernel. Calls are made by some process, here or on another machine; addresses are of that process.
 *
 * <p>Safe for many threads; a {@link Block} is not. Closing ends what the implementation holds (a connection), not the
 * descriptors that the calls opened.
 */
public interface Syscalls extends AutoCloseable {
    /** The architecture of the process that makes the calls. */
    Arch arch();

    /** Makes a system call. The result is the kernel's: a value, or minus an errno ({@link Errno#isError}). */
    long call(Sys call, long a, long b, long c, long d, long e, long f);

    default long call(Sys call) {
        return call(call, 0, 0, 0, 0, 0, 0);
    }

    default long call(Sys call, long a) {
        return call(call, a, 0, 0, 0, 0, 0);
    }

    default long call(Sys call, long a, long b) {
        return call(call, a, b, 0, 0, 0, 0);
    }

    default long call(Sys call, long a, long b, long c) {
        return call(call, a, b, c, 0, 0, 0);
    }

    default long call(Sys call, long a, long b, long c, long d) {
        return call(call, a, b, c, d, 0, 0);
    }

    default long call(Sys call, long a, long b, long c, long d, long e) {
        return call(call, a, b, c, d, e, 0);
    }

    /** Zeroed memory in the process that makes the calls, for the calling thread only; the caller closes it. */
    Block allocate(long bytes);

    /** Zeroed memory that any thread may use and close, one at a time. */
    Block allocateShared(long bytes);

    /**
     * Memory of the calling process as a segment, for rings that it has mapped; empty when it is not this process, and
     * {@link #copy} must be used.
     */
    Optional<MemorySegment> view(long address, long bytes);

    /** Copies memory of the calling process into {@code to}. */
    void copy(long address, byte[] to);

    /** Overwrites a word of memory of the calling process, in release order. */
    void release(long address, long value);

    /**
     * Starts a child of the calling process that waits until a byte comes from {@code gate} (a descriptor to read) and
     * then executes {@code arguments.get(0)} in the same process, with standard input and output inherited. It ends
     * when the gate closes without a byte.
     *
     * @return its pid, or minus an errno
     */
    long spawnGated(List<String> arguments, int gate);

    @Override
    void close();
}
