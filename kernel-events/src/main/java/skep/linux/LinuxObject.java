package skep.linux;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.object.BpfObject;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Errno;
import skep.target.Link;
import skep.target.LoadOptions;
import skep.target.LoadedMap;
import skep.target.LoadedObject;
import skep.target.OutputReader;
import skep.target.TargetException;

/** Maps and programs in the kernel, owned by their descriptors. Closing it closes links, readers, programs and maps. */
final class LinuxObject implements LoadedObject {
    /** What {@code PROG_TEST_RUN} takes as the context of a raw tracepoint: twelve words. */
    private static final int MAX_CONTEXT_BYTES = 96;

    /** For each CPU. */
    private static final long PERF_BUFFER_BYTES = 64 * 4096;

    private static final long MIN_PERF_BUFFER_BYTES = 4096;

    private static final int MIN_LINKS_TO_LOOK_THROUGH = 64;

    private final Host host;
    private final Runnable onUserProbe;
    private final Consumer<LinuxObject> onClose;
    private int linksToLookThrough = MIN_LINKS_TO_LOOK_THROUGH;
    private final LinuxKernel kernel;
    private final Attacher attacher;
    private final ProgramLoader loader;
    private final List<ObjectTypes> types = new ArrayList<>();
    private final Map<String, LinuxMap> maps = new LinkedHashMap<>();
    /** Names of maps that are another object's. */
    private final Set<String> borrowed = new HashSet<>();

    private final Map<String, Loaded> programs = new LinkedHashMap<>();
    private final List<Link> links = new ArrayList<>();
    private final List<OutputReader> readers = new ArrayList<>();
    /** Events that programs read the counts of, by the map that holds them. */
    private final Map<String, List<Integer>> counters = new HashMap<>();

    private boolean closed;

    private record Loaded(ProgramSpec spec, int fd, ObjectTypes types) {}

    private LinuxObject(Host host, LinuxKernel kernel, Runnable onUserProbe, Consumer<LinuxObject> onClose) {
        this.onUserProbe = onUserProbe;
        this.onClose = onClose;
        this.host = host;
        this.kernel = kernel;
        this.attacher = new Attacher(host, kernel);
        this.loader = new ProgramLoader(host, kernel);
    }

    /**
     * Loads an object.
     *
     * @param onUserProbe called before a program is attached to a place in a user's program
     * @param onClose called when the object closes
     */
    static LinuxObject load(
            Host host,
            LinuxKernel kernel,
            BpfObject object,
            LoadOptions options,
            Runnable onUserProbe,
            Consumer<LinuxObject> onClose) {
        var loaded = new LinuxObject(host, kernel, onUserProbe, onClose);
        try {
            loaded.extend(object, options);
            return loaded;
        } catch (RuntimeException failure) {
            loaded.close();
            throw failure;
        }
    }

    /** First values and inner maps, before programs see them. */
    private void fill(MapSpec spec) {
        var map = ownMap(spec.name());
        var setup = spec.setup();
        setup.contents().ifPresent(contents -> map.update(new byte[spec.keySizeBytes()], contents.bytes(), 0));
        if (setup.frozen()) {
            map.freeze();
        }
        if (setup.inner().isPresent()) {
            setup.members()
                    .forEach((index, inner) -> map.updateFd(index, ownMap(inner).fd()));
        }
    }

    private void fillPrograms(MapSpec spec) {
        if (spec.type() == MapType.PROG_ARRAY) {
            spec.setup()
                    .members()
                    .forEach((index, name) ->
                            ownMap(spec.name()).updateFd(index, program(name).fd()));
        }
    }

    @Override
    public LoadedMap map(String name) {
        return ownMap(name);
    }

    private LinuxMap ownMap(String name) {
        var map = maps.get(name);
        if (map == null) {
            throw new IllegalArgumentException("no map " + name);
        }
        return map;
    }

    private Loaded program(String name) {
        var program = programs.get(name);
        if (program == null) {
            throw new IllegalArgumentException("no program " + name);
        }
        return program;
    }

    @Override
    public List<LoadedProgram> programs() {
        return programs.values().stream().map(this::describe).toList();
    }

    @Override
    public Map<String, Long> missedRuns() {
        var missed = new LinkedHashMap<String, Long>();
        try (var block = host.syscalls().allocate(ProgramInfo.BYTES)) {
            for (var program : programs.values()) {
                host.bpf().info(program.fd(), block);
                long runs = ProgramInfo.read(block).missedRuns();
                if (runs > 0) {
                    missed.put(program.spec().name(), runs);
                }
            }
        }
        return missed;
    }

    private LoadedProgram describe(Loaded program) {
        try (var block = host.syscalls().allocate(ProgramInfo.BYTES)) {
            host.bpf().info(program.fd(), block);
            var info = ProgramInfo.read(block);
            boolean counted = info.runCount() != 0;
            return new LoadedProgram(
                    program.spec().name(),
                    info.id(),
                    info.tag(),
                    info.xlatedBytes() / 8,
                    info.jitedBytes(),
                    counted ? Optional.of(info.runCount()) : Optional.empty(),
                    counted ? Optional.of(info.runNanos()) : Optional.empty());
        }
    }

    @Override
    public synchronized Link attach(String name, ProbeSpec probe) {
        var program = program(name);
        switch (probe.kind()) {
            case UPROBE, URETPROBE, USDT -> onUserProbe.run();
            default -> {}
        }
        forgetClosedLinks();
        var link = attacher.attach(program.spec(), program.fd(), probe, type -> reload(program, type));
        links.add(link);
        return link;
    }

    /** Links that were closed one by one; looked for rarely, since there may be thousands. */
    private void forgetClosedLinks() {
        if (links.size() >= linksToLookThrough) {
            links.removeIf(link -> link instanceof LinuxLink own && own.isClosed());
            linksToLookThrough = Math.max(MIN_LINKS_TO_LOOK_THROUGH, 2 * links.size());
        }
    }

    /** One program attached in two ways needs two loads: the verifier judges it for how it will be attached. */
    private int reload(Loaded program, AttachType type) {
        return loader.load(program.spec().withAttachType(type), maps, program.types(), LoadOptions.DEFAULT);
    }

    @Override
    public synchronized List<Link> attachAll(List<AttachRequest> requests) {
        var probes = requests.stream().map(AttachRequest::probe).toList();
        var specs = requests.stream()
                .map(request -> program(request.program()).spec())
                .toList();
        var attached = new ArrayList<Optional<Link>>(Collections.nCopies(requests.size(), Optional.empty()));
        try {
            Kprobes.groups(specs, probes).forEach((group, members) -> attachGroup(group, members, probes, attached));
            for (var members : UserProbes.groups(specs, probes)) {
                var here = members.stream().map(probes::get).toList();
                var program = program(requests.get(members.getFirst()).program());
                attacher.attachMany(program.spec(), here, type -> reload(program, type))
                        .ifPresent(whole -> share(whole, members, here, attached));
            }
            for (int i : inOrder(probes)) {
                if (attached.get(i).isEmpty()) {
                    attached.set(i, Optional.of(attach(requests.get(i).program(), probes.get(i))));
                }
            }
            return attached.stream().flatMap(Optional::stream).toList();
        } catch (RuntimeException failure) {
            detachAll(attached.stream().flatMap(Optional::stream).toList());
            throw failure;
        }
    }

    private void attachGroup(
            Kprobes.Group group, List<Integer> members, List<ProbeSpec> probes, List<Optional<Link>> attached) {
        var here = members.stream().map(probes::get).toList();
        var functions = here.stream().map(ProbeSpec::target).distinct().toList();
        attacher.attachMany(
                        here.getFirst(),
                        functions,
                        type -> reload(program(group.program().name()), type))
                .ifPresent(whole -> share(whole, members, here, attached));
    }

    private void share(Link whole, List<Integer> members, List<ProbeSpec> probes, List<Optional<Link>> attached) {
        var shared = SharedLink.of(whole, probes);
        for (int i = 0; i < members.size(); i++) {
            attached.set(members.get(i), Optional.of(shared.get(i)));
        }
        links.addAll(shared);
    }

    /** Of programs at one function the kernel runs first what was attached last. */
    private static List<Integer> inOrder(List<ProbeSpec> probes) {
        var order = new ArrayList<Integer>();
        for (int i = 0; i < probes.size(); i++) {
            boolean lastRunsFirst = switch (probes.get(i).kind()) {
                case KPROBE, KRETPROBE, UPROBE, URETPROBE, USDT, FENTRY, FEXIT -> true;
                default -> false;
            };
            if (lastRunsFirst) {
                order.addFirst(i);
            } else {
                order.add(i);
            }
        }
        return order;
    }

    @Override
    public synchronized void detachAll(List<? extends Link> some) {
        new Detacher(host).detach(some);
        links.removeAll(new HashSet<>(some));
    }

    @Override
    public synchronized void extend(BpfObject more, LoadOptions options) {
        var newMaps = new ArrayList<String>();
        var newPrograms = new ArrayList<String>();
        var newTypes = new ObjectTypes(host);
        types.add(newTypes);
        try {
            newTypes.load(more);
            for (var map : more.maps()) {
                var present = maps.get(map.name());
                if (present == null && options.reuse().get(map.name()) instanceof LinuxMap shared) {
                    maps.put(map.name(), shared);
                    borrowed.add(map.name());
                } else if (present == null) {
                    maps.put(map.name(), LinuxMap.create(host, map, kernel, newTypes));
                    newMaps.add(map.name());
                } else if (!present.spec().equals(map)) {
                    throw new TargetException("map " + map.name() + " is loaded already, and differs");
                }
            }
            more.maps().stream().filter(map -> newMaps.contains(map.name())).forEach(this::fill);
            for (var program : more.programs()) {
                if (programs.containsKey(program.name())) {
                    throw new TargetException("program " + program.name() + " is loaded already");
                }
                int fd = loader.load(program, maps, newTypes, options);
                programs.put(program.name(), new Loaded(program, fd, newTypes));
                newPrograms.add(program.name());
            }
            more.maps().stream().filter(map -> newMaps.contains(map.name())).forEach(this::fillPrograms);
        } catch (RuntimeException failure) {
            newPrograms.forEach(name -> host.close(programs.remove(name).fd()));
            newMaps.forEach(name -> host.close(maps.remove(name).fd()));
            throw failure;
        }
    }

    @Override
    public long runOnce(String name, byte[] context) {
        var program = program(name);
        if (context.length > MAX_CONTEXT_BYTES) {
            throw new IllegalArgumentException(
                    "a context of " + context.length + " bytes; at most " + MAX_CONTEXT_BYTES);
        }
        try (var memory = host.syscalls().allocate(MAX_CONTEXT_BYTES)) {
            memory.putBytes(0, context);
            long address = context.length == 0 ? 0 : memory.pushed(context.length);
            long result = host.bpf().programRun(program.fd(), address, context.length);
            if (Errno.isError(result)) {
                throw new TargetException(
                        "program " + name + " could not be run: BPF_PROG_TEST_RUN failed with " + Errno.name(-result));
            }
            return result;
        }
    }

    @Override
    public byte[] iterate(String name, Optional<String> map) {
        var program = program(name);
        return attacher.iterate(
                program.fd(),
                ProbeSpec.of(ProbeKind.ITER, program.spec().attachTo()),
                map.map(walked -> ownMap(walked).fd()));
    }

    private OutputReader perfBuffer(LinuxMap map, long bytesPerCpu) {
        return PerfBufferReader.open(host, map, kernel.onlineCpus(), bytesPerCpu);
    }

    private OutputReader ringBuffer(String name, LinuxMap map) {
        long bytes = map.spec().maxEntries();
        return host.isLocal()
                ? RingBufferReader.open(host, name, map.fd(), bytes)
                : RemoteRingBufferReader.open(host, name, map.fd(), bytes);
    }

    @Override
    public OutputReader openRingBuffer(String name) {
        return openRingBuffer(name, PERF_BUFFER_BYTES);
    }

    @Override
    public int programHandle(String name) {
        return program(name).fd();
    }

    @Override
    public synchronized OutputReader openRingBuffer(String name, long bytesPerCpu) {
        var map = ownMap(name);
        var reader = switch (map.spec().type()) {
            case RINGBUF -> ringBuffer(name, map);
            case PERF_EVENT_ARRAY -> perfBuffer(map, powerOfTwo(bytesPerCpu));
            default -> throw new IllegalArgumentException("map " + name + " is no ring buffer");
        };
        readers.add(reader);
        return reader;
    }

    @Override
    public synchronized void openCounters(String name, int type, long config) {
        var map = ownMap(name);
        if (map.spec().type() != MapType.PERF_EVENT_ARRAY) {
            throw new IllegalArgumentException("map " + name + " is no array of perf events");
        }
        var opened = new ArrayList<Integer>();
        try {
            for (int cpu : kernel.onlineCpus()) {
                long fd = host.perf().openCounter(type, config, cpu);
                if (Errno.isError(fd)) {
                    throw new TargetException("map " + name + ": perf_event_open of type " + type + ", config " + config
                            + " failed on CPU " + cpu + ": " + Errno.name(-fd)
                            + (-fd == Errno.ENOENT || -fd == Errno.EOPNOTSUPP
                                    ? "; this machine has no such counter"
                                    : ""));
                }
                opened.add((int) fd);
                map.updateFd(cpu, (int) fd);
            }
        } catch (RuntimeException failure) {
            opened.forEach(host::close);
            throw failure;
        }
        var before = counters.put(name, opened);
        if (before != null) {
            before.forEach(host::close);
        }
    }

    private static long powerOfTwo(long bytes) {
        long highest = Long.highestOneBit(Math.max(MIN_PERF_BUFFER_BYTES, bytes));
        return highest < bytes ? highest * 2 : highest;
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        new Detacher(host).detach(links);
        readers.forEach(OutputReader::close);
        counters.values().forEach(fds -> fds.forEach(host::close));
        programs.values().forEach(program -> host.close(program.fd()));
        borrowed.forEach(maps::remove);
        maps.values().forEach(map -> host.close(map.fd()));
        types.forEach(ObjectTypes::close);
        onClose.accept(this);
    }
}
