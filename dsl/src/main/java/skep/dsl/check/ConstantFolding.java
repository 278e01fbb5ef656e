package skep.dsl.check;

import java.math.BigInteger;
import java.util.Optional;
import skep.dsl.Type;
import skep.dsl.ast.Expr.BinaryOp;
import skep.source.Span;

/** Arithmetic on literals, exact: what does not fit into 64 bits is a mistake. */
final class ConstantFolding {
    private ConstantFolding() {}

    private static final BigInteger MAX_UNSIGNED = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
    private static final BigInteger MIN_SIGNED = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger MAX_SIGNED = BigInteger.valueOf(Long.MAX_VALUE);

    /** The result, or empty if it has to be computed at run time. */
    static Optional<Typed.Expr> fold(BinaryOp op, Typed.IntConst left, Typed.IntConst right, Span span) {
        if (!(left.type().isInteger() && right.type().isInteger())) {
            return Optional.empty();
        }
        var a = exact(left);
        var b = exact(right);
        if (op.isComparison()) {
            int order = a.compareTo(b);
            boolean holds = switch (op) {
                case EQ -> order == 0;
                case NE -> order != 0;
                case LT -> order < 0;
                case GT -> order > 0;
                case LE -> order <= 0;
                default -> order >= 0;
            };
            return Optional.of(new Typed.IntConst(Type.BOOL, holds ? 1 : 0, span));
        }
        if ((op == BinaryOp.DIV || op == BinaryOp.MOD) && b.signum() == 0) {
            throw new CheckError("division", span, "unable to fold: division by zero");
        }
        if (op == BinaryOp.SHL || op == BinaryOp.SHR) {
            return Optional.of(shift(op, left, right, span));
        }
        boolean unsigned = isUnsigned(left) || isUnsigned(right);
        if ((op == BinaryOp.BIT_AND || op == BinaryOp.BIT_OR || op == BinaryOp.BIT_XOR)) {
            long bits = switch (op) {
                case BIT_AND -> left.value() & right.value();
                case BIT_OR -> left.value() | right.value();
                default -> left.value() ^ right.value();
            };
            return Optional.of(
                    constant(unsigned && bits < 0 ? unsignedValue(bits) : BigInteger.valueOf(bits), left, right, span));
        }
        var result = switch (op) {
            case ADD -> a.add(b);
            case SUB -> a.subtract(b);
            case MUL -> a.multiply(b);
            case DIV -> a.divide(b);
            default -> a.remainder(b);
        };
        if (result.compareTo(MAX_UNSIGNED) > 0
                || result.signum() > 0 && result.compareTo(MAX_SIGNED) > 0 && !unsigned) {
            throw new CheckError("overflow", span, "overflow: " + a + " " + op.text() + " " + b);
        }
        if (result.compareTo(MIN_SIGNED) < 0) {
            throw new CheckError("overflow", span, "underflow: " + a + " " + op.text() + " " + b);
        }
        if (unsigned && (a.signum() < 0 || b.signum() < 0)) {
            // A number beyond int64 and a negative one have no type in common.
            throw new CheckError("overflow", span, "overflow: " + a + " " + op.text() + " " + b);
        }
        return Optional.of(constant(result, left, right, span));
    }

    private static Typed.Expr shift(BinaryOp op, Typed.IntConst left, Typed.IntConst right, Span span) {
        long count = right.value();
        boolean unsigned = isUnsigned(left);
        long value;
        if (count < 0 || count > 63) {
            value = op == BinaryOp.SHR && left.value() < 0 && !unsigned ? -1 : 0;
        } else if (op == BinaryOp.SHL) {
            value = left.value() << count;
        } else {
            value = unsigned ? left.value() >>> count : left.value() >> count;
        }
        boolean big = value < 0 && (unsigned || left.value() >= 0);
        return new Typed.IntConst(big ? Type.UINT64 : Literals.smallest(value), value, span);
    }

    private static boolean isUnsigned(Typed.IntConst constant) {
        return constant.type() instanceof Type.Int i && !i.signed();
    }

    private static BigInteger unsignedValue(long bits) {
        return BigInteger.valueOf(bits).and(MAX_UNSIGNED);
    }

    private static BigInteger exact(Typed.IntConst constant) {
        return isUnsigned(constant) ? unsignedValue(constant.value()) : BigInteger.valueOf(constant.value());
    }

    private static Typed.Expr constant(BigInteger value, Typed.IntConst left, Typed.IntConst right, Span span) {
        if (left.type() instanceof Type.Bool && right.type() instanceof Type.Bool) {
            return new Typed.IntConst(Type.BOOL, value.signum() == 0 ? 0 : 1, span);
        }
        long bits = value.longValue();
        if (value.compareTo(MAX_SIGNED) > 0) {
            return new Typed.IntConst(Type.UINT64, bits, span);
        }
        int size = Math.max(declaredSize(left), declaredSize(right));
        var smallest = Literals.smallest(bits);
        return new Typed.IntConst(size > smallest.sizeBytes() ? new Type.Int(size, true) : smallest, bits, span);
    }

    private static int declaredSize(Typed.IntConst constant) {
        return constant.type() instanceof Type.Int i
                        && i.sizeBytes() > Literals.smallest(constant.value()).sizeBytes()
                ? i.sizeBytes()
                : 1;
    }
}
