package skep.c.lower;

import skep.c.check.Types;
import skep.c.lower.Operand.Place;
import skep.c.lower.Operand.Scalar;
import skep.ir.BinaryOp;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.Region;
import skep.ir.Type;
import skep.ir.Value;
import skep.source.Span;

/** Operators on integers and pointers with C's conversions; {@code __int128} as two halves in memory. */
final class Arithmetic {
    private final Lowering lowering;
    private final FunctionBuilder b;
    private final Types types;

    Arithmetic(Lowering lowering) {
        this.lowering = lowering;
        this.b = lowering.b;
        this.types = lowering.types;
    }

    /** A scalar as another scalar type. */
    Scalar convert(Scalar s, int type) {
        var value = s.value();
        if (types.isBool(type)) {
            return new Scalar(type, b.zext(Type.I8, b.isTrue(value)));
        }
        if (types.isPointer(type)) {
            return new Scalar(
                    type,
                    value.type().isPointer()
                            ? value
                            : b.intToPtr(Region.GENERIC, b.resize(Type.I64, types.signed(s.type()), value)));
        }
        if (value.type().isPointer()) {
            return new Scalar(type, b.resize(types.ir(type), false, b.ptrToInt(value)));
        }
        return new Scalar(type, resized(s, type));
    }

    /** The number with the width of the type; a truth value is 0 or 1. */
    Value resized(Scalar s, int type) {
        var value = s.value().type().isPointer() ? b.ptrToInt(s.value()) : s.value();
        boolean signed = value.type() != Type.I1 && types.signed(s.type());
        return b.resize(Type.ofBytes((int) Math.max(1, types.size(type))), signed, value);
    }

    /** A byte offset: the index times the size of an element. */
    Value scaled(Scalar index, long size) {
        var wide = resized(index, types.signed(index.type()) ? types.signedLong : types.unsignedLong);
        return size == 1 ? wide : b.binary(BinaryOp.MUL, wide, size);
    }

    Operand unary(String op, Operand operand, Span span) {
        if (operand instanceof Place p && types.isWide(p.type()) && op.equals("~")) {
            var result = lowering.temporary("wide", p.type());
            b.store(result.base(), 0, b.not(half(p, 0)));
            b.store(result.base(), 8, b.not(half(p, 8)));
            return result;
        }
        if (!(operand instanceof Scalar s) || !types.isInteger(s.type())) {
            lowering.error(span, "invalid argument type '" + types.name(operand.type()) + "' to unary expression");
            return lowering.nothing(types.signedInt);
        }
        int type = types.promoted(s.type());
        var value = resized(s, type);
        return new Scalar(
                type,
                switch (op) {
                    case "-" -> b.neg(value);
                    case "~" -> b.not(value);
                    default -> value;
                });
    }

    Operand binary(String op, Operand left, Operand right, Span span) {
        if (lowering.isMistaken(left) || lowering.isMistaken(right)) {
            return lowering.isMistaken(left) ? left : right;
        }
        if (types.isWide(left.type()) || types.isWide(right.type())) {
            return wide(op, left, right, span);
        }
        if (left instanceof Scalar x && right instanceof Scalar y) {
            boolean xp = types.isPointer(x.type());
            boolean yp = types.isPointer(y.type());
            if (!xp && !yp && types.isInteger(x.type()) && types.isInteger(y.type())) {
                return integers(op, x, y, span);
            }
            if ((xp || yp) && !types.isVoid(x.type()) && !types.isVoid(y.type())) {
                return pointers(op, x, y, xp, yp, span);
            }
        }
        return invalid(left, right, span);
    }

    private Operand invalid(Operand left, Operand right, Span span) {
        lowering.error(
                span,
                "invalid operands to binary expression ('" + types.name(left.type()) + "' and '"
                        + types.name(right.type()) + "')");
        return lowering.nothing(types.signedInt);
    }

    private Operand integers(String op, Scalar x, Scalar y, Span span) {
        if (op.equals("<<") || op.equals(">>")) {
            int type = types.promoted(x.type());
            var value = resized(x, type);
            var count = b.resize(value.type(), false, resized(y, types.promoted(y.type())));
            var shift = op.equals("<<") ? BinaryOp.SHL : types.signed(type) ? BinaryOp.ASHR : BinaryOp.LSHR;
            return new Scalar(type, b.binary(shift, value, count));
        }
        int type = types.common(x.type(), y.type());
        var left = resized(x, type);
        var right = resized(y, type);
        boolean signed = types.signed(type);
        var compare = comparison(op, signed);
        if (compare != null) {
            return new Scalar(types.signedInt, b.compare(compare, left, right));
        }
        return new Scalar(
                type,
                switch (op) {
                    case "+" -> b.binary(BinaryOp.ADD, left, right);
                    case "-" -> b.binary(BinaryOp.SUB, left, right);
                    case "*" -> b.binary(BinaryOp.MUL, left, right);
                    case "/" -> b.binary(signed ? BinaryOp.SDIV : BinaryOp.UDIV, left, right);
                    case "%" -> b.binary(signed ? BinaryOp.SMOD : BinaryOp.UMOD, left, right);
                    case "&" -> b.binary(BinaryOp.AND, left, right);
                    case "|" -> b.binary(BinaryOp.OR, left, right);
                    case "^" -> b.binary(BinaryOp.XOR, left, right);
                    default -> throw new IllegalStateException("operator " + op + " at " + span);
                });
    }

    @org.jspecify.annotations.Nullable
    private static CompareOp comparison(String op, boolean signed) {
        return switch (op) {
            case "==" -> CompareOp.EQ;
            case "!=" -> CompareOp.NE;
            case "<" -> signed ? CompareOp.SLT : CompareOp.ULT;
            case ">" -> signed ? CompareOp.SGT : CompareOp.UGT;
            case "<=" -> signed ? CompareOp.SLE : CompareOp.ULE;
            case ">=" -> signed ? CompareOp.SGE : CompareOp.UGE;
            default -> null;
        };
    }

    private Operand pointers(String op, Scalar x, Scalar y, boolean xp, boolean yp, Span span) {
        var compare = comparison(op, false);
        if (compare != null) {
            var left = convert(x, types.voidPointer).value();
            var right = convert(y, types.voidPointer).value();
            return new Scalar(types.signedInt, b.compare(compare, left, right));
        }
        if (xp && yp && op.equals("-")) {
            var distance = b.binary(BinaryOp.SUB, b.ptrToInt(x.value()), b.ptrToInt(y.value()));
            long step = types.step(x.type());
            return new Scalar(types.signedLong, step == 1 ? distance : b.binary(BinaryOp.SDIV, distance, step));
        }
        if (xp && !yp && (op.equals("+") || op.equals("-"))) {
            var offset = scaled(y, types.step(x.type()));
            return new Scalar(x.type(), b.ptrAdd(x.value(), op.equals("+") ? offset : b.neg(offset)));
        }
        if (yp && !xp && op.equals("+")) {
            return new Scalar(y.type(), b.ptrAdd(y.value(), scaled(x, types.step(y.type()))));
        }
        return invalid(x, y, span);
    }

    // __int128

    private Value half(Place p, int offset) {
        return b.load(Type.I64, p.base(), (int) p.offset() + offset);
    }

    void storeWide(Place place, Scalar s) {
        boolean signed = types.signed(s.type()) && s.value().type() != Type.I1;
        var low = resized(s, signed ? types.signedLong : types.unsignedLong);
        b.store(place.base(), (int) place.offset(), low);
        var high = signed ? b.binary(BinaryOp.ASHR, low, 63) : b.i64(0);
        b.store(place.base(), (int) place.offset() + 8, high);
    }

    Value wideTruth(Place p) {
        return b.compare(CompareOp.NE, b.binary(BinaryOp.OR, half(p, 0), half(p, 8)), 0);
    }

    private Operand wide(String op, Operand left, Operand right, Span span) {
        int type = types.isWide(left.type()) ? left.type() : right.type();
        if (op.equals("<<") || op.equals(">>")) {
            return wideShift(op, left, right, span);
        }
        if (!(lowering.expressions.convert(left, type, span, "assigning", "") instanceof Place x)
                || !(lowering.expressions.convert(right, type, span, "assigning", "") instanceof Place y)) {
            return invalid(left, right, span);
        }
        switch (op) {
            case "==", "!=" -> {
                var low = b.binary(BinaryOp.XOR, half(x, 0), half(y, 0));
                var high = b.binary(BinaryOp.XOR, half(x, 8), half(y, 8));
                var any = b.binary(BinaryOp.OR, low, high);
                return new Scalar(types.signedInt, b.compare(op.equals("==") ? CompareOp.EQ : CompareOp.NE, any, 0));
            }
            case "&", "|", "^" -> {
                var bit = op.equals("&") ? BinaryOp.AND : op.equals("|") ? BinaryOp.OR : BinaryOp.XOR;
                return halves(type, b.binary(bit, half(x, 0), half(y, 0)), b.binary(bit, half(x, 8), half(y, 8)));
            }
            case "+" -> {
                var low = b.add(half(x, 0), half(y, 0));
                var carry = b.zext(Type.I64, b.compare(CompareOp.ULT, low, half(x, 0)));
                return halves(type, low, b.add(b.add(half(x, 8), half(y, 8)), carry));
            }
            case "-" -> {
                var borrow = b.zext(Type.I64, b.compare(CompareOp.ULT, half(x, 0), half(y, 0)));
                var high = b.binary(BinaryOp.SUB, half(x, 8), half(y, 8));
                return halves(
                        type, b.binary(BinaryOp.SUB, half(x, 0), half(y, 0)), b.binary(BinaryOp.SUB, high, borrow));
            }
            case "<", ">", "<=", ">=" -> {
                boolean signed = types.signed(type);
                var strict = comparison(op.substring(0, 1), signed);
                var lows = comparison(op, false);
                var equal = b.compare(CompareOp.EQ, half(x, 8), half(y, 8));
                var byHigh = b.compare(java.util.Objects.requireNonNull(strict), half(x, 8), half(y, 8));
                var byLow = b.compare(java.util.Objects.requireNonNull(lows), half(x, 0), half(y, 0));
                return new Scalar(types.signedInt, b.select(equal, byLow, byHigh));
            }
            default -> {
                lowering.error(span, "operator '" + op + "' on '" + types.name(type) + "' is not supported");
                return lowering.nothing(type);
            }
        }
    }

    private Place halves(int type, Value low, Value high) {
        var result = lowering.temporary("wide", type);
        b.store(result.base(), 0, low);
        b.store(result.base(), 8, high);
        return result;
    }

    /** By a number that is known while compiling. */
    private Operand wideShift(String op, Operand left, Operand right, Span span) {
        var known = right instanceof Scalar s ? lowering.constants.get(s.value()) : null;
        if (!(left instanceof Place x) || known == null) {
            lowering.error(span, "a shift of '" + types.name(left.type()) + "' needs a constant count");
            return lowering.nothing(left.type());
        }
        int count = (int) (known & 127);
        boolean signed = types.signed(x.type());
        var low = half(x, 0);
        var high = half(x, 8);
        var fill = signed ? b.binary(BinaryOp.ASHR, high, 63) : b.i64(0);
        var right64 = signed ? BinaryOp.ASHR : BinaryOp.LSHR;
        if (count == 0) {
            return x;
        }
        if (op.equals("<<")) {
            return count >= 64
                    ? halves(x.type(), b.i64(0), b.binary(BinaryOp.SHL, low, count - 64))
                    : halves(
                            x.type(),
                            b.binary(BinaryOp.SHL, low, count),
                            b.binary(
                                    BinaryOp.OR,
                                    b.binary(BinaryOp.SHL, high, count),
                                    b.binary(BinaryOp.LSHR, low, 64 - count)));
        }
        return count >= 64
                ? halves(x.type(), b.binary(right64, high, count - 64), fill)
                : halves(
                        x.type(),
                        b.binary(
                                BinaryOp.OR,
                                b.binary(BinaryOp.LSHR, low, count),
                                b.binary(BinaryOp.SHL, high, 64 - count)),
                        b.binary(right64, high, count));
    }
}
