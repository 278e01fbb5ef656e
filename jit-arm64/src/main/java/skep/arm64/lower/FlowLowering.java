package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.SCRATCH_1;

import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.arm64.a64.LogicalImmediate;
import skep.isa.Insn;
import skep.isa.JumpOp;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;
import skep.isa.kernel.Helper;

/** Jumps, calls and 64-bit immediates. */
final class FlowLowering {
    /** How often a program may pass its {@code may_goto}s (Linux: {@code BPF_MAX_LOOPS}, 8 million). */
    static final int LOOP_BUDGET = 8 * 1024 * 1024;

    private static final int R0 = RegisterMap.of(Reg.R0);
    private static final int MAX_COMPARE_IMMEDIATE = 4095;

    private final Assembler asm;
    private final Calls calls;
    private final Frame frame;
    private final int epilogue;

    FlowLowering(Assembler asm, Calls calls, Frame frame, int epilogue) {
        this.asm = asm;
        this.calls = calls;
        this.frame = frame;
        this.epilogue = epilogue;
    }

    void jump(int target) {
        asm.branch(Encoding.B, target);
    }

    void exit(boolean last) {
        if (!last) {
            asm.branch(Encoding.B, epilogue);
        }
    }

    void branch(Insn.Branch insn, int target, boolean isLong) {
        int sf = insn.width() == Width.W64 ? 1 : 0;
        int dst = RegisterMap.of(insn.dst());
        boolean zero = insn.src() instanceof Operand.OfImm(int imm) && imm == 0;
        if (zero && insn.op() == JumpOp.JEQ) {
            asm.conditional(Encoding.CBZ.word("sd", sf, dst), target, isLong);
        } else if (zero && insn.op() == JumpOp.JNE) {
            asm.conditional(Encoding.CBNZ.word("sd", sf, dst), target, isLong);
        } else {
            if (insn.op() == JumpOp.JSET) {
                test(sf, dst, insn.src());
            } else {
                compare(sf, dst, insn.src());
            }
            asm.conditional(Encoding.B_COND.word("c", Condition.of(insn.op()).bits()), target, isLong);
        }
    }

    private void compare(int sf, int dst, Operand src) {
        switch (src) {
            case Operand.OfReg(Reg reg) -> asm.emit(Encoding.CMP_REG, "smn", sf, RegisterMap.of(reg), dst);
            case Operand.OfImm(int imm) -> {
                if (imm >= 0 && imm <= MAX_COMPARE_IMMEDIATE) {
                    asm.emit(Encoding.CMP_IMM, "sin", sf, imm, dst);
                } else if (imm < 0 && imm >= -MAX_COMPARE_IMMEDIATE) {
                    asm.emit(Encoding.CMN_IMM, "sin", sf, -imm, dst);
                } else {
                    load(sf, imm);
                    asm.emit(Encoding.CMP_REG, "smn", sf, SCRATCH_1, dst);
                }
            }
        }
    }

    private void test(int sf, int dst, Operand src) {
        switch (src) {
            case Operand.OfReg(Reg reg) -> asm.emit(Encoding.TST_REG, "smn", sf, RegisterMap.of(reg), dst);
            case Operand.OfImm(int imm) -> {
                var mask = LogicalImmediate.encode(imm, sf == 1 ? 64 : 32);
                if (mask.isPresent()) {
                    int fields = mask.getAsInt();
                    asm.emit(Encoding.TST_IMM, "sbrqn", sf, fields >> 12, fields >> 6 & 63, fields & 63, dst);
                } else {
                    load(sf, imm);
                    asm.emit(Encoding.TST_REG, "smn", sf, SCRATCH_1, dst);
                }
            }
        }
    }

    private void load(int sf, int imm) {
        if (sf == 1) {
            asm.move(SCRATCH_1, imm);
        } else {
            asm.move32(SCRATCH_1, imm);
        }
    }

    /** Counts the budget down; at zero the jump is taken. */
    void mayGoto(int target, boolean isLong) {
        int slot = frame.budgetOffset() / 8;
        asm.emit(Encoding.LDR_UIMM, "xind", 3, slot, Assembler.SP, SCRATCH_1);
        asm.conditional(Encoding.CBZ.word("sd", 1, SCRATCH_1), target, isLong);
        asm.emit(Encoding.SUB_IMM, "sind", 1, 1, SCRATCH_1, SCRATCH_1);
        asm.emit(Encoding.STR_UIMM, "xind", 3, slot, Assembler.SP, SCRATCH_1);
    }

    /**
     * @param functionLabel label of the callee of a local call
     */
    void call(int slot, Insn.Call insn, int functionLabel) {
        if (insn.kind() == Insn.CallKind.LOCAL) {
            asm.branch(Encoding.BL, functionLabel);
        } else {
            callOut(slot);
        }
        if (insn.kind() == Insn.CallKind.HELPER && insn.imm() == Helper.TAIL_CALL.number()) {
            int notTaken = asm.label();
            asm.conditional(Encoding.CBZ.word("sd", 1, 1), notTaken, false);
            asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
            asm.branch(Encoding.B, epilogue);
            asm.bind(notTaken);
        } else {
            asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
        }
    }

    /** The register holds the number of a helper, or the address of a function. */
    void call(Insn.CallX insn) {
        asm.emit(Encoding.MOV_REG, "smd", 1, RegisterMap.of(insn.target()), RegisterMap.HELPER_NUMBER);
        asm.move(SCRATCH_1, calls.throughRegister());
        asm.emit(Encoding.BLR, "n", SCRATCH_1);
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
    }

    private void callOut(int slot) {
        var target = calls.target(slot);
        asm.move(RegisterMap.HELPER_NUMBER, target.number());
        asm.move(SCRATCH_1, target.address());
        asm.emit(Encoding.BLR, "n", SCRATCH_1);
    }

    void loadImmediate(int slot, Insn.LoadImm64 insn) {
        asm.move(RegisterMap.of(insn.dst()), calls.immediate(slot));
    }

    /** Calls out with the context, the offset, the kind of load, and the two registers of classic BPF. */
    void loadPacket(int slot, Insn.LoadPacket insn, int what) {
        if (insn.indirect()) {
            asm.addImmediate(false, 1, RegisterMap.of(insn.src()), insn.imm(), SCRATCH_1);
            asm.emit(Encoding.SBFM, "sbrqnd", 1, 1, 0, 31, 1, 1);
        } else {
            asm.move(1, insn.imm());
        }
        asm.move(2, what);
        asm.emit(Encoding.MOV_REG, "smd", 1, RegisterMap.of(Reg.R6), 0);
        asm.emit(Encoding.MOV_REG, "smd", 1, R0, 3);
        asm.emit(Encoding.MOV_REG, "smd", 1, RegisterMap.of(Reg.R7), 4);
        callOut(slot);
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
    }
}
