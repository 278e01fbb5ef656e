package skep.events.embedded;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A thread: what the scheduler runs. It owns a stack of frames, user routines at the bottom, kernel routines above. */
final class Task {
    /** Bounds the depth of calls; the model's deepest chain has about forty. */
    private static final int MAX_FRAMES = 96;
    /** What a call and a return cost by themselves, so that no two firings of a CPU have the same time. */
    private static final int CALL_NANOS = 3;

    private static final int RETURN_NANOS = 2;

    /** Scheduler states with the numbers that {@code sched_switch} shows. */
    enum State {
        RUNNING(0),
        INTERRUPTIBLE(1),
        UNINTERRUPTIBLE(2),
        ZOMBIE(0x20),
        DEAD(0x10),
        IDLE_KTHREAD(0x402),
        NEW(0x800);

        final int number;

        State(int number) {
            this.number = number;
        }
    }

    final EmbeddedKernel kernel;
    final int tid;
    final Process process;
    /** Address of its {@code task_struct}. */
    final long address;
    /** Lowest address of its kernel stack. */
    final long stackBase;

    private byte[] comm = new byte[16];
    Cpu cpu;
    State state = State.NEW;
    int priority = 120;
    /** On a run queue, waiting for its CPU. */
    boolean queued;

    long virtualNanos;
    /** When it was last put onto a CPU, and how long it has run before that. */
    long switchedInNanos;

    long runNanos;
    /** {@link #runNanos} at that moment. */
    long accountedRunNanos;
    /** Never leaves its CPU: a per-CPU kernel thread. */
    boolean pinned;
    /** When it became runnable; for the ground truth of run-queue latency. */
    long runnableSinceNanos;

    private Frame[] frames = new Frame[24];
    /** Index of the innermost frame, or -1. */
    int depth = -1;
    /** What the last routine or system call returned. */
    long result;

    @Nullable
    Object resultObject;
    /** Number and arguments of the system call in progress. */
    int syscallNumber = -1;

    final long[] syscallArguments = new long[6];
    /** The wait queue entry of this task, while it waits. */
    @Nullable
    WaitQueue waitingOn;

    /** The page of a file that it waits for, where it waits for one. */
    int waitingPage;

    /** Address of its {@code struct cred} and {@code struct pid}, or 0 for tasks that were there from the start. */
    long credentials;

    long pidStruct;

    /** How long the next {@code clock_nanosleep} is to last. */
    long sleepNanos;

    /** The two descriptors that the last {@code pipe2} or {@code socketpair} made: the second in the high half. */
    long pipeDescriptors;

    Program.@Nullable Invocation pendingExec;
    Processes.@Nullable Child pendingChild;

    final Event timer;
    boolean timerExpired;
    /** Descriptors that its next message takes along. */
    final java.util.ArrayList<Integer> passed = new java.util.ArrayList<>();
    /** Where the stack of a thread is that {@code pthread_create} made, or 0. */
    long stackMapping;
    /** The first descriptor that its last message brought, or -1. */
    int received = -1;
    /** It frees memory for others, or for itself, and does not ask for that again. */
    boolean reclaiming;
    /** Signals that are to be delivered when this task next leaves the kernel: bit n-1 for signal n. */
    long pendingSignals;
    /** Those that wait until a handler has ended. */
    long blockedSignals;
    /** What {@link #blockedSignals} was before each handler that runs. */
    final java.util.ArrayDeque<Long> savedMasks = new java.util.ArrayDeque<>();
    /** The handler that runs when the kernel is left. */
    Signals.@Nullable Handling handling;

    /** Number of the signal that ends this task when it next leaves the kernel, or 0. */
    int killedBy;

    Task(EmbeddedKernel kernel, int tid, Process process, long address, long stackBase, String name, Cpu cpu) {
        this.kernel = kernel;
        this.tid = tid;
        this.process = process;
        this.address = address;
        this.stackBase = stackBase;
        this.cpu = cpu;
        rename(name);
        timer = new Event() {
            @Override
            void happen() {
                kernel.interrupts.raiseTimer(Task.this);
            }
        };
    }

    /** Address of what a routine of this task keeps on its stack. */
    long local(int offBytes) {
        return stackBase + offBytes;
    }

    void rename(String name) {
        comm = Arrays.copyOf(Arrays.copyOf(name.getBytes(StandardCharsets.UTF_8), Math.min(15, name.length())), 16);
    }

    /** The name, padded with zeros to 16 bytes; not to be changed. */
    byte[] comm() {
        return comm;
    }

    String name() {
        int length = 0;
        while (comm[length] != 0) {
            length++;
        }
        return new String(comm, 0, length, StandardCharsets.UTF_8);
    }

    boolean exiting() {
        return state == State.ZOMBIE || state == State.DEAD;
    }

    /** A signal is there that this task has to see to: it does not go on waiting. */
    boolean signalled() {
        return killedBy != 0 || (pendingSignals & ~blockedSignals) != 0;
    }

    boolean idle() {
        return tid == 0;
    }

    Frame top() {
        return frames[depth];
    }

    Frame frame(int index) {
        return frames[index];
    }

    /** The frame that called the innermost one. */
    Frame caller() {
        return frames[depth - 1];
    }

    /** A new innermost frame, without firing anything. */
    Frame push(Routine routine) {
        if (++depth == frames.length) {
            if (depth >= MAX_FRAMES) {
                throw new IllegalStateException("stack of " + name() + " overflows in " + routine);
            }
            frames = Arrays.copyOf(frames, 2 * frames.length);
        }
        var frame = frames[depth];
        if (frame == null) {
            frame = new Frame();
            frames[depth] = frame;
        }
        frame.reset(routine);
        return frame;
    }

    // What bodies do

    /** Spends time on the CPU. */
    void work(long nanos) {
        cpu.timeNanos += nanos;
    }

    /** Spends about this much time, varied a little, seldom much more. */
    void spend(long typicalNanos) {
        cpu.timeNanos += kernel.rng.skewed(typicalNanos);
    }

    Frame call(Routine routine) {
        return call(routine, 0, 0, 0, 0, 0, 0);
    }

    Frame call(Routine routine, long a0) {
        return call(routine, a0, 0, 0, 0, 0, 0);
    }

    Frame call(Routine routine, long a0, long a1) {
        return call(routine, a0, a1, 0, 0, 0, 0);
    }

    Frame call(Routine routine, long a0, long a1, long a2) {
        return call(routine, a0, a1, a2, 0, 0, 0);
    }

    Frame call(Routine routine, long a0, long a1, long a2, long a3) {
        return call(routine, a0, a1, a2, a3, 0, 0);
    }

    Frame call(Routine routine, long a0, long a1, long a2, long a3, long a4) {
        return call(routine, a0, a1, a2, a3, a4, 0);
    }

    /** Calls; the callee's steps come next, then the caller's next step, with {@link #result}. */
    Frame call(Routine routine, long a0, long a1, long a2, long a3, long a4, long a5) {
        var frame = push(routine);
        frame.a0 = a0;
        frame.a1 = a1;
        frame.a2 = a2;
        frame.a3 = a3;
        frame.a4 = a4;
        frame.a5 = a5;
        if (routine.onReturn != null) {
            frame.returnArmed = true;
        }
        // fired at the time of the step, before the call takes any: other CPUs have not gone further
        if (routine.onEntry != null) {
            kernel.firing.entry(this, frame);
        }
        cpu.timeNanos += CALL_NANOS;
        return frame;
    }

    /** Returns from the innermost routine. */
    void ret(long value) {
        var frame = frames[depth];
        result = value;
        if (frame.returnArmed && frame.routine.onReturn != null) {
            kernel.firing.exit(this, frame, value);
        }
        cpu.timeNanos += RETURN_NANOS;
        depth--;
        if (frame.interrupt) {
            cpu.timeNanos += frame.remainingNanos;
        }
    }

    /** Replaces this process's program at the next step, unless the system call fails. */
    void exec(Program.Invocation invocation) {
        pendingExec = invocation;
        var user = kernel.userSpace;
        syscall(
                kernel.syscalls.execve,
                user.string(invocation.program().path()),
                user.vector(invocation.arguments()),
                0);
    }

    /** Forks: the child runs this routine, the parent goes on with the child's pid as result. */
    void fork(Routine main, @Nullable Object argument) {
        pendingChild = new Processes.Child(main, argument, false);
        syscall(kernel.syscalls.clone, 0x120_0011, 0, 0, 0, 0);
    }

    void sleep(long nanos) {
        sleepNanos = nanos;
        syscall(kernel.syscalls.nanosleep, 1, 0, kernel.userSpace.timespec(tid, nanos), 0);
    }

    /** Makes a system call; its result is {@link #result} at the next step. */
    void syscall(Syscall syscall, long... arguments) {
        syscallNumber = syscall.number();
        Arrays.fill(syscallArguments, 0);
        System.arraycopy(arguments, 0, syscallArguments, 0, arguments.length);
        push(kernel.syscalls.entry).object = syscall;
        cpu.timeNanos += CALL_NANOS;
    }

    @Override
    public String toString() {
        return name() + "/" + tid;
    }
}
