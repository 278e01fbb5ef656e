package skep.linux.sys;

import skep.isa.kernel.Arch;

/** The system calls that the target uses, with their numbers (Linux 6.18: {@code syscall_64.tbl}, {@code unistd.h}). */
public enum Sys {
    READ(0, 63),
    WRITE(1, 64),
    CLOSE(3, 57),
    MMAP(9, 222),
    MUNMAP(11, 215),
    IOCTL(16, 29),
    PREAD64(17, 67),
    FACCESSAT(269, 48),
    GETPID(39, 172),
    GETTID(186, 178),
    GETUID(102, 174),
    FCNTL(72, 25),
    SOCKET(41, 198),
    BIND(49, 200),
    SETSOCKOPT(54, 208),
    KILL(62, 129),
    WAIT4(61, 260),
    UNAME(63, 160),
    CAPGET(125, 90),
    MOUNT(165, 40),
    GETDENTS64(217, 61),
    CLOCK_GETTIME(228, 113),
    OPENAT(257, 56),
    PREADV(295, 69),
    PPOLL(271, 73),
    READLINKAT(267, 78),
    EVENTFD2(290, 19),
    PIPE2(293, 59),
    PERF_EVENT_OPEN(298, 241),
    PRLIMIT64(302, 261),
    BPF(321, 280),
    PIDFD_OPEN(434, 434);

    private final int x86;
    private final int arm64;

    Sys(int x86, int arm64) {
        this.x86 = x86;
        this.arm64 = arm64;
    }

    /** The number on an architecture. */
    public int number(Arch arch) {
        return arch == Arch.X86_64 ? x86 : arm64;
    }
}
