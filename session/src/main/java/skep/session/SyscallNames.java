package skep.session;

import java.util.Map;
import skep.isa.kernel.Arch;

/** The system calls of an architecture by their numbers. */
public final class SyscallNames {
    private SyscallNames() {}

    public static Map<Long, String> all(Arch arch) {
        return Map.copyOf(Names.syscalls(arch));
    }
}
