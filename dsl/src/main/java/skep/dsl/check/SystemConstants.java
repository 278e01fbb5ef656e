package skep.dsl.check;

/** Constants that scripts take from headers of the system and that no type of the kernel tells. */
final class SystemConstants {
    private SystemConstants() {}

    private static final String[] ERRORS = {
        "",
        "EPERM",
        "ENOENT",
        "ESRCH",
        "EINTR",
        "EIO",
        "ENXIO",
        "E2BIG",
        "ENOEXEC",
        "EBADF",
        "ECHILD",
        "EAGAIN",
        "ENOMEM",
        "EACCES",
        "EFAULT",
        "ENOTBLK",
        "EBUSY",
        "EEXIST",
        "EXDEV",
        "ENODEV",
        "ENOTDIR",
        "EISDIR",
        "EINVAL",
        "ENFILE",
        "EMFILE",
        "ENOTTY",
        "ETXTBSY",
        "EFBIG",
        "ENOSPC",
        "ESPIPE",
        "EROFS",
        "EMLINK",
        "EPIPE",
        "EDOM",
        "ERANGE",
        "EDEADLK",
        "ENAMETOOLONG",
        "ENOLCK",
        "ENOSYS",
        "ENOTEMPTY",
        "ELOOP"
    };

    private static final String[] SIGNALS = {
        "",
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS"
    };

    /** Declares what a header has. */
    static void include(String header, CDeclarations declared) {
        switch (header) {
            case "errno.h", "linux/errno.h", "asm/errno.h", "asm-generic/errno.h", "asm-generic/errno-base.h" ->
                numbered(ERRORS, declared);
            case "signal.h", "linux/signal.h", "asm/signal.h" -> numbered(SIGNALS, declared);
            case "sys/socket.h",
                    "linux/socket.h",
                    "net/sock.h",
                    "linux/net.h",
                    "linux/in.h",
                    "linux/in6.h",
                    "linux/tcp.h",
                    "linux/skbuff.h",
                    "netinet/in.h" -> sockets(declared);
            case "linux/sched.h" -> {
                define(declared, "TASK_RUNNING", 0);
                define(declared, "TASK_INTERRUPTIBLE", 1);
                define(declared, "TASK_UNINTERRUPTIBLE", 2);
            }
            case "fcntl.h", "linux/fcntl.h", "linux/fs.h", "asm-generic/fcntl.h" -> files(declared);
            case "syscall.h", "sys/syscall.h", "asm/unistd.h", "asm/unistd_64.h" -> systemCalls(declared);
            default -> {}
        }
        declared.addDefine("NULL", "0");
    }

    /** The number of an error that a script names without including its header. */
    static java.util.OptionalInt error(String name) {
        for (int i = 1; i < ERRORS.length; i++) {
            if (ERRORS[i].equals(name)) {
                return java.util.OptionalInt.of(i);
            }
        }
        return java.util.OptionalInt.empty();
    }

    private static void numbered(String[] names, CDeclarations declared) {
        for (int i = 1; i < names.length; i++) {
            declared.addDefine(names[i], Integer.toString(i));
        }
    }

    private static void define(CDeclarations declared, String name, int value) {
        declared.addDefine(name, Integer.toString(value));
    }

    private static void sockets(CDeclarations declared) {
        define(declared, "AF_UNSPEC", 0);
        define(declared, "AF_UNIX", 1);
        define(declared, "AF_INET", 2);
        define(declared, "AF_INET6", 10);
        define(declared, "AF_NETLINK", 16);
        define(declared, "AF_PACKET", 17);
        define(declared, "IPPROTO_ICMP", 1);
        define(declared, "IPPROTO_TCP", 6);
        define(declared, "IPPROTO_UDP", 17);
        define(declared, "SOCK_STREAM", 1);
        define(declared, "SOCK_DGRAM", 2);
        define(declared, "SOCK_RAW", 3);
    }

    private static void files(CDeclarations declared) {
        define(declared, "O_RDONLY", 0);
        define(declared, "O_WRONLY", 1);
        define(declared, "O_RDWR", 2);
        define(declared, "O_CREAT", 0x40);
        define(declared, "O_EXCL", 0x80);
        define(declared, "O_TRUNC", 0x200);
        define(declared, "O_APPEND", 0x400);
        define(declared, "O_NONBLOCK", 0x800);
        define(declared, "AT_FDCWD", -100);
    }

    /** The first numbers of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl). */
    private static void systemCalls(CDeclarations declared) {
        var names = new String[] {
            "read",
            "write",
            "open",
            "close",
            "stat",
            "fstat",
            "lstat",
            "poll",
            "lseek",
            "mmap",
            "mprotect",
            "munmap",
            "brk",
            "rt_sigaction",
            "rt_sigprocmask",
            "rt_sigreturn",
            "ioctl",
            "pread64",
            "pwrite64",
            "readv",
            "writev",
            "access",
            "pipe",
            "select",
            "sched_yield",
            "mremap",
            "msync",
            "mincore",
            "madvise"
        };
        for (int i = 0; i < names.length; i++) {
            define(declared, "__NR_" + names[i], i);
            define(declared, "SYS_" + names[i], i);
        }
    }
}
