package skep.session;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import skep.isa.kernel.Arch;

/** Names that belong to numbers of the Linux system call interface: errors and signals. */
final class Names {
    // By errno, from 1; Linux 6.12 include/uapi/asm-generic/errno.h with the C library's wording.
    private static final String[] ERRORS = {
        "Operation not permitted",
        "No such file or directory",
        "No such process",
        "Interrupted system call",
        "Input/output error",
        "No such device or address",
        "Argument list too long",
        "Exec format error",
        "Bad file descriptor",
        "No child processes",
        "Resource temporarily unavailable",
        "Cannot allocate memory",
        "Permission denied",
        "Bad address",
        "Block device required",
        "Device or resource busy",
        "File exists",
        "Invalid cross-device link",
        "No such device",
        "Not a directory",
        "Is a directory",
        "Invalid argument",
        "Too many open files in system",
        "Too many open files",
        "Inappropriate ioctl for device",
        "Text file busy",
        "File too large",
        "No space left on device",
        "Illegal seek",
        "Read-only file system",
        "Too many links",
        "Broken pipe",
        "Numerical argument out of domain",
        "Numerical result out of range",
        "Resource deadlock avoided",
        "File name too long",
        "No locks available",
        "Function not implemented",
        "Directory not empty",
        "Too many levels of symbolic links",
        "",
        "No message of desired type",
        "Identifier removed",
        "Channel number out of range",
        "Level 2 not synchronized",
        "Level 3 halted",
        "Level 3 reset",
        "Link number out of range",
        "Protocol driver not attached",
        "No CSI structure available",
        "Level 2 halted",
        "Invalid exchange",
        "Invalid request descriptor",
        "Exchange full",
        "No anode",
        "Invalid request code",
        "Invalid slot",
        "",
        "Bad font file format",
        "Device not a stream",
        "No data available",
        "Timer expired",
        "Out of streams resources",
        "Machine is not on the network",
        "Package not installed",
        "Object is remote",
        "Link has been severed",
        "Advertise error",
        "Srmount error",
        "Communication error on send",
        "Protocol error",
        "Multihop attempted",
        "RFS specific error",
        "Bad message",
        "Value too large for defined data type",
        "Name not unique on network",
        "File descriptor in bad state",
        "Remote address changed",
        "Can not access a needed shared library",
        "Accessing a corrupted shared library",
        ".lib section in a.out corrupted",
        "Attempting to link in too many shared libraries",
        "Cannot exec a shared library directly",
        "Invalid or incomplete multibyte or wide character",
        "Interrupted system call should be restarted",
        "Streams pipe error",
        "Too many users",
        "Socket operation on non-socket",
        "Destination address required",
        "Message too long",
        "Protocol wrong type for socket",
        "Protocol not available",
        "Protocol not supported",
        "Socket type not supported",
        "Operation not supported",
        "Protocol family not supported",
        "Address family not supported by protocol",
        "Address already in use",
        "Cannot assign requested address",
        "Network is down",
        "Network is unreachable",
        "Network dropped connection on reset",
        "Software caused connection abort",
        "Connection reset by peer",
        "No buffer space available",
        "Transport endpoint is already connected",
        "Transport endpoint is not connected",
        "Cannot send after transport endpoint shutdown",
        "Too many references: cannot splice",
        "Connection timed out",
        "Connection refused",
        "Host is down",
        "No route to host",
        "Operation already in progress",
        "Operation now in progress",
        "Stale file handle",
        "Structure needs cleaning",
        "Not a XENIX named type file",
        "No XENIX semaphores available",
        "Is a named type file",
        "Remote I/O error",
        "Disk quota exceeded",
        "No medium found",
        "Wrong medium type",
        "Operation canceled",
        "Required key not available",
        "Key has expired",
        "Key has been revoked",
        "Key was rejected by service",
        "Owner died",
        "State not recoverable",
        "Operation not possible due to RF-kill",
        "Memory page has hardware error"
    };

    // By number, from 1; Linux 6.12 include/uapi/asm-generic/signal.h.
    private static final String[] SIGNALS = {
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

    private static final Map<Arch, Map<Long, String>> SYSCALLS = new ConcurrentHashMap<>();

    private static final int FIRST_REALTIME_SIGNAL = 34;
    private static final int LAST_SIGNAL = 64;

    private Names() {}

    /** The name of a system call; its number if it has none. */
    static String syscall(Arch arch, long number) {
        var name = syscalls(arch).get(number);
        return name == null ? Long.toString(number) : name;
    }

    // Lines "number name", from the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl and the generic one, 6.16).
    static Map<Long, String> syscalls(Arch arch) {
        return SYSCALLS.computeIfAbsent(arch, wanted -> {
            var names = new HashMap<Long, String>();
            try (var in = Names.class.getResourceAsStream("syscalls-" + wanted.machine() + ".txt")) {
                if (in != null) {
                    for (var line : new String(in.readAllBytes(), StandardCharsets.US_ASCII).split("\n")) {
                        int space = line.indexOf(' ');
                        names.put(Long.parseLong(line.substring(0, space)), line.substring(space + 1));
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return names;
        });
    }

    /** What an errno means; negative ones count as helpers return them. */
    static String error(long number) {
        long errno = Math.abs(number);
        if (errno == 0) {
            return "Success";
        }
        return errno <= ERRORS.length && !ERRORS[(int) errno - 1].isEmpty()
                ? ERRORS[(int) errno - 1]
                : "Unknown error " + number;
    }

    /** For example {@code SIGKILL}. */
    static String signal(long number) {
        if (number >= 1 && number <= SIGNALS.length) {
            return SIGNALS[(int) number - 1];
        }
        return number >= FIRST_REALTIME_SIGNAL && number <= LAST_SIGNAL
                ? "SIGRTMIN" + (number == FIRST_REALTIME_SIGNAL ? "" : "+" + (number - FIRST_REALTIME_SIGNAL))
                : Long.toString(number);
    }
}
