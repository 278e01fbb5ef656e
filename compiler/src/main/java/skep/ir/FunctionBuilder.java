package skep.ir;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import skep.isa.AtomicOp;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.source.Span;

/**
 * Writes the instructions of one function, block after block.
 *
 * <pre>
 * var f = module.program("p", ProgramInfo.of(ProgramType.KPROBE), span);
 * var pid = f.binary(BinaryOp.LSHR, f.helper(Type.I64, Helper.GET_CURRENT_PID_TGID), f.i64(32));
 * var hit = f.newBlock();
 * var out = f.newBlock();
 * f.branch(f.compare(CompareOp.EQ, pid, f.i64(7)), hit, out);
 * f.enter(hit);
 * …
 * f.jump(out);
 * f.enter(out);
 * f.ret(f.i64(0));
 * </pre>
 *
 * <p>Every instruction gets the span last given to {@link #at}. Instructions written after a terminator go into a block
 * that nothing reaches and are dropped by {@link #build}. Variables of a front end are best kept in stack slots: the
 * passes turn those whose address does not escape into values.
 */
public final class FunctionBuilder {
    private final String name;
    private final Optional<ProgramInfo> program;
    private final Type result;
    private final List<Label> labels = new ArrayList<>();
    private final Label entry;
    private Span span;
    private Label current;
    private int nextValue;

    FunctionBuilder(String name, Optional<ProgramInfo> program, Type result, List<Type> params, Span span) {
        this.name = name;
        this.program = program;
        this.result = result;
        this.span = span;
        this.entry = newBlock(params.toArray(Type[]::new));
        this.current = entry;
        enter(entry);
    }

    /** A block under construction. */
    public static final class Label {
        private final int id;
        private final List<Value> params;
        private final List<Inst> insts = new ArrayList<>();
        private Optional<Terminator> end = Optional.empty();
        private boolean entered;

        private Label(int id, List<Value> params) {
            this.id = id;
            this.params = params;
        }

        public Value param(int index) {
            return params.get(index);
        }

        @Override
        public String toString() {
            return "b" + id;
        }
    }

    public String name() {
        return name;
    }

    public Value param(int index) {
        return entry.param(index);
    }

    /** The source of the instructions that follow. */
    public FunctionBuilder at(Span newSpan) {
        span = newSpan;
        return this;
    }

    public Span span() {
        return span;
    }

    // Blocks

    /** A new block with parameters of these types; {@link #enter} starts to write it. */
    public Label newBlock(Type... params) {
        var values = new ArrayList<Value>();
        for (var type : params) {
            values.add(newValue(type));
        }
        var label = new Label(labels.size(), List.copyOf(values));
        labels.add(label);
        return label;
    }

    /** Goes on writing in this block. The block before must have been ended. */
    public void enter(Label label) {
        assert !label.entered : "block " + label + " entered twice";
        assert current.end.isPresent() || current == label : "block " + current + " has no end";
        label.entered = true;
        current = label;
    }

    /** Whether the current block still takes instructions. */
    public boolean isOpen() {
        return current.end.isEmpty();
    }

    public void jump(Label target, Value... args) {
        end(new Terminator.Jump(span, edge(target, args)));
    }

    public void branch(Value condition, Label then, Label otherwise) {
        end(new Terminator.Branch(span, condition, edge(then), edge(otherwise)));
    }

    public void branch(Value condition, Label then, List<Value> thenArgs, Label otherwise, List<Value> otherwiseArgs) {
        end(new Terminator.Branch(
                span,
                condition,
                new Terminator.Edge(then.id, thenArgs),
                new Terminator.Edge(otherwise.id, otherwiseArgs)));
    }

    /** Jumps by number; no two of the numbers are equal. */
    public void switchOn(Value value, long[] numbers, List<Label> targets, Label otherwise) {
        var cases = new ArrayList<Terminator.Switch.Case>();
        for (int i = 0; i < numbers.length; i++) {
            cases.add(new Terminator.Switch.Case(numbers[i], edge(targets.get(i))));
        }
        end(new Terminator.Switch(span, value, cases, edge(otherwise)));
    }

    public void ret(Value value) {
        end(new Terminator.Return(span, value));
    }

    private static Terminator.Edge edge(Label target, Value... args) {
        return new Terminator.Edge(target.id, Arrays.asList(args));
    }

    private void end(Terminator terminator) {
        openBlock().end = Optional.of(terminator);
    }

    // Numbers

    /** A number of an integer type; bits above its width are dropped. */
    public Value constant(Type type, long value) {
        long held = type.bits() == 64 ? value : value & ((1L << type.bits()) - 1);
        return add(new Inst.Const(span, newValue(type), held));
    }

    public Value i64(long value) {
        return constant(Type.I64, value);
    }

    public Value i32(long value) {
        return constant(Type.I32, value);
    }

    public Value i1(boolean value) {
        return constant(Type.I1, value ? 1 : 0);
    }

    /** The null pointer of a region. */
    public Value nullPointer(Region region) {
        return constant(Type.nullable(region), 0);
    }

    public Value binary(BinaryOp op, Value a, Value b) {
        return add(new Inst.Binary(span, newValue(a.type()), op, a, b));
    }

    /** The operation with a constant on the right. */
    public Value binary(BinaryOp op, Value a, long b) {
        return binary(op, a, constant(a.type(), b));
    }

    public Value add(Value a, Value b) {
        return binary(BinaryOp.ADD, a, b);
    }

    public Value neg(Value a) {
        return add(new Inst.Neg(span, newValue(a.type()), a));
    }

    /** Bitwise complement; of an {@code i1} the logical one. */
    public Value not(Value a) {
        return binary(BinaryOp.XOR, a, -1);
    }

    /** See {@link Inst.Swap}; the result has the type of {@code a}. */
    public Value swapBytes(int bits, Value a) {
        return add(new Inst.Swap(span, newValue(a.type()), bits, a));
    }

    public Value compare(CompareOp op, Value a, Value b) {
        return add(new Inst.Compare(span, newValue(Type.I1), op, a, b));
    }

    /** The comparison with a constant (0 is null for pointers) on the right. */
    public Value compare(CompareOp op, Value a, long b) {
        return compare(op, a, constant(a.type(), b));
    }

    /** {@code a != 0}, {@code a} itself if it is an {@code i1}. */
    public Value isTrue(Value a) {
        return a.type() == Type.I1 ? a : compare(CompareOp.NE, a, 0);
    }

    public Value select(Value condition, Value a, Value b) {
        return add(new Inst.Select(span, newValue(a.type()), condition, a, b));
    }

    // Conversions

    public Value cast(CastOp op, Type type, Value a) {
        return add(new Inst.Cast(span, newValue(type), op, a));
    }

    /** An integer with another width: truncated, or extended by zeros or the sign. The value itself if it has that type. */
    public Value resize(Type type, boolean signed, Value a) {
        if (a.type().bits() == type.bits()) {
            return a;
        }
        if (a.type().bits() > type.bits()) {
            return cast(CastOp.TRUNC, type, a);
        }
        return cast(signed ? CastOp.SEXT : CastOp.ZEXT, type, a);
    }

    public Value zext(Type type, Value a) {
        return resize(type, false, a);
    }

    public Value sext(Type type, Value a) {
        return resize(type, true, a);
    }

    public Value trunc(Type type, Value a) {
        return resize(type, false, a);
    }

    public Value ptrToInt(Value a) {
        return cast(CastOp.PTRTOINT, Type.I64, a);
    }

    public Value intToPtr(Region region, Value a) {
        return cast(CastOp.INTTOPTR, Type.ptr(region), a);
    }

    /** The pointer as one that is not null; to be written where a comparison has established that. */
    public Value nonNull(Value a) {
        return cast(CastOp.PTRCAST, Type.ptr(((Type.Ptr) a.type()).region()), a);
    }

    /** The same value, hidden from the optimiser. */
    public Value opaque(Value a) {
        return add(new Inst.Opaque(span, newValue(a.type()), a));
    }

    // Memory

    public Value ptrAdd(Value base, Value offset) {
        return add(new Inst.PtrAdd(span, newValue(base.type()), base, offset));
    }

    public Value ptrAdd(Value base, long offset) {
        return offset == 0 ? base : ptrAdd(base, i64(offset));
    }

    /** Stack memory, aligned to 8 bytes. The name is for people. */
    public Value slot(int sizeBytes, String slotName) {
        return slot(sizeBytes, 8, slotName);
    }

    public Value slot(int sizeBytes, int alignBytes, String slotName) {
        return add(new Inst.StackSlot(span, newValue(Type.ptr(Region.STACK)), sizeBytes, alignBytes, slotName));
    }

    /** Reads an integer or pointer of exactly the type's width. */
    public Value load(Type type, Value base, int offset) {
        return load(type, MemSize.ofBytes(Math.max(8, type.bits()) / 8), false, base, offset);
    }

    /** Reads {@code size} and extends to the type. */
    public Value load(Type type, MemSize size, boolean signed, Value base, int offset) {
        return add(new Inst.Load(span, newValue(type), size, signed, base, offset));
    }

    /** Writes the value with its own width. */
    public void store(Value base, int offset, Value value) {
        store(MemSize.ofBytes(Math.max(8, value.type().bits()) / 8), base, offset, value);
    }

    /** Writes the lowest {@code size} bytes of the value. */
    public void store(MemSize size, Value base, int offset, Value value) {
        write(new Inst.Store(span, size, base, offset, value));
    }

    /** See {@link Inst.AtomicUpdate}; the old value may stay unused. */
    public Value atomic(AtomicOp op, Value base, int offset, Value value) {
        return add(new Inst.AtomicUpdate(
                span, newValue(value.type()), op, MemSize.ofBytes(value.type().bits() / 8), base, offset, value));
    }

    public Value compareExchange(Value base, int offset, Value expected, Value value) {
        return add(new Inst.CompareExchange(
                span, newValue(value.type()), MemSize.ofBytes(value.type().bits() / 8), base, offset, expected, value));
    }

    /** Zeros a stretch whose start is aligned to 8 bytes. */
    public void zero(Value base, int offset, int sizeBytes) {
        zero(base, offset, sizeBytes, 8);
    }

    public void zero(Value base, int offset, int sizeBytes, int alignBytes) {
        write(new Inst.Zero(span, base, offset, sizeBytes, alignBytes));
    }

    /** Copies between two places that do not overlap, both aligned to {@code alignBytes}. */
    public void copy(Value target, int targetOffset, Value source, int sourceOffset, int sizeBytes, int alignBytes) {
        write(new Inst.Copy(span, target, targetOffset, source, sourceOffset, sizeBytes, alignBytes));
    }

    // Maps and calls

    public Value mapRef(String map) {
        return add(new Inst.MapRef(span, newValue(Type.ptr(Region.MAP)), map));
    }

    public Value mapValueRef(String map, int offset) {
        return add(new Inst.MapValueRef(span, newValue(Type.ptr(Region.MAP_VALUE)), map, offset));
    }

    /** A variable of the kernel by its BTF id. */
    public Value kernelVariable(String variable, int btfId) {
        return add(new Inst.KernelVariable(span, newValue(Type.ptr(Region.BTF)), variable, btfId));
    }

    public Value functionRef(String function) {
        return add(new Inst.FunctionRef(span, newValue(Type.ptr(Region.FUNCTION)), function));
    }

    public Value helper(Type type, Helper helper, Value... args) {
        return add(new Inst.CallHelper(span, newValue(type), helper, Arrays.asList(args)));
    }

    /** {@code map_lookup_elem}: the address of the value, or null. */
    public Value lookup(String map, Value key) {
        return helper(Type.nullable(Region.MAP_VALUE), Helper.MAP_LOOKUP_ELEM, mapRef(map), key);
    }

    public Value kfunc(Type type, String function, int btfId, Value... args) {
        return add(new Inst.CallKfunc(span, newValue(type), function, btfId, Arrays.asList(args)));
    }

    public Value call(Type type, String function, Value... args) {
        return add(new Inst.Call(span, newValue(type), function, Arrays.asList(args)));
    }

    // Ends

    /** The function. Every block that can be reached has been entered and ended. */
    Function build() {
        var blocks = new ArrayList<Block>();
        for (var label : labels) {
            if (label.end.isPresent()) {
                blocks.add(new Block(label.id, label.params, label.insts, label.end.get()));
            }
        }
        if (blocks.isEmpty() || blocks.getFirst().id() != entry.id) {
            throw new IllegalStateException("function " + name + " has no end");
        }
        return Cfg.withoutUnreachable(new Function(name, program, result, blocks));
    }

    private Value newValue(Type type) {
        return new Value(nextValue++, type);
    }

    private Value add(Inst.Def inst) {
        write(inst);
        return inst.result();
    }

    private void write(Inst inst) {
        openBlock().insts.add(inst);
    }

    private Label openBlock() {
        if (current.end.isPresent()) {
            enter(newBlock());
        }
        return current;
    }
}
