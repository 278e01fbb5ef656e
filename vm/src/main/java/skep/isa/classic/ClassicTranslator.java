package skep.isa.classic;

import java.util.ArrayList;
import java.util.List;
import skep.isa.AluOp;
import skep.isa.Bytecode;
import skep.isa.Insn;
import skep.isa.InsnCodec;
import skep.isa.JumpOp;
import skep.isa.MemSize;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;

/**
 * Makes an eBPF socket filter of a classic program, with the kernel's choice of registers: A is r0, X is r7, the context r6; M lies on
 * the stack. Loads of ancillary data stay packet loads at their offsets: who runs the program knows what they mean.
 */
public final class ClassicTranslator {
    private static final Reg A = Reg.R0;
    private static final Reg X = Reg.R7;
    private static final Reg SAVED = Reg.R8;
    private static final Reg CONTEXT = Reg.R6;

    /** Offset of the packet's length in {@code struct __sk_buff}. */
    private static final short LENGTH_OFF = 0;

    private final ClassicProgram program;
    private final List<Insn> out = new ArrayList<>();
    private final List<Pending> pending = new ArrayList<>();

    private ClassicTranslator(ClassicProgram program) {
        this.program = program;
    }

    public static Bytecode translate(ClassicProgram program) {
        return new ClassicTranslator(program).translate();
    }

    private Bytecode translate() {
        out.add(move(CONTEXT, Reg.R1));
        out.add(new Insn.Alu(AluOp.MOV, Width.W32, A, Operand.of(0)));
        out.add(new Insn.Alu(AluOp.MOV, Width.W32, X, Operand.of(0)));
        var starts = new int[program.insns().size()];
        for (int i = 0; i < starts.length; i++) {
            starts[i] = out.size();
            translate(program.op(i), program.insns().get(i), i);
        }
        for (var p : pending) {
            short off = (short) (starts[p.target] - p.at - 1);
            out.set(
                    p.at,
                    out.get(p.at) instanceof Insn.Branch b
                            ? new Insn.Branch(b.op(), b.width(), b.dst(), b.src(), off)
                            : new Insn.Jump(off, false));
        }
        return InsnCodec.encode(out);
    }

    private void translate(ClassicOp op, ClassicInsn insn, int index) {
        int k = insn.k();
        switch (op) {
            case LD_ABS_W -> loadAbsolute(MemSize.W, k);
            case LD_ABS_H -> loadAbsolute(MemSize.H, k);
            case LD_ABS_B -> loadAbsolute(MemSize.B, k);
            case LD_IND_W -> out.add(new Insn.LoadPacket(MemSize.W, true, X, k));
            case LD_IND_H -> out.add(new Insn.LoadPacket(MemSize.H, true, X, k));
            case LD_IND_B -> out.add(new Insn.LoadPacket(MemSize.B, true, X, k));
            case LD_LEN -> out.add(new Insn.Load(MemSize.W, false, A, CONTEXT, LENGTH_OFF));
            case LDX_LEN -> out.add(new Insn.Load(MemSize.W, false, X, CONTEXT, LENGTH_OFF));
            case LD_IMM -> out.add(move32(A, k));
            case LDX_IMM -> out.add(move32(X, k));
            case LD_MEM -> out.add(new Insn.Load(MemSize.W, false, A, Reg.R10, word(k)));
            case LDX_MEM -> out.add(new Insn.Load(MemSize.W, false, X, Reg.R10, word(k)));
            case LDX_MSH -> headerLength(k);
            case ST -> out.add(new Insn.Store(MemSize.W, Reg.R10, word(k), Operand.of(A)));
            case STX -> out.add(new Insn.Store(MemSize.W, Reg.R10, word(k), Operand.of(X)));
            case ADD_K, ADD_X -> alu(AluOp.ADD, op, k);
            case SUB_K, SUB_X -> alu(AluOp.SUB, op, k);
            case MUL_K, MUL_X -> alu(AluOp.MUL, op, k);
            case DIV_K -> alu(AluOp.DIV, op, k);
            case MOD_K -> alu(AluOp.MOD, op, k);
            case DIV_X -> divide(AluOp.DIV);
            case MOD_X -> divide(AluOp.MOD);
            case OR_K, OR_X -> alu(AluOp.OR, op, k);
            case AND_K, AND_X -> alu(AluOp.AND, op, k);
            case XOR_K, XOR_X -> alu(AluOp.XOR, op, k);
            case LSH_K, LSH_X -> alu(AluOp.LSH, op, k);
            case RSH_K, RSH_X -> alu(AluOp.RSH, op, k);
            case NEG -> out.add(new Insn.Alu(AluOp.NEG, Width.W32, A, Operand.of(A)));
            case JA -> jump(index + 1 + k);
            case JEQ_K, JEQ_X -> branch(JumpOp.JEQ, JumpOp.JNE, op, insn, index);
            case JGT_K, JGT_X -> branch(JumpOp.JGT, JumpOp.JLE, op, insn, index);
            case JGE_K, JGE_X -> branch(JumpOp.JGE, JumpOp.JLT, op, insn, index);
            case JSET_K, JSET_X -> branchOnBits(op, insn, index);
            case RET_K -> {
                out.add(move32(A, k));
                out.add(new Insn.Exit());
            }
            case RET_A -> out.add(new Insn.Exit());
            case TAX -> out.add(new Insn.Alu(AluOp.MOV, Width.W32, X, Operand.of(A)));
            case TXA -> out.add(new Insn.Alu(AluOp.MOV, Width.W32, A, Operand.of(X)));
        }
    }

    private void loadAbsolute(MemSize size, int k) {
        if (Ancillary.at(k) == Ancillary.ALU_XOR_X) {
            out.add(new Insn.Alu(AluOp.XOR, Width.W32, A, Operand.of(X)));
        } else {
            out.add(new Insn.LoadPacket(size, false, Reg.R0, k));
        }
    }

    /** {@code X = 4 * (packet[k] & 15)}, the length of an IPv4 header; A is kept. */
    private void headerLength(int k) {
        out.add(move(SAVED, A));
        out.add(new Insn.LoadPacket(MemSize.B, false, Reg.R0, k));
        out.add(new Insn.Alu(AluOp.AND, Width.W32, A, Operand.of(0xf)));
        out.add(new Insn.Alu(AluOp.LSH, Width.W32, A, Operand.of(2)));
        out.add(move(X, A));
        out.add(move(A, SAVED));
    }

    private void alu(AluOp op, ClassicOp classic, int k) {
        out.add(new Insn.Alu(op, Width.W32, A, operand(classic, k)));
    }

    /** Division by an X of zero ends the filter with 0. */
    private void divide(AluOp op) {
        out.add(new Insn.Branch(JumpOp.JNE, Width.W32, X, Operand.of(0), (short) 2));
        out.add(move32(A, 0));
        out.add(new Insn.Exit());
        out.add(new Insn.Alu(op, Width.W32, A, Operand.of(X)));
    }

    private void branch(JumpOp op, JumpOp inverse, ClassicOp classic, ClassicInsn insn, int index) {
        var src = operand(classic, insn.k());
        if (insn.jt() == 0 && insn.jf() != 0) {
            branchTo(inverse, src, index + 1 + insn.jf());
            return;
        }
        branchTo(op, src, index + 1 + insn.jt());
        if (insn.jf() != 0) {
            jump(index + 1 + insn.jf());
        }
    }

    private void branchOnBits(ClassicOp classic, ClassicInsn insn, int index) {
        branchTo(JumpOp.JSET, operand(classic, insn.k()), index + 1 + insn.jt());
        if (insn.jf() != 0) {
            jump(index + 1 + insn.jf());
        }
    }

    private static Operand operand(ClassicOp classic, int k) {
        return switch (classic.shape()) {
            case X, BRANCH_X -> Operand.of(X);
            default -> Operand.of(k);
        };
    }

    private void branchTo(JumpOp op, Operand src, int target) {
        pending.add(new Pending(out.size(), target));
        out.add(new Insn.Branch(op, Width.W32, A, src, (short) 0));
    }

    private void jump(int target) {
        pending.add(new Pending(out.size(), target));
        out.add(new Insn.Jump(0, false));
    }

    private static Insn move(Reg dst, Reg src) {
        return new Insn.Alu(AluOp.MOV, Width.W64, dst, Operand.of(src));
    }

    private static Insn move32(Reg dst, int k) {
        return new Insn.Alu(AluOp.MOV, Width.W32, dst, Operand.of(k));
    }

    private static short word(int k) {
        return (short) (4 * (k - ClassicProgram.MEMORY_WORDS));
    }

    private record Pending(int at, int target) {}
}
