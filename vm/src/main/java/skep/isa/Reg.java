package skep.isa;

/** The eleven registers of eBPF (RFC 9669 section 2). */
public enum Reg {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    /** The read-only frame pointer. */
    R10;

    private static final Reg[] ALL = values();

    /** The register with this number; the caller has checked that it is 0 to 10. */
    public static Reg of(int number) {
        return ALL[number];
    }

    public int number() {
        return ordinal();
    }

    @Override
    public String toString() {
        return "r" + ordinal();
    }
}
