package skep.dsl.check;

import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Optional;
import skep.dsl.Type;
import skep.source.Span;

/** Prints a typed tree, one node a line: the text of the stage {@code typed}. */
public final class TypedPrinter {
    private final StringBuilder out = new StringBuilder();

    private TypedPrinter() {}

    public static String print(Typed.Script script) {
        var printer = new TypedPrinter();
        for (var map : script.maps()) {
            printer.line(
                    0,
                    "map " + map.name() + "[" + map.key().map(Type::display).orElse("") + "] : "
                            + map.value().display());
        }
        for (var subprogram : script.subprograms()) {
            printer.line(
                    0,
                    "fn " + subprogram.name() + " " + subprogram.parameters() + " : "
                            + subprogram.result().display());
            subprogram.body().forEach(s -> printer.node(1, s));
        }
        for (var program : script.programs()) {
            printer.line(
                    0,
                    "program " + program.name() + " " + program.programType().kernelName() + " at "
                            + String.join(", ", program.shownAs()));
            program.predicate().ifPresent(p -> {
                printer.line(1, "predicate");
                printer.node(2, p);
            });
            program.body().forEach(s -> printer.node(1, s));
        }
        return printer.out.toString();
    }

    private void line(int depth, String text) {
        out.append(" ".repeat(depth)).append(text).append('\n');
    }

    /** The components of a node by reflection: this is for people who look into the compiler, and the tree is a record each. */
    private void node(int depth, Typed node) {
        var head = new StringBuilder(node.getClass().getSimpleName());
        var children = new java.util.ArrayList<Typed>();
        for (var component : node.getClass().getRecordComponents()) {
            collect(component, node, head, children);
        }
        if (node instanceof Typed.Expr e) {
            head.append(" : ").append(e.type().display());
        }
        line(depth, head.toString());
        children.forEach(c -> node(depth + 1, c));
    }

    private static void collect(RecordComponent component, Typed node, StringBuilder head, List<Typed> children) {
        Object value;
        try {
            var accessor = component.getAccessor();
            accessor.setAccessible(true);
            value = accessor.invoke(node);
        } catch (ReflectiveOperationException impossible) {
            throw new IllegalStateException(impossible);
        }
        switch (value) {
            case Span _, Type _ -> {}
            case Typed child -> children.add(child);
            case Optional<?> optional ->
                optional.ifPresent(o -> {
                    if (o instanceof Typed child) {
                        children.add(child);
                    }
                });
            case List<?> list -> {
                for (var element : list) {
                    if (element instanceof Typed child) {
                        children.add(child);
                    }
                    if (element instanceof Typed.SystemCalls.Case one) {
                        head.append(' ').append(one.numbers());
                        one.predicate().ifPresent(children::add);
                        children.addAll(one.body());
                    }
                }
            }
            case MapSymbol map -> head.append(' ').append(map.name());
            case LocalVariable variable -> head.append(' ').append(variable.name());
            case java.util.function.Function<?, ?> _ -> {}
            case Object other ->
                head.append(' ').append(component.getName()).append('=').append(other);
        }
    }
}
