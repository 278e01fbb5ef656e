package skep.ir.codegen;

/** Which instructions may be used. */
public enum CpuLevel {
    /** With 32-bit arithmetic and jumps: Linux 5.1. */
    V3,
    /** With signed division, sign-extending loads and moves, and long jumps: Linux 6.6. */
    V4;

    public boolean atLeast(CpuLevel other) {
        return compareTo(other) >= 0;
    }
}
