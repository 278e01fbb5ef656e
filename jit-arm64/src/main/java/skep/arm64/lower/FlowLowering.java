package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.SCRATCH_1;

import java.util.function.IntUnaryOperator;
import java.util.function.LongSupplier;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.arm64.a64.LogicalImmediate;
import skep.isa.Insn;
import skep.isa.JumpOp;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;

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
     * @param functionLabel the label of the function that begins at a slot
     */
    void call(int slot, Insn.Call insn, IntUnaryOperator functionLabel) {
        switch (insn.kind()) {
            case LOCAL -> asm.branch(Encoding.BL, functionLabel.applyAsInt(slot + 1 + insn.imm()));
            case HELPER -> callAddress(address(slot, () -> calls.helper(insn.imm())));
            case KFUNC -> callAddress(address(slot, () -> calls.kfunc(insn.imm(), insn.off())));
        }
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
    }

    /** The register holds the number of a helper. */
    void call(int slot, Insn.CallX insn) {
        asm.emit(Encoding.MOV_REG, "smd", 1, RegisterMap.of(insn.target()), RegisterMap.HELPER_NUMBER);
        callAddress(address(slot, calls::helperByNumber));
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
    }

    private void callAddress(long address) {
        asm.move(SCRATCH_1, address);
        asm.emit(Encoding.BLR, "n", SCRATCH_1);
    }

    private static long address(int slot, LongSupplier resolver) {
        try {
            return resolver.getAsLong();
        } catch (UnsupportedOperationException refusal) {
            throw new UnsupportedInsnException(slot, String.valueOf(refusal.getMessage()));
        }
    }

    void lower(int slot, Insn.LoadImm64 insn) {
        int dst = RegisterMap.of(insn.dst());
        int low = (int) insn.imm();
        int high = (int) (insn.imm() >>> 32);
        switch (insn.kind()) {
            case NUMBER -> asm.move(dst, insn.imm());
            case MAP_FD -> asm.move(dst, address(slot, () -> calls.map(low, false)));
            case MAP_IDX -> asm.move(dst, address(slot, () -> calls.map(low, true)));
            case MAP_VALUE -> asm.move(dst, address(slot, () -> calls.mapValue(low, high, false)));
            case MAP_IDX_VALUE -> asm.move(dst, address(slot, () -> calls.mapValue(low, high, true)));
            case BTF_ID -> asm.move(dst, address(slot, () -> calls.variable(low, high)));
            case FUNC -> asm.move(dst, address(slot, () -> calls.function(slot + 1 + low)));
        }
    }

    void loadPacket(int slot, Insn.LoadPacket insn) {
        throw new UnsupportedInsnException(slot, "legacy packet loads are translated before code is made");
    }
}
