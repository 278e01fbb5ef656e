package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.SCRATCH_1;
import static skep.arm64.lower.RegisterMap.SCRATCH_2;

import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.arm64.a64.LogicalImmediate;
import skep.isa.AluOp;
import skep.isa.Insn;
import skep.isa.Operand;
import skep.isa.Width;

/** Arithmetic and constants as Linux lowers them. */
final class LinuxAlu {
    private LinuxAlu() {}

    static void lower(Assembler asm, Insn.Alu insn) {
        int sf = insn.width() == Width.W64 ? 1 : 0;
        int dst = RegisterMap.of(insn.dst());
        switch (insn.src()) {
            case Operand.OfReg(var reg) -> register(asm, insn.op(), sf, dst, RegisterMap.of(reg), SCRATCH_1);
            case Operand.OfImm(int imm) -> immediate(asm, insn.op(), sf, dst, imm);
        }
    }

    private static void register(Assembler asm, AluOp op, int sf, int dst, int src, int quotient) {
        switch (op) {
            case ADD -> three(asm, Encoding.ADD_REG, sf, dst, src);
            case SUB -> three(asm, Encoding.SUB_REG, sf, dst, src);
            case AND -> three(asm, Encoding.AND_REG, sf, dst, src);
            case OR -> three(asm, Encoding.ORR_REG, sf, dst, src);
            case XOR -> three(asm, Encoding.EOR_REG, sf, dst, src);
            case MUL -> three(asm, Encoding.MUL, sf, dst, src);
            case DIV -> three(asm, Encoding.UDIV, sf, dst, src);
            case LSH -> three(asm, Encoding.LSLV, sf, dst, src);
            case RSH -> three(asm, Encoding.LSRV, sf, dst, src);
            case ARSH -> three(asm, Encoding.ASRV, sf, dst, src);
            case MOD -> {
                asm.emit(Encoding.UDIV, "smnd", sf, src, dst, quotient);
                asm.emit(Encoding.MSUB, "smand", sf, src, dst, quotient, dst);
            }
            case NEG -> asm.emit(Encoding.NEG, "smd", sf, dst, dst);
            case MOV -> move(asm, sf, dst, src);
            case SDIV -> three(asm, Encoding.SDIV, sf, dst, src);
            case SMOD -> {
                asm.emit(Encoding.SDIV, "smnd", sf, src, dst, quotient);
                asm.emit(Encoding.MSUB, "smand", sf, src, dst, quotient, dst);
            }
            case MOVSX8 -> asm.emit(Encoding.SBFM, "sbrqnd", sf, sf, 0, 7, src, dst);
            case MOVSX16 -> asm.emit(Encoding.SBFM, "sbrqnd", sf, sf, 0, 15, src, dst);
            case MOVSX32 -> asm.emit(Encoding.SBFM, "sbrqnd", sf, sf, 0, 31, src, dst);
        }
    }

    private static void three(Assembler asm, Encoding row, int sf, int dst, int src) {
        asm.emit(row, "smnd", sf, src, dst, dst);
    }

    /** The kernel writes register moves as additions of zero. */
    static void move(Assembler asm, int sf, int d, int n) {
        asm.emit(Encoding.ADD_IMM, "sind", sf, 0, n, d);
    }

    private static void immediate(Assembler asm, AluOp op, int sf, int dst, int imm) {
        int bits = sf == 1 ? 64 : 32;
        switch (op) {
            case MOV -> move32(asm, sf, dst, imm);
            case ADD -> {
                if (!addition(asm, Encoding.ADD_IMM, sf, dst, dst, imm)
                        && !addition(asm, Encoding.SUB_IMM, sf, dst, dst, -imm)) {
                    viaScratch(asm, op, sf, dst, imm);
                }
            }
            case SUB -> {
                if (!addition(asm, Encoding.SUB_IMM, sf, dst, dst, imm)
                        && !addition(asm, Encoding.ADD_IMM, sf, dst, dst, -imm)) {
                    viaScratch(asm, op, sf, dst, imm);
                }
            }
            case AND -> bitwise(asm, Encoding.AND_IMM, op, sf, dst, imm);
            case OR -> bitwise(asm, Encoding.ORR_IMM, op, sf, dst, imm);
            case XOR -> bitwise(asm, Encoding.EOR_IMM, op, sf, dst, imm);
            case LSH ->
                asm.emit(Encoding.UBFM, "sbrqnd", sf, sf, -imm & bits - 1, bits - 1 - (imm & bits - 1), dst, dst);
            case RSH -> asm.emit(Encoding.UBFM, "sbrqnd", sf, sf, imm & bits - 1, bits - 1, dst, dst);
            case ARSH -> asm.emit(Encoding.SBFM, "sbrqnd", sf, sf, imm & bits - 1, bits - 1, dst, dst);
            case NEG -> asm.emit(Encoding.NEG, "smd", sf, dst, dst);
            case MOD, SMOD -> {
                move32(asm, sf, SCRATCH_2, imm);
                register(asm, op, sf, dst, SCRATCH_2, SCRATCH_1);
            }
            case MUL, DIV, SDIV, MOVSX8, MOVSX16, MOVSX32 -> viaScratch(asm, op, sf, dst, imm);
        }
    }

    private static void viaScratch(Assembler asm, AluOp op, int sf, int dst, int imm) {
        move32(asm, sf, SCRATCH_1, imm);
        register(asm, op, sf, dst, SCRATCH_1, SCRATCH_1);
    }

    private static void bitwise(Assembler asm, Encoding row, AluOp op, int sf, int dst, int imm) {
        var mask = LogicalImmediate.encode(imm, sf == 1 ? 64 : 32);
        if (mask.isEmpty()) {
            viaScratch(asm, op, sf, dst, imm);
            return;
        }
        int fields = mask.getAsInt();
        asm.emit(row, "sbrqnd", sf, fields >> 12, fields >> 6 & 63, fields & 63, dst, dst);
    }

    /** Twelve bits, or twelve bits shifted by twelve. */
    private static boolean addition(Assembler asm, Encoding row, int sf, int d, int n, int imm) {
        if ((imm & ~0xfff) == 0) {
            asm.emit(row, "sind", sf, imm, n, d);
            return true;
        }
        if ((imm & ~0xfff000) == 0) {
            asm.emit(row, "shind", sf, 1, imm >> 12, n, d);
            return true;
        }
        return false;
    }

    static void compare(Assembler asm, int sf, int dst, int imm) {
        if (!addition(asm, Encoding.SUBS_IMM, sf, Assembler.ZR, dst, imm)
                && !addition(asm, Encoding.ADDS_IMM, sf, Assembler.ZR, dst, -imm)) {
            move32(asm, sf, SCRATCH_1, imm);
            asm.emit(Encoding.CMP_REG, "smn", sf, SCRATCH_1, dst);
        }
    }

    static void test(Assembler asm, int sf, int dst, int imm) {
        var mask = LogicalImmediate.encode(imm, sf == 1 ? 64 : 32);
        if (mask.isPresent()) {
            int fields = mask.getAsInt();
            asm.emit(Encoding.TST_IMM, "sbrqn", sf, fields >> 12, fields >> 6 & 63, fields & 63, dst);
        } else {
            move32(asm, sf, SCRATCH_1, imm);
            asm.emit(Encoding.TST_REG, "smn", sf, SCRATCH_1, dst);
        }
    }

    /** A number of 32 bits, sign-extended if the register is wide: one or two wide moves. */
    static void move32(Assembler asm, int sf, int register, int value) {
        int high = value >>> 16;
        int low = value & 0xffff;
        if (value >= 0) {
            asm.emit(Encoding.MOVZ, "shid", sf, 0, low, register);
            if (high != 0) {
                asm.emit(Encoding.MOVK, "shid", sf, 1, high, register);
            }
        } else if (high == 0xffff) {
            asm.emit(Encoding.MOVN, "shid", sf, 0, ~low & 0xffff, register);
        } else {
            asm.emit(Encoding.MOVN, "shid", sf, 1, ~high & 0xffff, register);
            if (low != 0xffff) {
                asm.emit(Encoding.MOVK, "shid", sf, 0, low, register);
            }
        }
    }

    /** A number of 64 bits, from its highest quarter down. */
    static void move64(Assembler asm, int register, long value) {
        if (value >>> 32 == 0) {
            move32(asm, 0, register, (int) value);
            return;
        }
        boolean inverse = quarters(~value) < quarters(value);
        long plain = inverse ? ~value : value;
        int quarter = plain == 0 ? 0 : (63 - Long.numberOfLeadingZeros(plain)) / 16;
        asm.emit(
                inverse ? Encoding.MOVN : Encoding.MOVZ,
                "shid",
                1,
                quarter,
                (int) (plain >>> quarter * 16) & 0xffff,
                register);
        for (int q = quarter - 1; q >= 0; q--) {
            int bits = (int) (value >>> q * 16) & 0xffff;
            if (bits != (inverse ? 0xffff : 0)) {
                asm.emit(Encoding.MOVK, "shid", 1, q, bits, register);
            }
        }
    }

    /** How many quarters are not zero. */
    private static int quarters(long value) {
        int count = 0;
        for (int q = 0; q < 4; q++) {
            count += (value >>> q * 16 & 0xffff) != 0 ? 1 : 0;
        }
        return count;
    }

    /** Only what changes the order of bytes, or cuts. */
    static void lower(Assembler asm, Insn.Swap insn) {
        int dst = RegisterMap.of(insn.dst());
        int sf = insn.order() == Insn.Swap.Order.BSWAP ? 1 : 0;
        boolean swaps = insn.order() != Insn.Swap.Order.LE;
        switch (insn.bits()) {
            case 16 -> {
                if (swaps) {
                    asm.emit(Encoding.REV16, "snd", sf, dst, dst);
                }
                asm.emit(Encoding.UBFM, "sbrqnd", sf, sf, 0, 15, dst, dst);
            }
            case 32 -> {
                if (swaps) {
                    asm.emit(Encoding.REV_W, "nd", dst, dst);
                } else {
                    asm.emit(Encoding.UBFM, "sbrqnd", 0, 0, 0, 31, dst, dst);
                }
            }
            default -> {
                if (swaps) {
                    asm.emit(Encoding.REV_X, "nd", dst, dst);
                }
            }
        }
    }
}
