package skep.session.bcc;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import skep.c.bcc.AttachHint;
import skep.c.bcc.BccFunction;
import skep.c.bcc.BccProgram;
import skep.c.bcc.BccTable;
import skep.c.bcc.CompileException;
import skep.c.bcc.FunctionUse;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.kernel.UsdtArgument;
import skep.isa.object.BpfObject;
import skep.isa.object.MapSpec;
import skep.target.AttachException;
import skep.target.Link;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.LoadedMap;
import skep.target.LoadedObject;
import skep.target.Target;
import skep.target.TargetException;

/**
 * One program text: its tables are there from the start, its functions are loaded when they are first attached. Closing it
 * detaches and frees all of it. Safe for many threads.
 */
public final class BccSession implements AutoCloseable {
    private static final int LOG_LINES = 12;

    private final BccHost host;
    private final Target target;
    private final BccProgram program;
    private final String text;
    private final LoadedObject object;
    private final KernelProbes kernelProbes;
    private final Set<String> loaded = new HashSet<>();
    private final Map<String, LoadedMap> borrowed = new HashMap<>();
    private final Map<Integer, Link> links = new LinkedHashMap<>();
    private final Map<String, FunctionUse> packetUses = new HashMap<>();
    /** Links that go with others. */
    private final Map<Integer, Integer> companions = new HashMap<>();

    private final List<EventBuffer> buffers = new ArrayList<>();
    private int nextLink = 1;
    private boolean closed;

    BccSession(BccHost host, BccProgram program, String text) {
        this.host = host;
        this.target = host.target();
        this.program = program;
        this.text = text;
        this.kernelProbes = new KernelProbes(host);
        for (var table : program.tables()) {
            host.sharedTable(table.name()).ifPresent(map -> {
                if (table.visibility() == BccTable.Visibility.EXTERN) {
                    borrowed.put(table.name(), map);
                }
            });
        }
        var maps = program.object(List.of()).maps().stream().map(this::sized).toList();
        try {
            object = target.load(new BpfObject(List.of(), maps), LoadOptions.DEFAULT.reusing(borrowed));
        } catch (TargetException refused) {
            throw new BccException(BccException.Step.TABLE, String.valueOf(refused.getMessage()), refused);
        }
        for (var table : program.tables()) {
            switch (table.visibility()) {
                case SHARED, PUBLIC -> host.share(table.name(), object.map(table.name()));
                case PRIVATE, EXTERN -> {}
            }
        }
    }

    /** Arrays whose size is left open have an element for each CPU. */
    private MapSpec sized(MapSpec map) {
        return map.type() == MapType.PERF_EVENT_ARRAY && map.maxEntries() == 0
                ? new MapSpec(
                        map.name(),
                        map.type(),
                        map.keySizeBytes(),
                        map.valueSizeBytes(),
                        target.kernel().possibleCpus(),
                        map.flags())
                : map;
    }

    public BccProgram program() {
        return program;
    }

    public List<String> functionNames() {
        return program.functions().stream().map(BccFunction::name).toList();
    }

    /** Warnings of the compiler, each as a C compiler prints it. */
    public List<String> warnings() {
        return program.warnings().stream().map(CompileException::render).toList();
    }

    /**
     * Tables and functions as text: {@code ((tables), (functions))}; a table is {@code (name, map type, key type, leaf
     * type, max entries, flags, event type or None, event plan or None, histogram)}, a function
     * {@code (name, hint, target)}.
     */
    public String description() {
        var out = new StringBuilder("((");
        for (var table : program.tables()) {
            out.append('(')
                    .append(TypeText.quoted(table.name()))
                    .append(',')
                    .append(table.type().number())
                    .append(',')
                    .append(TypeText.of(table.key()))
                    .append(',')
                    .append(TypeText.of(table.leaf()))
                    .append(',')
                    .append(object.map(table.name()).spec().maxEntries())
                    .append(',')
                    .append(table.flags())
                    .append(',')
                    .append(table.event().map(TypeText::of).orElse("None"))
                    .append(',')
                    .append(table.event()
                            .flatMap(RecordDecoder::of)
                            .map(RecordDecoder::plan)
                            .orElse("None"))
                    .append(',')
                    .append(table.histogram() ? 1 : 0)
                    .append("),");
        }
        out.append("),(");
        for (var function : program.functions()) {
            out.append('(')
                    .append(TypeText.quoted(function.name()))
                    .append(',')
                    .append(hint(function.hint()))
                    .append("),");
        }
        return out.append("))").toString();
    }

    private static String hint(AttachHint hint) {
        return switch (hint) {
            case AttachHint.None _ -> "'',''";
            case AttachHint.Kprobe h -> pair("kprobe", h.function());
            case AttachHint.Kretprobe h -> pair("kretprobe", h.function());
            case AttachHint.Tracepoint h -> pair("tracepoint", h.category() + ":" + h.event());
            case AttachHint.RawTracepoint h -> pair("raw_tracepoint", h.event());
            case AttachHint.Kfunc h -> pair("kfunc", h.function());
            case AttachHint.Kretfunc h -> pair("kretfunc", h.function());
            case AttachHint.KmodRet h -> pair("fmod_ret", h.function());
            case AttachHint.Lsm h -> pair("lsm", h.hook());
            case AttachHint.Iterator h -> pair("iter", h.target());
            case AttachHint.Section h -> pair("section", h.section());
        };
    }

    private static String pair(String first, String second) {
        return TypeText.quoted(first) + "," + TypeText.quoted(second);
    }

    public synchronized LoadedMap table(String name) {
        if (closed) {
            throw new BccException(BccException.Step.TABLE, "table " + name + ": its program was cleaned up");
        }
        return object.map(name);
    }

    /**
     * A table with keys and values in terms of its C types.
     *
     * @throws BccException if there is none of that name
     */
    public TypedTable typedTable(String name) {
        var declared = program.table(name)
                .orElseThrow(() -> new BccException(
                        BccException.Step.TABLE,
                        "there is no table " + name + "."
                                + KernelProbes.didYouMean(
                                        name, program.tables().stream().map(BccTable::name))));
        return new TypedTable(declared, table(name));
    }

    public List<String> tableNames() {
        return program.tables().stream().map(BccTable::name).toList();
    }

    /** Attaches every function whose name or macro says where, as BCC does when a program is made; the links. */
    public synchronized List<Integer> attachHinted() {
        var made = new ArrayList<Integer>();
        for (var function : program.functions()) {
            var name = function.name();
            switch (function.hint()) {
                case AttachHint.Kprobe h -> made.add(attachKprobe(name, false, h.function(), 0));
                case AttachHint.Kretprobe h -> made.add(attachKprobe(name, true, h.function(), 0));
                case AttachHint.Tracepoint h -> made.add(attachTracepoint(name, h.category(), h.event()));
                case AttachHint.RawTracepoint h -> made.add(attachRawTracepoint(name, h.event()));
                case AttachHint.Kfunc h -> made.add(attachTyped("kfunc", name, h.function()));
                case AttachHint.Kretfunc h -> made.add(attachTyped("kretfunc", name, h.function()));
                case AttachHint.KmodRet h -> made.add(attachTyped("fmod_ret", name, h.function()));
                case AttachHint.Lsm h -> made.add(attachTyped("lsm", name, h.hook()));
                case AttachHint.Iterator _, AttachHint.Section _, AttachHint.None _ -> {}
            }
        }
        return made;
    }

    /** A reader of a perf or ring buffer, with the decoder of what the program submits if that is known. */
    public synchronized EventBuffer openBuffer(String name, long bytesPerCpu) {
        var table = program.table(name)
                .orElseThrow(() -> new BccException(BccException.Step.TABLE, "there is no table " + name));
        try {
            var buffer = new EventBuffer(
                    object.openRingBuffer(name, bytesPerCpu), table.event().flatMap(RecordDecoder::of));
            buffers.add(buffer);
            return buffer;
        } catch (TargetException | IllegalArgumentException refused) {
            throw new BccException(BccException.Step.TABLE, "table " + name + ": " + refused.getMessage(), refused);
        }
    }

    /**
     * Puts a counter of each CPU into a table of perf events, for programs to read.
     *
     * @param type {@code PERF_TYPE_*}
     * @param config which event of that type
     */
    public synchronized void openCounters(String name, int type, long config) {
        try {
            object.openCounters(name, type, config);
        } catch (TargetException | IllegalArgumentException refused) {
            throw new BccException(BccException.Step.TABLE, String.valueOf(refused.getMessage()), refused);
        }
    }

    /**
     * Loads a function as it is written.
     *
     * @param type {@code BPF_PROG_TYPE_*}
     * @param attachType {@code BPF_*} of where it will be attached, for types that must know it beforehand; -1 for none
     * @return the number that a table of programs holds for it
     */
    public synchronized int load(String function, int type, int attachType) {
        var programType = ProgramType.ofNumber(type)
                .orElseThrow(() -> new BccException(BccException.Step.LOAD, "there is no program type " + type));
        var where = AttachType.ofNumber(attachType);
        var use = new FunctionUse(function, function, programType, where, "", new FunctionUse.Form.AsWritten());
        load(use);
        packetUses.put(function, use);
        return object.programHandle(use.program());
    }

    private void load(FunctionUse use) {
        var known = program.function(use.function());
        if (known.isEmpty()) {
            throw new BccException(
                    BccException.Step.LOAD,
                    "Unknown program " + use.function() + "."
                            + KernelProbes.didYouMean(
                                    use.function(), program.functions().stream().map(BccFunction::name)));
        }
        if (loaded.contains(use.program())) {
            return;
        }
        try {
            var compiled = program.object(List.of(use));
            var maps = compiled.maps().stream().map(this::sized).toList();
            object.extend(new BpfObject(compiled.programs(), maps), LoadOptions.DEFAULT.reusing(borrowed));
            loaded.add(use.program());
        } catch (CompileException mistakes) {
            throw new BccException(BccException.Step.COMPILE, String.valueOf(mistakes.getMessage()), mistakes);
        } catch (LoadException refused) {
            throw new BccException(BccException.Step.LOAD, rejection(use, refused), refused);
        } catch (TargetException refused) {
            throw new BccException(BccException.Step.LOAD, String.valueOf(refused.getMessage()), refused);
        }
    }

    /** The verifier's message with the line of C that made the instruction at fault, and the end of its log. */
    private String rejection(FunctionUse use, LoadException refused) {
        var message = new StringBuilder("Failed to load BPF program ")
                .append(use.function())
                .append(": ")
                .append(refused.getMessage());
        refused.insn()
                .ifPresent(insn -> refused.program()
                        .lines()
                        .at(insn)
                        .ifPresent(place -> message.append('\n')
                                .append(place.source())
                                .append(':')
                                .append(place.line())
                                .append(": ")
                                .append(place.text().strip())));
        var lines = refused.log().lines().toList();
        lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size())
                .forEach(line -> message.append("\n  ").append(line));
        return message.toString();
    }

    // ---- attaching; each returns the number of a link

    public synchronized int attachKprobe(String function, boolean returns, String event, long offset) {
        known(function);
        var plan = kernelProbes.plan(function, returns, event, offset);
        if (plan.before().isEmpty()) {
            return attach(plan.use(), plan.probe());
        }
        int before = attach(plan.before().get().use(), plan.before().get().probe());
        try {
            int link = attach(plan.use(), plan.probe());
            companions.put(link, before);
            return link;
        } catch (BccException refused) {
            detach(before);
            throw refused;
        }
    }

    public synchronized int attachTracepoint(String function, String category, String event) {
        return attach(FunctionUse.of(function, ProgramType.TRACEPOINT), ProbeSpec.tracepoint(category, event));
    }

    public synchronized int attachRawTracepoint(String function, String event) {
        return attach(
                FunctionUse.of(function, ProgramType.RAW_TRACEPOINT), ProbeSpec.of(ProbeKind.RAWTRACEPOINT, event));
    }

    /** Kinds {@code kfunc}, {@code kretfunc}, {@code fmod_ret}, {@code lsm}, {@code iter}. */
    public synchronized int attachTyped(String kind, String function, String event) {
        var use = switch (kind) {
            case "kfunc" -> FunctionUse.of(function, ProgramType.TRACING, AttachType.TRACE_FENTRY, event);
            case "kretfunc" -> FunctionUse.of(function, ProgramType.TRACING, AttachType.TRACE_FEXIT, event);
            case "fmod_ret" -> FunctionUse.of(function, ProgramType.TRACING, AttachType.MODIFY_RETURN, event);
            case "lsm" -> FunctionUse.of(function, ProgramType.LSM, AttachType.LSM_MAC, event);
            case "iter" -> FunctionUse.of(function, ProgramType.TRACING, AttachType.TRACE_ITER, event);
            default -> throw new BccException(BccException.Step.ATTACH, "there is no kind of probe " + kind);
        };
        var probe = switch (kind) {
            case "kretfunc" -> ProbeSpec.of(ProbeKind.FEXIT, event);
            case "iter" -> ProbeSpec.of(ProbeKind.ITER, event);
            default -> ProbeSpec.of(ProbeKind.FENTRY, event);
        };
        return attach(use, probe);
    }

    /**
     * A function of a user program.
     *
     * @param symbol its name, or an address as {@code 0x…}
     * @param pid -1 for all processes
     */
    public synchronized int attachUprobe(
            String function, boolean returns, String path, String symbol, long offset, int pid) {
        var kind = returns ? ProbeKind.URETPROBE : ProbeKind.UPROBE;
        return attach(
                FunctionUse.of(function, ProgramType.KPROBE),
                new ProbeSpec(kind, path, symbol, offset, 0, optional(pid)));
    }

    /** One place of a static probe. */
    public synchronized int attachUsdt(
            String function, String path, String probe, long place, List<UsdtArgument> arguments, int pid) {
        var use = new FunctionUse(
                function,
                function + "@" + Long.toHexString(place),
                ProgramType.KPROBE,
                Optional.empty(),
                "",
                new FunctionUse.Form.StaticProbe(arguments));
        return attach(use, new ProbeSpec(ProbeKind.USDT, path, probe, place, 0, optional(pid)));
    }

    /** A perf event by its type and number as {@code perf_event_open} takes them; a period or a frequency, the other 0. */
    public synchronized int attachPerfEvent(
            String function, int type, long config, long period, long frequency, int pid) {
        return attach(
                FunctionUse.of(function, ProgramType.PERF_EVENT),
                PerfEventNames.probe(type, config, period, frequency, optional(pid)));
    }

    /**
     * Attaches a function that {@link #load} has loaded to where packets pass.
     *
     * @param kind {@code xdp}, {@code socket} or {@code cgroup}
     * @param target a network interface, empty for all; the folder of a cgroup
     * @param flags of XDP
     */
    public synchronized int attachPacket(String kind, String function, String target, long flags) {
        var use = packetUses.get(function);
        if (use == null) {
            throw new BccException(BccException.Step.ATTACH, function + " has not been loaded with load_func");
        }
        var probe = switch (kind) {
            case "xdp" -> new ProbeSpec(ProbeKind.XDP, "", target, 0, flags, OptionalInt.empty());
            case "socket" -> ProbeSpec.of(ProbeKind.SOCKET, target);
            case "cgroup" -> new ProbeSpec(ProbeKind.CGROUP, target, "", 0, 0, OptionalInt.empty());
            default -> throw new BccException(BccException.Step.ATTACH, "there is no kind of probe " + kind);
        };
        return attach(use, probe);
    }

    /** The descriptor of a link that is a socket, -1 for others. */
    public synchronized int socket(int link) {
        return Optional.ofNullable(links.get(link))
                .map(Link::socket)
                .orElse(OptionalInt.empty())
                .orElse(-1);
    }

    private static OptionalInt optional(int pid) {
        return pid < 0 ? OptionalInt.empty() : OptionalInt.of(pid);
    }

    private void known(String function) {
        if (program.function(function).isEmpty()) {
            load(FunctionUse.of(function, ProgramType.KPROBE));
        }
    }

    private int attach(FunctionUse use, ProbeSpec probe) {
        load(use);
        try {
            var link = object.attach(use.program(), probe);
            links.put(nextLink, link);
            host.start();
            return nextLink++;
        } catch (AttachException refused) {
            throw new BccException(
                    BccException.Step.ATTACH, (refused.getMessage() + ". " + suggestion(refused)).strip(), refused);
        } catch (TargetException refused) {
            throw new BccException(BccException.Step.ATTACH, String.valueOf(refused.getMessage()), refused);
        }
    }

    private String suggestion(AttachException refused) {
        var probe = refused.probe();
        if (!refused.hint().isEmpty() && !refused.hint().startsWith("List")) {
            return refused.hint();
        }
        return switch (probe.kind()) {
            case TRACEPOINT ->
                KernelProbes.didYouMean(
                        probe.module() + ":" + probe.target(), target.kernel().probes(ProbeKind.TRACEPOINT));
            case KPROBE, KRETPROBE ->
                KernelProbes.didYouMean(
                        probe.target(),
                        target.kernel().probes(ProbeKind.KPROBE).map(name -> name.substring(name.indexOf(':') + 1)));
            case UPROBE, URETPROBE ->
                KernelProbes.didYouMean(
                        probe.target(),
                        target.kernel().binary(probe.module()).stream().flatMap(binary -> binary.functions().stream()));
            default -> refused.hint();
        };
    }

    /** How many probes are attached now. */
    public synchronized int links() {
        return links.size();
    }

    public synchronized boolean detach(int link) {
        var gone = links.remove(link);
        if (gone == null) {
            return false;
        }
        gone.close();
        var companion = companions.remove(link);
        if (companion != null) {
            detach(companion);
        }
        return true;
    }

    /** The text that was compiled. */
    public String text() {
        return text;
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        host.forget(
                this,
                program.tables().stream()
                        .filter(table -> !borrowed.containsKey(table.name()))
                        .map(table -> object.map(table.name()))
                        .toList());
        object.detachAll(List.copyOf(links.values()));
        links.clear();
        buffers.forEach(EventBuffer::close);
        object.close();
    }
}
