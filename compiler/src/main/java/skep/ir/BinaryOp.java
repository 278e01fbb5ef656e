package skep.ir;

import java.util.Locale;
import skep.isa.AluOp;

/**
 * Operations on two integers of the same width, with the meaning of the machine (RFC 9669 section 4.1): a division by
 * zero gives 0, a remainder by zero the dividend, a shift counts modulo the width.
 */
public enum BinaryOp {
    ADD(AluOp.ADD, true),
    SUB(AluOp.SUB, false),
    MUL(AluOp.MUL, true),
    UDIV(AluOp.DIV, false),
    SDIV(AluOp.SDIV, false),
    UMOD(AluOp.MOD, false),
    SMOD(AluOp.SMOD, false),
    AND(AluOp.AND, true),
    OR(AluOp.OR, true),
    XOR(AluOp.XOR, true),
    SHL(AluOp.LSH, false),
    LSHR(AluOp.RSH, false),
    ASHR(AluOp.ARSH, false);

    private final AluOp alu;
    private final boolean commutative;

    BinaryOp(AluOp alu, boolean commutative) {
        this.alu = alu;
        this.commutative = commutative;
    }

    /** The instruction that computes it. */
    public AluOp alu() {
        return alu;
    }

    public boolean commutative() {
        return commutative;
    }

    /** Whether the operation is also defined on widths below 32 bits: it never sets a bit above them. */
    public boolean bitwise() {
        return this == AND || this == OR || this == XOR;
    }

    /** The result on numbers of 32 or 64 bits (or fewer for bitwise operations), zero-extended. */
    public long evaluate(int bits, long a, long b) {
        if (bits == 64) {
            return evaluate64(a, b);
        }
        return Integer.toUnsignedLong(evaluate32((int) a, (int) b));
    }

    private long evaluate64(long a, long b) {
        return switch (this) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case UDIV -> b == 0 ? 0 : Long.divideUnsigned(a, b);
            case SDIV -> b == 0 ? 0 : a / b;
            case UMOD -> b == 0 ? a : Long.remainderUnsigned(a, b);
            case SMOD -> b == 0 ? a : a % b;
            case AND -> a & b;
            case OR -> a | b;
            case XOR -> a ^ b;
            case SHL -> a << b;
            case LSHR -> a >>> b;
            case ASHR -> a >> b;
        };
    }

    private int evaluate32(int a, int b) {
        return switch (this) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case UDIV -> b == 0 ? 0 : Integer.divideUnsigned(a, b);
            case SDIV -> b == 0 ? 0 : a / b;
            case UMOD -> b == 0 ? a : Integer.remainderUnsigned(a, b);
            case SMOD -> b == 0 ? a : a % b;
            case AND -> a & b;
            case OR -> a | b;
            case XOR -> a ^ b;
            case SHL -> a << b;
            case LSHR -> a >>> b;
            case ASHR -> a >> b;
        };
    }

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
