package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.SCRATCH_1;
import static skep.arm64.lower.RegisterMap.SCRATCH_2;
import static skep.arm64.lower.RegisterMap.SCRATCH_3;

import java.util.ArrayList;
import java.util.List;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Assembler.Reach;
import skep.arm64.a64.Encoding;
import skep.arm64.a64.LogicalImmediate;
import skep.isa.Insn;
import skep.isa.JumpOp;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;
import skep.isa.kernel.Helper;
import skep.vm.VmMap;
import skep.vm.jit.SwitchTree;

/** Jumps, calls and 64-bit immediates of one function. */
final class FlowLowering {
    /** How often a program may pass its {@code may_goto}s (Linux: {@code BPF_MAX_LOOPS}, 8 million). */
    static final int LOOP_BUDGET = 8 * 1024 * 1024;

    private static final int R0 = RegisterMap.of(Reg.R0);
    private static final int MAX_COMPARE_IMMEDIATE = 4095;

    private final Assembler asm;
    private final Calls calls;
    private final CallStubs stubs;
    private final Frame frame;
    private final Blinder blinder;
    private final LoweringOptions options;
    private final int epilogue;
    private final List<SlowPath> slowPaths = new ArrayList<>();

    FlowLowering(
            Assembler asm,
            Calls calls,
            CallStubs stubs,
            Frame frame,
            Blinder blinder,
            LoweringOptions options,
            int epilogue) {
        this.asm = asm;
        this.calls = calls;
        this.stubs = stubs;
        this.frame = frame;
        this.blinder = blinder;
        this.options = options;
        this.epilogue = epilogue;
    }

    /** What is needed seldom lies behind the function. */
    record SlowPath(int slot, int entry, Runnable code) {}

    List<SlowPath> slowPaths() {
        return slowPaths;
    }

    void jump(int target, Reach reach) {
        asm.branch(Encoding.B, target, reach);
    }

    void exit(boolean last, Reach reach) {
        if (!last) {
            asm.branch(Encoding.B, epilogue, reach);
        }
    }

    void branch(Insn.Branch insn, int target, Reach reach) {
        int sf = insn.width() == Width.W64 ? 1 : 0;
        int dst = RegisterMap.of(insn.dst());
        if (insn.src() instanceof Operand.OfImm(int imm) && shortForm(insn.op(), sf, dst, imm, target, reach)) {
            return;
        }
        if (insn.op() == JumpOp.JSET) {
            test(sf, dst, insn.src());
        } else {
            compare(sf, dst, insn.src());
        }
        asm.conditional(Encoding.B_COND.word("c", Condition.of(insn.op()).bits()), target, reach);
    }

    /** Compares and branches in one instruction, where there is one. */
    private boolean shortForm(JumpOp op, int sf, int dst, int imm, int target, Reach reach) {
        int signBit = sf == 1 ? 63 : 31;
        return switch (op) {
            case JEQ, JLE -> imm == 0 && zero(Encoding.CBZ, sf, dst, target, reach);
            case JNE, JGT -> imm == 0 && zero(Encoding.CBNZ, sf, dst, target, reach);
            case JLT -> imm == 1 && zero(Encoding.CBZ, sf, dst, target, reach);
            case JGE -> imm == 1 && zero(Encoding.CBNZ, sf, dst, target, reach);
            case JSLT -> imm == 0 && bit(Encoding.TBNZ, signBit, dst, target, reach);
            case JSGE -> imm == 0 && bit(Encoding.TBZ, signBit, dst, target, reach);
            case JSGT -> imm == -1 && bit(Encoding.TBZ, signBit, dst, target, reach);
            case JSLE -> imm == -1 && bit(Encoding.TBNZ, signBit, dst, target, reach);
            case JSET -> {
                long mask = sf == 1 ? imm : imm & 0xffff_ffffL;
                yield Long.bitCount(mask) == 1
                        && bit(Encoding.TBNZ, Long.numberOfTrailingZeros(mask), dst, target, reach);
            }
        };
    }

    private boolean zero(Encoding row, int sf, int register, int target, Reach reach) {
        asm.conditional(row.word("sd", sf, register), target, reach);
        return true;
    }

    private boolean bit(Encoding row, int bit, int register, int target, Reach reach) {
        asm.conditional(row.word("pkd", bit >> 5, bit & 31, register), target, reach);
        return true;
    }

    private void compare(int sf, int dst, Operand src) {
        switch (src) {
            case Operand.OfReg(Reg reg) -> asm.emit(Encoding.CMP_REG, "smn", sf, RegisterMap.of(reg), dst);
            case Operand.OfImm(int imm) -> {
                if (blinder.active()) {
                    viaScratch(Encoding.CMP_REG, sf, dst, imm);
                } else if (imm >= 0 && imm <= MAX_COMPARE_IMMEDIATE) {
                    asm.emit(Encoding.CMP_IMM, "sin", sf, imm, dst);
                } else if (imm < 0 && imm >= -MAX_COMPARE_IMMEDIATE) {
                    asm.emit(Encoding.CMN_IMM, "sin", sf, -imm, dst);
                } else if (imm > 0 && (imm & 0xfff) == 0 && imm >> 12 <= MAX_COMPARE_IMMEDIATE) {
                    asm.emit(Encoding.CMP_IMM, "shin", sf, 1, imm >> 12, dst);
                } else {
                    viaScratch(Encoding.CMP_REG, sf, dst, imm);
                }
            }
        }
    }

    private void test(int sf, int dst, Operand src) {
        switch (src) {
            case Operand.OfReg(Reg reg) -> asm.emit(Encoding.TST_REG, "smn", sf, RegisterMap.of(reg), dst);
            case Operand.OfImm(int imm) -> {
                var mask = LogicalImmediate.encode(imm, sf == 1 ? 64 : 32);
                if (mask.isPresent() && !blinder.active()) {
                    int fields = mask.getAsInt();
                    asm.emit(Encoding.TST_IMM, "sbrqn", sf, fields >> 12, fields >> 6 & 63, fields & 63, dst);
                } else {
                    viaScratch(Encoding.TST_REG, sf, dst, imm);
                }
            }
        }
    }

    private void viaScratch(Encoding row, int sf, int dst, int imm) {
        blinder.move(sf == 1, SCRATCH_1, imm);
        asm.emit(row, "smn", sf, SCRATCH_1, dst);
    }

    /**
     * A tree of comparisons as a table of jumps.
     *
     * <pre>
     *   cmp  reg, #low          both only where smaller values go elsewhere than greater ones
     *   b.lo below
     *   sub  x10, reg, #low
     *   cmp  x10, #entries
     *   b.hs above
     *   adr  x11, table
     *   add  x11, x11, x10, lsl #2          #3 with landing pads
     *   br   x11
     *   table: b target, ...                bti j in front of each with landing pads
     * </pre>
     */
    void table(SwitchTree tree, java.util.function.IntUnaryOperator labelOfSlot, Reach reach) {
        int sf = tree.width() == Width.W64 ? 1 : 0;
        int reg = RegisterMap.of(tree.reg());
        int low = (int) tree.low();
        if (tree.below() != tree.above()) {
            compare(sf, reg, Operand.of(low));
            asm.conditional(
                    Encoding.B_COND.word("c", Condition.LO.bits()), labelOfSlot.applyAsInt(tree.below()), reach);
        }
        if (sf == 1) {
            asm.move(SCRATCH_2, low);
        } else {
            asm.move32(SCRATCH_2, low);
        }
        asm.emit(Encoding.SUB_REG, "smnd", sf, SCRATCH_2, reg, SCRATCH_1);
        compare(sf, SCRATCH_1, Operand.of(tree.targets().length));
        asm.conditional(Encoding.B_COND.word("c", Condition.HS.bits()), labelOfSlot.applyAsInt(tree.above()), reach);
        int table = asm.label();
        asm.address(SCRATCH_2, table);
        int scale = options.hints().bti() ? 3 : 2;
        asm.emit(Encoding.ADD_REG, "smknd", 1, SCRATCH_1, scale, SCRATCH_2, SCRATCH_2);
        asm.emit(Encoding.BR, "n", SCRATCH_2);
        asm.bind(table);
        for (int target : tree.targets()) {
            if (options.hints().bti()) {
                asm.emit(Encoding.BTI_J.word(""));
            }
            asm.branch(Encoding.B, labelOfSlot.applyAsInt(target));
        }
    }

    /** Counts the budget down; at zero the jump is taken. */
    void mayGoto(int target, Reach reach) {
        int slot = frame.budgetOffset() / 8;
        asm.emit(Encoding.LDR_UIMM, "xind", 3, slot, Assembler.SP, SCRATCH_1);
        asm.conditional(Encoding.CBZ.word("sd", 1, SCRATCH_1), target, reach);
        asm.emit(Encoding.SUB_IMM, "sind", 1, 1, SCRATCH_1, SCRATCH_1);
        asm.emit(Encoding.STR_UIMM, "xind", 3, slot, Assembler.SP, SCRATCH_1);
    }

    /**
     * @param functionLabel label of the callee of a local call
     */
    void call(int slot, Insn.Call insn, int functionLabel, Reach reach) {
        if (insn.kind() == Insn.CallKind.LOCAL) {
            asm.branch(Encoding.BL, functionLabel, reach);
        } else if (insn.kind() == Insn.CallKind.HELPER) {
            helper(slot, insn, reach);
            return;
        } else {
            callOut(slot, reach);
        }
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
    }

    private void helper(int slot, Insn.Call insn, Reach reach) {
        if (insn.imm() == Helper.TAIL_CALL.number()) {
            tailCall(slot, reach);
            return;
        }
        var array = calls.arrayLookup(slot);
        if (array.isPresent()
                && (array.get().cpuStrideBytes() == 0 || calls.snapshot().isPresent())) {
            arrayLookup(array.get());
            return;
        }
        if (calls.hasTaskRegister() && TaskRegister.answer(asm, Helper.ofNumber(insn.imm()), R0)) {
            return;
        }
        int kept = snapshotOffset(insn.imm());
        if (kept >= 0) {
            fromSnapshot(slot, kept, reach);
            return;
        }
        callOut(slot, reach);
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
    }

    /** This CPU's copy of what the register points to. */
    void perCpuAddress(Insn.Alu insn) {
        int src = insn.src() instanceof Operand.OfReg(Reg reg) ? RegisterMap.of(reg) : RegisterMap.of(insn.dst());
        asm.emit(calls.cpuBase(), "d", SCRATCH_1);
        asm.emit(Encoding.ADD_REG, "smnd", 1, SCRATCH_1, src, RegisterMap.of(insn.dst()));
    }

    /** Which word of the snapshot answers this helper; -1 if none does. */
    private int snapshotOffset(int helper) {
        if (calls.snapshot().isEmpty()) {
            return -1;
        }
        var snapshot = calls.snapshot().get();
        return Helper.ofNumber(helper)
                .map(known -> switch (known) {
                    case KTIME_GET_NS, KTIME_GET_COARSE_NS -> snapshot.ktime();
                    case KTIME_GET_BOOT_NS -> snapshot.boot();
                    case GET_SMP_PROCESSOR_ID -> snapshot.cpu();
                    case GET_CURRENT_PID_TGID -> snapshot.pidTgid();
                    case GET_CURRENT_UID_GID -> snapshot.uidGid();
                    case GET_CURRENT_TASK, GET_CURRENT_TASK_BTF -> snapshot.task();
                    default -> -1;
                })
                .orElse(-1);
    }

    /** An answer that is known when the program begins; the call is made only if it is not. */
    private void fromSnapshot(int slot, int offset, Reach reach) {
        var snapshot = calls.snapshot().orElseThrow();
        asm.move(SCRATCH_1, snapshot.address());
        if (offset != snapshot.cpu()) {
            int slow = asm.label();
            int resume = asm.label();
            asm.emit(Encoding.LDR_UIMM, "xind", 3, snapshot.valid() / 8, SCRATCH_1, SCRATCH_2);
            asm.conditional(Encoding.CBZ.word("sd", 1, SCRATCH_2), slow, reach);
            asm.emit(Encoding.LDR_UIMM, "xind", 3, offset / 8, SCRATCH_1, R0);
            asm.bind(resume);
            slowPaths.add(new SlowPath(slot, slow, () -> {
                callOut(slot, reach);
                asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
                asm.branch(Encoding.B, resume, reach);
            }));
        } else {
            asm.emit(Encoding.LDR_UIMM, "xind", 3, offset / 8, SCRATCH_1, R0);
        }
    }

    /** {@code r0 = base + index * stride} of the index at r2, or 0 behind the end. */
    private void arrayLookup(VmMap.ArrayLayout array) {
        int none = asm.label();
        asm.emit(Encoding.LDR_UIMM, "xind", 2, 0, RegisterMap.of(Reg.R2), SCRATCH_1);
        asm.move(R0, 0);
        if (Integer.compareUnsigned(array.maxEntries(), MAX_COMPARE_IMMEDIATE) <= 0) {
            asm.emit(Encoding.CMP_IMM, "sin", 0, array.maxEntries(), SCRATCH_1);
        } else {
            asm.move32(SCRATCH_2, array.maxEntries());
            asm.emit(Encoding.CMP_REG, "smn", 0, SCRATCH_2, SCRATCH_1);
        }
        asm.conditional(Encoding.B_COND.word("c", Condition.HS.bits()), none);
        asm.move(R0, array.base());
        addMultiple(array.strideBytes());
        if (array.cpuStrideBytes() != 0) {
            var snapshot = calls.snapshot().orElseThrow();
            asm.move(SCRATCH_1, snapshot.address());
            asm.emit(Encoding.LDR_UIMM, "xind", 3, snapshot.cpu() / 8, SCRATCH_1, SCRATCH_1);
            addMultiple(array.cpuStrideBytes());
        }
        asm.bind(none);
    }

    /** {@code r0 += x10 * factor} */
    private void addMultiple(long factor) {
        if (Long.bitCount(factor) == 1) {
            asm.emit(Encoding.ADD_REG, "smknd", 1, SCRATCH_1, Long.numberOfTrailingZeros(factor), R0, R0);
        } else {
            asm.move(SCRATCH_3, factor);
            asm.emit(Encoding.MADD, "smand", 1, SCRATCH_3, R0, SCRATCH_1, R0);
        }
    }

    /** If it is taken the function's frame goes, and the code goes on in the other program as if that had been called. */
    private void tailCall(int slot, Reach reach) {
        int notTaken = asm.label();
        callOut(slot, reach);
        asm.conditional(Encoding.CBZ.word("sd", 1, 1), notTaken);
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, RegisterMap.IP0);
        asm.emit(Encoding.MOV_REG, "smd", 1, 2, 0);
        frame.emitTailCall(asm);
        asm.bind(notTaken);
    }

    /** The register holds the number of a helper, or the address of a function. */
    void call(Insn.CallX insn) {
        asm.emit(Encoding.MOV_REG, "smd", 1, RegisterMap.of(insn.target()), RegisterMap.HELPER_NUMBER);
        asm.move(SCRATCH_1, calls.throughRegister());
        asm.emit(Encoding.BLR, "n", SCRATCH_1);
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
    }

    private void callOut(int slot, Reach reach) {
        stubs.call(calls.target(slot), reach);
    }

    void loadImmediate(int slot, Insn.LoadImm64 insn) {
        int dst = RegisterMap.of(insn.dst());
        if (insn.kind() == Insn.ImmKind.NUMBER) {
            blinder.move(true, dst, calls.immediate(slot));
        } else {
            asm.move(dst, calls.immediate(slot));
        }
    }

    /**
     * A load from memory that only the kernel has: the routine takes the address in x10, gives what is there in x10, and keeps all other
     * registers of the program.
     */
    void loadKernel(int slot, Insn.Load insn, Reach reach) {
        asm.addImmediate(true, SCRATCH_1, RegisterMap.of(insn.base()), insn.off(), SCRATCH_3);
        var target = calls.target(slot);
        asm.move(RegisterMap.HELPER_NUMBER, target.number());
        asm.move(SCRATCH_2, target.address());
        asm.emit(Encoding.BLR, "n", SCRATCH_2);
        int dst = RegisterMap.of(insn.dst());
        if (insn.signed()) {
            asm.emit(Encoding.SBFM, "sbrqnd", 1, 1, 0, insn.size().bytes() * 8 - 1, SCRATCH_1, dst);
        } else {
            asm.emit(Encoding.MOV_REG, "smd", 1, SCRATCH_1, dst);
        }
    }

    /** Calls out with the context, the offset, the kind of load, and the two registers of classic BPF. */
    void loadPacket(int slot, Insn.LoadPacket insn, int what, Reach reach) {
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
        callOut(slot, reach);
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, R0);
    }
}
