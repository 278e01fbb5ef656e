package skep.dsl.check;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import skep.dsl.Action;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.source.Span;

/** Hands actions to user space; those of a speculation are held back until it is committed. */
final class ActionEmitter {
    /** The variable that holds the speculation of a block; scripts cannot name it. */
    static final String SPECULATION = "$.speculation";

    private static final String SPECULATIONS = "@.speculations";

    private final Scope scope;
    private final ExpressionChecker expressions;
    private final CallArguments args;

    ActionEmitter(Scope scope, ExpressionChecker expressions, CallArguments args) {
        this.scope = scope;
        this.expressions = expressions;
        this.args = args;
    }

    Typed.Expr emit(List<Typed.Expr> arguments, Function<List<Action.Argument>, Action> action, Span span) {
        return new Typed.Emit(arguments, action, speculation(span), span);
    }

    /** The speculation that this place belongs to. */
    private Optional<Typed.Expr> speculation(Span span) {
        return scope.find(SPECULATION).map(variable -> new Typed.Local(variable, span));
    }

    /** {@code speculate(id)}: what is printed from here to the end of the block is held back. */
    Typed.Expr speculate(Expr.Call c) {
        args.arity(c, 1, 1);
        var id = args.number(c, 0);
        var variable = scope.declare(c, SPECULATION, c.span());
        variable.cell().join(Type.UINT64, false);
        return new Typed.Block(
                List.of(new Typed.SetLocal(variable, id, c.span())), new Typed.Nothing(c.span()), c.span());
    }

    /** {@code speculation()}: a new number, counted up in a map that no script can name. */
    Typed.Expr newSpeculation(Expr.Call c) {
        args.arity(c, 0, 0);
        var counter = new Expr.MapRef(SPECULATIONS, Optional.empty(), c.span());
        return expressions.expr(new Expr.Increment(counter, true, true, c.span()));
    }
}
