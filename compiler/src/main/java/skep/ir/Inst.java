package skep.ir;

import java.util.List;
import java.util.function.UnaryOperator;
import skep.isa.AtomicOp;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.source.Span;

/**
 * An instruction inside a block. The permitted records are the table of contents of the IR.
 *
 * <p>Offsets of memory accesses are bytes from the base pointer.
 */
public sealed interface Inst {
    /** The source that asked for it. */
    Span span();

    /** The values it reads, in order. */
    List<Value> operands();

    /** The same instruction with every operand replaced. */
    Inst map(UnaryOperator<Value> replacement);

    /** An instruction that defines a value. */
    sealed interface Def extends Inst {
        Value result();
    }

    /** A number, or the null pointer (0). Held as a register would hold it: zero-extended to 64 bits. */
    record Const(Span span, Value result, long value) implements Def {
        @Override
        public List<Value> operands() {
            return List.of();
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return this;
        }
    }

    /** {@code a op b}. */
    record Binary(Span span, Value result, BinaryOp op, Value a, Value b) implements Def {
        @Override
        public List<Value> operands() {
            return List.of(a, b);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Binary(span, result, op, r.apply(a), r.apply(b));
        }
    }

    /** {@code -a}, on 32 or 64 bits. */
    record Neg(Span span, Value result, Value a) implements Def {
        @Override
        public List<Value> operands() {
            return List.of(a);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Neg(span, result, r.apply(a));
        }
    }

    /** The lowest 16, 32 or 64 bits of {@code a} with their bytes in reverse order, zero-extended. */
    record Swap(Span span, Value result, int bits, Value a) implements Def {
        @Override
        public List<Value> operands() {
            return List.of(a);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Swap(span, result, bits, r.apply(a));
        }
    }

    /** {@code a op b} as an {@code i1}. */
    record Compare(Span span, Value result, CompareOp op, Value a, Value b) implements Def {
        @Override
        public List<Value> operands() {
            return List.of(a, b);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Compare(span, result, op, r.apply(a), r.apply(b));
        }
    }

    /** {@code condition ? a : b}; both are computed. */
    record Select(Span span, Value result, Value condition, Value a, Value b) implements Def {
        @Override
        public List<Value> operands() {
            return List.of(condition, a, b);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Select(span, result, r.apply(condition), r.apply(a), r.apply(b));
        }
    }

    /** A conversion to the type of the result. */
    record Cast(Span span, Value result, CastOp op, Value a) implements Def {
        @Override
        public List<Value> operands() {
            return List.of(a);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Cast(span, result, op, r.apply(a));
        }
    }

    /** A pointer moved by a number of bytes ({@code i64}). */
    record PtrAdd(Span span, Value result, Value base, Value offset) implements Def {
        @Override
        public List<Value> operands() {
            return List.of(base, offset);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new PtrAdd(span, result, r.apply(base), r.apply(offset));
        }
    }

    /** The same value, about which the compiler knows nothing. */
    record Opaque(Span span, Value result, Value a) implements Def {
        @Override
        public List<Value> operands() {
            return List.of(a);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Opaque(span, result, r.apply(a));
        }
    }

    /** A read of {@code size}, extended by sign or zeros to the type of the result. */
    record Load(Span span, Value result, MemSize size, boolean signed, Value base, int offset) implements Def {
        @Override
        public List<Value> operands() {
            return List.of(base);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Load(span, result, size, signed, r.apply(base), offset);
        }
    }

    /** A write of the lowest {@code size} bytes of the value. */
    record Store(Span span, MemSize size, Value base, int offset, Value value) implements Inst {
        @Override
        public List<Value> operands() {
            return List.of(base, value);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Store(span, size, r.apply(base), offset, r.apply(value));
        }
    }

    /** An atomic {@code ADD}, {@code OR}, {@code AND}, {@code XOR} or {@code XCHG} of 4 or 8 bytes; the result is the old value. */
    record AtomicUpdate(Span span, Value result, AtomicOp op, MemSize size, Value base, int offset, Value value)
            implements Def {
        @Override
        public List<Value> operands() {
            return List.of(base, value);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new AtomicUpdate(span, result, op, size, r.apply(base), offset, r.apply(value));
        }
    }

    /** Writes {@code value} if the memory holds {@code expected}; the result is what it held. */
    record CompareExchange(Span span, Value result, MemSize size, Value base, int offset, Value expected, Value value)
            implements Def {
        @Override
        public List<Value> operands() {
            return List.of(base, expected, value);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new CompareExchange(span, result, size, r.apply(base), offset, r.apply(expected), r.apply(value));
        }
    }

    /** Memory of this run, in the stack frame; undefined until written. One slot for each such instruction, also in loops. */
    record StackSlot(Span span, Value result, int sizeBytes, int alignBytes, String name) implements Def {
        @Override
        public List<Value> operands() {
            return List.of();
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return this;
        }
    }

    /** A map, as helpers take it. */
    record MapRef(Span span, Value result, String map) implements Def {
        @Override
        public List<Value> operands() {
            return List.of();
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return this;
        }
    }

    /** The address {@code offset} bytes into the only value of an array map (not per CPU): no look-up, never null. */
    record MapValueRef(Span span, Value result, String map, int offset) implements Def {
        @Override
        public List<Value> operands() {
            return List.of();
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return this;
        }
    }

    /** A variable of the kernel by its BTF id: a per-CPU one is handed to {@code per_cpu_ptr} and its kin. */
    record KernelVariable(Span span, Value result, String name, int btfId) implements Def {
        @Override
        public List<Value> operands() {
            return List.of();
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return this;
        }
    }

    /** A function of this module, for helpers that call back. */
    record FunctionRef(Span span, Value result, String function) implements Def {
        @Override
        public List<Value> operands() {
            return List.of();
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return this;
        }
    }

    /** A call of a helper; at most five arguments. */
    record CallHelper(Span span, Value result, Helper helper, List<Value> args) implements Def {
        public CallHelper {
            args = List.copyOf(args);
        }

        @Override
        public List<Value> operands() {
            return args;
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new CallHelper(span, result, helper, args.stream().map(r).toList());
        }
    }

    /** A call of a kernel function by its BTF id. */
    record CallKfunc(Span span, Value result, String name, int btfId, List<Value> args) implements Def {
        public CallKfunc {
            args = List.copyOf(args);
        }

        @Override
        public List<Value> operands() {
            return args;
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new CallKfunc(span, result, name, btfId, args.stream().map(r).toList());
        }
    }

    /** A call of a function of this module. */
    record Call(Span span, Value result, String function, List<Value> args) implements Def {
        public Call {
            args = List.copyOf(args);
        }

        @Override
        public List<Value> operands() {
            return args;
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Call(span, result, function, args.stream().map(r).toList());
        }
    }

    /** Writes zeros. {@code alignBytes} is what is known of the address {@code base + offset}. */
    record Zero(Span span, Value base, int offset, int sizeBytes, int alignBytes) implements Inst {
        @Override
        public List<Value> operands() {
            return List.of(base);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Zero(span, r.apply(base), offset, sizeBytes, alignBytes);
        }
    }

    /** Copies bytes between places that do not overlap. {@code alignBytes} holds for both addresses. */
    record Copy(
            Span span, Value target, int targetOffset, Value source, int sourceOffset, int sizeBytes, int alignBytes)
            implements Inst {
        @Override
        public List<Value> operands() {
            return List.of(target, source);
        }

        @Override
        public Inst map(UnaryOperator<Value> r) {
            return new Copy(span, r.apply(target), targetOffset, r.apply(source), sourceOffset, sizeBytes, alignBytes);
        }
    }
}
