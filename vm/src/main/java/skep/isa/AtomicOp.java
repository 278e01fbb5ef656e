package skep.isa;

/** Atomic operations, selected by the immediate (RFC 9669 section 5.3; load-acquire and store-release: Linux 6.15). */
public enum AtomicOp {
    ADD(0x00),
    OR(0x40),
    AND(0x50),
    XOR(0xa0),
    FETCH_ADD(0x01),
    FETCH_OR(0x41),
    FETCH_AND(0x51),
    FETCH_XOR(0xa1),
    XCHG(0xe1),
    CMPXCHG(0xf1),
    LOAD_ACQ(0x100),
    STORE_REL(0x110);

    private final int imm;

    AtomicOp(int imm) {
        this.imm = imm;
    }

    public int imm() {
        return imm;
    }

    /** The operator of the forms that only change memory, as the kernel's verifier log writes it; empty for the others. */
    public String symbol() {
        return switch (this) {
            case ADD -> "+=";
            case OR -> "|=";
            case AND -> "&=";
            case XOR -> "^=";
            default -> "";
        };
    }

    /** Whether the old value is written to the source register (or to r0 for {@code CMPXCHG}). */
    public boolean fetches() {
        return (imm & 1) != 0;
    }
}
