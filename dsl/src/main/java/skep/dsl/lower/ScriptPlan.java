package skep.dsl.lower;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.dsl.Action;
import skep.dsl.CompiledScript;
import skep.dsl.MapView;
import skep.dsl.RuntimeFault;
import skep.dsl.ScriptConfig;
import skep.dsl.Type;
import skep.dsl.check.MapSymbol;
import skep.ir.ModuleBuilder;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.source.Span;

/** What all programs of a script share: its maps, the actions it asks user space for, its fault counters. */
final class ScriptPlan {
    /** Per-CPU memory of functions whose values do not fit on the stack: one entry a function. */
    static final String SCRATCH_MAP = "scratch";

    /** When the script began, for {@code elapsed}. */
    static final String STARTED_MAP = "started";

    /** Whether {@code exit()} was called. */
    static final String ENDING_MAP = "ending";

    /** Zeros, from which big entries start. */
    static final String ZEROS_MAP = "zeros";

    /** {@code BPF_F_NO_PREALLOC}. */
    private static final int NO_PREALLOC = 1;

    /** Stacks that differ in one run; {@code get_stackid} refuses more. */
    private static final int STACK_ENTRIES = 16384;

    /**
     * Maps that would take more memory than this have their entries allocated when they are needed: that is slower, and
     * fails for a second new per-CPU entry in one interrupt.
     */
    private static final long PREALLOCATED_BYTES = 8 << 20;

    /** Entries of a map that is cleared: so often it may be cleared before user space removes anything. */
    private static final int MIN_GENERATIONS = 256;

    /** The kernel's page, the unit of ring-buffer sizes. */
    private static final int PAGE_BYTES = 4096;

    private static final int UNWOUND_ENTRIES = 65_536;

    /** What events may take of the machine's memory: one part in so many. */
    private static final int MEMORY_FOR_EVENTS = 256;

    private static final int MIN_EVENT_BYTES = 64 * PAGE_BYTES;
    private static final int MAX_EVENT_BYTES = 4096 * PAGE_BYTES;

    final ModuleBuilder module = new ModuleBuilder();
    final KernelInfo kernel;
    final int helperErrorReports;
    final boolean measuresStacks;
    private final int maxMapEntries;
    private final int ringBufferPages;
    private final List<Action> actions = new ArrayList<>();
    private final List<RuntimeFault> faults = new ArrayList<>();
    private final Map<String, MapView> views = new LinkedHashMap<>();
    private final Map<String, Integer> stackDepths = new LinkedHashMap<>();
    private boolean usesRingBuffer;
    private boolean usesCounters;
    private boolean usesUserSymbols;
    private boolean usesElapsed;
    private int endings;
    private int zeroBytes;
    private int scratchEntries;
    private int scratchBytes;
    private int callbacks;
    private int generations;

    ScriptPlan(
            KernelInfo kernel, int helperErrorReports, int maxMapEntries, int ringBufferPages, boolean measuresStacks) {
        this.measuresStacks = measuresStacks;
        this.kernel = kernel;
        this.helperErrorReports = helperErrorReports;
        this.maxMapEntries = maxMapEntries;
        this.ringBufferPages = ringBufferPages;
    }

    // ---- what programs ask for

    /** The number of an action. */
    int action(Action action) {
        usesRingBuffer = true;
        actions.add(action);
        return actions.size() - 1;
    }

    void useRingBuffer() {
        usesRingBuffer = true;
        usesCounters = true;
    }

    /** Byte offset of the counter of a fault. */
    int fault(RuntimeFault.Kind kind, String map, Span span) {
        usesCounters = true;
        for (var fault : faults) {
            if (fault.kind() == kind && fault.span().equals(span) && fault.map().equals(map)) {
                return 8 * fault.counter();
            }
        }
        var fault = new RuntimeFault(faults.size() + 1, kind, map, span);
        faults.add(fault);
        return 8 * fault.counter();
    }

    /** The address of so many zeros, which nobody changes. */
    skep.ir.Value zeros(skep.ir.FunctionBuilder f, int bytes) {
        zeroBytes = Math.max(zeroBytes, bytes);
        return f.mapValueRef(ZEROS_MAP, 0);
    }

    void useElapsed() {
        usesElapsed = true;
    }

    void useEnding() {
        endings++;
    }

    /** Whether what was written since can end the script. */
    boolean endsSince(Mark mark) {
        return endings > mark.endings;
    }

    void useStacks(String map, int depth) {
        stackDepths.put(map, depth);
    }

    /** An entry of the scratch map for a function that needs so many bytes. */
    int scratchEntry(int bytes) {
        scratchBytes = Math.max(scratchBytes, bytes);
        return scratchEntries++;
    }

    void growScratch(int bytes) {
        scratchBytes = Math.max(scratchBytes, bytes);
    }

    String callbackName() {
        return "body_" + callbacks++;
    }

    /** A state to come back to when a function is written again. */
    record Mark(int actions, int faults, int callbacks, int endings) {}

    Mark mark() {
        return new Mark(actions.size(), faults.size(), callbacks, endings);
    }

    void reset(Mark mark) {
        actions.subList(mark.actions, actions.size()).clear();
        faults.subList(mark.faults, faults.size()).clear();
        callbacks = mark.callbacks;
    }

    // ---- maps

    MapView view(MapSymbol map) {
        return views.computeIfAbsent(map.name(), _ -> makeView(map));
    }

    private MapView makeView(MapSymbol map) {
        var value = map.value();
        boolean aggregation = value instanceof Type.Aggregation;
        MapView.Storage storage;
        if (map.keyed() || map.cleared()) {
            storage = MapView.Storage.HASH;
        } else if (aggregation) {
            storage = MapView.Storage.AGGREGATE;
        } else {
            storage = FunctionLowering.isScalar(value) ? MapView.Storage.SCALAR : MapView.Storage.HASH;
        }
        return new MapView(
                map.name(),
                mapName(map.name()),
                map.key().map(ScriptPlan::storedKey),
                stored(value),
                storage,
                aggregation,
                true,
                map.cleared() ? 8 * generations++ : MapView.NO_GENERATION,
                map.span());
    }

    /** A name that the kernel takes. */
    static String mapName(String name) {
        return "AT_" + name.substring(1).replace("->", ".");
    }

    /** Integers are stored in 64 bits, so that no later value is cut off. */
    static Type stored(Type type) {
        return type instanceof Type.Int i ? (i.signed() ? Type.INT64 : Type.UINT64) : type;
    }

    private static Type storedKey(Type type) {
        return stored(type);
    }

    /** Each copy of a stack has a key of its own, until its frames are found. */
    private int entries(Type key) {
        return key.hasUnwoundStack() ? Math.max(maxMapEntries, UNWOUND_ENTRIES) : maxMapEntries;
    }

    private MapSpec spec(MapView view, Optional<MapSymbol> symbol) {
        var value = view.value();
        return switch (view.storage()) {
            case SCALAR -> new MapSpec(view.mapName(), MapType.ARRAY, 4, view.presenceOffsetBytes() + 8, 1, 0);
            case AGGREGATE -> new MapSpec(view.mapName(), MapType.PERCPU_ARRAY, 4, value.sizeBytes(), 1, 0);
            case HASH -> {
                int keyBytes = view.keyBytes();
                int valueBytes = value.sizeBytes();
                int entries = symbol.filter(s -> s.declaredEntries().isPresent())
                        .map(s -> s.declaredEntries().getAsInt())
                        .orElse(view.key().map(this::entries).orElse(1));
                if (view.hasGenerations()) {
                    // Those before are still there until user space has removed them.
                    entries = Math.max(2 * entries, MIN_GENERATIONS);
                }
                boolean recent = symbol.flatMap(MapSymbol::declaredKind)
                        .filter(k -> k.contains("lru"))
                        .isPresent();
                MapType type;
                if (view.perCpu()) {
                    type = recent ? MapType.LRU_PERCPU_HASH : MapType.PERCPU_HASH;
                } else {
                    type = recent ? MapType.LRU_HASH : MapType.HASH;
                }
                long copies = view.perCpu() ? kernel.possibleCpus() : 1;
                boolean big = entries * (keyBytes + copies * valueBytes) > PREALLOCATED_BYTES;
                yield new MapSpec(
                        view.mapName(), type, keyBytes, valueBytes, entries, big && !recent ? NO_PREALLOC : 0);
            }
        };
    }

    /** Adds all maps to the module, in a fixed order: the script's, then the internal ones. */
    void addMaps(List<MapSymbol> symbols) {
        for (var symbol : symbols) {
            module.map(spec(view(symbol), Optional.of(symbol)));
        }
        stackDepths.forEach(
                (name, depth) -> module.map(new MapSpec(name, MapType.STACK_TRACE, 4, 8 * depth, STACK_ENTRIES, 0)));
        if (usesRingBuffer) {
            module.map(new MapSpec(CompiledScript.EVENTS_MAP, MapType.RINGBUF, 0, 0, ringBufferBytes(), 0));
        }
        if (usesCounters) {
            module.map(new MapSpec(CompiledScript.COUNTERS_MAP, MapType.ARRAY, 4, 8 * (1 + faults.size()), 1, 0));
        }
        if (generations > 0) {
            module.map(new MapSpec(CompiledScript.GENERATIONS_MAP, MapType.ARRAY, 4, 8 * generations, 1, 0));
        }
        if (usesElapsed) {
            module.map(new MapSpec(STARTED_MAP, MapType.ARRAY, 4, 8, 1, 0));
        }
        if (endings > 0) {
            module.map(new MapSpec(ENDING_MAP, MapType.ARRAY, 4, 8, 1, 0));
        }
        if (zeroBytes > 0) {
            module.map(new MapSpec(ZEROS_MAP, MapType.ARRAY, 4, zeroBytes, 1, 0));
        }
        if (scratchEntries > 0) {
            module.map(new MapSpec(SCRATCH_MAP, MapType.PERCPU_ARRAY, 4, scratchBytes, scratchEntries, 0));
        }
    }

    /**
     * A power of two. Where the script leaves it open: room for a second of 200,000 events, or what a machine with little
     * memory can spare, as long as that is at least the peer's 64 pages.
     */
    private int ringBufferBytes() {
        if (ringBufferPages != ScriptConfig.AUTO_PAGES) {
            return Integer.highestOneBit(Math.max(1, ringBufferPages)) * PAGE_BYTES;
        }
        long share = kernel.memoryBytes().orElse(0) / MEMORY_FOR_EVENTS;
        return (int) Long.highestOneBit(Math.clamp(share, MIN_EVENT_BYTES, MAX_EVENT_BYTES));
    }

    boolean usesElapsed() {
        return usesElapsed;
    }

    boolean usesRingBuffer() {
        return usesRingBuffer;
    }

    void useUserSymbols() {
        usesUserSymbols = true;
    }

    boolean usesUserSymbols() {
        return usesUserSymbols;
    }

    boolean usesCounters() {
        return usesCounters;
    }

    List<Action> actions() {
        return actions;
    }

    List<RuntimeFault> faults() {
        return faults;
    }
}
