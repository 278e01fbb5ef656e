package skep.target;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import skep.isa.kernel.KernelInfo;
import skep.isa.object.BpfObject;

/**
 * Where programs live: the embedded kernel, a recording, the live kernel, a remote one.
 *
 * <p>Life of a session: {@link #load}, {@link LoadedObject#attach} for each probe, optionally {@link #spawn}, then
 * {@link #start}, then records are polled until the session ends. Closing a target closes all that it loaded.
 */
public interface Target extends AutoCloseable {
    /** The spec that names it, for example {@code linux} or {@code embedded:arch=arm64,seed=7}. */
    String spec();

    KernelInfo kernel();

    /**
     * Creates the maps, verifies and loads the programs. All or nothing.
     *
     * @throws LoadException with the verifier's log and the source line when a program is rejected
     */
    LoadedObject load(BpfObject object, LoadOptions options);

    /**
     * Prepares a command that does not run before {@link TracedProcess#start}.
     *
     * @throws TargetException if the command cannot be run
     */
    TracedProcess spawn(String command);

    /**
     * Lets events flow. The embedded kernel starts its clock and stops it after {@code duration} of its own time; a
     * live kernel runs anyway.
     */
    void start(Optional<Duration> duration);

    /** Time of this target's monotonic clock in nanoseconds: what {@code nsecs} counts. */
    long monotonicNanos();

    /**
     * Waits until this target's clock shows a time, or nothing more will happen. A kernel of virtual time that waits for the
     * readers of its buffers does not wait for those that the sleeping thread reads.
     *
     * @param atMost of real time
     * @return whether the time has come
     */
    default boolean sleepUntil(long monotonicNanos, Duration atMost) throws InterruptedException {
        long end = System.nanoTime() + atMost.toNanos();
        while (monotonicNanos() < monotonicNanos && !ended()) {
            if (System.nanoTime() - end >= 0) {
                return false;
            }
            Thread.sleep(1);
        }
        return true;
    }

    /** What to add to the monotonic clock for nanoseconds since 1970. */
    long wallClockOffsetNanos();

    /** Whether nothing more will happen: the embedded kernel's duration is over, a recording is at its end. */
    boolean ended();

    /** All that is loaded there, whoever loaded it; closing it leaves the target as it is. Empty if it cannot be told. */
    default Optional<Inventory> inventory() {
        return Optional.empty();
    }

    @Override
    void close();

    /** Whether this is a kernel that runs whether or not anybody traces it. */
    default boolean isLive() {
        return spec().startsWith("linux");
    }

    /** What a user should know of how this target runs programs, a sentence each; shown when a script is attached. */
    default java.util.List<String> remarks() {
        return java.util.List.of();
    }

    /** Whether a process of this target still runs; for {@code -p}. */
    default boolean isAlive(int pid) {
        return true;
    }

    /** The symbol of a process that covers an address; its module is the path of the binary. Empty if it cannot be told. */
    default Optional<KernelInfo.Symbol> userSymbol(int pid, long address) {
        return Optional.empty();
    }

    /**
     * The addresses of a process's stack, the innermost first, by the unwinding tables of its files: from its registers
     * ({@code struct pt_regs}) and a copy of what lies from its stack pointer on. Empty if this target cannot tell.
     */
    default List<Long> unwind(int pid, MemorySegment registers, MemorySegment stack, int depth) {
        return List.of();
    }

    /** Where in a source file the code at an address of a process comes from: {@code /src/main.c:12}. Empty if it cannot be told. */
    default Optional<String> userSourceLine(int pid, long address) {
        return Optional.empty();
    }

    /** The identity of the file that a process has mapped at an address, and where in the file that is. */
    default Optional<FilePlace> userFilePlace(int pid, long address) {
        return Optional.empty();
    }

    /**
     * A place in a file.
     *
     * @param buildId of the file, in hexadecimal
     * @param offset in bytes
     */
    record FilePlace(String buildId, long offset) {}

    /** From now on, remembers what processes map, so that their symbols are found when they have ended. */
    default void rememberProcesses() {}

    /** The path of a cgroup by its id, from the root of its hierarchy, for example {@code /system.slice}. */
    default Optional<String> cgroupPath(long id) {
        return Optional.empty();
    }

    /**
     * What a file of the target's system says, for targets whose files are not those of this machine: {@code /proc},
     * {@code /sys}, tracefs. Empty if the target has no such file, or its files are this machine's.
     */
    default Optional<byte[]> readFile(String path) {
        return Optional.empty();
    }

    /** The names in a folder of such a target; empty if there is no such folder. */
    default Optional<java.util.List<String>> listFolder(String path) {
        return Optional.empty();
    }

    /** Where a symbolic link of such a target leads; empty if there is none. */
    default Optional<String> readLink(String path) {
        return Optional.empty();
    }

    /** What such a target says of one of its files; empty if there is none. */
    default Optional<FileStatus> fileStatus(String path) {
        return Optional.empty();
    }

    /**
     * A file of a simulated system.
     *
     * @param mode type and permissions, as {@code st_mode}
     * @param device major number in the bits from 8 on and minor number, of a device file; else 0
     */
    record FileStatus(long inode, int mode, long sizeBytes, long device) {}

    /** The next line that programs print with {@code bpf_trace_printk}, for targets without a {@code trace_pipe} file. */
    default Optional<String> traceLine(int timeoutMillis) {
        return Optional.empty();
    }

    /** The name of a user, as this target's system knows it. */
    default Optional<String> userName(long uid) {
        return Optional.empty();
    }

    /**
     * What truly happened in a target that knows it, by name: counted where it happens, not by probes. A live kernel knows
     * nothing of the kind.
     */
    default java.util.Map<String, Long> groundTruth() {
        return java.util.Map.of();
    }

    /**
     * Tells what happens at a place of a simulated kernel, from the model and not through a program. The observer is called
     * by the kernel's thread, which waits for it; closing the link ends that.
     *
     * @return empty if this target cannot tell, as a live kernel cannot
     * @throws AttachException if it has no such place
     */
    default Optional<Link> observe(skep.isa.kernel.ProbeSpec place, java.util.function.Consumer<Happening> observer) {
        return Optional.empty();
    }

    /**
     * The time of a simulated kernel stands still from this moment of its monotonic clock on, until a later moment is
     * named; unless this is called it runs on. Other targets have no such clock.
     */
    default void holdAt(long monotonicNanos) {}
}
