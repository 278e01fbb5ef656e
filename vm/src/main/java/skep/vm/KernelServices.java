package skep.vm;

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

    /** A line for {@code trace_pipe}. */
    default void tracePrintk(String line) {}

    /** Services for a VM that no kernel surrounds: the JVM's clock, one task, no memory. */
    static KernelServices detached() {
        return new DetachedServices();
    }
}
