package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.REGIONS;
import static skep.arm64.lower.RegisterMap.SCRATCH_1;
import static skep.arm64.lower.RegisterMap.SCRATCH_2;
import static skep.arm64.lower.RegisterMap.SCRATCH_3;

import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;

/**
 * The routine behind every access of checked code: is the range within one region?
 *
 * <pre>
 *   x10  address                     x28 ->  +0   number of regions
 *   x11  size, bit 63: a write               +8   base    \
 *                                            +16  end      } each region
 *                                            +24  writable /
 * </pre>
 *
 * It uses x12 to x17 only and ends the program with a breakpoint if no region fits: whoever runs the code knows from the program
 * counter in the link register which instruction that was.
 */
public final class AccessCheck {
    /** Immediate of the breakpoint that stops a program after a bad access. */
    public static final int BREAKPOINT = 0xbad;

    /** Size of the header before the first region, and of a region, in bytes. */
    public static final int HEADER_BYTES = 8;

    public static final int REGION_BYTES = 24;

    private static final int CURSOR = 13;
    private static final int BASE = 14;
    private static final int END = 15;
    private static final int WRITABLE = 16;
    private static final int LAST = 17;

    private AccessCheck() {}

    static void emit(Assembler asm) {
        int next = asm.label();
        int skip = asm.label();
        int fail = asm.label();
        int good = asm.label();
        asm.emit(Encoding.LDR_UIMM, "xind", 3, 0, REGIONS, SCRATCH_3);
        asm.emit(Encoding.ADD_IMM, "sind", 1, HEADER_BYTES, REGIONS, CURSOR);
        asm.emit(Encoding.UBFM, "sbrqnd", 1, 1, 0, 62, SCRATCH_2, LAST);
        asm.emit(Encoding.ADDS_REG, "smnd", 1, LAST, SCRATCH_1, LAST);
        asm.conditional(Encoding.B_COND.word("c", Condition.HS.bits()), fail);
        asm.bind(next);
        asm.conditional(Encoding.CBZ.word("sd", 1, SCRATCH_3), fail);
        asm.emit(Encoding.LDP_OFFSET, "siund", 1, 0, END, CURSOR, BASE);
        asm.emit(Encoding.LDR_UIMM, "xind", 3, 2, CURSOR, WRITABLE);
        asm.emit(Encoding.CMP_REG, "smn", 1, BASE, SCRATCH_1);
        asm.conditional(Encoding.B_COND.word("c", Condition.LO.bits()), skip);
        asm.emit(Encoding.CMP_REG, "smn", 1, END, LAST);
        asm.conditional(Encoding.B_COND.word("c", Condition.HI.bits()), skip);
        asm.conditional(Encoding.CBNZ.word("sd", 1, WRITABLE), good);
        asm.emit(Encoding.TST_REG, "smn", 1, SCRATCH_2, SCRATCH_2);
        asm.conditional(Encoding.B_COND.word("c", Condition.GE.bits()), good);
        asm.bind(skip);
        asm.emit(Encoding.ADD_IMM, "sind", 1, REGION_BYTES, CURSOR, CURSOR);
        asm.emit(Encoding.SUB_IMM, "sind", 1, 1, SCRATCH_3, SCRATCH_3);
        asm.branch(Encoding.B, next);
        asm.bind(fail);
        asm.emit(Encoding.BRK, "i", BREAKPOINT);
        asm.bind(good);
        asm.emit(Encoding.RET_LR.word(""));
    }
}
