package skep.isa;

/**
 * The bits of an opcode byte (RFC 9669 section 3).
 *
 * <pre>
 *   arithmetic and jumps          loads and stores
 *   7      4 3   2     0          7    5 4  3 2     0
 *  +--------+---+-------+        +------+----+-------+
 *  |  code  | s | class |        | mode | sz | class |
 *  +--------+---+-------+        +------+----+-------+
 * </pre>
 */
public final class Opcode {
    /** Instruction classes. */
    public static final int LD = 0x00;

    public static final int LDX = 0x01;
    public static final int ST = 0x02;
    public static final int STX = 0x03;
    public static final int ALU = 0x04;
    public static final int JMP = 0x05;
    public static final int JMP32 = 0x06;
    public static final int ALU64 = 0x07;

    /** Second operand: immediate or register. */
    public static final int K = 0x00;

    public static final int X = 0x08;

    /** Modes of loads and stores. */
    public static final int IMM = 0x00;

    public static final int ABS = 0x20;
    public static final int IND = 0x40;
    public static final int MEM = 0x60;
    public static final int MEMSX = 0x80;
    public static final int ATOMIC = 0xc0;

    /** Arithmetic and jump codes that are not rows of {@link AluOp} or {@link JumpOp}. */
    public static final int END = 0xd0;

    public static final int JA = 0x00;
    public static final int CALL = 0x80;
    public static final int EXIT = 0x90;
    public static final int JCOND = 0xe0;

    /** The first slot of a 64-bit immediate load. */
    public static final int LD_IMM64 = LD | IMM | 0x18;

    private Opcode() {}

    public static int classOf(int opcode) {
        return opcode & 0x07;
    }

    public static int codeOf(int opcode) {
        return opcode & 0xf0;
    }

    public static int modeOf(int opcode) {
        return opcode & 0xe0;
    }

    public static boolean usesRegister(int opcode) {
        return (opcode & X) != 0;
    }
}
