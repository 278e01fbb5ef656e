package skep.dsl.check;

import java.util.Optional;
import skep.dsl.ast.Expr;
import skep.dsl.parse.Parser;
import skep.source.Diagnostics;
import skep.source.Source;

/** Constant expressions of C: array lengths, enumerator values, {@code #if}. */
final class CConstants {
    private static final int MAX_DEPTH = 64;

    private final CDeclarations declared;
    private int depth;

    CConstants(CDeclarations declared) {
        this.declared = declared;
    }

    Optional<Long> evaluate(String text) {
        return Parser.parseExpression(new Source("constant", text), new Diagnostics())
                .flatMap(this::value);
    }

    private Optional<Long> value(Expr expr) {
        if (++depth > MAX_DEPTH) {
            return Optional.empty();
        }
        try {
            return switch (expr) {
                case Expr.IntLit e -> Optional.of(e.value());
                case Expr.Ident e -> name(e.name());
                case Expr.Call e
                when e.name().equals("defined") ->
                    Optional.of(
                            e.arguments().getFirst() instanceof Expr.Ident i && declared.isDefined(i.name()) ? 1L : 0L);
                case Expr.Unary e ->
                    value(e.operand()).map(v -> switch (e.op()) {
                        case NEGATE -> -v;
                        case NOT -> v == 0 ? 1L : 0L;
                        case COMPLEMENT -> ~v;
                        default -> v;
                    });
                case Expr.Binary e ->
                    value(e.left()).flatMap(l -> value(e.right()).flatMap(r -> binary(e.op(), l, r)));
                case Expr.Conditional e
                when e.then().isPresent() ->
                    value(e.condition()).flatMap(c -> value(c != 0 ? e.then().get() : e.otherwise()));
                case Expr.Cast e -> value(e.operand());
                default -> Optional.empty();
            };
        } finally {
            depth--;
        }
    }

    private Optional<Long> name(String name) {
        var enumerator = declared.enumerator(name);
        if (enumerator.isPresent()) {
            return Optional.of(declared.value(name));
        }
        var define = declared.define(name);
        return define.isPresent() ? evaluate(define.get().text()) : Optional.of(0L);
    }

    private static Optional<Long> binary(Expr.BinaryOp op, long l, long r) {
        return Optional.of(
                switch (op) {
                    case OR -> l != 0 || r != 0 ? 1L : 0L;
                    case AND -> l != 0 && r != 0 ? 1L : 0L;
                    case BIT_OR -> l | r;
                    case BIT_XOR -> l ^ r;
                    case BIT_AND -> l & r;
                    case EQ -> l == r ? 1L : 0L;
                    case NE -> l != r ? 1L : 0L;
                    case LT -> l < r ? 1L : 0L;
                    case GT -> l > r ? 1L : 0L;
                    case LE -> l <= r ? 1L : 0L;
                    case GE -> l >= r ? 1L : 0L;
                    case SHL -> l << r;
                    case SHR -> l >> r;
                    case ADD -> l + r;
                    case SUB -> l - r;
                    case MUL -> l * r;
                    case DIV -> r == 0 ? 0 : l / r;
                    case MOD -> r == 0 ? 0 : l % r;
                });
    }
}
