package skep.isa.classic;

import java.util.Optional;

/** The instructions that classic BPF has (net/core/filter.c, {@code chk_code_allowed}), with the mnemonics of tcpdump. */
public enum ClassicOp {
    LD_ABS_W(0x20, "ld", Shape.PACKET),
    LD_ABS_H(0x28, "ldh", Shape.PACKET),
    LD_ABS_B(0x30, "ldb", Shape.PACKET),
    LD_IND_W(0x40, "ld", Shape.PACKET_X),
    LD_IND_H(0x48, "ldh", Shape.PACKET_X),
    LD_IND_B(0x50, "ldb", Shape.PACKET_X),
    LD_LEN(0x80, "ld", Shape.LENGTH),
    LD_IMM(0x00, "ld", Shape.HEX),
    LD_MEM(0x60, "ld", Shape.MEMORY),
    LDX_LEN(0x81, "ldx", Shape.LENGTH),
    LDX_IMM(0x01, "ldx", Shape.HEX),
    LDX_MEM(0x61, "ldx", Shape.MEMORY),
    LDX_MSH(0xb1, "ldxb", Shape.HEADER_LENGTH),
    ST(0x02, "st", Shape.MEMORY),
    STX(0x03, "stx", Shape.MEMORY),
    ADD_K(0x04, "add", Shape.DECIMAL),
    ADD_X(0x0c, "add", Shape.X),
    SUB_K(0x14, "sub", Shape.DECIMAL),
    SUB_X(0x1c, "sub", Shape.X),
    MUL_K(0x24, "mul", Shape.DECIMAL),
    MUL_X(0x2c, "mul", Shape.X),
    DIV_K(0x34, "div", Shape.DECIMAL),
    DIV_X(0x3c, "div", Shape.X),
    OR_K(0x44, "or", Shape.HEX),
    OR_X(0x4c, "or", Shape.X),
    AND_K(0x54, "and", Shape.HEX),
    AND_X(0x5c, "and", Shape.X),
    LSH_K(0x64, "lsh", Shape.DECIMAL),
    LSH_X(0x6c, "lsh", Shape.X),
    RSH_K(0x74, "rsh", Shape.DECIMAL),
    RSH_X(0x7c, "rsh", Shape.X),
    NEG(0x84, "neg", Shape.NONE),
    MOD_K(0x94, "mod", Shape.DECIMAL),
    MOD_X(0x9c, "mod", Shape.X),
    XOR_K(0xa4, "xor", Shape.HEX),
    XOR_X(0xac, "xor", Shape.X),
    JA(0x05, "ja", Shape.TARGET),
    JEQ_K(0x15, "jeq", Shape.BRANCH),
    JEQ_X(0x1d, "jeq", Shape.BRANCH_X),
    JGT_K(0x25, "jgt", Shape.BRANCH),
    JGT_X(0x2d, "jgt", Shape.BRANCH_X),
    JGE_K(0x35, "jge", Shape.BRANCH),
    JGE_X(0x3d, "jge", Shape.BRANCH_X),
    JSET_K(0x45, "jset", Shape.BRANCH),
    JSET_X(0x4d, "jset", Shape.BRANCH_X),
    RET_K(0x06, "ret", Shape.DECIMAL),
    RET_A(0x16, "ret", Shape.NONE),
    TAX(0x07, "tax", Shape.NONE),
    TXA(0x87, "txa", Shape.NONE);

    private static final ClassicOp[] ALL = values();

    private final int code;
    private final String mnemonic;
    private final Shape shape;

    ClassicOp(int code, String mnemonic, Shape shape) {
        this.code = code;
        this.mnemonic = mnemonic;
        this.shape = shape;
    }

    /** How the operand is written. */
    enum Shape {
        /** Nothing. */
        NONE,
        /** {@code #12}. */
        DECIMAL,
        /** {@code #0x1f}. */
        HEX,
        /** {@code x}. */
        X,
        /** {@code [12]}. */
        PACKET,
        /** {@code [x + 12]}. */
        PACKET_X,
        /** {@code M[3]}. */
        MEMORY,
        /** {@code #pktlen}. */
        LENGTH,
        /** {@code 4*([14]&0xf)}. */
        HEADER_LENGTH,
        /** An instruction's number. */
        TARGET,
        /** {@code #0x800 jt 2 jf 5}. */
        BRANCH,
        /** {@code x jt 2 jf 5}. */
        BRANCH_X
    }

    public int code() {
        return code;
    }

    public String mnemonic() {
        return mnemonic;
    }

    Shape shape() {
        return shape;
    }

    boolean branches() {
        return shape == Shape.BRANCH || shape == Shape.BRANCH_X;
    }

    boolean returns() {
        return this == RET_K || this == RET_A;
    }

    /** The row with this code, if it is valid. */
    public static Optional<ClassicOp> ofCode(int code) {
        for (var op : ALL) {
            if (op.code == code) {
                return Optional.of(op);
            }
        }
        return Optional.empty();
    }
}
