package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.FP;
import static skep.arm64.lower.RegisterMap.FRAME;
import static skep.arm64.lower.RegisterMap.LR;
import static skep.arm64.lower.RegisterMap.TAIL_CALLS;

import java.util.List;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.isa.AluOp;
import skep.isa.Insn;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;

/**
 * What a function saves, and its stack. The stack pointer stays where the prologue leaves it, so everything on the stack is addressed
 * from it; x25 holds r10 only where the function does more with r10 than address memory.
 *
 * <pre>
 *   r10 -> high   the stack of eBPF, if r10 is used
 *                 16 bytes       loop budget, if there is a may_goto
 *                 x25, x26       if x25 holds r10
 *                 x21, x22       if r8 or r9 is used
 *                 x19, x20       if r6 or r7 is used
 *   sp, x29 ->    x29, x30       frame record
 * </pre>
 */
final class Frame {
    private static final int ALIGN = 16;
    private static final int PAIR = 16;

    /** How far a pair of registers can be pushed. */
    private static final int MAX_PUSH = 504;

    /** What a frame and a call out of it take at most. */
    private static final int STACK_RESERVE_BYTES = 1024;

    private static final int R0 = RegisterMap.of(Reg.R0);

    private final boolean savesR6R7;
    private final boolean savesR8R9;
    private final boolean holdsR10;
    private final boolean hasBudget;
    private final int stackBytes;
    private final LoweringOptions options;

    private Frame(boolean[] used, boolean holdsR10, boolean hasBudget, int stackBytes, LoweringOptions options) {
        this.savesR6R7 = used[6] || used[7];
        this.savesR8R9 = used[8] || used[9];
        this.holdsR10 = holdsR10;
        this.hasBudget = hasBudget;
        this.stackBytes = used[10] ? (stackBytes + ALIGN - 1) / ALIGN * ALIGN : 0;
        this.options = options;
    }

    /**
     * @param stackBytes how much of the stack the function uses, if it uses any
     */
    static Frame of(List<Insn> body, int stackBytes, LoweringOptions options) {
        var used = new boolean[11];
        boolean budget = false;
        boolean holds = options.checked();
        for (var insn : body) {
            switch (insn) {
                case Insn.Alu it -> {
                    use(used, it.dst());
                    use(used, it.src());
                    holds |= isR10(it.src()) && !(it.op() == AluOp.MOV && it.width() == Width.W64);
                }
                case Insn.Swap it -> use(used, it.dst());
                case Insn.Load it -> {
                    use(used, it.dst());
                    use(used, it.base());
                }
                case Insn.Store it -> {
                    use(used, it.base());
                    use(used, it.src());
                    holds |= isR10(it.src());
                }
                case Insn.Atomic it -> {
                    use(used, it.base());
                    use(used, it.src());
                    holds |= it.src() == Reg.R10;
                }
                case Insn.LoadImm64 it -> use(used, it.dst());
                case Insn.LoadPacket it -> {
                    use(used, it.src());
                    use(used, Reg.R6);
                    use(used, Reg.R7);
                }
                case Insn.Branch it -> {
                    use(used, it.dst());
                    use(used, it.src());
                    holds |= it.dst() == Reg.R10 || isR10(it.src());
                }
                case Insn.MayGoto _ -> budget = true;
                case Insn.CallX it -> {
                    use(used, it.target());
                    holds |= it.target() == Reg.R10;
                }
                case Insn.AddrSpaceCast it -> use(used, it.dst());
                case Insn.Jump _, Insn.Call _, Insn.Exit _ -> {}
            }
        }
        return new Frame(used, used[10] && holds, budget, stackBytes, options);
    }

    private static boolean isR10(Operand operand) {
        return operand instanceof Operand.OfReg(Reg reg) && reg == Reg.R10;
    }

    private static void use(boolean[] used, Reg reg) {
        used[reg.number()] = true;
    }

    private static void use(boolean[] used, Operand operand) {
        if (operand instanceof Operand.OfReg(Reg reg)) {
            use(used, reg);
        }
    }

    private int budgetAt() {
        return PAIR * (1 + (savesR6R7 ? 1 : 0) + (savesR8R9 ? 1 : 0) + (holdsR10 ? 1 : 0));
    }

    /** Size of everything, a multiple of 16: also how far r10 lies above the stack pointer. */
    private int bytes() {
        return budgetAt() + (hasBudget ? ALIGN : 0) + stackBytes;
    }

    /** Offset of r10 from the stack pointer, in bytes. */
    int frameOffset() {
        return bytes();
    }

    /** Offset of the loop budget from the stack pointer, in bytes. */
    int budgetOffset() {
        return budgetAt();
    }

    void emitPrologue(Assembler asm) {
        if (options.hints().pac()) {
            // Signing the return address is a landing pad too.
            asm.emit(Encoding.PACIASP.word(""));
        }
        if (options.checked()) {
            emitStackCheck(asm);
        }
        if (bytes() <= MAX_PUSH) {
            asm.emit(Encoding.STP_PRE, "siund", 1, -bytes() / 8, LR, Assembler.SP, FP);
        } else {
            asm.addImmediate(true, Assembler.SP, Assembler.SP, -bytes(), RegisterMap.SCRATCH_1);
            pair(asm, Encoding.STP_OFFSET, 0, FP, LR);
        }
        asm.emit(Encoding.MOV_SP, "sd", 1, FP);
        saved(asm, Encoding.STP_OFFSET);
        if (holdsR10) {
            asm.addImmediate(true, FRAME, Assembler.SP, bytes(), RegisterMap.SCRATCH_1);
        }
        if (hasBudget) {
            asm.move(RegisterMap.SCRATCH_1, FlowLowering.LOOP_BUDGET);
            asm.emit(Encoding.STR_UIMM, "xind", 3, budgetAt() / 8, Assembler.SP, RegisterMap.SCRATCH_1);
        }
    }

    /** Stores or loads what belongs to the caller. */
    private void saved(Assembler asm, Encoding row) {
        int at = PAIR;
        if (savesR6R7) {
            pair(asm, row, at, RegisterMap.of(Reg.R6), RegisterMap.of(Reg.R7));
            at += PAIR;
        }
        if (savesR8R9) {
            pair(asm, row, at, RegisterMap.of(Reg.R8), RegisterMap.of(Reg.R9));
            at += PAIR;
        }
        if (holdsR10) {
            pair(asm, row, at, FRAME, TAIL_CALLS);
        }
    }

    private static void pair(Assembler asm, Encoding row, int at, int first, int second) {
        asm.emit(row, "siund", 1, at / 8, second, Assembler.SP, first);
    }

    /** The stack is the first region: a program that no verifier has seen may recurse until it ends there. */
    private static void emitStackCheck(Assembler asm) {
        int enough = asm.label();
        asm.emit(
                Encoding.LDR_UIMM, "xind", 3, AccessCheck.HEADER_BYTES / 8, RegisterMap.REGIONS, RegisterMap.SCRATCH_1);
        asm.emit(Encoding.ADD_IMM, "sind", 1, STACK_RESERVE_BYTES, RegisterMap.SCRATCH_1, RegisterMap.SCRATCH_1);
        asm.emit(Encoding.MOV_SP, "sd", 1, RegisterMap.SCRATCH_2);
        asm.emit(Encoding.CMP_REG, "smn", 1, RegisterMap.SCRATCH_1, RegisterMap.SCRATCH_2);
        asm.conditional(Encoding.B_COND.word("c", Condition.HS.bits()), enough);
        asm.emit(Encoding.BRK, "i", AccessCheck.BREAKPOINT);
        asm.bind(enough);
    }

    void emitEpilogue(Assembler asm) {
        emitLeave(asm);
        // Callers of every function expect its result in x0, those written in A64 and those written in eBPF.
        asm.emit(Encoding.MOV_REG, "smd", 1, R0, 0);
        if (options.hints().pac()) {
            asm.emit(Encoding.AUTIASP.word(""));
        }
        asm.emit(Encoding.RET_LR.word(""));
    }

    /** Everything is as at the function's entry, and the code goes on at the address in x16. */
    void emitTailCall(Assembler asm) {
        emitLeave(asm);
        if (options.hints().pac()) {
            asm.emit(Encoding.AUTIASP.word(""));
        }
        asm.emit(Encoding.BR, "n", RegisterMap.IP0);
    }

    private void emitLeave(Assembler asm) {
        saved(asm, Encoding.LDP_OFFSET);
        if (bytes() <= MAX_PUSH) {
            asm.emit(Encoding.LDP_POST, "siund", 1, bytes() / 8, LR, Assembler.SP, FP);
        } else {
            pair(asm, Encoding.LDP_OFFSET, 0, FP, LR);
            asm.addImmediate(true, Assembler.SP, Assembler.SP, bytes(), RegisterMap.SCRATCH_1);
        }
    }
}
