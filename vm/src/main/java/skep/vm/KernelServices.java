package skep.vm;

import java.util.Optional;

/**
 * What helpers ask of the kernel that a program runs in: clock, current task, kernel memory, stacks. The embedded
 * kernel implements it; a VM without a kernel uses {@link #detached()}. Addresses are of the VM's own memory unless a
 * parameter is called {@code kernelAddress} or {@code userAddress}.
 *
 * <p>One instance may serve many CPUs; {@link #cpu} tells which one the calling program runs on.
 */
public interface KernelServices {
    /** Linux's errno for a bad address, as helpers return it negated. */
    int EFAULT = 14;

    /** {@code CLOCK_MONOTONIC} in nanoseconds. */
    long ktimeNanos();

    /** Whether clock and current task stay as they are while a program runs; then a backend may ask once, before. */
    default boolean standsStill() {
        return false;
    }

    /** {@code CLOCK_BOOTTIME} in nanoseconds. */
    default long bootNanos() {
        return ktimeNanos();
    }

    /** {@code CLOCK_TAI} in nanoseconds. */
    default long taiNanos() {
        return ktimeNanos();
    }

    /** Timer ticks since boot. */
    default long jiffies() {
        return ktimeNanos() / 4_000_000;
    }

    /** The CPU that the calling program runs on, from 0. */
    int cpu();

    default int numaNode() {
        return 0;
    }

    /** {@code tgid << 32 | tid} of the current task. */
    long pidTgid();

    /** {@code gid << 32 | uid} of the current task. */
    long uidGid();

    /** The name of the current task: at most 15 bytes. */
    byte[] comm();

    /** Kernel address of the current {@code task_struct}, or 0. */
    long currentTask();

    default long cgroupId() {
        return 1;
    }

    /** The next pseudo-random 32 bits, deterministic from the kernel's seed. */
    int random();

    /**
     * Copies from simulated kernel memory.
     *
     * @return false if a byte of the range is not mapped; nothing has been copied then
     */
    boolean readKernel(long kernelAddress, byte[] into, int length);

    /** The same for memory of the current process. */
    boolean readUser(long userAddress, byte[] into, int length);

    /**
     * Instruction pointers of the current stack, innermost first.
     *
     * @param user the stack of the process instead of the kernel's
     * @param skip frames to leave out
     * @return how many were written to {@code into}
     */
    int stack(boolean user, int skip, long[] into);

    /** Address of the probed function, or of the instruction, that made the current event; 0 if there is none. */
    default long functionAddress() {
        return 0;
    }

    /** The number that user space gave to the link that made the current event. */
    default long attachCookie() {
        return 0;
    }

    /** Kernel address of the user registers saved on entry to the kernel, or 0. */
    default long taskRegisters(long task) {
        return 0;
    }

    /** Kernel address of the task with this pid, or 0. */
    default long taskOfPid(int pid) {
        return 0;
    }

    /**
     * Which tasks an iterator walks.
     *
     * @param threads whether threads count that do not lead their process
     * @param process kernel address of a task whose process alone is walked, or 0
     */
    record TaskWalk(boolean threads, long process) {
        public static final TaskWalk PROCESSES = new TaskWalk(false, 0);
        public static final TaskWalk THREADS = new TaskWalk(true, 0);
    }

    /** A task by thread id and kernel address. */
    record WalkedTask(int tid, long address) {}

    /** The task of a walk with the next higher thread id. */
    default Optional<WalkedTask> taskAfter(int tid, TaskWalk walk) {
        return Optional.empty();
    }

    /** Sends a signal to the current process or thread; 0 or a negated error. */
    default int sendSignal(int signal, boolean threadOnly) {
        return -95;
    }

    /** Makes the probed function return this instead of running; whether that is possible here. */
    default boolean overrideReturn(long value) {
        return false;
    }

    /** The symbol that covers a kernel address, as {@code name} or {@code name+0x10}, or its digits. */
    default String symbol(long kernelAddress, boolean withOffset) {
        return "0x" + Long.toHexString(kernelAddress);
    }

    /** A line for {@code trace_pipe}. */
    default void tracePrintk(String line) {}

    /** Services for a VM that no kernel surrounds: the JVM's clock, one task, no memory. */
    static KernelServices detached() {
        return new DetachedServices();
    }
}
