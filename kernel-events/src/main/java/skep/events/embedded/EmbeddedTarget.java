package skep.events.embedded;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProbeSpec;
import skep.isa.object.BpfObject;
import skep.target.Happening;
import skep.target.Link;
import skep.target.LoadOptions;
import skep.target.LoadedObject;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TracedProcess;
import skep.vm.AddressSpace.Access;
import skep.vm.Iteration;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.VmObject;
import skep.vm.VmProgram;
import skep.vm.maps.BpfMap;

/** The embedded kernel as a target: the model, a VM for its programs, and the thread that runs it. */
public final class EmbeddedTarget implements Target {
    private static final int ONCE_CONTEXT_BYTES = 4096;

    private final EmbeddedKernel kernel;
    private final KernelInfo info;
    private final Clockwork clockwork;
    private final Machine machine;
    private final VmCpu[] cpus;
    private final Memory.Block onceContext;
    private final Task session;
    private final String backend;
    private final List<String> remarks;
    private final List<EmbeddedObject> objects = new ArrayList<>();
    private boolean closed;

    public EmbeddedTarget(EmbeddedOptions options) {
        this(options, "", List.of());
    }

    /**
     * @param backend what runs its programs where their load names none; empty for the default
     * @param remarks what is to be said of it
     */
    EmbeddedTarget(EmbeddedOptions options, String backend, List<String> remarks) {
        this.backend = backend;
        this.remarks = List.copyOf(remarks);
        kernel = new EmbeddedKernel(options);
        info = new EmbeddedKernelInfo(kernel);
        clockwork = new Clockwork(kernel, options.speed());
        machine = new Machine(Machine.Config.ofKernel(info));
        var space = machine.addressSpace();
        space.add(kernel.firing.contextBlock(), Access.READ_ONLY, "registers");
        space.add(kernel.firing.typedBlock(), Access.READ_ONLY, "arguments");
        space.add(kernel.tracer.recordBlock(), Access.READ_ONLY, "tracepoint record");
        space.add(kernel.tracer.rawBlock(), Access.READ_ONLY, "raw tracepoint arguments");
        onceContext = Memory.allocate(ONCE_CONTEXT_BYTES, 64);
        space.add(onceContext, Access.READ_ONLY, "context of a single run");
        cpus = new VmCpu[options.cpus()];
        for (int i = 0; i < cpus.length; i++) {
            cpus[i] = new VmCpu(machine, new EmbeddedServices(kernel, i));
        }
        session = kernel.processes.bootDormant("skep", Optional.empty(), 0);
        machine.timers().setAlarm(nanos -> kernel.post(new BpfTimers(), Math.max(nanos, kernel.nowNanos())));
    }

    /** Timers that programs have started are due. */
    private final class BpfTimers extends Event {
        @Override
        void happen() {
            kernel.firing.runFor(session, () -> machine.timers().runDue(cpus[0]));
        }
    }

    /** The model, for its ground truth. */
    public EmbeddedKernel model() {
        return kernel;
    }

    @Override
    public List<String> remarks() {
        return remarks;
    }

    @Override
    public String spec() {
        return kernel.options().spec();
    }

    @Override
    public KernelInfo kernel() {
        return info;
    }

    @Override
    public LoadedObject load(BpfObject object, LoadOptions options) {
        return clockwork.locked(() -> {
            var loaded = new EmbeddedObject(this, VmObject.load(machine, object, options(options)));
            objects.add(loaded);
            return loaded;
        });
    }

    /** How more of a loaded object is loaded. */
    LoadOptions options(LoadOptions given) {
        return given.orBackend(backend);
    }

    Clockwork clockwork() {
        return clockwork;
    }

    VmCpu cpu(int id) {
        return cpus[id];
    }

    void forget(EmbeddedObject object) {
        objects.remove(object);
    }

    /** Runs a program now, as the session's process. */
    long runOnce(EmbeddedObject object, String program, byte[] context) {
        if (context.length > ONCE_CONTEXT_BYTES) {
            throw new IllegalArgumentException("a context of " + context.length + " bytes");
        }
        return clockwork.locked(() -> {
            Memory.copy(context, 0, onceContext.address(), context.length);
            var loaded = object.programs(program);
            long[] result = {0};
            kernel.firing.runFor(session, () -> result[0] = loaded.run(cpus[0], onceContext.address()));
            return result[0];
        });
    }

    /** Walks an iterator to its end now, as the session's process. */
    byte[] iterate(VmProgram program, Optional<BpfMap> map, OptionalInt process) {
        Iteration.refusal(program, map).ifPresent(reason -> {
            throw new TargetException(reason);
        });
        return clockwork.locked(() -> {
            var written = new byte[][] {new byte[0]};
            kernel.firing.runFor(session, () -> {
                try (var walk = new Iteration(program, cpus[0], map, process)) {
                    written[0] = walk.readAll();
                }
            });
            return written[0];
        });
    }

    @Override
    public TracedProcess spawn(String command) {
        var words = words(command);
        if (words.isEmpty()) {
            throw new TargetException("an empty command cannot be run");
        }
        var program = kernel.userSpace
                .findProgram(words.getFirst())
                .orElseThrow(() -> new TargetException("the embedded kernel has no program '" + words.getFirst()
                        + "'; it has " + String.join(", ", kernel.userSpace.programNames())));
        return clockwork.locked(
                () -> new EmbeddedProcess(kernel, clockwork, session, new Program.Invocation(program, words)));
    }

    /** Splits a command at blanks; quotes keep blanks. */
    static List<String> words(String command) {
        var words = new ArrayList<String>();
        var word = new StringBuilder();
        char quote = 0;
        boolean open = false;
        for (char c : command.toCharArray()) {
            if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '\'' || c == '"') {
                quote = c;
                open = true;
            } else if (Character.isWhitespace(c)) {
                if (open) {
                    words.add(word.toString());
                    word.setLength(0);
                    open = false;
                }
            } else {
                word.append(c);
                open = true;
            }
        }
        if (open) {
            words.add(word.toString());
        }
        return words;
    }

    @Override
    public void start(Optional<Duration> duration) {
        clockwork.start(duration.map(d -> kernel.nowNanos() + d.toNanos()).orElse(Long.MAX_VALUE / 2));
    }

    @Override
    public long monotonicNanos() {
        return clockwork.nowNanos();
    }

    @Override
    public long wallClockOffsetNanos() {
        return EmbeddedServices.WALL_CLOCK_OFFSET_NANOS;
    }

    @Override
    public Optional<String> traceLine(int timeoutMillis) {
        return kernel.traceLog.next(timeoutMillis);
    }

    @Override
    public Optional<byte[]> readFile(String path) {
        return clockwork.locked(() -> kernel.files.read(path));
    }

    @Override
    public Optional<List<String>> listFolder(String path) {
        return clockwork.locked(() -> kernel.files.list(path));
    }

    @Override
    public Optional<String> readLink(String path) {
        return clockwork.locked(() -> kernel.files.link(path));
    }

    @Override
    public Optional<FileStatus> fileStatus(String path) {
        return clockwork.locked(() -> kernel.files.status(path));
    }

    @Override
    public Optional<String> cgroupPath(long id) {
        return clockwork.locked(() -> Optional.of(kernel.containers.path(id)));
    }

    @Override
    public boolean isAlive(int pid) {
        return clockwork.locked(() -> kernel.processes.find(pid) != null);
    }

    @Override
    public Optional<KernelInfo.Symbol> userSymbol(int pid, long address) {
        return clockwork.locked(() -> kernel.files.userSymbol(pid, address));
    }

    @Override
    public boolean ended() {
        return clockwork.ended();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        clockwork.close();
        for (var object : List.copyOf(objects)) {
            object.close();
        }
        for (var cpu : cpus) {
            cpu.close();
        }
        machine.close();
        onceContext.close();
        kernel.close();
    }

    @Override
    public java.util.Map<String, Long> groundTruth() {
        return model().groundTruth().summary();
    }

    @Override
    public Optional<Link> observe(ProbeSpec place, Consumer<Happening> observer) {
        var link = clockwork.locked(() -> new Observation(kernel).at(place, observer, clockwork));
        return Optional.of(link);
    }

    @Override
    public void holdAt(long monotonicNanos) {
        clockwork.holdAt(monotonicNanos);
    }
}
