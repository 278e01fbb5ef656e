package skep.ir;

import java.util.Locale;
import skep.isa.JumpOp;

/** Comparisons of two integers of the same width, or of two pointers; the result is an {@code i1}. */
public enum CompareOp {
    EQ(JumpOp.JEQ),
    NE(JumpOp.JNE),
    ULT(JumpOp.JLT),
    ULE(JumpOp.JLE),
    UGT(JumpOp.JGT),
    UGE(JumpOp.JGE),
    SLT(JumpOp.JSLT),
    SLE(JumpOp.JSLE),
    SGT(JumpOp.JSGT),
    SGE(JumpOp.JSGE);

    private final JumpOp jump;

    CompareOp(JumpOp jump) {
        this.jump = jump;
    }

    /** The condition that branches if the comparison holds. */
    public JumpOp jump() {
        return jump;
    }

    public boolean signed() {
        return this == SLT || this == SLE || this == SGT || this == SGE;
    }

    /** The comparison that holds exactly when this one does not. */
    public CompareOp negated() {
        return switch (this) {
            case EQ -> NE;
            case NE -> EQ;
            case ULT -> UGE;
            case ULE -> UGT;
            case UGT -> ULE;
            case UGE -> ULT;
            case SLT -> SGE;
            case SLE -> SGT;
            case SGT -> SLE;
            case SGE -> SLT;
        };
    }

    /** The comparison that says the same with the operands exchanged. */
    public CompareOp swapped() {
        return switch (this) {
            case EQ, NE -> this;
            case ULT -> UGT;
            case ULE -> UGE;
            case UGT -> ULT;
            case UGE -> ULE;
            case SLT -> SGT;
            case SLE -> SGE;
            case SGT -> SLT;
            case SGE -> SLE;
        };
    }

    /** The result on zero-extended numbers of that many bits. */
    public boolean evaluate(int bits, long a, long b) {
        long x = signed() ? signExtend(a, bits) : a;
        long y = signed() ? signExtend(b, bits) : b;
        return switch (this) {
            case EQ -> x == y;
            case NE -> x != y;
            case ULT -> Long.compareUnsigned(x, y) < 0;
            case ULE -> Long.compareUnsigned(x, y) <= 0;
            case UGT -> Long.compareUnsigned(x, y) > 0;
            case UGE -> Long.compareUnsigned(x, y) >= 0;
            case SLT -> x < y;
            case SLE -> x <= y;
            case SGT -> x > y;
            case SGE -> x >= y;
        };
    }

    static long signExtend(long value, int bits) {
        return value << (64 - bits) >> (64 - bits);
    }

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
