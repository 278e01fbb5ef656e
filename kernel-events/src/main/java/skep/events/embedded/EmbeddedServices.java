package skep.events.embedded;

import java.util.Comparator;
import java.util.Optional;
import skep.vm.KernelServices;

/** What helpers see: the clock, task and memory of the model at the step that fired the program. */
final class EmbeddedServices implements KernelServices {
    /** Nanoseconds from 1970 to the moment the kernel booted, so that wall clocks are as reproducible as all else. */
    static final long WALL_CLOCK_OFFSET_NANOS = 1_767_225_600_000_000_000L - EmbeddedKernel.BOOT_NANOS;

    private static final long TAI_LEAP_NANOS = 37_000_000_000L;

    private final EmbeddedKernel kernel;
    private final int cpu;
    private final Rng random;

    /**
     * @param cpu the CPU whose programs ask; random numbers are a stream of its own, so that programs do not change what
     *     the model does
     */
    EmbeddedServices(EmbeddedKernel kernel, int cpu) {
        this.kernel = kernel;
        this.cpu = cpu;
        random = new Rng(kernel.options().seed(), "programs of cpu " + cpu);
    }

    @Override
    public long ktimeNanos() {
        return kernel.clockNanos();
    }

    /** The model takes no step while a program runs. */
    @Override
    public boolean standsStill() {
        return true;
    }

    @Override
    public long taiNanos() {
        return kernel.clockNanos() + WALL_CLOCK_OFFSET_NANOS + TAI_LEAP_NANOS;
    }

    @Override
    public int cpu() {
        return cpu;
    }

    @Override
    public long pidTgid() {
        var task = kernel.firing.current();
        return (long) task.process.pid << 32 | task.tid;
    }

    @Override
    public long uidGid() {
        var process = kernel.firing.current().process;
        return (long) process.gid << 32 | process.uid;
    }

    @Override
    public byte[] comm() {
        return kernel.firing.current().comm();
    }

    @Override
    public long currentTask() {
        return kernel.firing.current().address;
    }

    @Override
    public long cgroupId() {
        return kernel.firing.current().process.cgroupId;
    }

    @Override
    public int random() {
        return (int) (random.next() >>> 32);
    }

    @Override
    public boolean readKernel(long kernelAddress, byte[] into, int length) {
        return kernel.stacks.read(kernelAddress, into, length) || kernel.memory.read(kernelAddress, into, length);
    }

    @Override
    public boolean readUser(long userAddress, byte[] into, int length) {
        return kernel.userMemory.read(userAddress, into, length);
    }

    @Override
    public int stack(boolean user, int skip, long[] into) {
        return kernel.firing.stack(user, skip, into);
    }

    @Override
    public long functionAddress() {
        return kernel.firing.functionAddress();
    }

    @Override
    public long taskRegisters(long task) {
        for (var one : kernel.processes.all().values()) {
            if (one.address == task) {
                return one.process.kernelThread() ? 0 : kernel.stacks.userRegisters(one);
            }
        }
        return 0;
    }

    @Override
    public long taskOfPid(int pid) {
        var task = kernel.processes.find(pid);
        return task == null ? 0 : task.address;
    }

    @Override
    public Optional<WalkedTask> taskAfter(int tid, TaskWalk walk) {
        return kernel.processes.all().values().stream()
                .filter(task -> task.tid > tid)
                .filter(task -> walk.threads() || task.tid == task.process.pid)
                .filter(task -> walk.process() == 0 || isOfProcess(task, walk.process()))
                .min(Comparator.comparingInt(task -> task.tid))
                .map(task -> new WalkedTask(task.tid, task.address));
    }

    private boolean isOfProcess(Task task, long member) {
        return kernel.processes.all().values().stream()
                .anyMatch(other -> other.address == member && other.process == task.process);
    }

    @Override
    public void tracePrintk(String line) {
        var task = kernel.firing.current();
        var comm = task.comm();
        int length = 0;
        while (length < comm.length && comm[length] != 0) {
            length++;
        }
        var name = new String(comm, 0, length, java.nio.charset.StandardCharsets.UTF_8);
        kernel.traceLog.print(name, task.tid, cpu, kernel.clockNanos(), line);
    }

    @Override
    public String symbol(long kernelAddress, boolean withOffset) {
        return kernel.symbols
                .at(kernelAddress)
                .map(r -> withOffset ? r.name() + "+0x" + Long.toHexString(kernelAddress - r.address) : r.name())
                .orElse("0x" + Long.toHexString(kernelAddress));
    }
}
