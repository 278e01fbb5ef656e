package skep.isa;

/** Size of a memory access (RFC 9669 section 5, the {@code sz} field: bits 3 and 4 of the opcode). */
public enum MemSize {
    W(0x00, 4),
    H(0x08, 2),
    B(0x10, 1),
    DW(0x18, 8);

    private final int code;
    private final int bytes;

    MemSize(int code, int bytes) {
        this.code = code;
        this.bytes = bytes;
    }

    /** The bits of the opcode that stand for this size. */
    public int code() {
        return code;
    }

    public int bytes() {
        return bytes;
    }

    /** The size in an opcode's size field. */
    public static MemSize ofOpcode(int opcode) {
        return switch (opcode & 0x18) {
            case 0x00 -> W;
            case 0x08 -> H;
            case 0x10 -> B;
            default -> DW;
        };
    }

    /** The size of that many bytes: 1, 2, 4 or 8. */
    public static MemSize ofBytes(int bytes) {
        return switch (bytes) {
            case 1 -> B;
            case 2 -> H;
            case 4 -> W;
            case 8 -> DW;
            default -> throw new IllegalArgumentException("no memory access of " + bytes + " bytes");
        };
    }
}
