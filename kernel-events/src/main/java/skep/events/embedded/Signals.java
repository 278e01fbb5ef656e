package skep.events.embedded;

/** Signals: sending, and what the receiver does when it next leaves the kernel. */
final class Signals {
    static final int SIGHUP = 1;
    static final int SIGINT = 2;
    static final int SIGKILL = 9;
    static final int SIGUSR1 = 10;
    static final int SIGTERM = 15;
    private static final int ESRCH = 3;
    private static final int EPERM = 1;
    private static final int CAP_KILL = 5;

    private final EmbeddedKernel kernel;
    final Routine kill;
    final Routine tgkill;
    private final Routine sendSignal;
    private final Tracepoint generate;
    private final Tracepoint deliver;

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
    }

    /** Calls what sends a signal to a process. */
    void callSend(Task task, Task target, int signal) {
        task.call(sendSignal, signal, 1, target.address, 1).object = target;
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
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.count("signals sent", 1);
                if (generate.active()) {
                    kernel.tracer.raw(generate, task, frame.a0, frame.a1, target.address, 1, 0, 0);
                    kernel.tracer
                            .begin(generate, task)
                            .num(frame.a0)
                            .num(0)
                            .num(0)
                            .bytes(target.comm())
                            .num(target.tid)
                            .num(1)
                            .num(0)
                            .fire();
                }
                task.spend(260);
            }
            case 1 -> {
                int signal = (int) frame.a0;
                if (fatal(signal) && !target.process.kernelThread()) {
                    target.killedBy = signal;
                    if (target.state == Task.State.INTERRUPTIBLE && target != task) {
                        kernel.scheduler.callWakeup(task, target);
                    }
                } else {
                    target.pendingSignal = signal;
                }
            }
            default -> task.ret(0);
        }
    }

    private static boolean fatal(int signal) {
        return signal == SIGKILL || signal == SIGTERM || signal == SIGINT;
    }

    /** The receiver is about to return to user mode. */
    void deliver(Task task) {
        int signal = task.pendingSignal;
        task.pendingSignal = 0;
        if (deliver.active()) {
            kernel.tracer.raw(deliver, task, signal, 0, 0);
            kernel.tracer
                    .begin(deliver, task)
                    .num(signal)
                    .num(0)
                    .num(0)
                    .num(0)
                    .num(0)
                    .fire();
        }
        kernel.truth.count("signals delivered", 1);
        task.work(900);
    }
}
