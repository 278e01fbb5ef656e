package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import skep.isa.kernel.Arch;

/**
 * Signals: what processes want done about them, sending, and what the receiver does when it next leaves the kernel. A handler
 * is a function of the program; it runs in user mode above what was interrupted, and ends with {@code rt_sigreturn}.
 */
final class Signals {
    static final int SIGHUP = 1;
    static final int SIGINT = 2;
    static final int SIGKILL = 9;
    static final int SIGUSR1 = 10;
    static final int SIGSEGV = 11;
    static final int SIGTERM = 15;
    static final int SIGCHLD = 17;
    private static final int SIGCONT = 18;
    private static final int SIGSTOP = 19;
    private static final int SIGURG = 23;
    private static final int SIGWINCH = 28;
    private static final int MAX_SIGNAL = 64;
    /** A system call that a signal interrupted and that is to be made again, unless a handler wants otherwise. */
    static final int ERESTARTSYS = 512;

    static final long SA_RESTART = 0x1000_0000;
    private static final long SIG_IGN = 1;
    private static final int EINVAL = 22;
    private static final int ESRCH = 3;
    private static final int EPERM = 1;
    private static final int CAP_KILL = 5;
    // What signal_generate says became of it
    private static final int DELIVERED = 0;
    private static final int IGNORED = 1;
    private static final int ALREADY_PENDING = 2;

    private final EmbeddedKernel kernel;
    final Routine kill;
    final Routine tgkill;
    final Routine sigaction;
    final Routine sigreturn;
    private final Routine sendSignal;
    private final Routine notifyParent;
    private final Routine getSignal;
    private final Routine setupFrame;
    private final Routine trampoline;
    private final Tracepoint generate;
    private final Tracepoint deliver;

    /**
     * What a process wants done about a signal.
     *
     * @param handler address of the handler, or {@code SIG_IGN}; the default is no action at all
     * @param routine the function at that address, if there is one
     */
    record Action(long handler, long flags, Optional<Routine> routine) {
        boolean ignores() {
            return handler == SIG_IGN;
        }

        boolean restarts() {
            return (flags & SA_RESTART) != 0;
        }
    }

    /** A handler that is about to run, or runs. */
    static final class Handling {
        final int signal;
        final Action action;
        /** What goes on afterwards: a system call again, the result of one, and interrupted work. */
        @Nullable
        Syscall restart;

        final long[] arguments = new long[6];
        long result;

        @Nullable
        Object resultObject;

        long restNanos;

        Handling(int signal, Action action) {
            this.signal = signal;
            this.action = action;
        }
    }

    Signals(EmbeddedKernel kernel) {
        this.kernel = kernel;
        generate = kernel.tracepoint(
                "signal",
                "signal_generate",
                "int sig; int errno; int code; char comm[16]; pid_t pid; int group; int result",
                "int sig, struct kernel_siginfo *info, struct task_struct *task, int group, int result");
        deliver = kernel.tracepoint(
                "signal",
                "signal_deliver",
                "int sig; int errno; int code; unsigned long sa_handler; unsigned long sa_flags",
                "int sig, struct kernel_siginfo *info, struct k_sigaction *ka");
        sendSignal = kernel.function(
                "int send_signal_locked(int sig, struct kernel_siginfo *info, struct task_struct *t, enum pid_type type)",
                this::sendSignal);
        kill = kernel.function("int kill_something_info(int sig, struct kernel_siginfo *info, pid_t pid)", this::kill);
        tgkill = kernel.function(
                "int do_send_specific(pid_t tgid, pid_t pid, int sig, struct kernel_siginfo *info)", this::kill);
        notifyParent = kernel.function("bool do_notify_parent(struct task_struct *tsk, int sig)", (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.work(70);
                case 1 -> callSend(task, (Task) frame.object(), SIGCHLD);
                default -> task.ret(0);
            }
        });
        sigaction = kernel.function(
                "int do_sigaction(int sig, struct k_sigaction *act, struct k_sigaction *oact)", this::sigaction);
        sigreturn = kernel.function("bool restore_altstack(const stack_t *uss)", this::sigreturn);
        getSignal = kernel.function("bool get_signal(struct ksignal *ksig)", this::getSignal);
        boolean arm = kernel.arch == Arch.ARM64;
        setupFrame = kernel.leaf(
                arm
                        ? "int setup_rt_frame(int usig, struct ksignal *ksig, sigset_t *set, struct pt_regs *regs)"
                        : "int x64_setup_rt_frame(struct ksignal *ksig, struct pt_regs *regs)",
                700);
        trampoline = kernel.userSpace.library("libc.so.6").function("void __restore_rt(void)", this::trampoline);
    }

    // Actions

    private void sigaction(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(60);
            default -> {
                int signal = (int) frame.a0;
                if (signal < 1 || signal > MAX_SIGNAL || frame.a1 != 0 && (signal == SIGKILL || signal == SIGSTOP)) {
                    task.ret(-EINVAL);
                    return;
                }
                if (frame.a1 != 0) {
                    long handler = kernel.userSpace.word(frame.a1);
                    if (handler == 0) {
                        task.process.actions.remove(signal);
                    } else {
                        task.process.actions.put(
                                signal,
                                new Action(
                                        handler,
                                        kernel.userSpace.word(frame.a1 + 8),
                                        handlerAt(task.process, handler)));
                    }
                }
                task.ret(0);
            }
        }
    }

    private Optional<Routine> handlerAt(Process process, long address) {
        return kernel.userSpace.mapped(process).stream()
                .flatMap(image -> image.symbols.at(address).stream())
                .filter(routine -> routine.address == address)
                .findFirst();
    }

    /** A new program has no handlers; what was ignored stays ignored. */
    static void executed(Process process) {
        process.actions.values().removeIf(action -> !action.ignores());
    }

    private static boolean ignored(Process process, int signal) {
        var action = process.actions.get(signal);
        return process.kernelThread()
                || (action == null
                        ? signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT
                        : action.ignores() && signal != SIGKILL);
    }

    // Sending

    /** Calls what sends a signal to a process. */
    void callSend(Task task, Task target, int signal) {
        task.call(sendSignal, signal, 1, target.address, 1).object = target;
    }

    /** Calls what tells a parent that a child has ended. */
    void callNotifyParent(Task task, Task parent) {
        task.call(notifyParent, task.address, SIGCHLD).object = parent;
    }

    private void kill(Task task, Frame frame) {
        boolean toThread = frame.routine == tgkill;
        long pid = toThread ? frame.a1 : frame.a2;
        long signal = toThread ? frame.a2 : frame.a0;
        switch (frame.next()) {
            case 0 -> {
                var target = kernel.processes.find((int) pid);
                if (target == null) {
                    task.ret(-ESRCH);
                    return;
                }
                frame.object = target;
                if (task.process.uid != 0 && task.process.uid != target.process.uid) {
                    kernel.security.callCapable(task, CAP_KILL);
                    return;
                }
                task.work(40);
            }
            case 1 -> {
                var target = (Task) frame.object();
                if (task.process.uid != 0 && task.process.uid != target.process.uid) {
                    task.ret(-EPERM);
                    return;
                }
                if (signal != 0) {
                    callSend(task, target, (int) signal);
                }
            }
            default -> task.ret(0);
        }
    }

    private void sendSignal(Task task, Frame frame) {
        var target = (Task) frame.object();
        int signal = (int) frame.a0;
        switch (frame.next()) {
            case 0 -> {
                boolean fatal = fatal(target.process, signal);
                frame.v0 = ignored(target.process, signal)
                        ? IGNORED
                        : !fatal && (target.pendingSignals & bit(signal)) != 0 ? ALREADY_PENDING : DELIVERED;
                kernel.truth.count("signals sent", 1);
                if (frame.v0 != DELIVERED) {
                    kernel.truth.count(frame.v0 == IGNORED ? "signals ignored" : "signals pending already", 1);
                }
                if (generate.active()) {
                    kernel.tracer.raw(generate, task, frame.a0, frame.a1, target.address, 1, frame.v0, 0);
                    kernel.tracer
                            .begin(generate, task)
                            .num(frame.a0)
                            .num(0)
                            .num(0)
                            .bytes(target.comm())
                            .num(target.tid)
                            .num(1)
                            .num(frame.v0)
                            .fire();
                }
                if (frame.v0 == DELIVERED) {
                    frame.other = fatal ? threads(target.process) : new ArrayDeque<>(List.of(target));
                    frame.v1 = fatal ? 1 : 0;
                    if (!fatal) {
                        target.pendingSignals |= bit(signal);
                    }
                }
                task.spend(260);
            }
            default -> {
                var receivers = (ArrayDeque<?>) frame.other;
                if (receivers == null || receivers.isEmpty()) {
                    task.ret(0);
                    return;
                }
                frame.pc = 1;
                var receiver = (Task) Objects.requireNonNull(receivers.poll());
                if (frame.v1 == 1 && receiver.killedBy == 0) {
                    receiver.killedBy = signal;
                }
                if (receiver.state == Task.State.INTERRUPTIBLE && receiver != task && receiver.signalled()) {
                    kernel.scheduler.callWakeup(task, receiver);
                }
            }
        }
    }

    private ArrayDeque<Task> threads(Process process) {
        var threads = new ArrayDeque<Task>();
        for (var one : kernel.processes.all().values()) {
            if (one.process == process && !one.exiting()) {
                threads.add(one);
            }
        }
        return threads;
    }

    private static boolean fatal(Process process, int signal) {
        var action = process.actions.get(signal);
        return signal == SIGKILL || action == null && !ignored(process, signal);
    }

    private static long bit(int signal) {
        return 1L << signal - 1;
    }

    // Delivery

    /** Calls what takes a signal; the task is about to return to user mode. */
    void callDeliver(Task task) {
        task.call(getSignal, task.local(0xc00));
    }

    private void getSignal(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                if (task.killedBy != 0) {
                    frame.pc = 2;
                    fireDeliver(task, task.killedBy, 0, 0);
                    task.work(300);
                    return;
                }
                long deliverable = task.pendingSignals & ~task.blockedSignals;
                if (deliverable == 0) {
                    task.ret(0);
                    return;
                }
                int signal = Long.numberOfTrailingZeros(deliverable) + 1;
                task.pendingSignals &= ~bit(signal);
                var action = task.process.actions.get(signal);
                fireDeliver(task, signal, action == null ? 0 : action.handler, action == null ? 0 : action.flags);
                kernel.truth.count("signals delivered", 1);
                task.work(400);
                if (action == null || action.ignores()) {
                    // it was changed since the signal was sent
                    if (fatal(task.process, signal)) {
                        task.killedBy = signal;
                        frame.pc = 2;
                    } else {
                        frame.pc = 3;
                    }
                } else if (action.routine.isEmpty()) {
                    task.killedBy = SIGSEGV;
                    frame.pc = 2;
                } else {
                    task.handling = new Handling(signal, action);
                }
            }
            case 1 -> {
                frame.pc = 3;
                task.call(setupFrame, task.local(0xc00), kernel.stacks.userRegisters(task));
            }
            case 2 -> {
                kernel.truth.count("tasks ended by signals", 1);
                task.call(kernel.processes.doGroupExit, task.killedBy);
            }
            default -> task.ret(task.handling != null ? 1 : 0);
        }
    }

    private void fireDeliver(Task task, int signal, long handler, long flags) {
        if (deliver.active()) {
            kernel.tracer.raw(deliver, task, signal, 0, 0);
            kernel.tracer
                    .begin(deliver, task)
                    .num(signal)
                    .num(0)
                    .num(0)
                    .num(handler)
                    .num(flags)
                    .fire();
        }
    }

    /**
     * A system call has returned to user mode, and its frame is gone: the handler that was chosen runs now, and an interrupted
     * call is made again unless its handler does not want that.
     */
    void afterSyscall(Task task, Syscall syscall, long result) {
        var handling = task.handling;
        task.handling = null;
        boolean interrupted = result == -ERESTARTSYS;
        if (handling == null) {
            if (interrupted) {
                task.syscall(syscall, task.syscallArguments.clone());
            }
            return;
        }
        handling.result = result;
        if (interrupted && handling.action.restarts()) {
            handling.restart = syscall;
            System.arraycopy(task.syscallArguments, 0, handling.arguments, 0, 6);
        } else if (interrupted) {
            handling.result = -Timekeeping.EINTR;
        }
        run(task, handling);
    }

    /** An interrupt has returned to user mode, where this much of the work it interrupted is left. */
    void afterInterrupt(Task task, long restNanos) {
        var handling = Objects.requireNonNull(task.handling);
        task.handling = null;
        handling.result = task.result;
        handling.restNanos = restNanos;
        run(task, handling);
    }

    private void run(Task task, Handling handling) {
        handling.resultObject = task.resultObject;
        task.savedMasks.push(task.blockedSignals);
        task.blockedSignals |= bit(handling.signal);
        kernel.truth.count("signal handlers run", 1);
        task.push(trampoline).object = handling;
    }

    /** What the handler returns to: it ends the signal, and then goes on what was interrupted. */
    private void trampoline(Task task, Frame frame) {
        var handling = (Handling) frame.object();
        switch (frame.next()) {
            case 0 -> task.call(handling.action.routine.orElseThrow(), handling.signal, 0, 0);
            case 1 -> task.syscall(kernel.syscalls.rtSigreturn);
            default -> {
                // gone before the call is made again: the next signal finds the stack as this one found it
                task.work(handling.restNanos);
                task.resultObject = handling.resultObject;
                task.ret(handling.result);
                if (handling.restart != null) {
                    task.syscall(handling.restart, handling.arguments);
                }
            }
        }
    }

    private void sigreturn(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(180);
            default -> {
                task.blockedSignals = Objects.requireNonNull(task.savedMasks.poll());
                task.ret(0);
            }
        }
    }
}
