package skep.c.check;

import java.util.Optional;
import skep.btf.BtfType;
import skep.c.parse.Expr;

/** Constant expressions of integers (C11 6.6), in the types that C gives them: {@code ~0u} is 0xffffffff. */
final class ConstantEvaluator {
    private final TypeLayout layout;

    ConstantEvaluator(TypeLayout layout) {
        this.layout = layout;
    }

    /** A number as its type holds it: sign- or zero-extended to 64 bits. */
    private record Constant(long value, int bits, boolean unsigned) {
        static Constant of(long value, int bits, boolean unsigned) {
            if (bits >= 64) {
                return new Constant(value, 64, unsigned);
            }
            int shift = 64 - bits;
            return new Constant(unsigned ? value << shift >>> shift : value << shift >> shift, bits, unsigned);
        }

        static Constant truth(boolean value) {
            return new Constant(value ? 1 : 0, 32, false);
        }

        Constant promoted() {
            return bits < 32 ? new Constant(value, 32, false) : this;
        }
    }

    Optional<Long> evaluate(Expr expr) {
        return constant(expr).map(Constant::value);
    }

    private Optional<Constant> constant(Expr expr) {
        return switch (expr) {
            case Expr.IntLiteral i -> Optional.of(literal(i));
            case Expr.CharLiteral c -> Optional.of(new Constant(c.value(), 32, false));
            case Expr.Name n -> layout.enumerator(n.name()).map(ConstantEvaluator::enumerator);
            case Expr.Unary u -> constant(u.operand()).flatMap(a -> unary(u.op(), a.promoted()));
            case Expr.Binary b when b.op().equals("&&") || b.op().equals("||") -> logical(b);
            case Expr.Binary b ->
                constant(b.left()).flatMap(x -> constant(b.right()).flatMap(y -> binary(b.op(), x, y)));
            case Expr.Conditional c ->
                constant(c.condition())
                        .flatMap(v -> v.value != 0
                                ? c.then().map(this::constant).orElse(Optional.of(v))
                                : constant(c.otherwise()));
            case Expr.Cast c -> constant(c.operand()).flatMap(v -> cast(v, layout.idOf(c.type())));
            case Expr.SizeOfType s -> size(layout.size(layout.idOf(s.type())));
            case Expr.AlignOf a -> size(layout.align(layout.idOf(a.type())));
            case Expr.OffsetOf o -> offset(o).flatMap(ConstantEvaluator::size);
            case Expr.SizeOf s ->
                s.operand() instanceof Expr.StringLiteral text
                        ? size(text.bytes().length + 1L)
                        : layout.typeOf(s.operand()).map(layout::size).flatMap(ConstantEvaluator::size);
            default -> Optional.empty();
        };
    }

    private static Optional<Constant> size(long bytes) {
        return Optional.of(new Constant(bytes, 64, true));
    }

    private static Constant literal(Expr.IntLiteral i) {
        boolean fitsInt = i.longs() == 0 && i.value() == (int) i.value() && i.value() >= 0;
        boolean fitsHalf = i.longs() == 0 && i.value() >>> 32 == 0;
        if (i.unsigned()) {
            return new Constant(i.value(), fitsHalf ? 32 : 64, true);
        }
        return fitsInt
                ? new Constant(i.value(), 32, false)
                : new Constant(i.value(), fitsHalf && !i.decimal() ? 32 : 64, fitsHalf && !i.decimal());
    }

    private static Constant enumerator(long value) {
        return value == (int) value
                ? new Constant(value, 32, false)
                : value >>> 32 == 0 ? new Constant(value, 32, true) : new Constant(value, 64, false);
    }

    private static Optional<Constant> unary(String op, Constant a) {
        return switch (op) {
            case "-" -> Optional.of(Constant.of(-a.value, a.bits, a.unsigned));
            case "+" -> Optional.of(a);
            case "~" -> Optional.of(Constant.of(~a.value, a.bits, a.unsigned));
            case "!" -> Optional.of(Constant.truth(a.value == 0));
            default -> Optional.empty();
        };
    }

    /** The right side does not matter where the left one decides. */
    private Optional<Constant> logical(Expr.Binary b) {
        boolean and = b.op().equals("&&");
        return constant(b.left())
                .flatMap(x -> (x.value != 0) != and
                        ? Optional.of(Constant.truth(!and))
                        : constant(b.right()).map(y -> Constant.truth(y.value != 0)));
    }

    private static Optional<Constant> binary(String op, Constant left, Constant right) {
        var x = left.promoted();
        var y = right.promoted();
        if (op.equals(",")) {
            return Optional.of(right);
        }
        if (op.equals("<<") || op.equals(">>")) {
            int count = (int) y.value & 63;
            long value = op.equals("<<") ? x.value << count : x.unsigned ? x.value >>> count : x.value >> count;
            return Optional.of(Constant.of(value, x.bits, x.unsigned));
        }
        int bits = Math.max(x.bits, y.bits);
        boolean unsigned = x.bits == y.bits ? x.unsigned || y.unsigned : x.bits > y.bits ? x.unsigned : y.unsigned;
        long a = Constant.of(x.value, bits, unsigned).value;
        long b = Constant.of(y.value, bits, unsigned).value;
        int order = unsigned ? Long.compareUnsigned(a, b) : Long.compare(a, b);
        if ((op.equals("/") || op.equals("%")) && b == 0) {
            return Optional.empty();
        }
        return switch (op) {
            case "+" -> Optional.of(Constant.of(a + b, bits, unsigned));
            case "-" -> Optional.of(Constant.of(a - b, bits, unsigned));
            case "*" -> Optional.of(Constant.of(a * b, bits, unsigned));
            case "/" -> Optional.of(Constant.of(unsigned ? Long.divideUnsigned(a, b) : a / b, bits, unsigned));
            case "%" -> Optional.of(Constant.of(unsigned ? Long.remainderUnsigned(a, b) : a % b, bits, unsigned));
            case "&" -> Optional.of(Constant.of(a & b, bits, unsigned));
            case "|" -> Optional.of(Constant.of(a | b, bits, unsigned));
            case "^" -> Optional.of(Constant.of(a ^ b, bits, unsigned));
            case "==" -> Optional.of(Constant.truth(a == b));
            case "!=" -> Optional.of(Constant.truth(a != b));
            case "<" -> Optional.of(Constant.truth(order < 0));
            case ">" -> Optional.of(Constant.truth(order > 0));
            case "<=" -> Optional.of(Constant.truth(order <= 0));
            case ">=" -> Optional.of(Constant.truth(order >= 0));
            default -> Optional.empty();
        };
    }

    private Optional<Constant> cast(Constant a, int type) {
        return switch (layout.type(resolved(type))) {
            case BtfType.Int i
            when i.encoding() == BtfType.Int.Encoding.BOOL -> Optional.of(new Constant(a.value != 0 ? 1 : 0, 8, true));
            case BtfType.Int i when i.sizeBytes() > 8 -> Optional.empty();
            case BtfType.Int i -> Optional.of(Constant.of(a.value, 8 * i.sizeBytes(), !i.isSigned()));
            case BtfType.Enumeration e -> Optional.of(Constant.of(a.value, 8 * e.sizeBytes(), !e.signed()));
            // A pointer that is a number; reading through it is another matter.
            case BtfType.Pointer p -> Optional.of(new Constant(a.value, 64, true));
            default -> Optional.empty();
        };
    }

    /** Walks {@code a.b[1]} from the type. */
    private Optional<Long> offset(Expr.OffsetOf o) {
        return place(layout.idOf(o.type()), o.member()).map(Place::offset);
    }

    private record Place(int type, long offset) {}

    private Optional<Place> place(int type, Expr member) {
        return switch (member) {
            case Expr.Name n -> field(type, n.name(), 0);
            case Expr.Member m -> place(type, m.base()).flatMap(p -> field(p.type, m.name(), p.offset));
            case Expr.Index i ->
                place(type, i.array()).flatMap(p -> evaluate(i.index()).flatMap(n -> element(p, n)));
            default -> Optional.empty();
        };
    }

    private Optional<Place> element(Place p, long index) {
        return layout.type(resolved(p.type)) instanceof BtfType.Array a
                ? Optional.of(new Place(a.elementId(), p.offset + index * layout.size(a.elementId())))
                : Optional.empty();
    }

    private Optional<Place> field(int type, String name, long base) {
        if (!(layout.type(resolved(type)) instanceof BtfType.Composite c)) {
            return Optional.empty();
        }
        for (var member : c.members()) {
            long at = base + member.offsetBits() / 8;
            if (member.name().equals(name)) {
                return Optional.of(new Place(member.typeId(), at));
            }
            if (member.name().isEmpty()) {
                var inner = field(member.typeId(), name, at);
                if (inner.isPresent()) {
                    return inner;
                }
            }
        }
        return Optional.empty();
    }

    private int resolved(int type) {
        return switch (layout.type(type)) {
            case BtfType.Typedef t -> resolved(t.typeId());
            case BtfType.Qualified q -> resolved(q.typeId());
            case BtfType.TypeTag t -> resolved(t.typeId());
            default -> type;
        };
    }
}
