package skep.events.embedded;

import org.jspecify.annotations.Nullable;
import skep.vm.Memory;

/**
 * Fires what is attached to routines: fills the register context and runs the programs. One context serves all CPUs,
 * since the model takes one step at a time and programs never nest.
 */
final class Firing {
    /** Room for {@code struct bpf_perf_event_data}: registers, then sample period and address. */
    private static final int CONTEXT_BYTES = 512;

    private final RegisterLayout registers;
    private final EmbeddedKernel kernel;
    private final Memory.Block block;
    private final long context;
    private final long trampoline;
    /** Arguments and result of a routine as words: the context of typed programs. */
    private final Memory.Block typedBlock = Memory.allocate(8 * (MAX_ARGUMENTS + 2), 64);

    private static final int MAX_ARGUMENTS = 6;

    /** How many times a program ran. */
    long count;
    /** The routine whose entry or return fired the running program, or 0. */
    private long functionAddress;
    /** The task for which a program runs now, and how its stack begins. */
    private @Nullable Task running;

    private Origin origin = Origin.INSIDE;

    /** Where in the innermost frame a program was fired. */
    enum Origin {
        ENTRY,
        INSIDE,
        RETURN,
        /** In a timer interrupt, about what it interrupted. */
        SAMPLE
    }

    Firing(EmbeddedKernel kernel, RegisterLayout registers, long trampoline) {
        this.kernel = kernel;
        this.registers = registers;
        this.trampoline = trampoline;
        block = Memory.allocate(CONTEXT_BYTES, 64);
        context = block.address();
        Memory.putLong(context + registers.status(), registers.kernelStatus());
    }

    Memory.Block typedBlock() {
        return typedBlock;
    }

    Memory.Block contextBlock() {
        return block;
    }

    /** A routine was entered. */
    void entry(Task task, Frame frame) {
        var arguments = registers.arguments();
        Memory.putLong(context + arguments[0], frame.a0);
        Memory.putLong(context + arguments[1], frame.a1);
        Memory.putLong(context + arguments[2], frame.a2);
        Memory.putLong(context + arguments[3], frame.a3);
        Memory.putLong(context + arguments[4], frame.a4);
        Memory.putLong(context + arguments[5], frame.a5);
        place(task, frame.routine.address, task.depth, false);
        var list = frame.routine.onEntry;
        if (list != null) {
            functionAddress = frame.routine.address;
            run(list, task, context, Origin.ENTRY);
            functionAddress = 0;
        }
    }

    /** A routine is about to return. */
    void exit(Task task, Frame frame, long value) {
        Memory.putLong(context + registers.result(), value);
        place(task, returnAddress(task, task.depth), task.depth - 1, true);
        var list = frame.routine.onReturn;
        if (list != null) {
            functionAddress = frame.routine.address;
            run(list, task, context, Origin.RETURN);
            functionAddress = 0;
        }
    }

    /** A program is at one of its static probes. */
    void atStaticProbe(Task task, StaticProbe probe, long[] arguments) {
        for (int i = 0; i < probe.arguments(); i++) {
            Memory.putLong(context + probe.registerOffset(i), i < arguments.length ? arguments[i] : 0);
        }
        place(task, probe.address(), task.depth, false);
        var list = probe.attached;
        if (list != null) {
            run(list, task, context, Origin.INSIDE);
        }
    }

    /** A timer samples the CPU: the context is {@code struct bpf_perf_event_data} with what was interrupted. */
    void sample(Task task, Attachment[] list, long period) {
        // the saved registers lack what only the kernel keeps: on arm64, everything behind pstate
        int size = registers.link() >= 0 ? registers.status() + 8 : registers.sizeBytes();
        Memory.putLong(context + size, period);
        Memory.putLong(context + size + 8, 0);
        int frame = interrupted(task);
        place(task, frame < 0 ? 0 : task.frame(frame).routine.returnAddress(task.frame(frame).pc), frame, true);
        run(list, task, context, Origin.SAMPLE);
        if (registers.link() >= 0) {
            Memory.putLong(context + size, 0);
        }
    }

    /** Index of the frame that the innermost interrupt interrupted; the innermost frame if there is none. */
    private static int interrupted(Task task) {
        for (int i = task.depth; i >= 0; i--) {
            if (task.frame(i).interrupt) {
                return i - 1;
            }
        }
        return task.depth;
    }

    /** Runs programs on a context that somebody else has filled. */
    void run(Attachment[] list, Task task, long address, Origin where) {
        running = task;
        origin = where;
        try {
            for (var attachment : list) {
                if (attachment.pid < 0 || attachment.pid == task.process.pid) {
                    count++;
                    attachment.runner.run(task.cpu.id, attachment.typed ? typed(task) : address);
                    if (attachment.costNanos > 0 && !task.cpu.halted()) {
                        task.cpu.timeNanos += attachment.costNanos;
                        kernel.truth.overheadNanos += attachment.costNanos;
                    }
                }
            }
        } finally {
            running = null;
        }
    }

    /** Runs one program in the name of a task that is on no CPU: the session's own process. */
    void runFor(Task task, Runnable program) {
        running = task;
        origin = Origin.INSIDE;
        try {
            program.run();
        } finally {
            running = null;
        }
    }

    /** Fills the words of the innermost routine. */
    private long typed(Task task) {
        // Their number lies before the first, where bpf_get_func_arg_cnt looks.
        long at = typedBlock.address() + 8;
        var frame = task.top();
        int count =
                Math.min(MAX_ARGUMENTS, frame.routine.prototype().parameters().size());
        Memory.putLong(at - 8, count);
        for (int i = 0; i < count; i++) {
            Memory.putLong(at + 8L * i, frame.argument(i));
        }
        Memory.putLong(at + 8L * count, origin == Origin.RETURN ? task.result : 0);
        return at;
    }

    private void place(Task task, long ip, int frames, boolean returning) {
        Memory.putLong(context + registers.instructionPointer(), ip);
        if (frames < 0) {
            return;
        }
        boolean user = task.frame(frames).routine.user();
        long frameRecord =
                user ? kernel.addresses.userStack() - 64L * (frames + 2) : kernel.stacks.frameRecord(task, frames);
        if (registers.link() >= 0) {
            Memory.putLong(context + registers.link(), returning ? trampoline : returnAddress(task, frames));
            Memory.putLong(context + registers.stackPointer(), frameRecord);
            Memory.putLong(
                    context + registers.framePointer(),
                    returning ? frameRecord : kernel.stacks.frameRecord(task, frames - 1));
        } else {
            // at entry the stack pointer shows the return address, which the frame record holds in its second word
            Memory.putLong(context + registers.stackPointer(), frameRecord + 8);
            Memory.putLong(
                    context + registers.framePointer(),
                    returning ? frameRecord : kernel.stacks.frameRecord(task, frames - 1));
        }
    }

    /** Where the routine of this frame returns to. */
    static long returnAddress(Task task, int frame) {
        var routine = task.frame(frame).routine;
        if (routine.callers.length > 0) {
            return routine.callers[0].returnAddress(1);
        }
        if (frame == 0) {
            return 0;
        }
        var caller = task.frame(frame - 1);
        return caller.routine.returnAddress(caller.pc);
    }

    long functionAddress() {
        return functionAddress;
    }

    /** The task that the running program sees as current. */
    Task current() {
        var task = running;
        return task != null ? task : kernel.currentTask();
    }

    /** Instruction pointers, innermost first; see {@link skep.vm.KernelServices#stack}. */
    int stack(boolean user, int skip, long[] into) {
        var task = current();
        int index = task.depth;
        int found = -skip;
        boolean first = origin != Origin.RETURN;
        if (origin == Origin.RETURN) {
            index--;
        } else if (origin == Origin.SAMPLE) {
            index = interrupted(task);
        }
        for (; index >= 0 && found < into.length; index--) {
            var frame = task.frame(index);
            var routine = frame.routine;
            if (routine.user() != user) {
                if (user) {
                    first = false;
                    continue;
                }
                break;
            }
            long ip = first && origin == Origin.ENTRY ? routine.address : routine.returnAddress(frame.pc);
            first = false;
            if (found >= 0) {
                into[found] = ip;
            }
            found++;
            for (var caller : routine.callers) {
                if (found >= into.length) {
                    break;
                }
                if (found >= 0) {
                    into[found] = caller.returnAddress(1);
                }
                found++;
            }
        }
        return Math.max(0, found);
    }

    void close() {
        block.close();
        typedBlock.close();
    }
}
