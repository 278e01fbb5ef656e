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
import skep.isa.Reg;

/** Loads, stores and atomics. */
final class MemoryLowering {
    private static final int UIMM_LIMIT = 4096;

    private final Assembler asm;
    private final LoweringOptions options;
    private static final int MAX_PAIR = 504;
    private static final int MIN_PAIR = -512;

    private final Frame frame;
    private final Blinder blinder;
    private final int check;

    /**
     * @param check label of the routine that tests an access; used in checked code only
     */
    MemoryLowering(Assembler asm, LoweringOptions options, Frame frame, Blinder blinder, int check) {
        this.asm = asm;
        this.options = options;
        this.frame = frame;
        this.blinder = blinder;
        this.check = check;
    }

    /** An address: a register, which may be the stack pointer, and an offset. */
    private record Place(int base, int off) {}

    private Place place(Reg base, int off) {
        return base == Reg.R10
                ? new Place(Assembler.SP, frame.frameOffset() + off)
                : new Place(RegisterMap.of(base), off);
    }

    /** Two accesses of eight bytes side by side as one; false if they are not. */
    boolean pair(Insn first, Insn second) {
        if (options.checked()) {
            return false;
        }
        if (first instanceof Insn.Store a
                && second instanceof Insn.Store b
                && isPair(a.size(), b.size(), a.base(), b.base(), a.off(), b.off())) {
            int one = pairable(a.src());
            int other = pairable(b.src());
            if (one < 0 || other < 0) {
                return false;
            }
            return pair(Encoding.STP_OFFSET, a.base(), a.off(), one, b.off(), other);
        }
        if (first instanceof Insn.Load a
                && second instanceof Insn.Load b
                && isPair(a.size(), b.size(), a.base(), b.base(), a.off(), b.off())) {
            if (a.dst() == a.base() || a.dst() == b.dst()) {
                return false;
            }
            return pair(
                    Encoding.LDP_OFFSET, a.base(), a.off(), RegisterMap.of(a.dst()), b.off(), RegisterMap.of(b.dst()));
        }
        return false;
    }

    private static boolean isPair(MemSize a, MemSize b, Reg base, Reg otherBase, int off, int otherOff) {
        return a == MemSize.DW && b == MemSize.DW && base == otherBase && Math.abs(off - otherOff) == 8;
    }

    /** The register that holds what is stored; -1 if none does. */
    private static int pairable(Operand src) {
        return switch (src) {
            case Operand.OfReg(var reg) -> RegisterMap.of(reg);
            case Operand.OfImm(int imm) -> imm == 0 ? Assembler.ZR : -1;
        };
    }

    private boolean pair(Encoding row, Reg base, int off, int one, int otherOff, int other) {
        var place = place(base, Math.min(off, otherOff));
        if (place.off % 8 != 0 || place.off < MIN_PAIR || place.off > MAX_PAIR) {
            return false;
        }
        boolean ascending = off < otherOff;
        asm.emit(row, "siund", 1, place.off / 8, ascending ? other : one, place.base, ascending ? one : other);
        return true;
    }

    void lower(Insn.Load insn) {
        checkAccess(RegisterMap.of(insn.base()), insn.off(), insn.size(), false);
        var place = place(insn.base(), insn.off());
        int base = place.base;
        int off = place.off;
        int dst = RegisterMap.of(insn.dst());
        if (!insn.signed()) {
            access(Encoding.LDR_UIMM, Encoding.LDUR, Encoding.LDR_REG, insn.size(), dst, base, off);
            return;
        }
        switch (insn.size()) {
            case B -> signed(Encoding.LDRSB_X_UIMM, Encoding.LDURSB_X, Encoding.LDRSB_X_REG, 1, dst, base, off);
            case H -> signed(Encoding.LDRSH_X_UIMM, Encoding.LDURSH_X, Encoding.LDRSH_X_REG, 2, dst, base, off);
            case W -> signed(Encoding.LDRSW_UIMM, Encoding.LDURSW, Encoding.LDRSW_REG, 4, dst, base, off);
            case DW -> access(Encoding.LDR_UIMM, Encoding.LDUR, Encoding.LDR_REG, insn.size(), dst, base, off);
        }
    }

    void lower(Insn.Store insn) {
        checkAccess(RegisterMap.of(insn.base()), insn.off(), insn.size(), true);
        var place = place(insn.base(), insn.off());
        int src = switch (insn.src()) {
            case Operand.OfReg(var reg) -> RegisterMap.of(reg);
            case Operand.OfImm(int imm) -> {
                if (imm == 0) {
                    yield Assembler.ZR;
                }
                blinder.move(insn.size() == MemSize.DW, SCRATCH_2, imm);
                yield SCRATCH_2;
            }
        };
        access(Encoding.STR_UIMM, Encoding.STUR, Encoding.STR_REG, insn.size(), src, place.base, place.off);
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
        checkAccess(RegisterMap.of(insn.base()), insn.off(), insn.size(), insn.op() != AtomicOp.LOAD_ACQ);
        var place = place(insn.base(), insn.off());
        int address = place.base;
        if (place.off != 0 || insn.base() == Reg.R10) {
            asm.addImmediate(true, SCRATCH_1, place.base, place.off, SCRATCH_3);
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
                int r0 = RegisterMap.of(Reg.R0);
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
                int r0 = RegisterMap.of(Reg.R0);
                asm.emit(Encoding.CMP_REG, "smn", sf, r0, SCRATCH_2);
                asm.conditional(Encoding.B_COND.word("c", Condition.NE.bits()), done);
                stored = src;
            }
            case LOAD_ACQ, STORE_REL -> throw new AssertionError(op);
        }
        asm.emit(op.fetches() ? Encoding.STLXR : Encoding.STXR, "xmnd", x, RegisterMap.LR, address, stored);
        asm.conditional(Encoding.CBNZ.word("sd", 0, RegisterMap.LR), again);
        asm.bind(done);
        if (op == AtomicOp.CMPXCHG) {
            asm.emit(Encoding.MOV_REG, "smd", sf, SCRATCH_2, RegisterMap.of(Reg.R0));
        } else if (op.fetches()) {
            asm.emit(Encoding.MOV_REG, "smd", sf, SCRATCH_2, src);
        }
        if (op.fetches()) {
            asm.emit(Encoding.DMB_ISH.word(""));
        }
    }
}
