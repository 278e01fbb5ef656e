package skep.dsl.check;

import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.source.Span;

/** Operators on one operand: signs, negations, addresses, increments. */
final class UnaryOperators {
    private final ExpressionChecker expressions;
    private final Checking checking;
    private final Scope scope;

    UnaryOperators(ExpressionChecker expressions, Checking checking, Scope scope) {
        this.expressions = expressions;
        this.checking = checking;
        this.scope = scope;
    }

    Typed.Expr unary(Expr.Unary e) {
        return switch (e.op()) {
            case NEGATE -> {
                if (e.operand() instanceof Expr.IntLit literal && literal.unsigned() && !literal.pinned()) {
                    if (literal.value() != Long.MIN_VALUE) {
                        throw new CheckError(
                                "overflow",
                                e.span(),
                                "underflow: -" + literal.span().text());
                    }
                    yield new Typed.IntConst(Type.INT64, Long.MIN_VALUE, e.span());
                }
                yield negate(integer(expressions.expr(e.operand()), "-", e.span()), e.span());
            }
            case PLUS -> integer(expressions.expr(e.operand()), "+", e.span());
            case NOT -> {
                var operand = truthOperand(expressions.expr(e.operand()), e.span());
                yield operand instanceof Typed.IntConst c
                        ? new Typed.IntConst(Type.BOOL, c.value() == 0 ? 1 : 0, e.span())
                        : new Typed.Not(operand, e.span());
            }
            case COMPLEMENT -> {
                var operand = expressions.expr(e.operand());
                if (operand.type() instanceof Type.Bool
                        || !(operand.type().isInteger() || expressions.unknown(operand.type()))) {
                    throw new CheckError(
                            "type-mismatch",
                            e.span(),
                            "The ~ operator can not be used on expressions of type '"
                                    + ExpressionChecker.family(operand.type()) + "'");
                }
                if (operand instanceof Typed.IntConst c) {
                    long value = ~c.value();
                    yield new Typed.IntConst(value < 0 ? Type.UINT64 : Literals.smallest(value), value, e.span());
                }
                yield new Typed.Complement(
                        expressions.to64(operand), ExpressionChecker.widest(operand.type()), e.span());
            }
            case DEREFERENCE -> dereference(expressions.expr(e.operand()), e.span());
            case ADDRESS_OF -> addressOf(e);
        };
    }

    private Typed.Expr truthOperand(Typed.Expr value, Span span) {
        if (value.type() instanceof Type.Pointer
                || value.type().isInteger()
                || value instanceof Typed.Text
                || expressions.unknown(value.type())) {
            return expressions.truth(value, span);
        }
        throw new CheckError(
                "type-mismatch",
                span,
                "The ! operator can not be used on expressions of type '" + ExpressionChecker.family(value.type())
                        + "'");
    }

    private Typed.Expr integer(Typed.Expr value, String op, Span span) {
        if (value.type().isInteger() || expressions.unknown(value.type())) {
            return value;
        }
        throw new CheckError(
                "type-mismatch",
                span,
                "The " + op + " operator can not be used on expressions of type '"
                        + ExpressionChecker.family(value.type()) + "'");
    }

    Typed.Expr negate(Typed.Expr value, Span span) {
        if (value instanceof Typed.IntConst c) {
            long negated = -c.value();
            return new Typed.IntConst(
                    c.type() instanceof Type.Int i && i.sizeBytes() == 8 && !Literal.isNonNegative(c)
                            ? Type.INT64
                            : Literals.smallest(negated),
                    negated,
                    span);
        }
        return new Typed.Negate(expressions.to64(value), Type.INT64, span);
    }

    private Typed.Expr addressOf(Expr.Unary e) {
        return switch (e.operand()) {
            case Expr.Var v -> {
                var variable = expressions.variable(v);
                yield new Typed.AddressOfLocal(
                        variable, new Type.Pointer(variable.type(), Type.AddressSpace.BPF), e.span());
            }
            case Expr.MapRef m -> {
                var map = checking.map(m.name(), m.key().isPresent(), m.span());
                var key = m.key().map(k -> expressions.key(map, k));
                checking.definedMap(m.name(), m.span());
                yield new Typed.AddressOfMap(map, key, new Type.Pointer(map.value(), Type.AddressSpace.BPF), e.span());
            }
            default -> throw new CheckError("address", e.span(), "Can only take the address of variables and maps");
        };
    }

    Typed.Expr dereference(Typed.Expr pointer, Span span) {
        return switch (pointer.type()) {
            case Type.Pointer p -> {
                if (p.target() instanceof Type.Void) {
                    throw new CheckError(
                            "type-mismatch", span, "Can not dereference pointers of type '" + p.display() + "'");
                }
                yield new Typed.Dereference(pointer, p.target(), span);
            }
            case Type.Int _ ->
                new Typed.Dereference(expressions.asPointer(pointer, Type.INT64, span), Type.INT64, span);
            case Type.Void _ when !checking.last -> pointer;
            case Type t ->
                throw new CheckError(
                        "type-mismatch",
                        span,
                        "Can not dereference type '" + ExpressionChecker.family(t) + "'. It's not a pointer.");
        };
    }

    Typed.Expr increment(Expr.Increment e) {
        long delta = e.up() ? 1 : -1;
        if (e.target() instanceof Expr.MapRef m) {
            var map = checking.map(m.name(), m.key().isPresent(), m.span());
            var key = m.key().map(k -> expressions.key(map, k));
            if (map.value() instanceof Type.Void) {
                map.valueCell().join(Type.INT64, false);
            }
            if (map.value() instanceof Type.Int i) {
                map.valueCell().join(i.signed() ? Type.INT64 : Type.UINT64, false);
            } else if (!(map.value() instanceof Type.Pointer)) {
                throw new CheckError(
                        "type-mismatch",
                        e.span(),
                        "The " + (e.up() ? "++" : "--") + " operator can not be used on a map of type '"
                                + ExpressionChecker.family(map.value()) + "'");
            }
            return new Typed.MapIncrement(map, key, scale(map.value(), delta), e.prefix(), map.value(), e.span());
        }
        var v = (Expr.Var) e.target();
        var variable = scope.find(v.name()).orElseGet(() -> scope.declare(e, v.name(), v.span()));
        if (variable.type() instanceof Type.Void) {
            variable.cell().join(Type.INT64, false);
        }
        if (variable.type() instanceof Type.Int i && !variable.cell().isFixed()) {
            variable.cell().join(i.signed() ? Type.INT64 : Type.UINT64, false);
        } else if (!(variable.type() instanceof Type.Pointer) && !(variable.type() instanceof Type.Int)) {
            throw new CheckError(
                    "type-mismatch",
                    e.span(),
                    "The " + (e.up() ? "++" : "--") + " operator can not be used on a variable of type '"
                            + ExpressionChecker.family(variable.type()) + "'");
        }
        return new Typed.LocalIncrement(variable, scale(variable.type(), delta), e.prefix(), variable.type(), e.span());
    }

    private static long scale(Type type, long delta) {
        return type instanceof Type.Pointer p ? delta * Math.max(1, p.target().sizeBytes()) : delta;
    }
}
