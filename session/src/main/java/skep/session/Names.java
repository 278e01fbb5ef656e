package skep.session;

import java.util.Map;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Errno;
import skep.isa.kernel.Signal;
import skep.isa.kernel.SystemCall;

/** Names that belong to numbers of the Linux system call interface: errors and signals. */
final class Names {
    private Names() {}

    /** The name of a system call; its number if it has none. */
    static String syscall(Arch arch, long number) {
        return SystemCall.name(arch, number).orElseGet(() -> Long.toString(number));
    }

    /** Names of all system calls by number. */
    static Map<Long, String> syscalls(Arch arch) {
        return SystemCall.names(arch);
    }

    /** What an errno means; negative ones count as helpers return them. */
    static String error(long number) {
        long errno = Math.abs(number);
        if (errno == 0) {
            return "Success";
        }
        return Errno.ofNumber((int) Math.min(errno, Integer.MAX_VALUE))
                .map(Errno::text)
                .orElseGet(() -> "Unknown error " + number);
    }

    /** For example {@code SIGKILL}. */
    static String signal(long number) {
        return Signal.name(number).orElseGet(() -> Long.toString(number));
    }
}
