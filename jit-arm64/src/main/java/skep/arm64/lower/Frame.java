package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.FP;
import static skep.arm64.lower.RegisterMap.FRAME;
import static skep.arm64.lower.RegisterMap.LR;
import static skep.arm64.lower.RegisterMap.TAIL_CALLS;

import java.util.List;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.isa.Insn;
import skep.isa.Operand;
import skep.isa.Reg;

/**
 * What a function saves, and its stack.
 *
 * <pre>
 *   high   x29, x30        frame record
 *          x19, x20        if r6 or r7 is used
 *          x21, x22        if r8 or r9 is used
 *          x25, x26        if there is a stack or a loop budget
 *   x25 -> 512 bytes       the stack of eBPF, if r10 is used
 *          8 bytes         loop budget, if there is a may_goto
 *   low
 * </pre>
 */
final class Frame {
    private static final int STACK_BYTES = 512;
    private static final int ALIGN = 16;

    /** What a frame and a call out of it take at most. */
    private static final int STACK_RESERVE_BYTES = 1024;

    private static final int R0 = RegisterMap.of(Reg.R0);

    private final boolean savesR6R7;
    private final boolean savesR8R9;
    private final boolean hasStack;
    private final boolean hasBudget;
    private final LoweringOptions options;

    private Frame(boolean savesR6R7, boolean savesR8R9, boolean hasStack, boolean hasBudget, LoweringOptions options) {
        this.savesR6R7 = savesR6R7;
        this.savesR8R9 = savesR8R9;
        this.hasStack = hasStack;
        this.hasBudget = hasBudget;
        this.options = options;
    }

    static Frame of(List<Insn> body, LoweringOptions options) {
        var used = new boolean[11];
        boolean budget = false;
        for (var insn : body) {
            switch (insn) {
                case Insn.Alu it -> {
                    use(used, it.dst());
                    use(used, it.src());
                }
                case Insn.Swap it -> use(used, it.dst());
                case Insn.Load it -> {
                    use(used, it.dst());
                    use(used, it.base());
                }
                case Insn.Store it -> {
                    use(used, it.base());
                    use(used, it.src());
                }
                case Insn.Atomic it -> {
                    use(used, it.base());
                    use(used, it.src());
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
                }
                case Insn.MayGoto it -> budget = true;
                case Insn.CallX it -> use(used, it.target());
                case Insn.AddrSpaceCast it -> use(used, it.dst());
                case Insn.Jump it -> {}
                case Insn.Call it -> {}
                case Insn.Exit it -> {}
            }
        }
        return new Frame(used[6] || used[7], used[8] || used[9], used[10], budget, options);
    }

    private static void use(boolean[] used, Reg reg) {
        used[reg.number()] = true;
    }

    private static void use(boolean[] used, Operand operand) {
        if (operand instanceof Operand.OfReg(Reg reg)) {
            use(used, reg);
        }
    }

    private int bytes() {
        int bytes = (hasStack ? STACK_BYTES : 0) + (hasBudget ? 8 : 0);
        return (bytes + ALIGN - 1) / ALIGN * ALIGN;
    }

    private boolean savesFrame() {
        return hasStack || hasBudget;
    }

    /** Offset of the loop budget from the stack pointer, in bytes. */
    int budgetOffset() {
        return 0;
    }

    void emitPrologue(Assembler asm) {
        if (options.landingPads()) {
            asm.emit(Encoding.BTI_C.word(""));
            asm.emit(Encoding.PACIASP.word(""));
        }
        if (options.checked()) {
            emitStackCheck(asm);
        }
        push(asm, FP, LR);
        asm.emit(Encoding.MOV_SP, "sd", 1, FP);
        if (savesR6R7) {
            push(asm, RegisterMap.of(Reg.R6), RegisterMap.of(Reg.R7));
        }
        if (savesR8R9) {
            push(asm, RegisterMap.of(Reg.R8), RegisterMap.of(Reg.R9));
        }
        if (savesFrame()) {
            push(asm, FRAME, TAIL_CALLS);
            asm.emit(Encoding.MOV_SP, "sd", 1, FRAME);
            asm.addImmediate(true, Assembler.SP, Assembler.SP, -bytes(), RegisterMap.SCRATCH_1);
        }
        if (hasBudget) {
            asm.move(RegisterMap.SCRATCH_1, FlowLowering.LOOP_BUDGET);
            asm.emit(Encoding.STR_UIMM, "xind", 3, budgetOffset() / 8, Assembler.SP, RegisterMap.SCRATCH_1);
        }
    }

    /** The stack is the first region: a program that no verifier has seen may recurse until it ends there. */
    private static void emitStackCheck(Assembler asm) {
        int enough = asm.label();
        asm.emit(
                Encoding.LDR_UIMM, "xind", 3, AccessCheck.HEADER_BYTES / 8, RegisterMap.REGIONS, RegisterMap.SCRATCH_1);
        asm.emit(Encoding.ADD_IMM, "sind", 1, STACK_RESERVE_BYTES, RegisterMap.SCRATCH_1, RegisterMap.SCRATCH_1);
        asm.emit(Encoding.MOV_SP, "sd", 1, RegisterMap.SCRATCH_2);
        asm.emit(Encoding.CMP_REG, "smn", 1, RegisterMap.SCRATCH_1, RegisterMap.SCRATCH_2);
        asm.conditional(Encoding.B_COND.word("c", Condition.HS.bits()), enough, false);
        asm.emit(Encoding.BRK, "i", AccessCheck.BREAKPOINT);
        asm.bind(enough);
    }

    void emitEpilogue(Assembler asm) {
        if (savesFrame()) {
            asm.addImmediate(true, Assembler.SP, Assembler.SP, bytes(), RegisterMap.SCRATCH_1);
            pop(asm, FRAME, TAIL_CALLS);
        }
        if (savesR8R9) {
            pop(asm, RegisterMap.of(Reg.R8), RegisterMap.of(Reg.R9));
        }
        if (savesR6R7) {
            pop(asm, RegisterMap.of(Reg.R6), RegisterMap.of(Reg.R7));
        }
        pop(asm, FP, LR);
        // Callers of every function expect its result in x0, those written in A64 and those written in eBPF.
        asm.emit(Encoding.MOV_REG, "smd", 1, R0, 0);
        if (options.landingPads()) {
            asm.emit(Encoding.AUTIASP.word(""));
        }
        asm.emit(Encoding.RET_LR.word(""));
    }

    private static void push(Assembler asm, int first, int second) {
        asm.emit(Encoding.STP_PRE, "siund", 1, -2, second, Assembler.SP, first);
    }

    private static void pop(Assembler asm, int first, int second) {
        asm.emit(Encoding.LDP_POST, "siund", 1, 2, second, Assembler.SP, first);
    }
}
