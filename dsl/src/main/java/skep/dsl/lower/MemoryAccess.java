package skep.dsl.lower;

import skep.dsl.RuntimeFault;
import skep.dsl.Type;
import skep.dsl.check.Typed;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.Region;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;

/** Where compound values lie, and how their bytes are read, cleared and copied. */
final class MemoryAccess {
    /** Above this size a helper call clears or copies memory with fewer instructions than stores do. */
    private static final int INLINE_BYTES = 64;

    private final FunctionLowering lowering;
    private final FunctionBuilder f;
    private final ScriptPlan plan;

    MemoryAccess(FunctionLowering lowering) {
        this.lowering = lowering;
        this.f = lowering.f;
        this.plan = lowering.plan;
    }

    /** Where a compound value lies; computed into memory of this run if it lies nowhere. */
    Memory memory(Typed.Expr expr) {
        f.at(expr.span());
        return switch (expr) {
            case Typed.Local e -> lowering.place(e.variable());
            case Typed.Part e -> placeOf(e);
            case Typed.Element e -> element(e);
            case Typed.Dereference e -> target(e);
            case Typed.Block e -> {
                lowering.control.statements(e.statements());
                yield memory(e.value());
            }
            case Typed.ContextBytes e when !e.dataLoc() -> Memory.own(lowering.context(), e.offsetBytes());
            default -> {
                var temporary = lowering.allocate(Math.max(1, expr.type().sizeBytes()), "value");
                lowering.values.write(expr, temporary, true);
                yield temporary;
            }
        };
    }

    Memory placeOf(Typed.Part e) {
        return memory(e.whole()).plus(e.offsetBytes());
    }

    Memory target(Typed.Dereference e) {
        var pointer = lowering.scalars.scalar(e.pointer());
        var space = e.pointer().type() instanceof Type.Pointer p ? p.space() : Type.AddressSpace.ANY;
        if (pointer.type().isPointer()) {
            return Memory.own(pointer, 0);
        }
        return new Memory(pointer, 0, space == Type.AddressSpace.BPF ? Type.AddressSpace.KERNEL : space);
    }

    Memory element(Typed.Element e) {
        var array = memory(e.array());
        var index = lowering.scalars.scalar(e.index());
        var inside = f.newBlock();
        var outside = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        if (e.length() > 0) {
            f.branch(f.compare(CompareOp.ULT, index, e.length()), inside, outside);
            f.enter(outside);
            lowering.fault(RuntimeFault.Kind.OUT_OF_BOUNDS, "", e.span());
            f.jump(out, f.i64(0));
            f.enter(inside);
            f.jump(out, index);
            f.enter(out);
            index = out.param(0);
        }
        int size = e.type().sizeBytes();
        var bytes = size == 1 ? index : f.binary(skep.ir.BinaryOp.MUL, index, size);
        if (array.base().type().isPointer()) {
            return new Memory(f.ptrAdd(f.ptrAdd(array.base(), array.offset()), bytes), 0, array.space());
        }
        return new Memory(f.add(array.base(), bytes), array.offset(), array.space());
    }

    /** Copies foreign memory into memory of this run. */
    Memory read(Memory from, int bytes, String name) {
        var to = lowering.allocate(bytes, name);
        readInto(to, from, f.i64(bytes));
        return to;
    }

    void readInto(Memory to, Memory from, Value bytes) {
        var helper = readHelper(from.space());
        reported(helper, f.helper(skep.ir.Type.I64, helper, pointer(to), bytes, address(from)));
    }

    /** The result of a helper, about which user space is told if it is a failure and somebody asked for that. */
    Value reported(Helper helper, Value result) {
        int wanted = switch (helper) {
            case PROBE_READ,
                    PROBE_READ_STR,
                    PROBE_READ_KERNEL,
                    PROBE_READ_KERNEL_STR,
                    PROBE_READ_USER,
                    PROBE_READ_USER_STR -> 2;
            default -> 1;
        };
        if (plan.helperErrorReports >= wanted) {
            lowering.records.helperError(helper, result);
        }
        return result;
    }

    static Helper readHelper(Type.AddressSpace space) {
        return switch (space) {
            case KERNEL, BPF -> Helper.PROBE_READ_KERNEL;
            case USER -> Helper.PROBE_READ_USER;
            case ANY -> Helper.PROBE_READ;
        };
    }

    /** The place as a pointer. */
    Value pointer(Memory memory) {
        return f.ptrAdd(memory.base(), memory.offset());
    }

    /** The place as whatever a helper that reads from anywhere takes. */
    Value address(Memory memory) {
        if (memory.base().type().isPointer()) {
            return pointer(memory);
        }
        return memory.offset() == 0 ? memory.base() : f.binary(skep.ir.BinaryOp.ADD, memory.base(), memory.offset());
    }

    /** Reads a number; variables keep theirs in eight bytes whatever their type. */
    Value readScalar(Memory from, Type type, boolean wide) {
        if (type instanceof Type.Pointer p && p.space() == Type.AddressSpace.BPF && from.direct()) {
            return f.load(skep.ir.Type.ptr(Region.GENERIC), from.base(), from.offset());
        }
        int size = wide ? 8 : type.sizeBytes();
        var source = from.direct() ? from : read(from, size, "read");
        if (size == 8) {
            var value = f.load(skep.ir.Type.I64, source.base(), source.offset());
            boolean mayBeNull = type instanceof Type.Pointer
                    && lowering.mayLackObjects
                    && source.base().type().isPointerTo(Region.CTX);
            return mayBeNull ? checked(value) : value;
        }
        if (size == 0) {
            return f.i64(0);
        }
        return f.load(skep.ir.Type.I64, MemSize.ofBytes(size), type.isSigned(), source.base(), source.offset());
    }

    /** An iterator's last call has no object: then the program ends, as nothing can be said of it. */
    private Value checked(Value pointer) {
        var some = f.newBlock();
        f.branch(f.compare(CompareOp.NE, pointer, 0), some, lowering.exit);
        f.enter(some);
        return pointer;
    }

    void writeScalar(Memory to, Type type, Value value) {
        f.store(to.base(), to.offset(), value);
    }

    void clear(Memory memory, int bytes) {
        if (bytes <= INLINE_BYTES || !memory.direct()) {
            f.zero(
                    memory.base(),
                    memory.offset(),
                    Type.Layout.alignUp(bytes, 8) == bytes ? bytes : bytes,
                    alignment(memory));
        } else {
            // Reading from address 0 fails, and then the helper clears its target.
            f.helper(skep.ir.Type.I64, Helper.PROBE_READ_KERNEL, pointer(memory), f.i64(bytes), f.i64(0));
        }
    }

    private static int alignment(Memory memory) {
        return memory.offset() % 8 == 0 ? 8 : memory.offset() % 4 == 0 ? 4 : memory.offset() % 2 == 0 ? 2 : 1;
    }

    void copy(Memory to, Memory from, int bytes) {
        boolean context = from.base().type().isPointerTo(Region.CTX);
        if (!from.direct() || context || bytes > INLINE_BYTES) {
            readInto(to, from, f.i64(bytes));
        } else {
            int align = Math.min(alignment(to), alignment(from));
            f.copy(to.base(), to.offset(), from.base(), from.offset(), bytes, align);
        }
    }
}
