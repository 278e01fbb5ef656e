package skep.dsl.check;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import skep.c.bcc.FunctionLibrary;
import skep.dsl.CompileOptions;
import skep.dsl.Type;
import skep.dsl.ast.Script;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProbeSpec;
import skep.source.Diagnostics;
import skep.source.Span;

/** What all parts of the checker share while they visit a script. */
final class Checking {
    final KernelInfo kernel;
    final CompileOptions options;
    final Settings settings;
    final CTypes types;
    /** The types of modules that the script probes; each continues the kernel's own. */
    private final Map<String, CTypes> modules = new TreeMap<>();

    final Map<String, MapSymbol> maps = new LinkedHashMap<>();
    final Map<String, Script.Subprogram> subprograms = new HashMap<>();
    /** Functions of C sources that the script imports. */
    final List<FunctionLibrary> libraries = new ArrayList<>();
    /** Names that {@code getopt} asks for, and what the script says of them. */
    final Map<String, String> namedParameters = new TreeMap<>();

    /** Whether {@code len()} asks for the number of frames of stacks that were stored: then every stack is stored with it. */
    boolean measuresStacks;

    /** Where mistakes go: nowhere while types are still being found. */
    Diagnostics diagnostics = new Diagnostics();

    /** How many conditions of the compiler's, one inside of the other, are decided; those further inside are passed over. */
    int decidedDepth;

    /** Whether a visit passed over one. */
    boolean undecided;

    /** Above 0 while a condition of the compiler's is evaluated: the types that it asks for are locked. */
    int locking;

    /** Whether types have been found and this visit builds the tree. */
    boolean last;

    Checking(KernelInfo kernel, CompileOptions options, Settings settings, CTypes types) {
        this.kernel = kernel;
        this.options = options;
        this.settings = settings;
        this.types = types;
    }

    /** Whether the chosen level of the language ends variables with their blocks. */
    boolean blockScope() {
        return LanguageLevel.chosen(options) >= LanguageLevel.BLOCK_SCOPE;
    }

    MapSymbol map(String name, Span span) {
        return maps.computeIfAbsent(name, n -> new MapSymbol(n, span));
    }

    /** A map that is used where it must have been assigned somewhere. */
    MapSymbol definedMap(String name, Span span) {
        var map = map(name, span);
        if (last && map.value() instanceof Type.Void) {
            var assigned = maps.values().stream()
                    .filter(m -> !(m.value() instanceof Type.Void))
                    .map(MapSymbol::name);
            throw new CheckError("undefined-map", span, "Undefined map: " + name, NearestNames.hint(name, assigned));
        }
        return map;
    }

    /** A map used with or without a key; all uses must agree. */
    MapSymbol map(String name, boolean keyed, Span span) {
        var map = map(name, span);
        if (!map.keyednessKnown()) {
            map.setKeyed(keyed);
        } else if (map.keyed() != keyed) {
            throw new CheckError(
                    "map-key",
                    span,
                    keyed
                            ? name + " used as a map with an explicit key (non-scalar map), previously used without an"
                                    + " explicit key (scalar map)"
                            : name + " used as a map without an explicit key (scalar map), previously used with an"
                                    + " explicit key (non-scalar map)");
        }
        return map;
    }

    void lockIfDeciding(MapSymbol map) {
        if (locking > 0) {
            map.keyCell().lock();
            map.valueCell().lock();
        }
    }

    int changes() {
        int changes = maps.size();
        for (var map : maps.values()) {
            changes += map.keyCell().changes() + map.valueCell().changes();
        }
        return changes;
    }

    /** A type by its name in C; of the kernel's modules, those that the script probes are asked. */
    Optional<Type> namedType(String name) {
        return types.named(name, settings.maxStringBytes())
                .or(() -> modules.values().stream()
                        .flatMap(module -> module.named(name, settings.maxStringBytes()).stream())
                        .findFirst());
    }

    /** An enumerator of the script, the kernel or a module that the script probes. */
    Optional<Typed.IntConst> enumerator(String name, Span span) {
        return types.enumerator(name, span)
                .or(() -> modules.values().stream()
                        .flatMap(module -> module.enumerator(name, span).stream())
                        .findFirst());
    }

    /** What a kernel function takes and returns. */
    Optional<CTypes.Signature> function(ProbeSpec spec) {
        return inModule(spec.module()) ? module(spec.module()).function(spec.target()) : types.function(spec.target());
    }

    /** The arguments of a tracepoint of the kernel or a module. */
    Optional<CTypes.Signature> tracepoint(String event) {
        return types.tracepoint(event)
                .or(() -> moduleOfTracepoint(event)
                        .flatMap(module -> module(module).tracepoint(event)));
    }

    /** Notes that the types of a probe's module count. */
    void using(ProbeSpec spec) {
        switch (spec.kind()) {
            case KPROBE, KRETPROBE, FENTRY, FEXIT -> {
                if (inModule(spec.module())) {
                    module(spec.module());
                }
            }
            default -> {}
        }
    }

    private CTypes module(String name) {
        return modules.computeIfAbsent(name, n -> new CTypes(() -> kernel.types(n), types.declared()));
    }

    private static boolean inModule(String module) {
        return !module.isEmpty() && !module.equals("vmlinux");
    }

    /** What a program is loaded for: a function, and its module where it is in one. */
    static String attachTo(ProbeSpec spec) {
        return inModule(spec.module()) ? spec.module() + ":" + spec.target() : spec.target();
    }

    /** The same for a tracepoint. */
    String attachToTracepoint(String event) {
        return types.tracepoint(event).isPresent()
                ? event
                : moduleOfTracepoint(event).map(module -> module + ":" + event).orElse(event);
    }

    /** The function that calls the probes of a tracepoint is where the tracepoint is. */
    private Optional<String> moduleOfTracepoint(String event) {
        return kernel.moduleOf("__traceiter_" + event);
    }

    void warn(String code, Span span, String message, String hint) {
        diagnostics.warning(code, span, message, hint);
    }

    /** The map that time series take the time from, for scripts that make their own; else empty. */
    String clockMap() {
        return options.environment().getOrDefault("BPFTRACE_DUMMY_TS_MAP", "");
    }

    List<String> positional() {
        return options.positional();
    }
}
