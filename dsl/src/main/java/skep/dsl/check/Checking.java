package skep.dsl.check;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import skep.dsl.CompileOptions;
import skep.dsl.Type;
import skep.dsl.ast.Script;
import skep.isa.kernel.KernelInfo;
import skep.source.Diagnostics;
import skep.source.Span;

/** What all parts of the checker share while they visit a script. */
final class Checking {
    final KernelInfo kernel;
    final CompileOptions options;
    final Settings settings;
    final CTypes types;
    final Map<String, MapSymbol> maps = new LinkedHashMap<>();
    final Map<String, Script.Subprogram> subprograms = new HashMap<>();
    /** Names that {@code getopt} asks for, and what the script says of them. */
    final Map<String, String> namedParameters = new TreeMap<>();

    /** Whether {@code len()} asks for the number of frames of stacks that were stored: then every stack is stored with it. */
    boolean measuresStacks;

    /** Where mistakes go: nowhere while types are still being found. */
    Diagnostics diagnostics = new Diagnostics();

    /** Whether types have been found and this visit builds the tree. */
    boolean last;

    Checking(KernelInfo kernel, CompileOptions options, Settings settings, CTypes types) {
        this.kernel = kernel;
        this.options = options;
        this.settings = settings;
        this.types = types;
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

    int changes() {
        int changes = maps.size();
        for (var map : maps.values()) {
            changes += map.keyCell().changes() + map.valueCell().changes();
        }
        return changes;
    }

    Optional<Type> namedType(String name) {
        return types.named(name, settings.maxStringBytes());
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
