package skep.ir;

import java.util.List;
import java.util.function.UnaryOperator;
import skep.isa.object.MapSpec;

/** Programs, the functions they call and the maps they share: what one script or C file becomes. */
public record Module(List<Function> functions, List<MapSpec> maps) {
    public Module {
        functions = List.copyOf(functions);
        maps = List.copyOf(maps);
    }

    public Function function(String name) {
        return functions.stream()
                .filter(f -> f.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no function " + name));
    }

    public MapSpec map(String name) {
        return maps.stream()
                .filter(m -> m.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no map " + name));
    }

    public Module mapFunctions(UnaryOperator<Function> change) {
        return new Module(functions.stream().map(change).toList(), maps);
    }
}
