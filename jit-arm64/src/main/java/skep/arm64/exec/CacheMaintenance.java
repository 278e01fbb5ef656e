package skep.arm64.exec;

import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;

/**
 * What must happen between writing code and running it (Arm ARM B2.4.4): data caches are cleaned to the point where instructions are
 * fetched, then instruction caches forget the range.
 */
final class CacheMaintenance {
    private static final int FROM = 9;
    private static final int TO = 10;
    private static final int CONTROL = 11;
    private static final int LINE = 12;
    private static final int CURSOR = 14;

    private CacheMaintenance() {}

    /** For the range from x9 up to x10; uses x11 to x14. */
    static void emit(Assembler asm) {
        asm.emit(Encoding.MRS_CTR_EL0, "d", CONTROL);
        eachLine(asm, 16, Encoding.DC_CVAU);
        asm.emit(Encoding.DSB_ISH.word(""));
        eachLine(asm, 0, Encoding.IC_IVAU);
        asm.emit(Encoding.DSB_ISH.word(""));
        asm.emit(Encoding.ISB.word(""));
    }

    /**
     * @param field where CTR_EL0 has the logarithm of the line's size in words
     */
    private static void eachLine(Assembler asm, int field, Encoding operation) {
        int next = asm.label();
        asm.emit(Encoding.UBFM, "sbrqnd", 1, 1, field, field + 3, CONTROL, LINE);
        asm.move(13, 4);
        asm.emit(Encoding.LSLV, "smnd", 1, LINE, 13, LINE);
        asm.emit(Encoding.NEG, "smd", 1, LINE, CURSOR);
        asm.emit(Encoding.AND_REG, "smnd", 1, CURSOR, FROM, CURSOR);
        asm.bind(next);
        asm.emit(operation, "d", CURSOR);
        asm.emit(Encoding.ADD_REG, "smnd", 1, LINE, CURSOR, CURSOR);
        asm.emit(Encoding.CMP_REG, "smn", 1, TO, CURSOR);
        asm.conditional(Encoding.B_COND.word("c", 3), next);
    }
}
