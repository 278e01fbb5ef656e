package skep.c.lower;

import java.util.List;
import java.util.Optional;
import skep.isa.kernel.Arch;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProgramType;

/**
 * What the kernel hands a program, and how the context that the source was written for is found in it.
 *
 * @param context where the registers of a kprobe are
 * @param wrappers whether the kernel's system call functions take the caller's registers as their only argument
 * @param arguments number of arguments of the traced function, for {@link Context#TRAMPOLINE_EXIT}
 * @param words which word of the context is an argument, -1 for none, for {@link Context#WORDS}
 */
public record ProgramKind(
        ProgramType type,
        Optional<AttachType> attachType,
        Context context,
        Arch arch,
        boolean wrappers,
        int arguments,
        List<Integer> words) {
    public ProgramKind {
        words = List.copyOf(words);
    }

    /** Where registers come from. */
    public enum Context {
        /** The context is what the source says. */
        AS_WRITTEN,
        /** Raw tracepoint {@code sys_enter}: caller's registers, number. */
        SYSCALL_ENTRY,
        /** Raw tracepoint {@code sys_exit}: caller's registers, result. */
        SYSCALL_EXIT,
        /** fentry: one word an argument. */
        TRAMPOLINE_ENTRY,
        /** fexit: one word an argument, then the result. */
        TRAMPOLINE_EXIT,
        /** Raw tracepoint: the words that it passes. */
        WORDS
    }

    boolean isIterator() {
        return attachType.filter(a -> a == AttachType.TRACE_ITER).isPresent();
    }

    /** Whether pointers to packet data are in the context. */
    boolean isNetwork() {
        return switch (type) {
            case KPROBE, TRACEPOINT, PERF_EVENT, RAW_TRACEPOINT, RAW_TRACEPOINT_WRITABLE, TRACING, LSM, SYSCALL, EXT ->
                false;
            default -> true;
        };
    }
}
