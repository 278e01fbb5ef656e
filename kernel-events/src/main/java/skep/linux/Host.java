package skep.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import skep.isa.kernel.Arch;
import skep.linux.sys.Bpf;
import skep.linux.sys.Errno;
import skep.linux.sys.Files;
import skep.linux.sys.LocalSyscalls;
import skep.linux.sys.Perf;
import skep.linux.sys.Sys;
import skep.linux.sys.Syscalls;

/** The machine whose kernel is traced, and the three views of its system calls. */
record Host(Syscalls syscalls, Bpf bpf, Perf perf, Files files, Settings settings) {
    /**
     * What the user says of the machine.
     *
     * @param debugFolder where debugging files are beside the usual folders, or empty
     * @param functions a file of names, one a line, of the functions that may be traced, or empty for what the kernel says
     */
    record Settings(String debugFolder, String functions) {
        static final Settings NONE = new Settings("", "");
    }

    private static final int CLOCK_REALTIME = 0;
    private static final int CLOCK_MONOTONIC = 1;
    private static final int CLOCK_BOOTTIME = 7;
    private static final long AT_PAGESZ = 6;

    static Host of(Syscalls syscalls) {
        return of(syscalls, Settings.NONE);
    }

    static Host of(Syscalls syscalls, Settings settings) {
        return new Host(syscalls, new Bpf(syscalls), new Perf(syscalls), new Files(syscalls), settings);
    }

    /** Whether the calls are made by this process, so that memory they map can be read here. */
    boolean isLocal() {
        return syscalls instanceof LocalSyscalls;
    }

    /** The size of a page: what a ring buffer's positions are mapped in. */
    long pageBytes() {
        if (syscalls.arch() == Arch.X86_64) {
            return 4096;
        }
        // ELF's auxiliary vector: pairs of words, key AT_PAGESZ
        var words = ByteBuffer.wrap(files.read("/proc/self/auxv").orElse(new byte[0]))
                .order(ByteOrder.LITTLE_ENDIAN);
        while (words.remaining() >= 16) {
            long key = words.getLong();
            long value = words.getLong();
            if (key == AT_PAGESZ) {
                return value;
            }
        }
        return 4096;
    }

    void close(int fd) {
        syscalls.call(Sys.CLOSE, fd);
    }

    long monotonicNanos() {
        return clock(CLOCK_MONOTONIC);
    }

    long bootNanos() {
        return clock(CLOCK_BOOTTIME);
    }

    long realtimeNanos() {
        return clock(CLOCK_REALTIME);
    }

    private long clock(int clock) {
        try (var time = syscalls.allocate(16)) {
            long result = syscalls.call(Sys.CLOCK_GETTIME, clock, time.address());
            if (Errno.isError(result)) {
                throw new AssertionError("clock_gettime: " + Errno.name(-result));
            }
            time.pulled(0, 16);
            return time.getLong(0) * 1_000_000_000L + time.getLong(8);
        }
    }
}
