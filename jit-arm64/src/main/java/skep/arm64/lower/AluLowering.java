package skep.arm64.lower;

import static skep.arm64.a64.Encoding.ADD_REG;
import static skep.arm64.a64.Encoding.AND_IMM;
import static skep.arm64.a64.Encoding.AND_REG;
import static skep.arm64.a64.Encoding.ASRV;
import static skep.arm64.a64.Encoding.EOR_IMM;
import static skep.arm64.a64.Encoding.EOR_REG;
import static skep.arm64.a64.Encoding.LSLV;
import static skep.arm64.a64.Encoding.LSRV;
import static skep.arm64.a64.Encoding.MOV_REG;
import static skep.arm64.a64.Encoding.MSUB;
import static skep.arm64.a64.Encoding.MUL;
import static skep.arm64.a64.Encoding.NEG;
import static skep.arm64.a64.Encoding.ORR_IMM;
import static skep.arm64.a64.Encoding.ORR_REG;
import static skep.arm64.a64.Encoding.REV16;
import static skep.arm64.a64.Encoding.REV_W;
import static skep.arm64.a64.Encoding.REV_X;
import static skep.arm64.a64.Encoding.SBFM;
import static skep.arm64.a64.Encoding.SDIV;
import static skep.arm64.a64.Encoding.SUB_REG;
import static skep.arm64.a64.Encoding.UBFM;
import static skep.arm64.a64.Encoding.UDIV;

import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.arm64.a64.LogicalImmediate;
import skep.isa.AluOp;
import skep.isa.Insn;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;

/**
 * Arithmetic. A64 divides by zero to zero, shifts modulo the width and gives the minimum for minimum / -1: just what RFC 9669
 * section 4.1 asks, so no test is needed anywhere.
 */
final class AluLowering {
    /** Greatest number of an addition that needs no shift. */
    private static final int MAX_ADD = 4095;

    private final Assembler asm;
    private final Frame frame;
    private final Blinder blinder;

    AluLowering(Assembler asm, Frame frame, Blinder blinder) {
        this.asm = asm;
        this.frame = frame;
        this.blinder = blinder;
    }

    void lower(Insn.Alu insn) {
        boolean wide = insn.width() == Width.W64;
        int sf = wide ? 1 : 0;
        int dst = RegisterMap.of(insn.dst());
        switch (insn.src()) {
            case Operand.OfReg(var reg) when reg == Reg.R10 && insn.op() == AluOp.MOV && wide -> address(dst, 0);
            case Operand.OfReg(var reg) -> register(insn.op(), sf, dst, RegisterMap.of(reg));
            case Operand.OfImm(int imm) -> immediate(insn.op(), wide, dst, imm);
        }
    }

    /** {@code dst = r10 + off} */
    private void address(int dst, int off) {
        asm.emit(Encoding.ADD_IMM, "sind", 1, frame.frameOffset() + off, Assembler.SP, dst);
    }

    /** {@code dst = src; dst op= operand} as one instruction of three operands; false if there is none. */
    boolean moveAndOperate(Insn.Alu move, Insn.Alu operate) {
        boolean fits = !blinder.active()
                && move.op() == AluOp.MOV
                && move.width() == operate.width()
                && move.dst() == operate.dst();
        if (!fits || !(move.src() instanceof Operand.OfReg(Reg src))) {
            return false;
        }
        boolean wide = move.width() == Width.W64;
        int dst = RegisterMap.of(move.dst());
        return switch (operate.src()) {
            case Operand.OfImm(int imm) when src == Reg.R10 -> wide && operate.op() == AluOp.ADD && addressed(dst, imm);
            case Operand.OfReg(Reg _) when src == Reg.R10 -> false;
            case Operand.OfImm(int imm) -> withImmediate(operate.op(), wide, dst, RegisterMap.of(src), imm);
            case Operand.OfReg(Reg other) -> {
                // What is moved is there by then.
                int second = RegisterMap.of(other == move.dst() ? src : other);
                yield other != Reg.R10 && withRegister(operate.op(), wide ? 1 : 0, dst, RegisterMap.of(src), second);
            }
        };
    }

    private boolean addressed(int dst, int imm) {
        long sum = (long) frame.frameOffset() + imm;
        if (sum < 0 || sum > MAX_ADD) {
            return false;
        }
        address(dst, imm);
        return true;
    }

    private boolean withRegister(AluOp op, int sf, int d, int n, int m) {
        var row = switch (op) {
            case ADD -> ADD_REG;
            case SUB -> SUB_REG;
            case MUL -> MUL;
            case DIV -> UDIV;
            case SDIV -> SDIV;
            case OR -> ORR_REG;
            case AND -> AND_REG;
            case XOR -> EOR_REG;
            case LSH -> LSLV;
            case RSH -> LSRV;
            case ARSH -> ASRV;
            case MOD, SMOD, NEG, MOV, MOVSX8, MOVSX16, MOVSX32 -> Encoding.NOP;
        };
        if (row == Encoding.NOP) {
            return false;
        }
        three(row, sf, d, n, m);
        return true;
    }

    private boolean withImmediate(AluOp op, boolean wide, int d, int n, int imm) {
        int sf = wide ? 1 : 0;
        int bits = wide ? 64 : 32;
        int shift = imm & bits - 1;
        return switch (op) {
            case ADD -> added(wide, d, n, imm);
            case SUB -> added(wide, d, n, -(long) imm);
            case AND -> masked(AND_IMM, wide, d, n, imm);
            case OR -> masked(ORR_IMM, wide, d, n, imm);
            case XOR -> masked(EOR_IMM, wide, d, n, imm);
            case LSH -> {
                asm.emit(UBFM, "sbrqnd", sf, sf, -shift & bits - 1, bits - 1 - shift, n, d);
                yield true;
            }
            case RSH -> {
                asm.emit(UBFM, "sbrqnd", sf, sf, shift, bits - 1, n, d);
                yield true;
            }
            case ARSH -> {
                asm.emit(SBFM, "sbrqnd", sf, sf, shift, bits - 1, n, d);
                yield true;
            }
            case MUL, DIV, SDIV, MOD, SMOD, NEG, MOV, MOVSX8, MOVSX16, MOVSX32 -> false;
        };
    }

    private boolean added(boolean wide, int d, int n, long imm) {
        if (imm < -MAX_ADD || imm > MAX_ADD) {
            return false;
        }
        asm.addImmediate(wide, d, n, (int) imm, RegisterMap.SCRATCH_1);
        return true;
    }

    private boolean masked(Encoding row, boolean wide, int d, int n, int imm) {
        var mask = LogicalImmediate.encode(imm, wide ? 64 : 32);
        if (mask.isEmpty()) {
            return false;
        }
        int fields = mask.getAsInt();
        asm.emit(row, "sbrqnd", wide ? 1 : 0, fields >> 12, fields >> 6 & 63, fields & 63, n, d);
        return true;
    }

    private void register(AluOp op, int sf, int dst, int src) {
        switch (op) {
            case ADD -> three(ADD_REG, sf, dst, dst, src);
            case SUB -> three(SUB_REG, sf, dst, dst, src);
            case MUL -> three(MUL, sf, dst, dst, src);
            case DIV -> three(UDIV, sf, dst, dst, src);
            case SDIV -> three(SDIV, sf, dst, dst, src);
            case MOD -> remainder(UDIV, sf, dst, src);
            case SMOD -> remainder(SDIV, sf, dst, src);
            case OR -> three(ORR_REG, sf, dst, dst, src);
            case AND -> three(AND_REG, sf, dst, dst, src);
            case XOR -> three(EOR_REG, sf, dst, dst, src);
            case LSH -> three(LSLV, sf, dst, dst, src);
            case RSH -> three(LSRV, sf, dst, dst, src);
            case ARSH -> three(ASRV, sf, dst, dst, src);
            case NEG -> asm.emit(NEG, "smd", sf, dst, dst);
            case MOV -> asm.emit(MOV_REG, "smd", sf, src, dst);
            case MOVSX8 -> signExtend(sf, dst, src, 8);
            case MOVSX16 -> signExtend(sf, dst, src, 16);
            case MOVSX32 -> signExtend(sf, dst, src, 32);
        }
    }

    private void immediate(AluOp op, boolean wide, int dst, int imm) {
        int sf = wide ? 1 : 0;
        int bits = wide ? 64 : 32;
        boolean shifts = op == AluOp.LSH || op == AluOp.RSH || op == AluOp.ARSH;
        if (blinder.active() && !shifts && op != AluOp.NEG && op != AluOp.MOV) {
            viaScratch(op, wide, dst, imm);
            return;
        }
        switch (op) {
            case MOV -> blinder.move(wide, dst, imm);
            case ADD -> asm.addImmediate(wide, dst, dst, imm, RegisterMap.SCRATCH_1);
            case SUB -> {
                if (imm == Integer.MIN_VALUE) {
                    viaScratch(op, wide, dst, imm);
                } else {
                    asm.addImmediate(wide, dst, dst, -imm, RegisterMap.SCRATCH_1);
                }
            }
            case AND -> bitwise(AND_IMM, op, wide, dst, imm);
            case OR -> bitwise(ORR_IMM, op, wide, dst, imm);
            case XOR -> bitwise(EOR_IMM, op, wide, dst, imm);
            case LSH -> {
                int shift = imm & bits - 1;
                asm.emit(UBFM, "sbrqnd", sf, sf, -shift & bits - 1, bits - 1 - shift, dst, dst);
            }
            case RSH -> asm.emit(UBFM, "sbrqnd", sf, sf, imm & bits - 1, bits - 1, dst, dst);
            case ARSH -> asm.emit(SBFM, "sbrqnd", sf, sf, imm & bits - 1, bits - 1, dst, dst);
            case NEG -> asm.emit(NEG, "smd", sf, dst, dst);
            case DIV, MOD -> unsignedByConstant(op, wide, dst, imm);
            case MUL, SDIV, SMOD, MOVSX8, MOVSX16, MOVSX32 -> viaScratch(op, wide, dst, imm);
        }
    }

    /** Powers of two need no division. */
    private void unsignedByConstant(AluOp op, boolean wide, int dst, int imm) {
        int sf = wide ? 1 : 0;
        int bits = wide ? 64 : 32;
        if (imm > 0 && Integer.bitCount(imm) == 1) {
            int shift = Integer.numberOfTrailingZeros(imm);
            if (op == AluOp.DIV) {
                asm.emit(UBFM, "sbrqnd", sf, sf, shift, bits - 1, dst, dst);
                return;
            }
            if (shift > 0) {
                asm.emit(UBFM, "sbrqnd", sf, sf, 0, shift - 1, dst, dst);
                return;
            }
        }
        viaScratch(op, wide, dst, imm);
    }

    private void bitwise(Encoding row, AluOp op, boolean wide, int dst, int imm) {
        var mask = LogicalImmediate.encode(imm, wide ? 64 : 32);
        if (mask.isEmpty()) {
            viaScratch(op, wide, dst, imm);
            return;
        }
        int fields = mask.getAsInt();
        asm.emit(row, "sbrqnd", wide ? 1 : 0, fields >> 12, fields >> 6 & 63, fields & 63, dst, dst);
    }

    private void viaScratch(AluOp op, boolean wide, int dst, int imm) {
        blinder.move(wide, RegisterMap.SCRATCH_1, imm);
        register(op, wide ? 1 : 0, dst, RegisterMap.SCRATCH_1);
    }

    /** {@code dst - dst / src * src}: with a zero divisor the quotient is zero and dst stays. */
    private void remainder(Encoding division, int sf, int dst, int src) {
        three(division, sf, RegisterMap.SCRATCH_2, dst, src);
        asm.emit(MSUB, "smand", sf, src, dst, RegisterMap.SCRATCH_2, dst);
    }

    private void signExtend(int sf, int dst, int src, int bits) {
        asm.emit(SBFM, "sbrqnd", sf, sf, 0, bits - 1, src, dst);
    }

    private void three(Encoding row, int sf, int d, int n, int m) {
        asm.emit(row, "smnd", sf, m, n, d);
    }

    /** The machine is little-endian: to little-endian only truncates, the other two swap. */
    void lower(Insn.Swap insn) {
        int dst = RegisterMap.of(insn.dst());
        boolean swaps = insn.order() != Insn.Swap.Order.LE;
        switch (insn.bits()) {
            case 16 -> {
                if (swaps) {
                    asm.emit(REV16, "snd", 0, dst, dst);
                }
                asm.emit(UBFM, "sbrqnd", 0, 0, 0, 15, dst, dst);
            }
            case 32 -> {
                if (swaps) {
                    asm.emit(REV_W, "nd", dst, dst);
                } else {
                    asm.emit(MOV_REG, "smd", 0, dst, dst);
                }
            }
            default -> {
                if (swaps) {
                    asm.emit(REV_X, "nd", dst, dst);
                }
            }
        }
    }
}
