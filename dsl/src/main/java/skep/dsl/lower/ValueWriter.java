package skep.dsl.lower;

import skep.dsl.Type;
import skep.dsl.check.Typed;
import skep.ir.FunctionBuilder;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;

/** Computes values into memory. */
final class ValueWriter {
    private final FunctionLowering lowering;
    private final FunctionBuilder f;
    private final ScriptPlan plan;

    ValueWriter(FunctionLowering lowering) {
        this.lowering = lowering;
        this.f = lowering.f;
        this.plan = lowering.plan;
    }

    /**
     * Computes a value into memory. With {@code padded}, bytes that do not belong to it are zero, as keys need.
     */
    void write(Typed.Expr expr, Memory to, boolean padded) {
        f.at(expr.span());
        var type = expr.type();
        if (FunctionLowering.isScalar(type)) {
            var value = lowering.scalars.scalar(expr);
            f.store(MemSize.ofBytes(type.sizeBytes()), to.base(), to.offset(), value);
            return;
        }
        switch (expr) {
            case Typed.Text e -> lowering.texts.writeText(e, to, padded);
            case Typed.Compose e -> compose(e, to, padded);
            case Typed.CommandName e -> {
                // Linux 6.1 leaves what is behind the name as it was; 6.12 clears it.
                if (padded && !plan.kernel.version().isAtLeast(6, 12)) {
                    lowering.access.clear(to, e.type().sizeBytes());
                }
                f.helper(
                        skep.ir.Type.I64,
                        Helper.GET_CURRENT_COMM,
                        lowering.access.pointer(to),
                        f.i64(e.type().sizeBytes()));
            }
            case Typed.MapGet e -> lowering.maps.readInto(e, to);
            case Typed.Conditional e -> {
                var then = f.newBlock();
                var otherwise = f.newBlock();
                var out = f.newBlock();
                lowering.control.branch(e.condition(), then, otherwise);
                f.enter(then);
                write(e.then(), to, padded);
                f.jump(out);
                f.enter(otherwise);
                write(e.otherwise(), to, padded);
                f.jump(out);
                f.enter(out);
            }
            case Typed.Convert e -> convertInto(e, to, padded);
            case Typed.Stack e -> lowering.stacks.userStack(e, to);
            case Typed.Call e -> lowering.texts.writeCall(e, to, padded);
            case Typed.Block e -> {
                lowering.control.statements(e.statements());
                write(e.value(), to, padded);
            }
            default -> lowering.access.copy(to, lowering.access.memory(expr), type.sizeBytes());
        }
    }

    private void compose(Typed.Compose e, Memory to, boolean padded) {
        if (padded && hasPadding(e.type())) {
            lowering.access.clear(to, e.type().sizeBytes());
        }
        for (int i = 0; i < e.parts().size(); i++) {
            int offset = switch (e.type()) {
                case Type.Tuple t -> t.offsetOf(i);
                case Type.Rec r -> r.offsetOf(i);
                default -> throw new IllegalStateException("not compound: " + e.type());
            };
            write(e.parts().get(i), to.plus(offset), padded);
        }
    }

    private static boolean hasPadding(Type type) {
        return switch (type) {
            case Type.Tuple t ->
                t.sizeBytes() != t.elements().stream().mapToInt(Type::sizeBytes).sum();
            case Type.Rec r ->
                r.sizeBytes()
                        != r.members().stream()
                                .mapToInt(m -> m.type().sizeBytes())
                                .sum();
            default -> false;
        };
    }

    private void convertInto(Typed.Convert e, Memory to, boolean padded) {
        var from = e.operand().type();
        switch (e.type()) {
            case Type.Str s
            when from instanceof Type.Str source && source.sizeBytes() <= s.sizeBytes() -> {
                if (padded && source.sizeBytes() < s.sizeBytes()) {
                    lowering.access.clear(to, s.sizeBytes());
                }
                write(e.operand(), to, padded);
                if (!padded && source.sizeBytes() < s.sizeBytes()) {
                    f.store(MemSize.ofBytes(1), to.base(), to.offset() + source.sizeBytes(), f.i64(0));
                }
            }
            case Type.Str s
            when from instanceof Type.Str || from instanceof Type.Array -> {
                int bytes = Math.min(s.sizeBytes(), from.sizeBytes());
                lowering.access.copy(to, lowering.access.memory(e.operand()), bytes);
                if (bytes == s.sizeBytes() && from instanceof Type.Str) {
                    f.store(MemSize.ofBytes(1), to.base(), to.offset() + bytes - 1, f.i64(0));
                }
            }
            case Type.Tuple t
            when from instanceof Type.Tuple source -> {
                if (padded) {
                    lowering.access.clear(to, t.sizeBytes());
                }
                var whole = lowering.access.memory(e.operand());
                for (int i = 0; i < t.elements().size(); i++) {
                    convertPart(
                            whole.plus(source.offsetOf(i)),
                            source.elements().get(i),
                            to.plus(t.offsetOf(i)),
                            t.elements().get(i));
                }
            }
            case Type.Rec r
            when from instanceof Type.Rec source -> {
                if (padded) {
                    lowering.access.clear(to, r.sizeBytes());
                }
                var whole = lowering.access.memory(e.operand());
                for (int i = 0; i < r.members().size(); i++) {
                    for (int j = 0; j < source.members().size(); j++) {
                        if (source.members()
                                .get(j)
                                .name()
                                .equals(r.members().get(i).name())) {
                            convertPart(
                                    whole.plus(source.offsetOf(j)),
                                    source.members().get(j).type(),
                                    to.plus(r.offsetOf(i)),
                                    r.members().get(i).type());
                        }
                    }
                }
            }
            case Type.Buffer b
            when from instanceof Type.Buffer source -> {
                if (padded && source.sizeBytes() < b.sizeBytes()) {
                    lowering.access.clear(to, b.sizeBytes());
                }
                lowering.access.copy(
                        to, lowering.access.memory(e.operand()), Math.min(source.sizeBytes(), b.sizeBytes()));
            }
            case Type.Array a
            when FunctionLowering.isScalar(from) -> {
                var value = lowering.scalars.scalar(e.operand());
                int size = Math.min(8, a.sizeBytes());
                for (int i = 0; i < size; i++) {
                    var one = i == 0 ? value : f.binary(skep.ir.BinaryOp.LSHR, value, 8L * i);
                    f.store(MemSize.ofBytes(1), to.base(), to.offset() + i, one);
                }
            }
            case Type.Array a -> {
                int bytes = Math.min(a.sizeBytes(), from.sizeBytes());
                if (bytes < a.sizeBytes()) {
                    lowering.access.clear(to, a.sizeBytes());
                }
                lowering.access.copy(to, lowering.access.memory(e.operand()), bytes);
            }
            default ->
                lowering.access.copy(
                        to, lowering.access.memory(e.operand()), e.type().sizeBytes());
        }
    }

    /** A part of a tuple that gets a wider type. */
    private void convertPart(Memory from, Type fromType, Memory to, Type toType) {
        if (fromType.equals(toType)) {
            lowering.access.copy(to, from, toType.sizeBytes());
            return;
        }
        if (FunctionLowering.isScalar(toType)) {
            var value = lowering.access.readScalar(from, fromType, false);
            f.store(MemSize.ofBytes(toType.sizeBytes()), to.base(), to.offset(), value);
            return;
        }
        if (fromType instanceof Type.Tuple a && toType instanceof Type.Tuple b) {
            for (int i = 0; i < b.elements().size(); i++) {
                convertPart(
                        from.plus(a.offsetOf(i)),
                        a.elements().get(i),
                        to.plus(b.offsetOf(i)),
                        b.elements().get(i));
            }
            return;
        }
        if (fromType instanceof Type.Rec a && toType instanceof Type.Rec b) {
            for (int i = 0; i < b.members().size(); i++) {
                for (int j = 0; j < a.members().size(); j++) {
                    if (a.members().get(j).name().equals(b.members().get(i).name())) {
                        convertPart(
                                from.plus(a.offsetOf(j)),
                                a.members().get(j).type(),
                                to.plus(b.offsetOf(i)),
                                b.members().get(i).type());
                    }
                }
            }
            return;
        }
        lowering.access.copy(to, from, Math.min(fromType.sizeBytes(), toType.sizeBytes()));
    }

    /** A value of at most eight bytes that need not be a number, such as a short string. */
    Value scalarOrBytes(Typed.Expr expr, Type stored) {
        if (FunctionLowering.isScalar(expr.type())) {
            return lowering.scalars.scalar(expr);
        }
        var slot = f.slot(8, 8, "value");
        f.store(slot, 0, f.i64(0));
        write(expr, Memory.own(slot, 0), true);
        return f.load(skep.ir.Type.I64, MemSize.ofBytes(storeSize(stored)), false, slot, 0);
    }

    private static int storeSize(Type type) {
        return Math.max(1, Integer.highestOneBit(type.sizeBytes()));
    }
}
