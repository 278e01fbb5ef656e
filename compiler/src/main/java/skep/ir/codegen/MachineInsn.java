package skep.ir.codegen;

import java.util.function.IntUnaryOperator;
import skep.isa.AluOp;
import skep.isa.AtomicOp;
import skep.isa.Insn;
import skep.isa.JumpOp;
import skep.isa.MemSize;
import skep.isa.Width;
import skep.source.Span;

/**
 * An instruction with virtual registers. Registers below {@link #FIRST_VIRTUAL} are those of the machine.
 *
 * <p>Up to the allocator a virtual register may be written more than once: by two-address forms and by the copies that
 * stand for block parameters.
 */
sealed interface MachineInsn {
    /** Registers r0 to r10 come first. */
    int FIRST_VIRTUAL = 11;

    int[] NONE = {};
    int[] CALL_CLOBBERS = {0, 1, 2, 3, 4, 5};

    Span span();

    /** Registers it reads. */
    int[] uses();

    /** Registers it writes. */
    int[] defs();

    /** The same with registers renamed: those it reads by one rule, those it writes by another. */
    MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def);

    /** Whether it may be dropped when nothing reads what it writes. */
    default boolean pure() {
        return true;
    }

    /** A register or a 32-bit immediate. */
    sealed interface Source {
        record OfReg(int reg) implements Source {}

        record OfImm(int imm) implements Source {}

        default int[] with(int... regs) {
            if (!(this instanceof OfReg r)) {
                return regs;
            }
            var all = new int[regs.length + 1];
            System.arraycopy(regs, 0, all, 0, regs.length);
            all[regs.length] = r.reg;
            return all;
        }

        default Source rename(IntUnaryOperator use) {
            return this instanceof OfReg r ? new OfReg(use.applyAsInt(r.reg)) : this;
        }
    }

    /** The base of a memory access: a register or a slot of the frame. */
    sealed interface Base {
        record OfReg(int reg) implements Base {}

        record OfSlot(int slot) implements Base {}

        default int[] with(int... regs) {
            return this instanceof OfReg r ? new Source.OfReg(r.reg).with(regs) : regs;
        }

        default Base rename(IntUnaryOperator use) {
            return this instanceof OfReg r ? new OfReg(use.applyAsInt(r.reg)) : this;
        }
    }

    /** {@code dst = src}, 64 bits; the allocator tries to make it vanish. */
    record Move(Span span, int dst, int src) implements MachineInsn {
        @Override
        public int[] uses() {
            return new int[] {src};
        }

        @Override
        public int[] defs() {
            return new int[] {dst};
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return new Move(span, def.applyAsInt(dst), use.applyAsInt(src));
        }
    }

    /** {@code dst = src} for {@code MOV*}, {@code dst = dst op src} otherwise. */
    record Alu(Span span, AluOp op, Width width, int dst, Source src) implements MachineInsn {
        boolean moves() {
            return switch (op) {
                case MOV, MOVSX8, MOVSX16, MOVSX32 -> true;
                default -> false;
            };
        }

        @Override
        public int[] uses() {
            return moves() ? src.with() : src.with(dst);
        }

        @Override
        public int[] defs() {
            return new int[] {dst};
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return new Alu(span, op, width, def.applyAsInt(dst), src.rename(use));
        }
    }

    record Swap(Span span, int bits, int dst) implements MachineInsn {
        @Override
        public int[] uses() {
            return new int[] {dst};
        }

        @Override
        public int[] defs() {
            return new int[] {dst};
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return new Swap(span, bits, def.applyAsInt(dst));
        }
    }

    record Load(Span span, MemSize size, boolean signed, int dst, Base base, int offset) implements MachineInsn {
        @Override
        public int[] uses() {
            return base.with();
        }

        @Override
        public int[] defs() {
            return new int[] {dst};
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return new Load(span, size, signed, def.applyAsInt(dst), base.rename(use), offset);
        }
    }

    record Store(Span span, MemSize size, Base base, int offset, Source src) implements MachineInsn {
        @Override
        public int[] uses() {
            return base instanceof Base.OfReg r ? src.with(r.reg) : src.with();
        }

        @Override
        public int[] defs() {
            return NONE;
        }

        @Override
        public boolean pure() {
            return false;
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return new Store(span, size, base.rename(use), offset, src.rename(use));
        }
    }

    /** {@code src} is read, and written too if the operation fetches; {@code CMPXCHG} reads and writes r0 instead. */
    record Atomic(Span span, AtomicOp op, MemSize size, Base base, int offset, int src) implements MachineInsn {
        @Override
        public int[] uses() {
            return op == AtomicOp.CMPXCHG ? base.with(src, 0) : base.with(src);
        }

        @Override
        public int[] defs() {
            if (op == AtomicOp.CMPXCHG) {
                return new int[] {0};
            }
            return op.fetches() ? new int[] {src} : NONE;
        }

        @Override
        public boolean pure() {
            return false;
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            boolean writes = op.fetches() && op != AtomicOp.CMPXCHG;
            return new Atomic(
                    span, op, size, base.rename(use), offset, writes ? def.applyAsInt(src) : use.applyAsInt(src));
        }
    }

    /** A 64-bit immediate; {@code symbol} names the map or function it refers to, or is empty. */
    record LoadImm(Span span, int dst, Insn.ImmKind kind, long imm, String symbol) implements MachineInsn {
        @Override
        public int[] uses() {
            return NONE;
        }

        @Override
        public int[] defs() {
            return new int[] {dst};
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return new LoadImm(span, def.applyAsInt(dst), kind, imm, symbol);
        }
    }

    /** {@code dst} = address of a slot plus an offset: two machine instructions. */
    record FrameAddress(Span span, int dst, int slot, int offset) implements MachineInsn {
        @Override
        public int[] uses() {
            return NONE;
        }

        @Override
        public int[] defs() {
            return new int[] {dst};
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return new FrameAddress(span, def.applyAsInt(dst), slot, offset);
        }
    }

    /** A call; {@code symbol} is the callee of a local one. */
    record Call(Span span, Insn.CallKind kind, int number, String symbol, int argCount) implements MachineInsn {
        @Override
        public int[] uses() {
            var regs = new int[argCount];
            for (int i = 0; i < argCount; i++) {
                regs[i] = i + 1;
            }
            return regs;
        }

        @Override
        public int[] defs() {
            return CALL_CLOBBERS;
        }

        @Override
        public boolean pure() {
            return false;
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return this;
        }
    }

    /** {@code dst = src} unless {@code a op b} holds: a jump over a move. */
    record MoveUnless(Span span, JumpOp op, Width width, int a, Source b, int dst, Source src) implements MachineInsn {
        @Override
        public int[] uses() {
            return b.with(src.with(a, dst));
        }

        @Override
        public int[] defs() {
            return new int[] {dst};
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return new MoveUnless(
                    span, op, width, use.applyAsInt(a), b.rename(use), def.applyAsInt(dst), src.rename(use));
        }
    }

    /** Goes to {@code then} if {@code a op b} holds; last in its block. */
    record Branch(Span span, JumpOp op, Width width, int a, Source b, int then, int otherwise) implements MachineInsn {
        @Override
        public int[] uses() {
            return b.with(a);
        }

        @Override
        public int[] defs() {
            return NONE;
        }

        @Override
        public boolean pure() {
            return false;
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return new Branch(span, op, width, use.applyAsInt(a), b.rename(use), then, otherwise);
        }
    }

    /** Last in its block. */
    record Jump(Span span, int target) implements MachineInsn {
        @Override
        public int[] uses() {
            return NONE;
        }

        @Override
        public int[] defs() {
            return NONE;
        }

        @Override
        public boolean pure() {
            return false;
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return this;
        }
    }

    /** Last in its block; returns r0. */
    record Exit(Span span) implements MachineInsn {
        @Override
        public int[] uses() {
            return new int[] {0};
        }

        @Override
        public int[] defs() {
            return NONE;
        }

        @Override
        public boolean pure() {
            return false;
        }

        @Override
        public MachineInsn rename(IntUnaryOperator use, IntUnaryOperator def) {
            return this;
        }
    }
}
