package skep.dsl.lower;

import java.util.ArrayList;
import java.util.List;
import skep.dsl.RuntimeFault;
import skep.dsl.Type;
import skep.dsl.check.Typed;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.Region;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;

/** Values of 64 bits: arithmetic, conversions, the context and helpers. */
final class ScalarLowering {
    private final FunctionLowering lowering;
    private final FunctionBuilder f;
    private final ScriptPlan plan;

    ScalarLowering(FunctionLowering lowering) {
        this.lowering = lowering;
        this.f = lowering.f;
        this.plan = lowering.plan;
    }

    /** The value as 64 bits; a pointer into the program's own memory as a pointer. */
    Value scalar(Typed.Expr expr) {
        f.at(expr.span());
        return switch (expr) {
            case Typed.IntConst e -> f.i64(e.value());
            case Typed.Local e -> lowering.access.readScalar(lowering.place(e.variable()), e.type(), true);
            case Typed.MapGet e -> lowering.maps.read(e);
            case Typed.MapLength e -> lowering.maps.length(e);
            case Typed.NextGeneration e -> lowering.maps.nextGeneration(e);
            case Typed.HasKey e -> f.zext(skep.ir.Type.I64, lowering.maps.hasKey(e));
            case Typed.Find e -> lowering.maps.find(e);
            case Typed.Arithmetic e -> arithmetic(e);
            case Typed.Compare e -> f.zext(skep.ir.Type.I64, lowering.control.compare(e));
            case Typed.TextCompare _, Typed.Logic _, Typed.Not _ -> lowering.control.number(expr);
            case Typed.BytesCompare e -> f.zext(skep.ir.Type.I64, lowering.texts.bytesEqual(e));
            case Typed.Negate e -> f.neg(scalar(e.operand()));
            case Typed.Complement e -> f.not(scalar(e.operand()));
            case Typed.Conditional e -> conditional(e);
            case Typed.Convert e -> convert(e);
            case Typed.LocalIncrement e -> increment(e);
            case Typed.MapIncrement e -> lowering.maps.increment(e);
            case Typed.Part e -> part(e);
            case Typed.Element e -> lowering.access.readScalar(lowering.access.element(e), e.type(), false);
            case Typed.Dereference e -> lowering.access.readScalar(lowering.access.target(e), e.type(), false);
            case Typed.PointerMove e -> pointerMove(e);
            case Typed.AddressOfLocal e -> lowering.access.pointer(lowering.place(e.variable()));
            case Typed.AddressOfMap e -> lowering.maps.address(e);
            case Typed.ContextLoad e -> contextLoad(e);
            case Typed.RegisterLoad e -> {
                var registers = f.load(skep.ir.Type.ptr(Region.BTF), lowering.context(), 0);
                yield f.load(
                        skep.ir.Type.I64,
                        MemSize.ofBytes(e.type().sizeBytes()),
                        e.type().isSigned(),
                        registers,
                        e.offsetBytes());
            }
            case Typed.ContextBytes e -> dataLocation(e);
            case Typed.ContextAddress _ -> lowering.context();
            case Typed.HelperValue e -> helperValue(e);
            case Typed.Elapsed _ -> {
                plan.useElapsed();
                var now = f.helper(skep.ir.Type.I64, Helper.KTIME_GET_BOOT_NS);
                var start = f.load(skep.ir.Type.I64, f.mapValueRef(ScriptPlan.STARTED_MAP, 0), 0);
                yield f.binary(skep.ir.BinaryOp.SUB, now, start);
            }
            case Typed.Stack e -> lowering.stacks.stackId(e);
            case Typed.Delete e -> f.zext(skep.ir.Type.I64, lowering.maps.delete(e));
            case Typed.Call e -> lowering.texts.call(e);
            case Typed.Invoke e -> invoke(e);
            case Typed.Block e -> {
                lowering.control.statements(e.statements());
                yield scalar(e.value());
            }
            case Typed.Emit e -> {
                lowering.records.emit(e);
                yield f.i64(0);
            }
            case Typed.Nothing _ -> f.i64(0);
            case Typed.Text _, Typed.Compose _, Typed.CommandName _ ->
                throw new IllegalStateException("no number: " + expr);
        };
    }

    private Value arithmetic(Typed.Arithmetic e) {
        var left = scalar(e.left());
        var right = scalar(e.right());
        f.at(e.span());
        boolean signed = e.type().isSigned();
        return switch (e.op()) {
            case ADD -> f.binary(skep.ir.BinaryOp.ADD, left, right);
            case SUB -> f.binary(skep.ir.BinaryOp.SUB, left, right);
            case MUL -> f.binary(skep.ir.BinaryOp.MUL, left, right);
            case DIV -> divide(e, signed ? skep.ir.BinaryOp.SDIV : skep.ir.BinaryOp.UDIV, left, right);
            case MOD -> divide(e, signed ? skep.ir.BinaryOp.SMOD : skep.ir.BinaryOp.UMOD, left, right);
            case BIT_AND -> f.binary(skep.ir.BinaryOp.AND, left, right);
            case BIT_OR -> f.binary(skep.ir.BinaryOp.OR, left, right);
            case BIT_XOR -> f.binary(skep.ir.BinaryOp.XOR, left, right);
            case SHL -> f.binary(skep.ir.BinaryOp.SHL, left, right);
            case SHR -> f.binary(signed ? skep.ir.BinaryOp.ASHR : skep.ir.BinaryOp.LSHR, left, right);
            default -> throw new IllegalStateException("no arithmetic: " + e.op());
        };
    }

    /** A division by zero is counted, and divides by one. */
    private Value divide(Typed.Arithmetic e, skep.ir.BinaryOp op, Value left, Value right) {
        if (e.right() instanceof Typed.IntConst) {
            return f.binary(op, left, right);
        }
        var zero = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        f.branch(f.compare(CompareOp.NE, right, 0), out, List.of(right), zero, List.of());
        f.enter(zero);
        lowering.fault(RuntimeFault.Kind.DIVIDE_BY_ZERO, "", e.span());
        f.jump(out, f.i64(1));
        f.enter(out);
        return f.binary(op, left, out.param(0));
    }

    private Value conditional(Typed.Conditional e) {
        var then = f.newBlock();
        var otherwise = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        lowering.control.branch(e.condition(), then, otherwise);
        f.enter(then);
        f.jump(out, integer(scalar(e.then())));
        f.enter(otherwise);
        f.jump(out, integer(scalar(e.otherwise())));
        f.enter(out);
        return out.param(0);
    }

    /** The number of a value that may be a pointer. */
    Value integer(Value value) {
        return value.type().isPointer() ? f.ptrToInt(value) : value;
    }

    private Value convert(Typed.Convert e) {
        var from = e.operand().type();
        var to = e.type();
        if (!FunctionLowering.isScalar(from)) {
            return fromMemory(e);
        }
        if (to instanceof Type.Bool && !(from instanceof Type.Bool)) {
            return f.zext(skep.ir.Type.I64, f.compare(CompareOp.NE, integer(scalar(e.operand())), 0));
        }
        var value = scalar(e.operand());
        if (to instanceof Type.Pointer p
                && p.space() == Type.AddressSpace.BPF
                && value.type().isPointer()) {
            return value;
        }
        if (to instanceof Type.Pointer && from instanceof Type.Pointer p && p.space() == Type.AddressSpace.BPF) {
            return value;
        }
        return normalize(integer(value), from, to);
    }

    /** Cuts a number to the size of an integer type, if it may be bigger. */
    private Value normalize(Value value, Type from, Type to) {
        if (!to.isInteger() || to.sizeBytes() == 8) {
            return value;
        }
        boolean fits = from.isInteger()
                && (from.isSigned() == to.isSigned() && from.sizeBytes() <= to.sizeBytes()
                        || !from.isSigned() && from.sizeBytes() < to.sizeBytes());
        if (fits) {
            return value;
        }
        var narrow = f.trunc(skep.ir.Type.ofBytes(to.sizeBytes()), value);
        return f.resize(skep.ir.Type.I64, to.isSigned(), narrow);
    }

    /** An array of bytes as a number. */
    private Value fromMemory(Typed.Convert e) {
        var bytes = lowering.access.memory(e.operand());
        int size = Math.min(8, e.operand().type().sizeBytes());
        if (!bytes.direct()) {
            bytes = lowering.access.read(bytes, size, "word");
        }
        Value word = f.i64(0);
        for (int i = 0; i < size; i++) {
            var one = f.load(skep.ir.Type.I64, MemSize.ofBytes(1), false, bytes.base(), bytes.offset() + i);
            word = f.binary(skep.ir.BinaryOp.OR, word, f.binary(skep.ir.BinaryOp.SHL, one, 8L * i));
        }
        return normalize(word, Type.UINT64, e.type());
    }

    private Value increment(Typed.LocalIncrement e) {
        var place = lowering.place(e.variable());
        var before = lowering.access.readScalar(place, e.type(), true);
        Value after;
        if (before.type().isPointer()) {
            after = f.ptrAdd(before, e.delta());
        } else {
            after = normalize(f.binary(skep.ir.BinaryOp.ADD, before, e.delta()), Type.INT64, e.type());
        }
        lowering.access.writeScalar(place, e.type(), after);
        return e.prefix() ? after : before;
    }

    private Value part(Typed.Part e) {
        if (e.bitWidth() == 0) {
            return lowering.access.readScalar(lowering.access.placeOf(e), e.type(), false);
        }
        var unit = new Type.Int(e.type().sizeBytes(), false);
        var word = lowering.access.readScalar(lowering.access.placeOf(e), unit, false);
        int up = 64 - e.bitOffset() - e.bitWidth();
        var high = f.binary(skep.ir.BinaryOp.SHL, word, up);
        return f.binary(e.type().isSigned() ? skep.ir.BinaryOp.ASHR : skep.ir.BinaryOp.LSHR, high, 64L - e.bitWidth());
    }

    private Value pointerMove(Typed.PointerMove e) {
        var pointer = scalar(e.pointer());
        int size = e.type() instanceof Type.Pointer p ? Math.max(1, p.target().sizeBytes()) : 1;
        var index = scalar(e.index());
        var bytes = size == 1 ? index : f.binary(skep.ir.BinaryOp.MUL, index, size);
        if (e.backwards()) {
            bytes = f.neg(bytes);
        }
        return pointer.type().isPointer() ? f.ptrAdd(pointer, bytes) : f.add(pointer, bytes);
    }

    private Value contextLoad(Typed.ContextLoad e) {
        int size = e.type().sizeBytes();
        if (size == 8 || size == 0) {
            return f.load(skep.ir.Type.I64, lowering.context(), e.offsetBytes());
        }
        return f.load(
                skep.ir.Type.I64, MemSize.ofBytes(size), e.type().isSigned(), lowering.context(), e.offsetBytes());
    }

    /** The address of data that a {@code __data_loc} word points to. */
    private Value dataLocation(Typed.ContextBytes e) {
        var word = f.load(skep.ir.Type.I64, MemSize.ofBytes(4), false, lowering.context(), e.offsetBytes());
        var offset = f.binary(skep.ir.BinaryOp.AND, word, 0xffff);
        return f.add(f.ptrToInt(lowering.context()), offset);
    }

    private Value helperValue(Typed.HelperValue e) {
        var value = switch (e.helper()) {
            case GET_FUNC_IP -> f.helper(skep.ir.Type.I64, e.helper(), lowering.context());
            default -> f.helper(skep.ir.Type.I64, e.helper());
        };
        if (e.shiftRight() > 0) {
            return f.binary(skep.ir.BinaryOp.LSHR, value, e.shiftRight());
        }
        return e.lowHalf() ? f.zext(skep.ir.Type.I64, f.trunc(skep.ir.Type.I32, value)) : value;
    }

    private Value invoke(Typed.Invoke e) {
        var arguments = new ArrayList<Value>();
        for (var argument : e.arguments()) {
            arguments.add(integer(scalar(argument)));
        }
        f.at(e.span());
        return f.call(skep.ir.Type.I64, e.subprogram(), arguments.toArray(Value[]::new));
    }
}
