package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.SCRATCH_1;
import static skep.arm64.lower.RegisterMap.SCRATCH_2;
import static skep.arm64.lower.RegisterMap.SCRATCH_3;

import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.isa.AtomicOp;
import skep.isa.Insn;
import skep.isa.MemSize;
import skep.isa.Operand;

/** Loads, stores and atomics. */
final class MemoryLowering {
    private static final int UIMM_LIMIT = 4096;

    private final Assembler asm;
    private final LoweringOptions options;
    private final int check;

    /**
     * @param check label of the routine that tests an access; used in checked code only
     */
    MemoryLowering(Assembler asm, LoweringOptions options, int check) {
        this.asm = asm;
        this.options = options;
        this.check = check;
    }

    void lower(Insn.Load insn) {
        int base = RegisterMap.of(insn.base());
        checkAccess(base, insn.off(), insn.size(), false);
        int dst = RegisterMap.of(insn.dst());
        if (!insn.signed()) {
            access(Encoding.LDR_UIMM, Encoding.LDUR, Encoding.LDR_REG, insn.size(), dst, base, insn.off());
            return;
        }
        switch (insn.size()) {
            case B -> signed(Encoding.LDRSB_X_UIMM, Encoding.LDURSB_X, Encoding.LDRSB_X_REG, 1, dst, base, insn.off());
            case H -> signed(Encoding.LDRSH_X_UIMM, Encoding.LDURSH_X, Encoding.LDRSH_X_REG, 2, dst, base, insn.off());
            case W -> signed(Encoding.LDRSW_UIMM, Encoding.LDURSW, Encoding.LDRSW_REG, 4, dst, base, insn.off());
            case DW -> access(Encoding.LDR_UIMM, Encoding.LDUR, Encoding.LDR_REG, insn.size(), dst, base, insn.off());
        }
    }

    void lower(Insn.Store insn) {
        int base = RegisterMap.of(insn.base());
        checkAccess(base, insn.off(), insn.size(), true);
        int src = switch (insn.src()) {
            case Operand.OfReg(var reg) -> RegisterMap.of(reg);
            case Operand.OfImm(int imm) -> {
                if (imm == 0) {
                    yield Assembler.ZR;
                }
                if (insn.size() == MemSize.DW) {
                    asm.move(SCRATCH_2, imm);
                } else {
                    asm.move32(SCRATCH_2, imm);
                }
                yield SCRATCH_2;
            }
        };
        access(Encoding.STR_UIMM, Encoding.STUR, Encoding.STR_REG, insn.size(), src, base, insn.off());
    }

    private static int sizeField(MemSize size) {
        return Integer.numberOfTrailingZeros(size.bytes());
    }

    /** Scaled offset, unscaled offset, or offset in a register: the first that reaches. */
    private void access(
            Encoding scaled, Encoding unscaled, Encoding indexed, MemSize size, int data, int base, int off) {
        int x = sizeField(size);
        if (off >= 0 && off % size.bytes() == 0 && off / size.bytes() < UIMM_LIMIT) {
            asm.emit(scaled, "xind", x, off / size.bytes(), base, data);
        } else if (off >= -256 && off < 256) {
            asm.emit(unscaled, "xind", x, off, base, data);
        } else {
            asm.move(SCRATCH_3, off);
            asm.emit(indexed, "xmond", x, SCRATCH_3, 3, base, data);
        }
    }

    private void signed(Encoding scaled, Encoding unscaled, Encoding indexed, int bytes, int data, int base, int off) {
        if (off >= 0 && off % bytes == 0 && off / bytes < UIMM_LIMIT) {
            asm.emit(scaled, "ind", off / bytes, base, data);
        } else if (off >= -256 && off < 256) {
            asm.emit(unscaled, "ind", off, base, data);
        } else {
            asm.move(SCRATCH_3, off);
            asm.emit(indexed, "mond", SCRATCH_3, 3, base, data);
        }
    }

    /**
     * Calls the test of an access: address in x10, its size in x11 with bit 63 set for a write. The routine keeps all registers
     * of the program.
     */
    private void checkAccess(int base, int off, MemSize size, boolean write) {
        if (!options.checked()) {
            return;
        }
        asm.addImmediate(true, SCRATCH_1, base, off, SCRATCH_3);
        asm.move(SCRATCH_2, size.bytes() | (write ? Long.MIN_VALUE : 0));
        asm.branch(Encoding.BL, check);
    }

    void lower(Insn.Atomic insn) {
        int base = RegisterMap.of(insn.base());
        checkAccess(base, insn.off(), insn.size(), insn.op() != AtomicOp.LOAD_ACQ);
        int address = base;
        if (insn.off() != 0) {
            asm.addImmediate(true, SCRATCH_1, base, insn.off(), SCRATCH_3);
            address = SCRATCH_1;
        }
        int src = RegisterMap.of(insn.src());
        int x = sizeField(insn.size());
        switch (insn.op()) {
            case LOAD_ACQ -> asm.emit(Encoding.LDAR, "xnd", x, address, src);
            case STORE_REL -> asm.emit(Encoding.STLR, "xnd", x, address, src);
            default -> {
                if (options.lse()) {
                    oneInstruction(insn.op(), x, address, src);
                } else {
                    exclusiveLoop(insn.op(), x, address, src);
                }
            }
        }
    }

    private void oneInstruction(AtomicOp op, int x, int address, int src) {
        switch (op) {
            case ADD -> asm.emit(Encoding.STADD, "xmn", x, src, address);
            case OR -> asm.emit(Encoding.STSET, "xmn", x, src, address);
            case XOR -> asm.emit(Encoding.STEOR, "xmn", x, src, address);
            case AND -> {
                asm.emit(Encoding.MVN, "smd", 1, src, SCRATCH_2);
                asm.emit(Encoding.STCLR, "xmn", x, SCRATCH_2, address);
            }
            case FETCH_ADD -> ordered(Encoding.LDADD, x, src, address, src);
            case FETCH_OR -> ordered(Encoding.LDSET, x, src, address, src);
            case FETCH_XOR -> ordered(Encoding.LDEOR, x, src, address, src);
            case FETCH_AND -> {
                asm.emit(Encoding.MVN, "smd", 1, src, SCRATCH_2);
                ordered(Encoding.LDCLR, x, SCRATCH_2, address, src);
            }
            case XCHG -> ordered(Encoding.SWP, x, src, address, src);
            case CMPXCHG -> {
                int r0 = RegisterMap.of(skep.isa.Reg.R0);
                asm.emit(Encoding.CAS, "xALmnd", x, 1, 1, r0, address, src);
            }
            case LOAD_ACQ, STORE_REL -> throw new AssertionError(op);
        }
    }

    private void ordered(Encoding row, int x, int operand, int address, int old) {
        asm.emit(row, "xALmnd", x, 1, 1, operand, address, old);
    }

    /**
     * <pre>
     *   again: ldaxr x11, [address]      fetch, xchg, cmpxchg: the old value
     *          op    x12, x11, src
     *          stlxr w30, x12, [address]
     *          cbnz  w30, again
     *          dmb   ish                 where the old value is fetched: full order
     * </pre>
     *
     * The link register serves as status: every function saved it.
     */
    private void exclusiveLoop(AtomicOp op, int x, int address, int src) {
        int sf = x == 3 ? 1 : 0;
        int again = asm.label();
        int done = asm.label();
        asm.bind(again);
        asm.emit(op.fetches() ? Encoding.LDAXR : Encoding.LDXR, "xnd", x, address, SCRATCH_2);
        int stored = SCRATCH_3;
        switch (op) {
            case ADD, FETCH_ADD -> asm.emit(Encoding.ADD_REG, "smnd", sf, src, SCRATCH_2, SCRATCH_3);
            case OR, FETCH_OR -> asm.emit(Encoding.ORR_REG, "smnd", sf, src, SCRATCH_2, SCRATCH_3);
            case AND, FETCH_AND -> asm.emit(Encoding.AND_REG, "smnd", sf, src, SCRATCH_2, SCRATCH_3);
            case XOR, FETCH_XOR -> asm.emit(Encoding.EOR_REG, "smnd", sf, src, SCRATCH_2, SCRATCH_3);
            case XCHG -> stored = src;
            case CMPXCHG -> {
                int r0 = RegisterMap.of(skep.isa.Reg.R0);
                asm.emit(Encoding.CMP_REG, "smn", sf, r0, SCRATCH_2);
                asm.conditional(Encoding.B_COND.word("c", Condition.NE.bits()), done, false);
                stored = src;
            }
            case LOAD_ACQ, STORE_REL -> throw new AssertionError(op);
        }
        asm.emit(op.fetches() ? Encoding.STLXR : Encoding.STXR, "xmnd", x, RegisterMap.LR, address, stored);
        asm.conditional(Encoding.CBNZ.word("sd", 0, RegisterMap.LR), again, false);
        asm.bind(done);
        if (op == AtomicOp.CMPXCHG) {
            asm.emit(Encoding.MOV_REG, "smd", sf, SCRATCH_2, RegisterMap.of(skep.isa.Reg.R0));
        } else if (op.fetches()) {
            asm.emit(Encoding.MOV_REG, "smd", sf, SCRATCH_2, src);
        }
        if (op.fetches()) {
            asm.emit(Encoding.DMB_ISH.word(""));
        }
    }
}
