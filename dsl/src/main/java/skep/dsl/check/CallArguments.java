package skep.dsl.check;

import skep.dsl.Type;
import skep.dsl.ast.Expr;

/** The arguments of a call: how many there are, and that each is of the kind that the function takes. */
final class CallArguments {
    private final Checking checking;
    private final ExpressionChecker expressions;

    CallArguments(Checking checking, ExpressionChecker expressions) {
        this.checking = checking;
        this.expressions = expressions;
    }

    void arity(Expr.Call c, int min, int max) {
        int given = c.arguments().size();
        if (min == max && given != min) {
            throw new CheckError(
                    "arity",
                    c.span(),
                    c.name() + "() requires "
                            + (min == 0 ? "no arguments" : min == 1 ? "one argument" : min + " arguments") + " ("
                            + given + " provided)");
        }
        if (given < min) {
            throw new CheckError(
                    "arity",
                    c.span(),
                    c.name() + "() requires at least " + (min == 1 ? "one argument" : min + " arguments") + " (" + given
                            + " provided)");
        }
        if (given > max) {
            throw new CheckError(
                    "arity",
                    c.span(),
                    c.name() + "() takes up to " + (max == 1 ? "one argument" : max + " arguments") + " (" + given
                            + " provided)");
        }
    }

    Typed.Expr argument(Expr.Call c, int index) {
        return expressions.expr(c.arguments().get(index));
    }

    Typed.Expr number(Expr.Call c, int index) {
        var value = argument(c, index);
        if (value.type().isInteger()
                || value.type() instanceof Type.Pointer
                || unknown(value.type())
                || value.type() instanceof Type.Symbolic) {
            return expressions.to64(value);
        }
        throw new CheckError(
                "type-mismatch",
                value.span(),
                c.name() + "() only supports integer or pointer arguments (" + ExpressionChecker.family(value.type())
                        + " provided)");
    }

    Typed.Expr string(Expr.Call c, int index) {
        var value = argument(c, index);
        if (value.type() instanceof Type.Str || unknown(value.type())) {
            return value;
        }
        throw new CheckError(
                "type-mismatch",
                value.span(),
                c.name() + "() only supports string arguments (" + ExpressionChecker.family(value.type())
                        + " provided)");
    }

    String literal(Expr.Call c, int index) {
        var value = argument(c, index);
        if (value instanceof Typed.Text text) {
            return text.value();
        }
        throw new CheckError(
                "type-mismatch",
                c.span(),
                c.name() + "() expects a string literal (" + ExpressionChecker.family(value.type()) + " provided)");
    }

    /** The map that an argument names, without a key. */
    MapSymbol wholeMap(Expr.Call c, int index) {
        if (c.arguments().get(index) instanceof Expr.MapRef m && m.key().isEmpty()) {
            return checking.definedMap(m.name(), m.span());
        }
        throw new CheckError("type-mismatch", c.span(), c.name() + "() expects a map argument");
    }

    boolean unknown(Type type) {
        return type instanceof Type.Void && !checking.last;
    }

    void requireUnsafe(Expr.Call c) {
        if (!checking.options.unsafe()) {
            throw new CheckError(
                    "unsafe",
                    c.span(),
                    c.name() + "() is an unsafe function being used in safe mode",
                    "run with --unsafe");
        }
    }
}
