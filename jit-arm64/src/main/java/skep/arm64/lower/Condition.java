package skep.arm64.lower;

import skep.isa.JumpOp;

/** Condition codes of A64 (Arm ARM C1.2.4). */
enum Condition {
    EQ(0),
    NE(1),
    HS(2),
    LO(3),
    HI(8),
    LS(9),
    GE(10),
    LT(11),
    GT(12),
    LE(13);

    private final int bits;

    Condition(int bits) {
        this.bits = bits;
    }

    /** The field of a conditional branch, 0 to 15. */
    int bits() {
        return bits;
    }

    /** The condition after comparing (or, for {@code JSET}, testing) dst with src. */
    static Condition of(JumpOp op) {
        return switch (op) {
            case JEQ -> EQ;
            case JNE, JSET -> NE;
            case JGT -> HI;
            case JGE -> HS;
            case JLT -> LO;
            case JLE -> LS;
            case JSGT -> GT;
            case JSGE -> GE;
            case JSLT -> LT;
            case JSLE -> LE;
        };
    }
}
