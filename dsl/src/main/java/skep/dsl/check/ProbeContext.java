package skep.dsl.check;

import java.util.List;
import java.util.Optional;
import skep.dsl.Type;
import skep.isa.kernel.Arch;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.TracepointFormat;
import skep.isa.kernel.UsdtArgument;

/**
 * What the code of a probe may use.
 *
 * @param kind the kind as the script sees it
 * @param name the value of the builtin {@code probe}
 * @param function the function or event
 * @param category the tracepoint's category, a module or a binary, or empty
 * @param offset bytes from the start of the function
 * @param format the record of a tracepoint
 * @param raw whether a tracepoint is compiled as a raw tracepoint, a kprobe for a trampoline: arguments lie in the context in order
 * @param fromRegisters whether a tracepoint of a system call is compiled into the program at the one that all pass
 * @param parameters named, typed arguments of functions known from BTF, eight bytes each in the context
 * @param staticArguments where the arguments of a static probe are, if the probe asks for them
 * @param result type of what the function returns, if known
 * @param binaryTypes types of the debugging information of the probed program
 */
public record ProbeContext(
        ProbeKind kind,
        String name,
        String function,
        String category,
        long offset,
        Arch arch,
        Optional<TracepointFormat> format,
        boolean raw,
        boolean fromRegisters,
        List<Type.Field> parameters,
        List<UsdtArgument> staticArguments,
        Optional<Type> result,
        Optional<CTypes> binaryTypes) {
    public ProbeContext {
        parameters = List.copyOf(parameters);
        staticArguments = List.copyOf(staticArguments);
    }

    /** Whose memory untyped addresses mean. */
    Type.AddressSpace defaultSpace() {
        return switch (kind) {
            case UPROBE, URETPROBE, USDT -> Type.AddressSpace.USER;
            case FENTRY, FEXIT, ITER, RAWTRACEPOINT -> Type.AddressSpace.KERNEL;
            case TRACEPOINT -> category.equals("syscalls") ? Type.AddressSpace.USER : Type.AddressSpace.KERNEL;
            default -> Type.AddressSpace.ANY;
        };
    }

    /** Whether the context is the processor's registers. */
    public boolean hasRegisters() {
        return switch (kind) {
            case KPROBE, KRETPROBE -> !raw;
            case UPROBE, URETPROBE, USDT, PROFILE, SOFTWARE, HARDWARE, WATCHPOINT, INTERVAL -> true;
            default -> false;
        };
    }
}
