package skep.linux;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import skep.isa.kernel.Helper;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.MapType;
import skep.isa.object.BpfObject;
import skep.isa.object.ProgramSpec;
import skep.target.Inventory;
import skep.target.LoadOptions;
import skep.target.LoadedObject;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TracedProcess;

/**
 * A live kernel. It runs whether or not it is traced: {@link #start} only begins to count the duration. Opening reads
 * nothing of the kernel; each load and attach reads what it needs.
 */
public final class LinuxTarget implements Target {
    /** {@code BPF_JMP | BPF_CALL} of a helper, the rest of the word being zero but for its number. */
    private static final int CALL = 0x85;

    private final String spec;
    private final Host host;
    private final LinuxKernel kernel;
    private final UserSymbols userSymbols;
    private final StackUnwinder unwinder;
    private final SystemNames names;
    /** What closes with the target. What closes before leaves the list: a prompt loads and closes all day. */
    private final Set<AutoCloseable> owned = Collections.synchronizedSet(new LinkedHashSet<>());

    private volatile long endNanos = Long.MAX_VALUE;

    LinuxTarget(String spec, Host host) {
        this.spec = spec;
        this.host = host;
        this.kernel = new LinuxKernel(host);
        this.userSymbols = new UserSymbols(host, kernel.binaries());
        this.unwinder = new StackUnwinder(kernel.arch(), userSymbols);
        this.names = new SystemNames(host);
    }

    @Override
    public String spec() {
        return spec;
    }

    @Override
    public KernelInfo kernel() {
        return kernel;
    }

    @Override
    public synchronized LoadedObject load(BpfObject object, LoadOptions options) {
        if (object.maps().stream().anyMatch(map -> map.type() == MapType.STACK_TRACE)
                || object.programs().stream().anyMatch(LinuxTarget::copiesStacks)) {
            rememberProcesses();
        }
        var loaded = LinuxObject.load(host, kernel, object, options, this::rememberProcesses, owned::remove);
        owned.add(loaded);
        return loaded;
    }

    /** Stacks of processes that end meanwhile can be named only if what they mapped was written down. */
    @Override
    public void rememberProcesses() {
        synchronized (userSymbols) {
            if (!userSymbols.isRecording()) {
                try {
                    var recorder = new MappingRecorder(host, kernel.onlineCpus());
                    owned.add(recorder);
                    userSymbols.recordWith(recorder);
                } catch (TargetException withoutPerf) {
                    // Then only living processes have symbols.
                }
            }
        }
    }

    /** Whether a program sends stacks that are unwound here: only for that does one ask for the registers of a process. */
    private static boolean copiesStacks(ProgramSpec program) {
        long call = Integer.toUnsignedLong(Helper.TASK_PT_REGS.number()) << 32 | CALL;
        return Arrays.stream(program.code().slots()).anyMatch(slot -> slot == call);
    }

    @Override
    public Optional<Inventory> inventory() {
        return Optional.of(new LinuxInventory(host, false));
    }

    @Override
    public boolean isLive() {
        return true;
    }

    @Override
    public boolean isAlive(int pid) {
        return host.files().exists("/proc/" + pid + "/stat");
    }

    @Override
    public Optional<KernelInfo.Symbol> userSymbol(int pid, long address) {
        return userSymbols.at(pid, address);
    }

    @Override
    public List<Long> unwind(int pid, MemorySegment registers, MemorySegment stack, int depth) {
        return unwinder.unwind(pid, registers, stack, depth);
    }

    @Override
    public Optional<String> userSourceLine(int pid, long address) {
        return userSymbols.sourceLine(pid, address);
    }

    @Override
    public Optional<FilePlace> userFilePlace(int pid, long address) {
        return userSymbols.filePlace(pid, address);
    }

    @Override
    public Optional<String> userName(long uid) {
        return names.name(uid);
    }

    @Override
    public Optional<String> cgroupPath(long id) {
        return names.cgroup(id);
    }

    @Override
    public synchronized TracedProcess spawn(String command) {
        var child = TracedChild.prepare(host, command, owned::remove);
        owned.add(child);
        return child;
    }

    @Override
    public void start(Optional<Duration> duration) {
        duration.ifPresent(length -> endNanos = monotonicNanos() + length.toNanos());
    }

    @Override
    public long monotonicNanos() {
        return host.monotonicNanos();
    }

    /** The middle of two readings of one clock around one of the other. */
    @Override
    public long wallClockOffsetNanos() {
        long before = host.monotonicNanos();
        long wall = host.realtimeNanos();
        long after = host.monotonicNanos();
        return wall - (before + (after - before) / 2);
    }

    @Override
    public boolean ended() {
        return endNanos != Long.MAX_VALUE && monotonicNanos() >= endNanos;
    }

    @Override
    public synchronized void close() {
        for (var last : new ArrayList<>(owned).reversed()) {
            switch (last) {
                case LoadedObject object -> object.close();
                case TracedProcess process -> process.close();
                case MappingRecorder recorder -> recorder.close();
                default -> throw new AssertionError();
            }
        }
        owned.clear();
        host.syscalls().close();
    }
}
