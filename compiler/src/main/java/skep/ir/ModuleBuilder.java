package skep.ir;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.isa.object.MapSpec;
import skep.source.Span;

/** Collects the functions and maps of a module. */
public final class ModuleBuilder {
    private final List<FunctionBuilder> functions = new ArrayList<>();
    private final Map<String, MapSpec> maps = new LinkedHashMap<>();

    /** Adds a map; the same definition may come again. */
    public ModuleBuilder map(MapSpec spec) {
        var before = maps.putIfAbsent(spec.name(), spec);
        if (before != null && !before.equals(spec)) {
            throw new IllegalArgumentException("map " + spec.name() + " has two definitions");
        }
        return this;
    }

    public boolean hasMap(String name) {
        return maps.containsKey(name);
    }

    /** A program: its only parameter is the context; it returns an {@code i64}. */
    public FunctionBuilder program(String name, ProgramInfo info, Span span) {
        return add(new FunctionBuilder(name, Optional.of(info), Type.I64, List.of(Type.ptr(Region.CTX)), span));
    }

    /** A function that programs call, or that helpers call back; at most five parameters. */
    public FunctionBuilder function(String name, Type result, List<Type> params, Span span) {
        return add(new FunctionBuilder(name, Optional.empty(), result, params, span));
    }

    private FunctionBuilder add(FunctionBuilder builder) {
        functions.add(builder);
        return builder;
    }

    /** The module; every function has been completed. */
    public Module build() {
        return new Module(functions.stream().map(FunctionBuilder::build).toList(), List.copyOf(maps.values()));
    }
}
