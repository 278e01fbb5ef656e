package skep.dsl.check;

import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import skep.source.Span;

/**
 * The variables of one program, block by block. A variable belongs to the syntax node that declares it, so that visiting
 * the body again finds the same variable with the type it has grown to.
 */
final class Scope {
    private final Map<Object, LocalVariable> byDeclaration = new IdentityHashMap<>();
    private final Map<String, LocalVariable> left = new HashMap<>();
    private Block innermost = new Block(null);

    private static final class Block {
        private final Block outer;
        private final Map<String, LocalVariable> variables = new HashMap<>();

        Block(Block outer) {
            this.outer = outer;
        }
    }

    /** Begins a visit of the whole body. */
    void restart() {
        innermost = new Block(null);
        left.clear();
        // What an earlier visit found to be used outside its block belongs to the whole probe from the start.
        for (var variable : byDeclaration.values()) {
            if (variable.hoisted()) {
                innermost.variables.putIfAbsent(variable.name(), variable);
            }
        }
    }

    void open() {
        innermost = new Block(innermost);
    }

    void close() {
        innermost.variables.forEach(left::putIfAbsent);
        innermost = innermost.outer;
    }

    /**
     * A variable of a block that was left, which old scripts go on using: before version 0.22 a variable belonged to the
     * whole probe. It becomes one of the outermost block, zero where it was not assigned.
     */
    Optional<LocalVariable> findLeft(String name) {
        var variable = left.get(name);
        if (variable == null) {
            return Optional.empty();
        }
        variable.hoist();
        var outermost = innermost;
        while (outermost.outer != null) {
            outermost = outermost.outer;
        }
        outermost.variables.put(name, variable);
        return Optional.of(variable);
    }

    Optional<LocalVariable> find(String name) {
        for (var block = innermost; block != null; block = block.outer) {
            var variable = block.variables.get(name);
            if (variable != null) {
                return Optional.of(variable);
            }
        }
        return Optional.empty();
    }

    /** The variables that can be named here. */
    Stream<String> names() {
        var names = new TreeSet<String>();
        for (var block = innermost; block != null; block = block.outer) {
            names.addAll(block.variables.keySet());
        }
        return names.stream();
    }

    /** Declares a variable in the innermost block. */
    LocalVariable declare(Object node, String name, Span span) {
        var variable = byDeclaration.computeIfAbsent(node, _ -> new LocalVariable(name, span));
        innermost.variables.put(name, variable);
        return variable;
    }

    int changes() {
        int changes = 0;
        for (var variable : byDeclaration.values()) {
            changes += variable.cell().changes();
        }
        return changes;
    }
}
