package skep.vm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.isa.Bytecode;
import skep.isa.Insn;
import skep.isa.Opcode;
import skep.isa.kernel.Helper;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.Kfunc;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.vm.helpers.HelperTable;
import skep.vm.helpers.KfuncTable;
import skep.vm.helpers.TimerQueue;
import skep.vm.maps.BpfMap;
import skep.vm.maps.MapContext;
import skep.vm.maps.MapRequest;
import skep.vm.maps.Maps;
import skep.vm.verifier.MapDefinition;
import skep.vm.verifier.Verdict;
import skep.vm.verifier.VerifiedProgram;
import skep.vm.verifier.Verifier;
import skep.vm.verifier.VerifierInput;

/**
 * The BPF part of one simulated kernel: its maps and programs by number, its memory, its helpers. {@link VmObject} loads
 * whole objects into it; {@code skep.vm.syscall} puts the kernel's {@code bpf()} in front of it.
 *
 * <pre>{@code
 * try (var machine = new Machine(Machine.Config.ofCpus(4));
 *         var object = VmObject.load(machine, bpfObject, LoadOptions.DEFAULT);
 *         var cpu = new VmCpu(machine, services)) {
 *     object.program("count").run(cpu, context);
 * }
 * }</pre>
 *
 * <p>Safe from any thread. Close it when no program runs any more.
 */
public final class Machine implements VmRuntime, MapContext, AutoCloseable {
    /** Backends in the order in which they are tried when none is named. */
    private static final List<String> PREFERRED_BACKENDS = List.of("tiered", "interp");

    private static final HelperFunction PACKET_LOAD = new PacketLoad(PacketLoad.ETHERNET);

    private final Config config;
    private final AddressSpace addressSpace = new AddressSpace();
    private final FunctionTable functions = new FunctionTable();
    private final IdTable<BpfMap> maps = new IdTable<>();
    private final IdTable<VmProgram> programs = new IdTable<>();
    private final AtomicReferenceArray<HelperFunction> helpers = new AtomicReferenceArray<>(HelperTable.SIZE);
    private final AtomicLong memory = new AtomicLong();
    private final CopyOnWriteArrayList<VmCpu> cpus = new CopyOnWriteArrayList<>();
    private final List<Retired> retired = new ArrayList<>();
    private final TimerQueue timers = new TimerQueue();
    private volatile boolean statsEnabled;

    /**
     * @param memoryBytes bound on the memory of all maps
     * @param kernel what the verifier may know of the kernel around; without it, typed programs are refused
     */
    public record Config(int possibleCpus, long memoryBytes, Optional<KernelInfo> kernel) {
        /** Four GiB of maps at most. */
        public static final long DEFAULT_MEMORY_BYTES = 4L << 30;

        public Config {
            if (possibleCpus < 1 || possibleCpus > 4096) {
                throw new IllegalArgumentException(possibleCpus + " CPUs; there can be 1 to 4096");
            }
        }

        public static Config ofCpus(int possibleCpus) {
            return new Config(possibleCpus, DEFAULT_MEMORY_BYTES, Optional.empty());
        }

        public static Config ofKernel(KernelInfo kernel) {
            return new Config(kernel.possibleCpus(), DEFAULT_MEMORY_BYTES, Optional.of(kernel));
        }
    }

    public Machine(Config config) {
        this.config = config;
    }

    /** The version that the machine's kernel claims; decides on details such as tags. */
    public KernelVersion kernelVersion() {
        return config.kernel.map(KernelInfo::version).orElse(new KernelVersion(6, 18, 0));
    }

    // ---- maps

    /**
     * Makes a map; the caller holds its first reference and gives it back with {@link #releaseMap}.
     *
     * @throws skep.vm.maps.MapException as the kernel refuses
     */
    public BpfMap createMap(MapRequest request) {
        return maps.add(id -> Maps.create(id, request, this));
    }

    public IdTable<BpfMap> maps() {
        return maps;
    }

    @Override
    public Optional<BpfMap> retainMap(int id) {
        return maps.retain(id);
    }

    @Override
    public void releaseMap(int id) {
        maps.release(id, this::retire);
    }

    /** In loaded code a map's number stands where its descriptor was. */
    @Override
    public Optional<VmMap> mapByFd(int fd) {
        return maps.get(fd).map(VmMap.class::cast);
    }

    @Override
    public Optional<VmMap> mapByIndex(int index) {
        return Optional.empty();
    }

    @Override
    @SuppressWarnings("unchecked")
    public Optional<VmMap> map(long handle) {
        return (Optional<VmMap>) (Optional<? extends VmMap>) maps.get(VmMap.idOf(handle));
    }

    /** The map behind a handle that a helper was given. */
    public BpfMap mapOf(long handle) {
        return maps.get(VmMap.idOf(handle))
                .orElseThrow(() -> new VmFault("0x" + Long.toHexString(handle) + " is no map"));
    }

    // ---- programs

    public IdTable<VmProgram> programs() {
        return programs;
    }

    @Override
    public Optional<Executable> retainProgram(int id) {
        return programs.retain(id).map(VmProgram::executable);
    }

    @Override
    public void releaseProgram(int id) {
        programs.release(id, this::retire);
    }

    /**
     * Verifies and compiles a program whose map references already hold map numbers. It keeps a reference to each of its
     * maps. The caller holds the first reference to the program and gives it back with {@link #releaseProgram}.
     *
     * @throws LoadException with the verifier's log
     */
    public VmProgram loadProgram(ProgramSpec spec, Bytecode code, LoadOptions options) {
        return loadProgram(spec, code, Optional.empty(), options);
    }

    /**
     * The same with the types that the program's functions refer to.
     *
     * @throws LoadException with the verifier's log
     */
    public VmProgram loadProgram(ProgramSpec spec, Bytecode code, Optional<Btf> types, LoadOptions options) {
        return loadProgram(spec, code, types, options, _ -> {});
    }

    /**
     * The same for a caller who wants the log of a program that is accepted, too.
     *
     * @throws LoadException with the verifier's log
     */
    public VmProgram loadProgram(
            ProgramSpec spec, Bytecode code, Optional<Btf> types, LoadOptions options, Consumer<String> log) {
        return switch (Verifier.verify(verifierInput(spec, code, types, options))) {
            case Verdict.Rejected rejected ->
                throw new LoadException(
                        "program " + spec.name() + " is rejected: " + rejected.message(),
                        spec,
                        rejected.insn(),
                        rejected.explanation() + rejected.log(),
                        rejected.errno());
            case Verdict.Accepted accepted -> {
                log.accept(accepted.log());
                yield addProgram(spec, accepted, options);
            }
        };
    }

    private VerifierInput verifierInput(ProgramSpec spec, Bytecode code, Optional<Btf> types, LoadOptions options) {
        var input = VerifierInput.of(code, spec.type())
                .name(spec.name())
                .attachType(spec.attachType())
                .attachTo(spec.attachTo())
                .license(spec.license())
                .lines(spec.lines())
                .logLevel(options.verifierLogLevel())
                .sleepable(spec.sleepable())
                .recordFacts(wantsBeliefs(options.backend()))
                .functions(FunctionTypes.of(spec, code, types))
                .maps(id -> maps.get(id).map(this::definition));
        config.kernel.ifPresent(kernel -> {
            input.arch(kernel.arch());
            kernel.types().ifPresent(input::kernelTypes);
            input.kfuncs(kfuncs(code, kernel));
        });
        return input.build();
    }

    private static boolean wantsBeliefs(String name) {
        for (var backend : ServiceLoader.load(Backend.class, Machine.class.getClassLoader())) {
            if (backend.name().equals(name)) {
                return backend.wantsBeliefs();
            }
        }
        return false;
    }

    /** Names of the kernel functions that a program calls by their ids in the kernel's types. */
    private static Map<Integer, String> kfuncs(Bytecode code, KernelInfo kernel) {
        var names = new HashMap<Integer, String>();
        for (int slot = 0; slot < code.size(); slot++) {
            if (code.opcode(slot) == (Opcode.JMP | Opcode.CALL) && code.src(slot) == Insn.CallKind.KFUNC.ordinal()) {
                int id = code.imm(slot);
                kernel.types()
                        .filter(types -> id > 0 && id < types.endId() && types.kind(id) == BtfKind.FUNC)
                        .ifPresent(types -> names.put(id, types.name(id)));
            }
        }
        return names;
    }

    /** What the verifier would be told of a program's functions. */
    public static List<VerifierInput.FunctionInfo> functions(ProgramSpec spec, Bytecode code, Optional<Btf> types) {
        return FunctionTypes.of(spec, code, types);
    }

    /** What the verifier would be told of a map that is not made. */
    public static MapDefinition definition(int id, MapSpec spec, Optional<Btf> types) {
        var definition = MapDefinition.of(
                        id,
                        spec.name(),
                        spec.type(),
                        spec.keySizeBytes(),
                        spec.valueSizeBytes(),
                        spec.maxEntries(),
                        spec.flags())
                .withFields(types.map(t -> SpecialFields.of(t, spec.setup().valueTypeId()))
                        .orElse(List.of()));
        return spec.setup()
                .inner()
                .map(inner -> definition.withInner(definition(0, inner, types)))
                .orElse(definition);
    }

    /** What the verifier is told of a map. */
    public MapDefinition definition(BpfMap map) {
        var spec = map.spec();
        var definition = MapDefinition.of(
                        map.id(),
                        spec.name(),
                        spec.type(),
                        spec.keySizeBytes(),
                        spec.valueSizeBytes(),
                        spec.maxEntries(),
                        spec.flags())
                .withFields(map.fields());
        var inner = map.innerSpec();
        if (inner.isPresent()) {
            var template = inner.get();
            definition = definition.withInner(MapDefinition.of(
                    0,
                    template.name(),
                    template.type(),
                    template.keySizeBytes(),
                    template.valueSizeBytes(),
                    template.maxEntries(),
                    template.flags()));
        }
        var constants = map.frozenConstants();
        return constants.isPresent() ? definition.withConstants(constants.get()) : definition;
    }

    private VmProgram addProgram(ProgramSpec spec, Verdict.Accepted accepted, LoadOptions options) {
        var verified = accepted.program();
        var mapIds = new ArrayList<Integer>();
        try {
            for (int id : verified.maps().keySet().stream().sorted().toList()) {
                retainMap(id).orElseThrow(() -> new LoadException("map " + id + " is gone", spec, -1, ""));
                mapIds.add(id);
            }
            var executable = compile(spec, verified, options);
            return programs.add(id -> new VmProgram(this, id, spec, verified, accepted.stats(), executable, mapIds));
        } catch (RuntimeException failure) {
            mapIds.forEach(this::releaseMap);
            throw failure;
        }
    }

    private Executable compile(ProgramSpec spec, VerifiedProgram verified, LoadOptions options) {
        var names = options.backend().isEmpty() ? PREFERRED_BACKENDS : List.of(options.backend());
        var reason = "no backend " + String.join(" or ", names);
        for (var name : names) {
            for (var backend : ServiceLoader.load(Backend.class, Machine.class.getClassLoader())) {
                if (!backend.name().equals(name)) {
                    continue;
                }
                var unavailable = backend.unavailableReason();
                if (unavailable.isPresent()) {
                    reason = "backend " + name + " cannot be used: " + unavailable.get();
                    continue;
                }
                try {
                    return backend.compile(verified, this);
                } catch (RefusedProgramException refused) {
                    reason = "backend " + name + " refuses it: " + refused.getMessage();
                }
            }
        }
        throw new LoadException("program " + spec.name() + ": " + reason, spec, -1, "");
    }

    /** Whether runs are counted and timed ({@code BPF_ENABLE_STATS}). */
    public boolean statsEnabled() {
        return statsEnabled;
    }

    public void enableStats(boolean enabled) {
        statsEnabled = enabled;
    }

    // ---- what programs reach

    @Override
    public AddressSpace addressSpace() {
        return addressSpace;
    }

    @Override
    public FunctionTable functions() {
        return functions;
    }

    @Override
    public Optional<HelperFunction> helper(int number) {
        if (number <= 0 || number >= HelperTable.SIZE) {
            return Optional.empty();
        }
        var known = helpers.get(number);
        if (known == null) {
            var helper = Helper.ofNumber(number);
            if (helper.isEmpty()) {
                return Optional.empty();
            }
            known = HelperTable.function(helper.get(), this);
            helpers.set(number, known);
        }
        return Optional.of(known);
    }

    @Override
    public Optional<HelperFunction> kfunc(int btfId, int module) {
        return module != 0
                ? Optional.empty()
                : typeName(btfId, BtfKind.FUNC).flatMap(Kfunc::ofName).flatMap(KfuncTable::function);
    }

    private Optional<String> typeName(int btfId, BtfKind kind) {
        return config.kernel
                .flatMap(KernelInfo::types)
                .filter(types -> btfId > 0 && btfId < types.endId() && types.kind(btfId) == kind)
                .map(types -> types.name(btfId));
    }

    @Override
    public OptionalLong variableAddress(int btfId, int moduleBtfFd) {
        var name = typeName(btfId, BtfKind.VAR).or(() -> typeName(btfId, BtfKind.FUNC));
        var address = name.flatMap(n -> config.kernel.flatMap(kernel -> kernel.symbolAddress(n)));
        return address.isPresent() ? OptionalLong.of(address.get()) : OptionalLong.empty();
    }

    @Override
    public Optional<HelperFunction> packetLoad() {
        return Optional.of(PACKET_LOAD);
    }

    /** What is known of the kernel around. */
    public Optional<KernelInfo> kernel() {
        return config.kernel;
    }

    @Override
    public void forgetTimer(long address) {
        timers.forget(address);
    }

    @Override
    public void forgetTimersOf(long mapHandle) {
        timers.forgetMap(mapHandle);
    }

    /** Timers that programs have started; the kernel around runs those that are due. */
    public TimerQueue timers() {
        return timers;
    }

    // ---- memory

    @Override
    public int possibleCpus() {
        return config.possibleCpus;
    }

    @Override
    public long taskOfPid(int pid) {
        for (var cpu : cpus) {
            return cpu.services().taskOfPid(pid);
        }
        return 0;
    }

    @Override
    public boolean charge(long bytes) {
        if (bytes < 0 || memory.addAndGet(bytes) > config.memoryBytes) {
            memory.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    @Override
    public void uncharge(long bytes) {
        memory.addAndGet(-bytes);
    }

    /** Bytes that all maps take now. */
    public long chargedBytes() {
        return memory.get();
    }

    @Override
    public void register(VmCpu cpu) {
        cpus.add(cpu);
    }

    @Override
    public void unregister(VmCpu cpu) {
        cpus.remove(cpu);
    }

    /** Something to free, and what ran when it was given up. */
    private record Retired(Runnable free, List<Running> running) {
        boolean isDue() {
            return running.stream().noneMatch(Running::stillRuns);
        }
    }

    private record Running(VmCpu cpu, long activity) {
        boolean stillRuns() {
            return cpu.activity() == activity;
        }
    }

    @Override
    public void retire(Runnable free) {
        var running = new ArrayList<Running>();
        for (var cpu : cpus) {
            long activity = cpu.activity();
            if ((activity & 1) != 0) {
                running.add(new Running(cpu, activity));
            }
        }
        var due = new ArrayList<Runnable>();
        synchronized (retired) {
            retired.add(new Retired(free, running));
            retired.removeIf(entry -> entry.isDue() && due.add(entry.free));
        }
        due.forEach(Runnable::run);
    }

    /** Frees what was retired. Programs that still run are a bug of the caller; their memory is left alone. */
    @Override
    public void close() {
        timers.clear();
        for (var id = programs.nextId(0); id.isPresent(); id = programs.nextId(id.getAsInt())) {
            programs.release(id.getAsInt(), this::retire);
        }
        for (var id = maps.nextId(0); id.isPresent(); id = maps.nextId(id.getAsInt())) {
            maps.release(id.getAsInt(), this::retire);
        }
        retire(() -> {});
    }
}
