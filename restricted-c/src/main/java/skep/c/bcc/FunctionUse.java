package skep.c.bcc;

import java.util.List;
import java.util.Optional;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProgramType;
import skep.isa.kernel.UsdtArgument;

/**
 * A function compiled for one way to attach it.
 *
 * @param program name of the program in the object, unique there; one function may be used in several forms
 * @param attachTo kernel function or tracepoint that a typed program is loaded for, or empty
 * @param form where registers and arguments come from
 */
public record FunctionUse(
        String function,
        String program,
        ProgramType type,
        Optional<AttachType> attachType,
        String attachTo,
        Form form) {
    /** Where registers and arguments come from. */
    public sealed interface Form {
        /** From the context as the program type defines it. */
        record AsWritten() implements Form {}

        /**
         * The function was written for a kprobe of a system call; it runs at the raw tracepoint {@code sys_enter}, for
         * these system call numbers. {@code PT_REGS_PARM1} is then the address of the caller's registers if the
         * kernel has wrappers.
         */
        record SyscallEntry(List<Integer> numbers) implements Form {
            public SyscallEntry {
                numbers = List.copyOf(numbers);
            }
        }

        /** The same for a kretprobe, at {@code sys_exit}: {@code PT_REGS_RC} is the result. */
        record SyscallExit(List<Integer> numbers) implements Form {
            public SyscallExit {
                numbers = List.copyOf(numbers);
            }
        }

        /** The function was written for a kprobe; it runs as fentry of {@code attachTo}, whose arguments are the registers. */
        record TrampolineEntry() implements Form {}

        /** The function was written for a kretprobe; it runs as fexit of {@code attachTo}. */
        record TrampolineExit() implements Form {}

        /**
         * The function was written for a kprobe; it runs at a raw tracepoint that passes what the function's arguments are.
         *
         * @param words for each argument which of the tracepoint's words it is, -1 if the tracepoint does not pass it
         */
        record Tracepoint(List<Integer> words) implements Form {
            public Tracepoint {
                words = List.copyOf(words);
            }
        }

        /**
         * The function was written for a kprobe of {@code finish_task_switch}; it runs at the raw tracepoint
         * {@code sched_exit_tp}, where the next task already is the current one. Its argument, the task before, is what a
         * program of the form {@link SwitchNote} has noted.
         */
        record AfterSwitch() implements Form {}

        /** Not the function itself: notes at the raw tracepoint {@code sched_switch} which task leaves the CPU. */
        record SwitchNote() implements Form {}

        /** A uprobe at a place of a static probe with these arguments. */
        record StaticProbe(List<UsdtArgument> arguments) implements Form {
            public StaticProbe {
                arguments = List.copyOf(arguments);
            }
        }
    }

    /** A use under the function's own name with its own context. */
    public static FunctionUse of(String function, ProgramType type) {
        return new FunctionUse(function, function, type, Optional.empty(), "", new Form.AsWritten());
    }

    public static FunctionUse of(String function, ProgramType type, AttachType attachType, String attachTo) {
        return new FunctionUse(function, function, type, Optional.of(attachType), attachTo, new Form.AsWritten());
    }
}
