package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.dsl.Action;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.source.Span;

/** Functions on whole maps and their entries: clear, zero, delete, has_key, find, len. */
final class MapFunctions {
    private final Checking checking;
    private final Scope scope;
    private final ExpressionChecker expressions;
    private final CallArguments args;
    private final ActionEmitter actions;
    private final StackFunctions stacks;

    MapFunctions(
            Checking checking,
            Scope scope,
            ExpressionChecker expressions,
            CallArguments args,
            ActionEmitter actions,
            StackFunctions stacks) {
        this.checking = checking;
        this.scope = scope;
        this.expressions = expressions;
        this.args = args;
        this.actions = actions;
        this.stacks = stacks;
    }

    Typed.Expr mapAction(Expr.Call c) {
        args.arity(c, 1, 1);
        var map = args.wholeMap(c, 0);
        if (c.name().equals("clear")) {
            return clear(map, c.span());
        }
        return actions.emit(List.of(), _ -> new Action.ZeroMap(map.name(), c.span()), c.span());
    }

    /** Takes effect at once, but in a speculation: there it is held back with the rest. */
    private Typed.Expr clear(MapSymbol map, Span span) {
        // A made-up clock is read where it lies.
        boolean clock = map.name().equals(checking.clockMap());
        if (!clock) {
            map.markCleared();
        }
        if (clock || scope.find(ActionEmitter.SPECULATION).isPresent()) {
            return actions.emit(List.of(), _ -> new Action.ClearMap(map.name(), Optional.empty(), span), span);
        }
        return actions.emit(
                List.of(new Typed.NextGeneration(map, span)),
                a -> new Action.ClearMap(map.name(), Optional.of(a.getFirst()), span),
                span);
    }

    Typed.Expr delete(Expr.Call c) {
        if (c.arguments().isEmpty()) {
            throw new CheckError("arity", c.span(), "delete() requires at least one argument (0 provided)");
        }
        if (c.arguments().size() == 2
                && c.arguments().getFirst() instanceof Expr.MapRef m
                && m.key().isEmpty()
                && !(c.arguments().get(1) instanceof Expr.MapRef other
                        && checking.maps.containsKey(other.name())
                        && checking.map(m.name(), m.span()).keyednessKnown()
                        && !checking.map(m.name(), m.span()).keyed())) {
            var map = checking.map(m.name(), m.span());
            if (map.keyednessKnown() && !map.keyed()) {
                throw new CheckError(
                        "map-key",
                        c.span(),
                        "call to delete() with two arguments expects a map with explicit keys (non-scalar map)");
            }
            var keyed = new Expr.MapRef(m.name(), Optional.of(c.arguments().get(1)), m.span());
            return expressions.delete(keyed, c.span());
        }
        if (c.arguments().size() == 2
                && c.arguments().getFirst() instanceof Expr.MapRef m
                && m.key().isEmpty()) {
            throw new CheckError(
                    "map-key",
                    c.span(),
                    "call to delete() with two arguments expects a map with explicit keys (non-scalar map)");
        }
        var deletions = new ArrayList<Typed.Expr>();
        for (var argument : c.arguments()) {
            if (!(argument instanceof Expr.MapRef m)) {
                throw new CheckError("type-mismatch", c.span(), "delete() expects a map argument");
            }
            if (m.key().isEmpty()
                    && checking.map(m.name(), m.span()).keyednessKnown()
                    && checking.map(m.name(), m.span()).keyed()) {
                // Old scripts empty a map so.
                if (c.arguments().size() > 1) {
                    throw new CheckError(
                            "map-key", m.span(), "delete() of a whole map takes no further arguments", "use clear()");
                }
                deletions.add(clear(checking.map(m.name(), m.span()), c.span()));
                continue;
            }
            deletions.add(expressions.delete(m, c.span()));
        }
        if (deletions.size() == 1) {
            return deletions.getFirst();
        }
        var statements = new ArrayList<Typed.Stmt>();
        deletions.subList(0, deletions.size() - 1).forEach(d -> statements.add(new Typed.Evaluate(d, d.span())));
        return new Typed.Block(statements, deletions.getLast(), c.span());
    }

    Typed.Expr hasKey(Expr.Call c) {
        args.arity(c, 1, 2);
        if (!(c.arguments().getFirst() instanceof Expr.MapRef m) || m.key().isPresent()) {
            throw new CheckError("type-mismatch", c.span(), "has_key() expects a map argument");
        }
        boolean keyed = c.arguments().size() == 2;
        var named = checking.map(m.name(), m.span());
        if (!keyed && named.keyednessKnown() && named.keyed()) {
            throw new CheckError(
                    "map-key", c.span(), "call to has_key() expects a map without explicit keys (scalar map)");
        }
        if (keyed && named.keyednessKnown() && !named.keyed()) {
            throw new CheckError(
                    "map-key", c.span(), "call to has_key() expects a map with explicit keys (non-scalar map)");
        }
        var map = checking.map(m.name(), keyed, m.span());
        Optional<Typed.Expr> key =
                keyed ? Optional.of(expressions.key(map, c.arguments().get(1))) : Optional.empty();
        checking.definedMap(m.name(), m.span());
        return new Typed.HasKey(map, key, c.span());
    }

    Typed.Expr find(Expr.Call c) {
        args.arity(c, 3, 3);
        if (!(c.arguments().getFirst() instanceof Expr.MapRef m) || m.key().isPresent()) {
            throw new CheckError("type-mismatch", c.span(), "find() expects a map argument");
        }
        if (!(c.arguments().get(2) instanceof Expr.Var v)) {
            throw new CheckError("type-mismatch", c.span(), "find() expects a variable as its third argument");
        }
        var map = checking.map(m.name(), true, m.span());
        var key = expressions.key(map, c.arguments().get(1));
        checking.definedMap(m.name(), m.span());
        var variable = scope.find(v.name()).orElseGet(() -> scope.declare(c, v.name(), v.span()));
        variable.cell().join(expressions.readType(map), false);
        return new Typed.Find(map, key, variable, c.span());
    }

    Typed.Expr len(Expr.Call c) {
        args.arity(c, 1, 1);
        if (c.arguments().getFirst() instanceof Expr.MapRef m && !holdsStacks(m)) {
            if (m.key().isPresent()) {
                throw new CheckError("type-mismatch", c.span(), "len() expects a map argument");
            }
            return new Typed.MapLength(checking.definedMap(m.name(), m.span()), c.span());
        }
        var value = args.argument(c, 0);
        return switch (value.type()) {
            case Type.Void v when !checking.last -> value;
            case Type.KernelStack k -> stacks.stackLength(c, value, false, k.depth());
            case Type.UserStack u
            when u.unwound() ->
                throw new CheckError(
                        "stack",
                        c.span(),
                        "len() can not count the frames of a dw_ustack: they are found outside of the kernel",
                        "count those that frame pointers reach, with len(ustack)");
            case Type.UserStack u -> stacks.stackLength(c, value, true, u.depth());
            case Type.Array a -> new Typed.IntConst(Type.UINT64, a.length(), c.span());
            case Type.Str _ -> new Typed.Call(Typed.Fn.STRLEN, List.of(value), Type.UINT64, c.span());
            case Type t ->
                throw new CheckError(
                        "type-mismatch",
                        c.span(),
                        "len() expects a map or stack to be provided (" + ExpressionChecker.family(t) + " provided)");
        };
    }

    /** A stack in a map, rather than the map, is what such an argument means. */
    private boolean holdsStacks(Expr.MapRef m) {
        var map = checking.map(m.name(), m.span());
        boolean stacks = map.value() instanceof Type.KernelStack || map.value() instanceof Type.UserStack;
        return stacks && (m.key().isPresent() || !map.keyed());
    }

    Typed.Expr isScalar(Expr.Call c) {
        args.arity(c, 1, 1);
        var map = args.wholeMap(c, 0);
        return new Typed.IntConst(Type.BOOL, map.keyed() ? 0 : 1, c.span());
    }
}
