package skep.ir.pass;

import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import skep.ir.BinaryOp;
import skep.ir.CastOp;
import skep.ir.CompareOp;
import skep.ir.Inst;
import skep.ir.Terminator;
import skep.ir.Type;
import skep.ir.Value;
import skep.source.Span;

/** Rules for one instruction: constants are folded, neutral operands vanish, costly operations become cheap ones. */
final class Simplifier {
    /** As an immediate it would be sign-extended. */
    private static final long LOW_WORD = 0xffff_ffffL;

    private final Map<Value, Inst.Def> definition;
    private final Adder adder;

    private Simplifier(Map<Value, Inst.Def> definition, Adder adder) {
        this.definition = definition;
        this.adder = adder;
    }

    /** What an instruction comes down to. */
    sealed interface Result {}

    /** Another value. */
    record Same(Value value) implements Result {}

    /** A number. */
    record Number(long value) implements Result {}

    /** An instruction with the same result, possibly the one it was. */
    record Changed(Inst.Def inst) implements Result {}

    /** An instruction whose result is not named yet. */
    record Operation(Type type, BiFunction<Span, Value, Inst.Def> maker) {
        Inst.Def define(Span span, Value result) {
            return maker.apply(span, result);
        }
    }

    /** Puts an instruction in front of the one at hand. */
    interface Adder {
        Value add(Span span, Operation operation);
    }

    static Result simplify(Inst.Def inst, Map<Value, Inst.Def> definition, Adder adder) {
        return new Simplifier(definition, adder).simplify(inst);
    }

    static Terminator simplify(Terminator end, Map<Value, Inst.Def> definition) {
        return switch (end) {
            case Terminator.Branch b
            when definition.get(b.condition()) instanceof Inst.Const c ->
                new Terminator.Jump(b.span(), c.value() != 0 ? b.then() : b.otherwise());
            case Terminator.Branch b when b.then().equals(b.otherwise()) -> new Terminator.Jump(b.span(), b.then());
            case Terminator.Branch b
            when definition.get(b.condition()) instanceof Inst.Binary x
                    && x.op() == BinaryOp.XOR
                    && definition.get(x.b()) instanceof Inst.Const truth
                    && truth.value() == 1 ->
                simplify(new Terminator.Branch(b.span(), x.a(), b.otherwise(), b.then()), definition);
            case Terminator.Switch s
            when definition.get(s.value()) instanceof Inst.Const c ->
                new Terminator.Jump(
                        s.span(),
                        s.cases().stream()
                                .filter(k -> k.number() == c.value())
                                .map(Terminator.Switch.Case::target)
                                .findFirst()
                                .orElse(s.otherwise()));
            case Terminator.Switch s when s.cases().isEmpty() -> new Terminator.Jump(s.span(), s.otherwise());
            default -> end;
        };
    }

    private Result simplify(Inst.Def inst) {
        return switch (inst) {
            case Inst.Binary b -> binary(b);
            case Inst.Neg n
            when number(n.a()).isPresent() -> new Number(mask(-number(n.a()).get(), n.a().type()));
            case Inst.Swap s
            when number(s.a()).isPresent() ->
                new Number(swapped(s.bits(), number(s.a()).get()));
            case Inst.Compare c -> compare(c);
            case Inst.Select s -> select(s);
            case Inst.Cast c -> cast(c);
            case Inst.PtrAdd p -> ptrAdd(p);
            default -> new Changed(inst);
        };
    }

    // Arithmetic

    private Result binary(Inst.Binary b) {
        var type = b.result().type();
        int bits = type.bits();
        var left = number(b.a());
        var right = number(b.b());
        if (left.isPresent() && right.isPresent()) {
            return new Number(mask(b.op().evaluate(Math.max(32, bits), left.get(), right.get()), type));
        }
        if (left.isPresent() && b.op().commutative()) {
            return simplify(new Inst.Binary(b.span(), b.result(), b.op(), b.b(), b.a()));
        }
        if (b.a().equals(b.b())) {
            switch (b.op()) {
                case SUB, XOR -> {
                    return new Number(0);
                }
                case AND, OR -> {
                    return new Same(b.a());
                }
                default -> {}
            }
        }
        return right.isPresent() ? withNumber(b, type, right.get()) : new Changed(b);
    }

    private Result withNumber(Inst.Binary b, Type type, long n) {
        int bits = type.bits();
        long ones = mask(-1, type);
        long shift = n & (Math.max(32, bits) - 1);
        switch (b.op()) {
            case ADD -> {
                if (n == 0) {
                    return new Same(b.a());
                }
            }
            case SUB -> {
                return n == 0 ? new Same(b.a()) : simplify(with(b, BinaryOp.ADD, mask(-n, type)));
            }
            case MUL -> {
                if (n == 0) {
                    return new Number(0);
                }
                if (n == 1) {
                    return new Same(b.a());
                }
                if (Long.bitCount(n) == 1) {
                    return simplify(with(b, BinaryOp.SHL, Long.numberOfTrailingZeros(n)));
                }
            }
            case UDIV -> {
                if (n == 0) {
                    return new Number(0);
                }
                if (n == 1) {
                    return new Same(b.a());
                }
                if (Long.bitCount(n) == 1) {
                    return simplify(with(b, BinaryOp.LSHR, Long.numberOfTrailingZeros(n)));
                }
            }
            case SDIV -> {
                if (n == 0 || n == 1) {
                    return n == 0 ? new Number(0) : new Same(b.a());
                }
            }
            case UMOD -> {
                if (n == 0) {
                    return new Same(b.a());
                }
                if (Long.bitCount(n) == 1) {
                    return simplify(with(b, BinaryOp.AND, n - 1));
                }
            }
            case SMOD -> {
                if (n == 0 || n == 1) {
                    return n == 0 ? new Same(b.a()) : new Number(0);
                }
            }
            case AND -> {
                if (n == 0) {
                    return new Number(0);
                }
                if ((possibleBits(b.a()) & ~n) == 0) {
                    return new Same(b.a());
                }
                if (n == LOW_WORD) {
                    var low = adder.add(
                            b.span(), new Operation(Type.I32, (at, r) -> new Inst.Cast(at, r, CastOp.TRUNC, b.a())));
                    return new Changed(new Inst.Cast(b.span(), b.result(), CastOp.ZEXT, low));
                }
            }
            case OR -> {
                if (n == 0 || n == ones) {
                    return n == 0 ? new Same(b.a()) : new Number(ones);
                }
            }
            case XOR -> {
                if (n == 0) {
                    return new Same(b.a());
                }
                if (type == Type.I1 && definition.get(b.a()) instanceof Inst.Compare c) {
                    return new Changed(new Inst.Compare(b.span(), b.result(), c.op().negated(), c.a(), c.b()));
                }
            }
            case SHL, LSHR, ASHR -> {
                if (shift == 0) {
                    return new Same(b.a());
                }
                if (b.op() == BinaryOp.LSHR && possibleBits(b.a()) >>> shift == 0) {
                    return new Number(0);
                }
            }
        }
        return reassociate(b, type, n);
    }

    /** {@code (x op c1) op c2}. */
    private Result reassociate(Inst.Binary b, Type type, long n) {
        if (!(definition.get(b.a()) instanceof Inst.Binary inner)
                || inner.op() != b.op()
                || number(inner.b()).isEmpty()) {
            return new Changed(b);
        }
        long first = number(inner.b()).get();
        return switch (b.op()) {
            case ADD, MUL, AND, OR, XOR ->
                simplify(with(
                        new Inst.Binary(b.span(), b.result(), b.op(), inner.a(), b.b()),
                        b.op(),
                        mask(b.op().evaluate(Math.max(32, type.bits()), first, n), type)));
            case SHL, LSHR -> {
                int width = type.bits();
                long sum = (first & (width - 1)) + (n & (width - 1));
                yield sum >= width
                        ? new Number(0)
                        : simplify(with(new Inst.Binary(b.span(), b.result(), b.op(), inner.a(), b.b()), b.op(), sum));
            }
            default -> new Changed(b);
        };
    }

    private Inst.Binary with(Inst.Binary b, BinaryOp op, long n) {
        return new Inst.Binary(b.span(), b.result(), op, b.a(), constant(b.span(), b.a().type(), n));
    }

    /** Which bits may be set; used only where the verifier knows it too. */
    private long possibleBits(Value value) {
        var type = value.type();
        return switch (definition.get(value)) {
            case Inst.Load l when !l.signed() -> mask(-1, Type.ofBytes(l.size().bytes()));
            case Inst.Cast c when c.op() == CastOp.ZEXT -> possibleBits(c.a());
            case Inst.Cast c when c.op() == CastOp.TRUNC -> mask(possibleBits(c.a()), type);
            case Inst.Binary b
            when b.op() == BinaryOp.AND && number(b.b()).isPresent() ->
                number(b.b()).get() & possibleBits(b.a());
            case Inst.Binary b
            when b.op() == BinaryOp.LSHR && number(b.b()).isPresent() ->
                possibleBits(b.a()) >>> (number(b.b()).get() & (type.bits() - 1));
            case Inst.Const c -> c.value();
            case null, default -> mask(-1, type);
        };
    }

    private static long swapped(int bits, long n) {
        return switch (bits) {
            case 16 -> Short.toUnsignedLong(Short.reverseBytes((short) n));
            case 32 -> Integer.toUnsignedLong(Integer.reverseBytes((int) n));
            default -> Long.reverseBytes(n);
        };
    }

    // Comparisons

    private Result compare(Inst.Compare c) {
        var left = number(c.a());
        var right = number(c.b());
        int bits = c.a().type().bits();
        if (left.isPresent() && right.isPresent()) {
            return new Number(c.op().evaluate(bits, left.get(), right.get()) ? 1 : 0);
        }
        if (left.isPresent()) {
            return simplify(new Inst.Compare(c.span(), c.result(), c.op().swapped(), c.b(), c.a()));
        }
        if (c.a().equals(c.b())) {
            return new Number(c.op().evaluate(bits, 0, 0) ? 1 : 0);
        }
        if (right.isEmpty()) {
            return new Changed(c);
        }
        long n = right.get();
        switch (c.op()) {
            case ULT -> {
                if (n == 0) {
                    return new Number(0);
                }
                if (n == 1) {
                    return simplify(against(c, CompareOp.EQ, 0));
                }
            }
            case UGE -> {
                if (n == 0) {
                    return new Number(1);
                }
                if (n == 1) {
                    return simplify(against(c, CompareOp.NE, 0));
                }
            }
            case UGT -> {
                if (n == 0) {
                    return simplify(against(c, CompareOp.NE, 0));
                }
            }
            case ULE -> {
                if (n == 0) {
                    return simplify(against(c, CompareOp.EQ, 0));
                }
            }
            case EQ, NE -> {
                return equality(c, n);
            }
            default -> {}
        }
        return new Changed(c);
    }

    private Inst.Compare against(Inst.Compare c, CompareOp op, long n) {
        return new Inst.Compare(c.span(), c.result(), op, c.a(), constant(c.span(), c.a().type(), n));
    }

    /** A truth value compared with 0 or 1 is itself or its opposite. */
    private Result equality(Inst.Compare c, long n) {
        var truth = c.a();
        while (definition.get(truth) instanceof Inst.Cast cast && cast.op() == CastOp.ZEXT) {
            truth = cast.a();
        }
        if (truth.type() != Type.I1) {
            return new Changed(c);
        }
        if (n != 0 && n != 1) {
            return new Number(c.op() == CompareOp.NE ? 1 : 0);
        }
        if ((c.op() == CompareOp.EQ) == (n == 1)) {
            return new Same(truth);
        }
        return simplify(new Inst.Binary(c.span(), c.result(), BinaryOp.XOR, truth, constant(c.span(), Type.I1, 1)));
    }

    private Result select(Inst.Select s) {
        var condition = number(s.condition());
        if (condition.isPresent()) {
            return new Same(condition.get() != 0 ? s.a() : s.b());
        }
        if (s.a().equals(s.b())) {
            return new Same(s.a());
        }
        var a = number(s.a());
        var b = number(s.b());
        if (a.isPresent()
                && b.isPresent()
                && a.get() == 1
                && b.get() == 0
                && !s.result().type().isPointer()) {
            return s.result().type() == Type.I1
                    ? new Same(s.condition())
                    : simplify(new Inst.Cast(s.span(), s.result(), CastOp.ZEXT, s.condition()));
        }
        if (a.isPresent() && b.isPresent() && s.result().type() == Type.I1 && b.get() == 1) {
            return simplify(
                    new Inst.Binary(s.span(), s.result(), BinaryOp.XOR, s.condition(), constant(s.span(), Type.I1, 1)));
        }
        if (definition.get(s.condition()) instanceof Inst.Binary not
                && not.op() == BinaryOp.XOR
                && number(not.b()).filter(truth -> truth == 1).isPresent()) {
            return new Changed(new Inst.Select(s.span(), s.result(), not.a(), s.b(), s.a()));
        }
        return new Changed(s);
    }

    // Conversions and addresses

    private Result cast(Inst.Cast c) {
        var to = c.result().type();
        var number = number(c.a());
        if (number.isPresent()) {
            return new Number(c.op().evaluate(c.a().type().bits(), to.bits(), number.get()));
        }
        if (c.a().type().equals(to)) {
            return new Same(c.a());
        }
        if (c.op() == CastOp.ZEXT && definition.get(c.a()) instanceof Inst.Cast inner && inner.op() == CastOp.TRUNC) {
            boolean fits = (possibleBits(inner.a()) & ~mask(-1, c.a().type())) == 0;
            if (fits) {
                return convert(c, inner.a(), false);
            }
        }
        if (!(definition.get(c.a()) instanceof Inst.Cast inner)) {
            return new Changed(c);
        }
        return switch (c.op()) {
            case TRUNC ->
                switch (inner.op()) {
                    case TRUNC, ZEXT -> convert(c, inner.a(), false);
                    case SEXT -> convert(c, inner.a(), true);
                    default -> new Changed(c);
                };
            case ZEXT -> inner.op() == CastOp.ZEXT ? convert(c, inner.a(), false) : new Changed(c);
            case SEXT ->
                switch (inner.op()) {
                    case SEXT -> convert(c, inner.a(), true);
                    case ZEXT -> convert(c, inner.a(), false);
                    default -> new Changed(c);
                };
            case PTRTOINT ->
                switch (inner.op()) {
                    case INTTOPTR -> new Same(inner.a());
                    case PTRCAST -> new Changed(new Inst.Cast(c.span(), c.result(), CastOp.PTRTOINT, inner.a()));
                    default -> new Changed(c);
                };
            case INTTOPTR ->
                inner.op() == CastOp.PTRTOINT
                        ? simplify(new Inst.Cast(c.span(), c.result(), CastOp.PTRCAST, inner.a()))
                        : new Changed(c);
            case PTRCAST ->
                inner.op() == CastOp.PTRCAST
                        ? simplify(new Inst.Cast(c.span(), c.result(), CastOp.PTRCAST, inner.a()))
                        : new Changed(c);
        };
    }

    /** The result of the cast directly from an earlier value. */
    private Result convert(Inst.Cast c, Value from, boolean signed) {
        int have = from.type().bits();
        int want = c.result().type().bits();
        if (have == want) {
            return new Same(from);
        }
        var op = have > want ? CastOp.TRUNC : signed ? CastOp.SEXT : CastOp.ZEXT;
        return simplify(new Inst.Cast(c.span(), c.result(), op, from));
    }

    private Result ptrAdd(Inst.PtrAdd p) {
        var offset = number(p.offset());
        if (offset.isEmpty()) {
            return new Changed(p);
        }
        if (offset.get() == 0) {
            return new Same(p.base());
        }
        if (definition.get(p.base()) instanceof Inst.PtrAdd inner
                && number(inner.offset()).isPresent()) {
            long sum = number(inner.offset()).get() + offset.get();
            return simplify(new Inst.PtrAdd(p.span(), p.result(), inner.base(), constant(p.span(), Type.I64, sum)));
        }
        return new Changed(p);
    }

    private Optional<Long> number(Value value) {
        return definition.get(value) instanceof Inst.Const c ? Optional.of(c.value()) : Optional.empty();
    }

    private Value constant(Span span, Type type, long n) {
        return adder.add(span, new Operation(type, (at, result) -> new Inst.Const(at, result, n)));
    }

    private static long mask(long n, Type type) {
        return type.bits() == 64 ? n : n & ((1L << type.bits()) - 1);
    }
}
