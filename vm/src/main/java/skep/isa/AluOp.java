package skep.isa;

/**
 * Arithmetic operations (RFC 9669 section 4.1, the {@code code} field: the upper four bits of the opcode).
 * Where the standard tells operations apart by the offset field, each is a row of its own.
 */
public enum AluOp {
    ADD(0x00, 0, "+="),
    SUB(0x10, 0, "-="),
    MUL(0x20, 0, "*="),
    DIV(0x30, 0, "/="),
    SDIV(0x30, 1, "s/="),
    OR(0x40, 0, "|="),
    AND(0x50, 0, "&="),
    LSH(0x60, 0, "<<="),
    RSH(0x70, 0, ">>="),
    NEG(0x80, 0, "= -"),
    MOD(0x90, 0, "%="),
    SMOD(0x90, 1, "s%="),
    XOR(0xa0, 0, "^="),
    MOV(0xb0, 0, "="),
    MOVSX8(0xb0, 8, "= (s8)"),
    MOVSX16(0xb0, 16, "= (s16)"),
    MOVSX32(0xb0, 32, "= (s32)"),
    ARSH(0xc0, 0, "s>>=");

    private final int code;
    private final int off;
    private final String symbol;

    AluOp(int code, int off, String symbol) {
        this.code = code;
        this.off = off;
        this.symbol = symbol;
    }

    public int code() {
        return code;
    }

    /** The operator as the kernel's verifier log writes it. */
    public String symbol() {
        return symbol;
    }

    /** The value of the offset field that selects this operation. */
    public int off() {
        return off;
    }
}
