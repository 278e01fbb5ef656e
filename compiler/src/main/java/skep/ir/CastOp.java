package skep.ir;

import java.util.Locale;

/** Conversions of one value. */
public enum CastOp {
    /** To a wider integer, filled with zeros; costs nothing. */
    ZEXT,
    /** To a wider integer, filled with the sign. */
    SEXT,
    /** To a narrower integer. */
    TRUNC,
    /** A pointer as an {@code i64}; costs nothing. */
    PTRTOINT,
    /** An {@code i64} as a pointer; costs nothing. */
    INTTOPTR,
    /** A pointer into another region, or one that was compared with null; costs nothing. */
    PTRCAST;

    /** The result for a zero-extended number; pointers are numbers here. */
    public long evaluate(int fromBits, int toBits, long value) {
        return switch (this) {
            case ZEXT, PTRTOINT, INTTOPTR, PTRCAST -> value;
            case TRUNC -> mask(value, toBits);
            case SEXT -> mask(CompareOp.signExtend(value, fromBits), toBits);
        };
    }

    private static long mask(long value, int bits) {
        return bits == 64 ? value : value & ((1L << bits) - 1);
    }

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
