package skep.c.lower;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import skep.c.check.NearestName;
import skep.c.check.Types;
import skep.c.lower.Operand.Place;
import skep.c.lower.Operand.Scalar;
import skep.c.parse.Expr;
import skep.c.parse.TranslationUnit.FunctionDefinition;
import skep.ir.BinaryOp;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.Region;
import skep.ir.Type;
import skep.ir.Value;
import skep.isa.AtomicOp;
import skep.isa.kernel.Helper;
import skep.isa.kernel.HelperPrototype;

/** Calls: of functions of the source, of the compiler's own functions, of helpers by their name {@code bpf_…}. */
final class Builtins {
    private static final int MAX_COMPARED_BYTES = 256;

    private final Lowering lowering;
    private final FunctionBuilder b;
    private final Types types;

    Builtins(Lowering lowering) {
        this.lowering = lowering;
        this.b = lowering.b;
        this.types = lowering.types;
    }

    Operand call(Expr.Call e) {
        if (e.function() instanceof Expr.Member m
                && m.base() instanceof Expr.Name table
                && lowering.find(table.name()).isEmpty()
                && lowering.dialect.name(table.name()).isPresent()) {
            var result = lowering.dialect.method(lowering, table.name(), m.name(), e);
            if (result.isPresent()) {
                return result.get();
            }
            lowering.error(
                    m.span(),
                    "invalid bpf_table operation " + m.name(),
                    NearestName.of(m.name(), lowering.dialect.methods())
                            .map(n -> "did you mean '" + n + "'?")
                            .orElse(""));
            return lowering.nothing(types.signedInt);
        }
        if (!(e.function() instanceof Expr.Name name)) {
            var operand = lowering.value(e.function());
            lowering.error(
                    e.span(),
                    "called object type '" + types.name(operand.type()) + "' is not a function or function pointer");
            return lowering.nothing(types.signedInt);
        }
        if (lowering.find(name.name()).isPresent()) {
            int type = lowering.find(name.name()).get().type();
            lowering.error(
                    e.span(), "called object type '" + types.name(type) + "' is not a function or function pointer");
            return lowering.nothing(types.signedInt);
        }
        var function = lowering.unit.functions().get(name.name());
        if (function != null) {
            return lowering.call(function, e.args(), e.span());
        }
        return builtin(name.name(), e)
                .or(() -> lowering.dialect.call(lowering, name.name(), e))
                .or(() -> helper(name.name(), e))
                .orElseGet(() -> unknown(name, e));
    }

    private Operand unknown(Expr.Name name, Expr.Call e) {
        e.args().forEach(a -> lowering.expressions.discard(a));
        var known = new ArrayList<>(lowering.unit.functions().keySet());
        Stream.of(Helper.values()).forEach(h -> known.add("bpf_" + h.kernelName()));
        lowering.dialect.functions().forEach(known::add);
        lowering.error(
                name.span(),
                "call to undeclared function '" + name.name()
                        + "'; ISO C99 and later do not support implicit function declarations",
                NearestName.of(name.name(), known)
                        .map(n -> "did you mean '" + n + "'?")
                        .orElse(""));
        return lowering.nothing(types.signedInt);
    }

    private Optional<Operand> builtin(String name, Expr.Call e) {
        var args = e.args();
        return switch (name) {
            case "__builtin_memcpy", "memcpy", "__builtin_memmove", "memmove" ->
                checked(e, 3).map(c -> copy(e));
            case "__builtin_memset", "memset" -> checked(e, 3).map(c -> set(e));
            case "__builtin_memcmp", "memcmp", "__builtin_bcmp" -> checked(e, 3).map(c -> compare(e));
            case "__builtin_expect" -> checked(e, 2).map(c -> lowering.value(args.getFirst()));
            case "__builtin_constant_p" ->
                checked(e, 1)
                        .map(c -> number(lowering.constantOf(args.getFirst()).isPresent() ? 1 : 0));
            case "__builtin_bswap16" -> checked(e, 1).map(c -> swap(16, args.getFirst()));
            case "__builtin_bswap32" -> checked(e, 1).map(c -> swap(32, args.getFirst()));
            case "__builtin_bswap64" -> checked(e, 1).map(c -> swap(64, args.getFirst()));
            case "__builtin_preserve_access_index" -> checked(e, 1).map(c -> lowering.value(args.getFirst()));
            case "__builtin_unreachable", "__builtin_trap" -> {
                b.ret(b.i64(0));
                yield Optional.of(lowering.nothing(Types.VOID));
            }
            case "__builtin_strlen", "strlen" ->
                checked(e, 1)
                        .filter(c -> args.getFirst() instanceof Expr.StringLiteral)
                        .map(c -> lowering.number(
                                types.unsignedLong, ((Expr.StringLiteral) args.getFirst()).bytes().length));
            case "__sync_fetch_and_add",
                    "__sync_fetch_and_sub",
                    "__sync_fetch_and_or",
                    "__sync_fetch_and_and",
                    "__sync_fetch_and_xor",
                    "__sync_lock_test_and_set",
                    "__atomic_fetch_add",
                    "__atomic_fetch_sub",
                    "__atomic_fetch_or",
                    "__atomic_fetch_and",
                    "__atomic_fetch_xor",
                    "__atomic_exchange_n" -> Optional.of(atomic(name.substring(name.lastIndexOf('_') + 1), false, e));
            case "__sync_add_and_fetch", "__sync_sub_and_fetch" ->
                Optional.of(atomic(name.contains("add") ? "add" : "sub", true, e));
            case "__atomic_add_fetch", "__atomic_sub_fetch" ->
                Optional.of(atomic(name.contains("add") ? "add" : "sub", true, e));
            case "__sync_val_compare_and_swap" -> checked(e, 3).map(c -> exchange(e, false));
            case "__sync_bool_compare_and_swap" -> checked(e, 3).map(c -> exchange(e, true));
            case "__sync_synchronize", "barrier" -> Optional.of(lowering.nothing(Types.VOID));
            case "__atomic_load_n" -> Optional.of(lowering.expressions.value(pointee(args.getFirst())));
            case "__atomic_store_n" -> {
                var place = pointee(args.getFirst());
                lowering.store(place, lowering.expressions.converted(args.get(1), place.type(), "assigning", ""));
                yield Optional.of(lowering.nothing(Types.VOID));
            }
            default -> Optional.empty();
        };
    }

    private Operand number(long number) {
        return lowering.number(types.signedInt, number);
    }

    private Optional<Expr.Call> checked(Expr.Call e, int count) {
        if (e.args().size() == count) {
            return Optional.of(e);
        }
        lowering.error(
                e.span(),
                "too " + (e.args().size() < count ? "few" : "many") + " arguments to function call, expected " + count
                        + ", have " + e.args().size());
        return Optional.empty();
    }

    // Memory

    /** The memory that an argument points to, with what is known of its alignment. */
    Place pointee(Expr expr) {
        return switch (expr) {
            case Expr.Cast c
            when types.isPointer(types.layout.idOf(c.type())) -> {
                var inner = pointee(c.operand());
                yield types.isVoid(types.pointee(types.layout.idOf(c.type())))
                        ? inner
                        : inner.as(types.pointee(types.layout.idOf(c.type())));
            }
            case Expr.Unary u when u.op().equals("&") && lowering.lower(u.operand()) instanceof Place p -> p;
            default -> {
                var operand = lowering.lower(expr);
                if (operand instanceof Place p && types.isArray(p.type())) {
                    yield p;
                }
                var value = lowering.expressions.value(operand);
                if (value instanceof Scalar s) {
                    var pointer = lowering.arithmetic.convert(s, types.voidPointer);
                    yield new Place(types.pointee(s.type()), pointer.value(), 0);
                }
                lowering.error(
                        expr.span(),
                        "passing '" + types.name(value.type()) + "' to parameter of incompatible type 'void *'");
                yield lowering.temporary("missing", types.unsignedLong);
            }
        };
    }

    private Operand copy(Expr.Call e) {
        var size = sizeOf(e.args().get(2));
        var target = lowering.expressions.near(pointee(e.args().getFirst()));
        var source = lowering.expressions.near(pointee(e.args().get(1)));
        int align = Math.min(lowering.expressions.alignment(target), lowering.expressions.alignment(source));
        b.copy(target.base(), (int) target.offset(), source.base(), (int) source.offset(), size, align);
        return new Scalar(types.voidPointer, lowering.address(target));
    }

    private int sizeOf(Expr expr) {
        var size = lowering.constantOf(expr).or(() -> {
            var value = lowering.value(expr);
            return value instanceof Scalar s
                    ? Optional.ofNullable(lowering.constants.get(s.value()))
                    : Optional.empty();
        });
        if (size.isEmpty() || size.get() < 0 || size.get() > 1 << 20) {
            lowering.error(expr.span(), "the size must be a constant: there is no such function in the kernel");
            return 0;
        }
        return (int) (long) size.get();
    }

    private Operand set(Expr.Call e) {
        int size = sizeOf(e.args().get(2));
        var target = lowering.expressions.near(pointee(e.args().getFirst()));
        var value = lowering.constantOf(e.args().get(1));
        if (value.isPresent() && (value.get() & 0xff) == 0) {
            b.zero(target.base(), (int) target.offset(), size, lowering.expressions.alignment(target));
        } else {
            var octet = b.resize(Type.I8, false, lowering.argument(e.args().get(1)));
            for (int i = 0; i < size; i++) {
                b.store(target.base(), (int) target.offset() + i, octet);
            }
        }
        return new Scalar(types.voidPointer, lowering.address(target));
    }

    private Operand compare(Expr.Call e) {
        int size = sizeOf(e.args().get(2));
        if (size > MAX_COMPARED_BYTES) {
            lowering.error(e.span(), "at most " + MAX_COMPARED_BYTES + " bytes can be compared");
            return number(0);
        }
        var left = lowering.expressions.near(pointee(e.args().getFirst()));
        var right = lowering.expressions.near(pointee(e.args().get(1)));
        var after = b.newBlock(Type.I32);
        for (int i = 0; i < size; i++) {
            var x = b.zext(Type.I32, b.load(Type.I8, left.base(), (int) left.offset() + i));
            var y = b.zext(Type.I32, b.load(Type.I8, right.base(), (int) right.offset() + i));
            var next = b.newBlock();
            b.branch(b.compare(CompareOp.NE, x, y), after, List.of(b.binary(BinaryOp.SUB, x, y)), next, List.of());
            b.enter(next);
        }
        b.jump(after, b.i32(0));
        b.enter(after);
        return new Scalar(types.signedInt, after.param(0));
    }

    private Operand swap(int bits, Expr expr) {
        int type = types.layout.basic(bits == 16 ? "unsigned short" : bits == 32 ? "unsigned int" : "unsigned long");
        var value = ((Scalar) lowering.expressions.converted(expr, type, "passing", "")).value();
        return new Scalar(type, b.swapBytes(bits, value));
    }

    // Atomic operations

    private Operand atomic(String op, boolean after, Expr.Call e) {
        if (e.args().size() < 2) {
            lowering.error(
                    e.span(),
                    "too few arguments to function call, expected 2, have "
                            + e.args().size());
            return number(0);
        }
        var place = lowering.expressions.near(pointee(e.args().getFirst()));
        if (!types.isScalar(place.type()) || types.size(place.type()) < 4) {
            lowering.error(
                    e.span(),
                    "address argument to atomic builtin must be a pointer to an integer of 4 or 8 bytes ('"
                            + types.name(types.pointerTo(place.type())) + "' invalid)");
            return number(0);
        }
        var value = ((Scalar) lowering.expressions.converted(e.args().get(1), place.type(), "passing", "")).value();
        var number = value.type().isPointer() ? b.ptrToInt(value) : value;
        var operand = op.equals("sub") ? b.neg(number) : number;
        var kind = switch (op) {
            case "or" -> AtomicOp.OR;
            case "and" -> AtomicOp.AND;
            case "xor" -> AtomicOp.XOR;
            case "set", "n" -> AtomicOp.XCHG;
            default -> AtomicOp.ADD;
        };
        var old = b.atomic(kind, place.base(), (int) place.offset(), operand);
        return new Scalar(place.type(), after ? b.add(old, operand) : old);
    }

    private Operand exchange(Expr.Call e, boolean asTruth) {
        var place = lowering.expressions.near(pointee(e.args().getFirst()));
        var expected = ((Scalar) lowering.expressions.converted(e.args().get(1), place.type(), "passing", "")).value();
        var value = ((Scalar) lowering.expressions.converted(e.args().get(2), place.type(), "passing", "")).value();
        var old = b.compareExchange(place.base(), (int) place.offset(), expected, value);
        return asTruth
                ? new Scalar(types.signedInt, b.compare(CompareOp.EQ, old, expected))
                : new Scalar(place.type(), old);
    }

    // Packets

    /** A number of 1, 2, 4 or 8 bytes from the packet of the program's context; outside of the packet the program ends. */
    Value packetBytes(Value offset, int size) {
        return packetBytes(b.param(0), offset, size);
    }

    Value packetBytes(Value context, Value offset, int size) {
        var memory = b.slot(8, "packet");
        var failed = b.helper(Type.I64, Helper.SKB_LOAD_BYTES, context, offset, memory, b.i64(size));
        var good = b.newBlock();
        var bad = b.newBlock();
        b.branch(b.compare(CompareOp.EQ, failed, 0), good, bad);
        b.enter(bad);
        b.ret(b.i64(0));
        b.enter(good);
        var value = b.load(Type.ofBytes(size), memory, 0);
        return size == 1 ? value : b.swapBytes(8 * size, value);
    }

    // Helpers

    private Optional<Operand> helper(String name, Expr.Call e) {
        if (!name.startsWith("bpf_")) {
            return Optional.empty();
        }
        Helper helper;
        try {
            helper = Helper.valueOf(name.substring(4).toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException none) {
            return Optional.empty();
        }
        int expected = helper.prototype().parameters().size();
        boolean variadic = helper == Helper.TRACE_PRINTK;
        if (e.args().size() < expected || e.args().size() > (variadic ? 5 : expected)) {
            lowering.error(
                    e.span(),
                    "too " + (e.args().size() < expected ? "few" : "many") + " arguments to function call, expected "
                            + expected + ", have " + e.args().size());
            return Optional.of(lowering.nothing(types.signedInt));
        }
        var args = new Value[e.args().size()];
        for (int i = 0; i < args.length; i++) {
            boolean callback =
                    i < expected && helper.prototype().parameters().get(i).kind() == HelperPrototype.Kind.FUNCTION;
            args[i] = callback
                    ? callback(e.args().get(i))
                    : lowering.argument(e.args().get(i));
        }
        lowering.at(e.span());
        return Optional.of(result(helper, args));
    }

    Operand result(Helper helper, Value... args) {
        return switch (helper.prototype().result().kind()) {
            case VOID -> {
                b.helper(Type.I64, helper, args);
                yield lowering.nothing(Types.VOID);
            }
            case INTEGER -> {
                int type = resultType(helper);
                var value = b.helper(Type.I64, helper, args);
                yield new Scalar(type, b.trunc(types.ir(type), value));
            }
            case MAP_VALUE ->
                new Scalar(
                        types.voidPointer,
                        Lowering.generic(b, b.helper(Type.nullable(Region.MAP_VALUE), helper, args)));
            case RINGBUF_MEMORY ->
                new Scalar(
                        types.voidPointer, Lowering.generic(b, b.helper(Type.nullable(Region.RINGBUF), helper, args)));
            default -> {
                var struct = helper.prototype().result().struct();
                int type = struct.isEmpty()
                        ? types.voidPointer
                        : types.structure(struct).map(types::pointerTo).orElse(types.voidPointer);
                yield new Scalar(type, Lowering.generic(b, b.helper(Type.nullable(Region.BTF), helper, args)));
            }
        };
    }

    private int resultType(Helper helper) {
        return switch (helper) {
            case KTIME_GET_NS,
                    KTIME_GET_BOOT_NS,
                    KTIME_GET_COARSE_NS,
                    KTIME_GET_TAI_NS,
                    GET_CURRENT_PID_TGID,
                    GET_CURRENT_UID_GID,
                    GET_CURRENT_TASK,
                    GET_CURRENT_CGROUP_ID,
                    GET_CURRENT_ANCESTOR_CGROUP_ID,
                    SKB_CGROUP_ID,
                    SKB_ANCESTOR_CGROUP_ID,
                    GET_SOCKET_COOKIE,
                    GET_NETNS_COOKIE,
                    JIFFIES64,
                    GET_FUNC_IP,
                    GET_ATTACH_COOKIE,
                    PERF_EVENT_READ,
                    XDP_GET_BUFF_LEN -> types.unsignedLong;
            case GET_PRANDOM_U32, GET_SMP_PROCESSOR_ID, GET_HASH_RECALC, GET_CGROUP_CLASSID -> types.unsignedInt;
            case CSUM_DIFF, STRTOL, STRTOUL, RINGBUF_QUERY, LOOP, FOR_EACH_MAP_ELEM, GET_FUNC_ARG_CNT ->
                types.signedLong;
            default -> types.signedInt;
        };
    }

    /** A function that a helper calls back becomes a function of the module. */
    private Value callback(Expr expr) {
        var named = expr instanceof Expr.Unary u && u.op().equals("&") ? u.operand() : expr;
        if (!(named instanceof Expr.Name n) || !lowering.unit.functions().containsKey(n.name())) {
            lowering.error(expr.span(), "expected the name of a function");
            return b.i64(0);
        }
        var function = lowering.unit.functions().get(n.name());
        if (lowering.callbacks.add(n.name())) {
            lower(function);
        }
        return b.functionRef(n.name());
    }

    private void lower(FunctionDefinition function) {
        var parameters = new ArrayList<Type>();
        for (var parameter : function.type().parameters()) {
            var ir = types.ir(types.layout.idOf(parameter.type()));
            parameters.add(ir.isPointer() ? ir : Type.I64);
        }
        var builder = lowering.module.function(function.name(), Type.I64, parameters, function.span());
        var inner = new Lowering(builder, lowering.module, lowering.unit, lowering.dialect, lowering.diagnostics);
        inner.callbacks.addAll(lowering.callbacks);
        var values = new ArrayList<Operand>();
        for (int i = 0; i < parameters.size(); i++) {
            int type = types.layout.idOf(function.type().parameters().get(i).type());
            values.add(new Scalar(
                    type,
                    types.ir(type).isPointer() ? builder.param(i) : builder.trunc(types.ir(type), builder.param(i))));
        }
        inner.program(function, values);
        types.layout.typeOf(e -> lowering.silently(() -> lowering.lower(e).type()));
    }
}
