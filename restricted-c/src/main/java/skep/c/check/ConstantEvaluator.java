package skep.c.check;

import java.util.Optional;
import skep.btf.BtfType;
import skep.c.parse.Expr;

/** Constant expressions of integers (C11 6.6), in 64 bits. */
final class ConstantEvaluator {
    private final TypeLayout layout;

    ConstantEvaluator(TypeLayout layout) {
        this.layout = layout;
    }

    Optional<Long> evaluate(Expr expr) {
        return switch (expr) {
            case Expr.IntLiteral i -> Optional.of(i.value());
            case Expr.CharLiteral c -> Optional.of(c.value());
            case Expr.Name n -> layout.enumerator(n.name());
            case Expr.Unary u -> evaluate(u.operand()).flatMap(a -> unary(u.op(), a));
            case Expr.Binary b ->
                evaluate(b.left()).flatMap(x -> evaluate(b.right()).flatMap(y -> binary(b.op(), x, y, isUnsigned(b))));
            case Expr.Conditional c ->
                evaluate(c.condition())
                        .flatMap(v ->
                                v != 0 ? c.then().map(this::evaluate).orElse(Optional.of(v)) : evaluate(c.otherwise()));
            case Expr.Cast c -> evaluate(c.operand()).map(v -> cast(v, layout.idOf(c.type())));
            case Expr.SizeOfType s -> Optional.of(layout.size(layout.idOf(s.type())));
            case Expr.AlignOf a -> Optional.of((long) layout.align(layout.idOf(a.type())));
            case Expr.OffsetOf o -> offset(o);
            case Expr.SizeOf s ->
                s.operand() instanceof Expr.StringLiteral text
                        ? Optional.of(text.bytes().length + 1L)
                        : layout.typeOf(s.operand()).map(layout::size);
            default -> Optional.empty();
        };
    }

    private static boolean isUnsigned(Expr expr) {
        return switch (expr) {
            case Expr.IntLiteral i -> i.unsigned();
            case Expr.Binary b -> isUnsigned(b.left()) || isUnsigned(b.right());
            case Expr.Unary u -> isUnsigned(u.operand());
            default -> false;
        };
    }

    private static Optional<Long> unary(String op, long a) {
        return switch (op) {
            case "-" -> Optional.of(-a);
            case "+" -> Optional.of(a);
            case "~" -> Optional.of(~a);
            case "!" -> Optional.of(a == 0 ? 1L : 0L);
            default -> Optional.empty();
        };
    }

    private static Optional<Long> binary(String op, long x, long y, boolean unsigned) {
        int order = unsigned ? Long.compareUnsigned(x, y) : Long.compare(x, y);
        return switch (op) {
            case "+" -> Optional.of(x + y);
            case "-" -> Optional.of(x - y);
            case "*" -> Optional.of(x * y);
            case "/" -> y == 0 ? Optional.empty() : Optional.of(unsigned ? Long.divideUnsigned(x, y) : x / y);
            case "%" -> y == 0 ? Optional.empty() : Optional.of(unsigned ? Long.remainderUnsigned(x, y) : x % y);
            case "<<" -> Optional.of(x << y);
            case ">>" -> Optional.of(unsigned ? x >>> y : x >> y);
            case "&" -> Optional.of(x & y);
            case "|" -> Optional.of(x | y);
            case "^" -> Optional.of(x ^ y);
            case "&&" -> Optional.of(x != 0 && y != 0 ? 1L : 0L);
            case "||" -> Optional.of(x != 0 || y != 0 ? 1L : 0L);
            case "==" -> Optional.of(x == y ? 1L : 0L);
            case "!=" -> Optional.of(x != y ? 1L : 0L);
            case "<" -> Optional.of(order < 0 ? 1L : 0L);
            case ">" -> Optional.of(order > 0 ? 1L : 0L);
            case "<=" -> Optional.of(order <= 0 ? 1L : 0L);
            case ">=" -> Optional.of(order >= 0 ? 1L : 0L);
            case "," -> Optional.of(y);
            default -> Optional.empty();
        };
    }

    private long cast(long value, int type) {
        int bits = (int) (8 * layout.size(type));
        if (bits == 0 || bits >= 64) {
            return value;
        }
        boolean signed = layout.type(type) instanceof BtfType.Int i && i.isSigned();
        return signed ? value << (64 - bits) >> (64 - bits) : value & ((1L << bits) - 1);
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
