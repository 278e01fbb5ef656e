package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Expr.BinaryOp;
import skep.source.Span;

/** Operators on two operands: which types they take, and whether the result is signed. */
final class BinaryOperators {
    private final ExpressionChecker expressions;
    private final Checking checking;

    BinaryOperators(ExpressionChecker expressions, Checking checking) {
        this.expressions = expressions;
        this.checking = checking;
    }

    Typed.Expr binary(Expr.Binary e) {
        if (e.op().isLogical()) {
            var left = truthOfOperand(expressions.expr(e.left()), e);
            var right = truthOfOperand(expressions.expr(e.right()), e);
            if (left instanceof Typed.IntConst l) {
                boolean decided = e.op() == BinaryOp.AND ? l.value() == 0 : l.value() != 0;
                if (decided) {
                    return new Typed.IntConst(Type.BOOL, l.value(), e.span());
                }
                return right instanceof Typed.IntConst r ? new Typed.IntConst(Type.BOOL, r.value(), e.span()) : right;
            }
            return new Typed.Logic(e.op() == BinaryOp.AND, left, right, e.span());
        }
        return binary(e.op(), expressions.expr(e.left()), expressions.expr(e.right()), e.span());
    }

    /** Any operator but the logical ones. */
    Typed.Expr binary(BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        if (expressions.unknown(left.type()) || expressions.unknown(right.type())) {
            return op.isComparison()
                    ? new Typed.IntConst(Type.BOOL, 1, span)
                    : expressions.unknown(left.type())
                                    && !expressions.unknown(right.type())
                                    && right.type().isInteger()
                            ? new Typed.Convert(right, ExpressionChecker.widest(right.type()), span)
                            : expressions.unknown(right.type()) && left.type().isInteger()
                                    ? new Typed.Convert(left, ExpressionChecker.widest(left.type()), span)
                                    : new Typed.Nothing(span);
        }
        if (left instanceof Typed.IntConst l && right instanceof Typed.IntConst r) {
            var folded = ConstantFolding.fold(op, l, r, span);
            if (folded.isPresent()) {
                return folded.get();
            }
        }
        if (isText(left) || isText(right)) {
            return texts(op, left, right, span);
        }
        if (op.isComparison()) {
            return compare(op, left, right, span);
        }
        if (left.type() instanceof Type.Pointer || right.type() instanceof Type.Pointer) {
            return pointers(op, left, right, span);
        }
        if (!left.type().isInteger() || !right.type().isInteger()) {
            throw mismatch(op, left, right, span);
        }
        boolean signed = signed(left, right);
        if ((op == BinaryOp.DIV || op == BinaryOp.MOD) && signed(left) != signed(right)) {
            warnSigns("operations", op, left, right, span);
        }
        if (op == BinaryOp.SHL || op == BinaryOp.SHR) {
            signed = left.type().isSigned() && !Literal.isNonNegative(left)
                    || Literal.isNonNegative(left) && op == BinaryOp.SHL;
        }
        return new Typed.Arithmetic(
                op, expressions.to64(left), expressions.to64(right), signed ? Type.INT64 : Type.UINT64, span);
    }

    private Typed.Expr truthOfOperand(Typed.Expr value, Expr.Binary e) {
        if (value.type().isInteger()
                || value.type() instanceof Type.Pointer
                || value instanceof Typed.Text
                || value.type() instanceof Type.Symbolic
                || expressions.unknown(value.type())) {
            return expressions.truth(value, value.span());
        }
        throw new CheckError(
                "type-mismatch",
                value.span(),
                "The " + e.op().text() + " operator can not be used on expressions of type '"
                        + ExpressionChecker.family(value.type()) + "'");
    }

    private void warnSigns(String what, BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        if (checking.last && !Literal.isNonNegative(left) && !Literal.isNonNegative(right)) {
            boolean bothFit = left.type().sizeBytes() < 8 && right.type().sizeBytes() < 8;
            if (!bothFit) {
                checking.warn(
                        "signs",
                        span,
                        op.isComparison()
                                ? "comparison of integers of different signs: '"
                                        + left.type().display() + "' and '"
                                        + right.type().display() + "' can lead to undefined behavior"
                                : "arithmetic on integers of different signs: '"
                                        + left.type().display() + "' and '"
                                        + right.type().display() + "' can lead to undefined behavior",
                        "cast one side, for example (int64)");
            }
        }
    }

    private static boolean signed(Typed.Expr value) {
        return value.type().isSigned();
    }

    /** Whether 64-bit arithmetic on both is signed: unsigned values below 64 bits fit into a signed 64-bit number. */
    private static boolean signed(Typed.Expr left, Typed.Expr right) {
        if (Literal.isNonNegative(left) && Literal.isNonNegative(right)) {
            return true;
        }
        if (Literal.isNonNegative(left)) {
            return right.type().isSigned();
        }
        if (Literal.isNonNegative(right)) {
            return left.type().isSigned();
        }
        boolean leftFits = left.type().isSigned() || left.type().sizeBytes() < 8;
        boolean rightFits = right.type().isSigned() || right.type().sizeBytes() < 8;
        return (left.type().isSigned() || right.type().isSigned()) && leftFits && rightFits;
    }

    private static boolean isText(Typed.Expr value) {
        return value.type() instanceof Type.Str;
    }

    private Typed.Expr texts(BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        if (left instanceof Typed.Text l && right instanceof Typed.Text r) {
            int order = l.value().compareTo(r.value());
            return switch (op) {
                case EQ -> new Typed.IntConst(Type.BOOL, order == 0 ? 1 : 0, span);
                case NE -> new Typed.IntConst(Type.BOOL, order != 0 ? 1 : 0, span);
                case LT -> new Typed.IntConst(Type.BOOL, order < 0 ? 1 : 0, span);
                case GT -> new Typed.IntConst(Type.BOOL, order > 0 ? 1 : 0, span);
                case LE -> new Typed.IntConst(Type.BOOL, order <= 0 ? 1 : 0, span);
                case GE -> new Typed.IntConst(Type.BOOL, order >= 0 ? 1 : 0, span);
                case ADD -> ExpressionChecker.text(l.value() + r.value(), span);
                default -> throw mismatch(op, left, right, span);
            };
        }
        if (left instanceof Typed.Text l && right instanceof Typed.IntConst r && op == BinaryOp.ADD) {
            int from = (int) Math.max(0, Math.min(r.value(), l.value().length()));
            return ExpressionChecker.text(l.value().substring(from), span);
        }
        if (isText(left) && isText(right) && (op == BinaryOp.EQ || op == BinaryOp.NE)) {
            int length = Math.min(left.type().sizeBytes(), right.type().sizeBytes());
            return new Typed.TextCompare(left, right, length, op == BinaryOp.EQ, span);
        }
        throw mismatch(op, left, right, span);
    }

    private CheckError mismatch(BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        if (left.type().equals(right.type()) || isText(left) && isText(right)) {
            return new CheckError(
                    "type-mismatch",
                    span,
                    "The " + op.text() + " operator can not be used on expressions of types '"
                            + ExpressionChecker.family(left.type()) + "' and '" + ExpressionChecker.family(right.type())
                            + "'");
        }
        return new CheckError(
                "type-mismatch",
                span,
                "Type mismatch for '" + op.text() + "': comparing "
                        + left.type().display() + " with " + right.type().display());
    }

    private Typed.Expr compare(BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        boolean equality = op == BinaryOp.EQ || op == BinaryOp.NE;
        if (left.type().isInteger() && right.type().isInteger()) {
            if (signed(left) != signed(right)) {
                warnSigns("comparison", op, left, right, span);
            }
            return new Typed.Compare(op, expressions.to64(left), expressions.to64(right), signed(left, right), span);
        }
        if (comparable64(left.type()) && comparable64(right.type())) {
            return new Typed.Compare(op, expressions.to64(left), expressions.to64(right), false, span);
        }
        if (equality && left.type() instanceof Type.Tuple l && right.type() instanceof Type.Tuple r) {
            return tuples(op, left, l, right, r, span);
        }
        if (equality && left.type() instanceof Type.Rec l && right.type() instanceof Type.Rec r) {
            return records(op, left, l, right, r, span);
        }
        if (equality && left.type() instanceof Type.Array && left.type().equals(right.type())) {
            return new Typed.BytesCompare(left, right, op == BinaryOp.EQ, span);
        }
        if (equality
                && left.type().equals(right.type())
                && left.type().sizeBytes() > 0
                && (left.type() instanceof Type.Inet
                        || left.type() instanceof Type.MacAddress
                        || left.type() instanceof Type.UserSymbol
                        || left.type() instanceof Type.UserStack)) {
            return new Typed.BytesCompare(left, right, op == BinaryOp.EQ, span);
        }
        throw mismatch(op, left, right, span);
    }

    private static boolean comparable64(Type type) {
        return type.isInteger()
                || type instanceof Type.Pointer
                || type instanceof Type.Symbolic
                || type instanceof Type.KernelStack
                || type instanceof Type.CgroupPath
                || type instanceof Type.Timestamp;
    }

    private Typed.Expr tuples(BinaryOp op, Typed.Expr left, Type.Tuple l, Typed.Expr right, Type.Tuple r, Span span) {
        if (l.elements().size() != r.elements().size()) {
            if (op == BinaryOp.NE || op == BinaryOp.EQ) {
                return new Typed.IntConst(Type.BOOL, op == BinaryOp.NE ? 1 : 0, span);
            }
            throw mismatch(op, left, right, span);
        }
        var pairs = new ArrayList<Typed.Expr>();
        for (int i = 0; i < l.elements().size(); i++) {
            pairs.add(binary(
                    BinaryOp.EQ,
                    expressions.elements.tupleElement(left, i, left.span()),
                    expressions.elements.tupleElement(right, i, right.span()),
                    span));
        }
        return allOf(op, pairs, span);
    }

    /** Records are compared member by member, by name; those of other members are not of one type. */
    private Typed.Expr records(BinaryOp op, Typed.Expr left, Type.Rec l, Typed.Expr right, Type.Rec r, Span span) {
        var names = l.members().stream().map(Type.Member::name).toList();
        if (names.size() != r.members().size() || !r.members().stream().allMatch(m -> names.contains(m.name()))) {
            throw mismatch(op, left, right, span);
        }
        var pairs = new ArrayList<Typed.Expr>();
        for (var name : names) {
            pairs.add(binary(
                    BinaryOp.EQ,
                    expressions.elements.member(left, name, left.span(), left.span()),
                    expressions.elements.member(right, name, right.span(), right.span()),
                    span));
        }
        return allOf(op, pairs, span);
    }

    /** Whether all pairs are equal, or for {@code !=} whether some are not; decided here if they are constants. */
    private static Typed.Expr allOf(BinaryOp op, List<Typed.Expr> pairs, Span span) {
        Typed.Expr all = new Typed.IntConst(Type.BOOL, 1, span);
        boolean constant = true;
        for (var same : pairs) {
            if (same instanceof Typed.IntConst c) {
                if (c.value() == 0) {
                    return new Typed.IntConst(Type.BOOL, op == BinaryOp.NE ? 1 : 0, span);
                }
                continue;
            }
            all = constant ? same : new Typed.Logic(true, all, same, span);
            constant = false;
        }
        if (constant) {
            return new Typed.IntConst(Type.BOOL, op == BinaryOp.EQ ? 1 : 0, span);
        }
        return op == BinaryOp.EQ ? all : new Typed.Not(all, span);
    }

    private Typed.Expr pointers(BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        if (left.type() instanceof Type.Pointer
                && right.type().isInteger()
                && (op == BinaryOp.ADD || op == BinaryOp.SUB)) {
            return new Typed.PointerMove(left, expressions.to64(right), op == BinaryOp.SUB, left.type(), span);
        }
        if (right.type() instanceof Type.Pointer && left.type().isInteger() && op == BinaryOp.ADD) {
            return new Typed.PointerMove(right, expressions.to64(left), false, right.type(), span);
        }
        boolean bitwise =
                op == BinaryOp.BIT_AND || op == BinaryOp.BIT_OR || op == BinaryOp.BIT_XOR || op == BinaryOp.SHR;
        if (bitwise && left.type() instanceof Type.Pointer && right.type().isInteger()) {
            return new Typed.Arithmetic(op, expressions.to64(left), expressions.to64(right), Type.UINT64, span);
        }
        throw new CheckError(
                "type-mismatch",
                span,
                "The " + op.text() + " operator can not be used on expressions of types '"
                        + left.type().display() + "', '" + right.type().display() + "'");
    }
}
