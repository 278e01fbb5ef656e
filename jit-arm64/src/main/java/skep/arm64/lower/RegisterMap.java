package skep.arm64.lower;

import skep.isa.Reg;

/** Where the registers of eBPF live: the assignment of Linux's arm64 JIT, so that dumps can be read side by side. */
final class RegisterMap {
    /** The frame pointer of eBPF. */
    static final int FRAME = 25;

    /** Counts tail calls. */
    static final int TAIL_CALLS = 26;

    /** Says which helper is meant where several share an address. */
    static final int HELPER_NUMBER = 9;

    /** Address of a call stub or of where a tail call goes: a register through which BTI lets one branch to an entry. */
    static final int IP0 = 16;

    static final int SCRATCH_1 = 10;
    static final int SCRATCH_2 = 11;
    static final int SCRATCH_3 = 12;

    /** Regions that an unverified program may touch; only in checked code. */
    static final int REGIONS = 28;

    static final int FP = 29;
    static final int LR = 30;

    private static final int[] OF = {7, 0, 1, 2, 3, 4, 19, 20, 21, 22, FRAME};

    private RegisterMap() {}

    static int of(Reg reg) {
        return OF[reg.number()];
    }
}
