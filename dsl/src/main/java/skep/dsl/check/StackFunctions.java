package skep.dsl.check;

import java.util.List;
import skep.dsl.Type;
import skep.dsl.ast.Expr;

/** Functions that take the stack of the kernel or of the process, and that count its frames. */
final class StackFunctions {
    private final Checking checking;
    private final ExpressionChecker expressions;
    private final BuiltinChecker builtins;

    StackFunctions(Checking checking, ExpressionChecker expressions, BuiltinChecker builtins) {
        this.checking = checking;
        this.expressions = expressions;
        this.builtins = builtins;
    }

    Typed.Expr stack(Expr.Call c, boolean user, boolean unwound) {
        if (c.arguments().size() > 2) {
            throw new CheckError(
                    "arity",
                    c.span(),
                    c.name() + "() takes up to 2 arguments (" + c.arguments().size() + " provided)");
        }
        var mode = checking.settings.stackMode();
        int depth = BuiltinChecker.DEFAULT_STACK_DEPTH;
        for (int i = 0; i < c.arguments().size(); i++) {
            var argument = c.arguments().get(i);
            boolean mayBeMode = i == 0;
            if (mayBeMode
                    && argument instanceof Expr.Ident word
                    && Settings.stackMode(word.name()).isPresent()) {
                mode = Settings.stackMode(word.name()).get();
                continue;
            }
            if (argument instanceof Expr.Ident word
                    && mayBeMode
                    && !skep.dsl.parse.Words.isBuiltin(word.name())
                    && checking.types.declared().define(word.name()).isEmpty()) {
                throw new CheckError("stack", c.span(), "Unknown stack mode: '" + word.name() + "'");
            }
            var value = expressions.expr(argument);
            boolean literalDepth = value instanceof Typed.IntConst n
                    && n.value() >= 0
                    && (i == 1 || c.arguments().size() == 1);
            if (!literalDepth) {
                throw new CheckError("stack", c.span(), c.name() + ": invalid limit value, need non-negative literal");
            }
            long wanted = ((Typed.IntConst) value).value();
            if (wanted > 1024) {
                throw new CheckError(
                        "stack",
                        c.span(),
                        c.name() + "(" + wanted + ", ...): limit shouldn't exceed 1024, " + wanted + " given");
            }
            depth = (int) wanted;
        }
        return unwound
                ? builtins.unwoundStack(mode, Math.max(1, depth), c.span())
                : BuiltinChecker.stack(user, mode, Math.max(1, depth), c.span());
    }

    /** The frames of a stack are counted where it is taken: programs cannot look into stored ones. */
    Typed.Expr stackLength(Expr.Call c, Typed.Expr value, boolean user, int depth) {
        if (!(value instanceof Typed.Stack)) {
            checking.measuresStacks = true;
            return new Typed.Call(Typed.Fn.STORED_STACK_LENGTH, List.of(value), Type.UINT64, c.span());
        }
        return new Typed.Call(
                Typed.Fn.STACK_LENGTH,
                List.of(
                        new Typed.IntConst(Type.INT64, user ? 1 : 0, c.span()),
                        new Typed.IntConst(Type.INT64, depth, c.span())),
                Type.UINT64,
                c.span());
    }
}
