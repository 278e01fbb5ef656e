package skep.vm.verifier;

import java.util.Optional;
import skep.isa.Bytecode;
import skep.isa.kernel.Helper;

/** The raw slots, taken apart once into arrays, and the questions the walk asks of a slot (RFC 9669 section 3). */
final class Code {
    static final int LD = 0;
    static final int LDX = 1;
    static final int ST = 2;
    static final int STX = 3;
    static final int ALU = 4;
    static final int JMP = 5;
    static final int JMP32 = 6;
    static final int ALU64 = 7;

    static final int X = 0x08;

    static final int ADD = 0x00;
    static final int SUB = 0x10;
    static final int MUL = 0x20;
    static final int DIV = 0x30;
    static final int OR = 0x40;
    static final int AND = 0x50;
    static final int LSH = 0x60;
    static final int RSH = 0x70;
    static final int NEG = 0x80;
    static final int MOD = 0x90;
    static final int XOR = 0xa0;
    static final int MOV = 0xb0;
    static final int ARSH = 0xc0;
    static final int END = 0xd0;

    static final int JA = 0x00;
    static final int JEQ = 0x10;
    static final int JGT = 0x20;
    static final int JGE = 0x30;
    static final int JSET = 0x40;
    static final int JNE = 0x50;
    static final int JSGT = 0x60;
    static final int JSGE = 0x70;
    static final int CALL = 0x80;
    static final int EXIT = 0x90;
    static final int JLT = 0xa0;
    static final int JLE = 0xb0;
    static final int JSLT = 0xc0;
    static final int JSLE = 0xd0;
    static final int JCOND = 0xe0;

    static final int MODE_IMM = 0x00;
    static final int MODE_ABS = 0x20;
    static final int MODE_IND = 0x40;
    static final int MODE_MEM = 0x60;
    static final int MODE_MEMSX = 0x80;
    static final int MODE_ATOMIC = 0xc0;

    static final int LD_IMM64 = 0x18;
    static final int PSEUDO_MAP_FD = 1;
    static final int PSEUDO_MAP_VALUE = 2;
    static final int PSEUDO_BTF_ID = 3;
    static final int PSEUDO_FUNC = 4;
    static final int PSEUDO_MAP_IDX = 5;
    static final int PSEUDO_MAP_IDX_VALUE = 6;

    static final int PSEUDO_CALL = 1;
    static final int PSEUDO_KFUNC_CALL = 2;

    static final int ATOMIC_FETCH = 0x01;
    static final int ATOMIC_XCHG = 0xe0 | ATOMIC_FETCH;
    static final int ATOMIC_CMPXCHG = 0xf0 | ATOMIC_FETCH;
    static final int LOAD_ACQUIRE = 0x100;
    static final int STORE_RELEASE = 0x110;

    final int length;
    final int[] op;
    final int[] dst;
    final int[] src;
    final int[] off;
    final int[] imm;

    Code(Bytecode code) {
        length = code.size();
        op = new int[length];
        dst = new int[length];
        src = new int[length];
        off = new int[length];
        imm = new int[length];
        for (int i = 0; i < length; i++) {
            op[i] = code.opcode(i);
            dst[i] = code.dst(i);
            src[i] = code.src(i);
            off[i] = code.off(i);
            imm[i] = code.imm(i);
        }
    }

    int cls(int insn) {
        return op[insn] & 7;
    }

    /** The operation bits of arithmetic and jumps. */
    int operation(int insn) {
        return op[insn] & 0xf0;
    }

    boolean fromReg(int insn) {
        return (op[insn] & X) != 0;
    }

    int mode(int insn) {
        return op[insn] & 0xe0;
    }

    /** Width of a memory access in bytes. */
    int size(int insn) {
        return sizeOf(op[insn]);
    }

    static int sizeOf(int opcode) {
        return switch (opcode & 0x18) {
            case 0x00 -> 4;
            case 0x08 -> 2;
            case 0x10 -> 1;
            default -> 8;
        };
    }

    boolean isLdImm64(int insn) {
        return op[insn] == LD_IMM64;
    }

    int slots(int insn) {
        return op[insn] == LD_IMM64 ? 2 : 1;
    }

    boolean isCall(int insn) {
        return op[insn] == (JMP | CALL);
    }

    boolean isFunctionCall(int insn) {
        return isCall(insn) && src[insn] == PSEUDO_CALL;
    }

    boolean isKfuncCall(int insn) {
        return isCall(insn) && src[insn] == PSEUDO_KFUNC_CALL;
    }

    boolean isHelperCall(int insn) {
        return isCall(insn) && src[insn] == 0;
    }

    boolean isFunctionReference(int insn) {
        return op[insn] == LD_IMM64 && src[insn] == PSEUDO_FUNC;
    }

    boolean isExit(int insn) {
        return op[insn] == (JMP | EXIT);
    }

    boolean isMayGoto(int insn) {
        return op[insn] == (JMP | JCOND) && src[insn] == 0;
    }

    boolean isJump(int insn) {
        int cls = cls(insn);
        return cls == JMP || cls == JMP32;
    }

    /** The offset of a jump, wherever it is kept. */
    int jumpOffset(int insn) {
        return op[insn] == (JMP32 | JA) ? imm[insn] : off[insn];
    }

    Optional<Helper> helper(int insn) {
        return isHelperCall(insn) ? Helper.ofNumber(imm[insn]) : Optional.empty();
    }

    /** Whether RFC 9669 and Linux 6.18 define the opcode. */
    static boolean isDefined(int opcode) {
        int operation = opcode & 0xf0;
        boolean x = (opcode & X) != 0;
        return switch (opcode & 7) {
            case ALU -> operation <= END && (operation != NEG || !x);
            case ALU64 -> operation <= END && ((operation != NEG && operation != END) || !x);
            case JMP ->
                switch (operation) {
                    case JA, CALL, EXIT, JCOND -> !x;
                    case 0xf0 -> false;
                    default -> true;
                };
            case JMP32 ->
                switch (operation) {
                    case JA -> !x;
                    case CALL, EXIT, JCOND, 0xf0 -> false;
                    default -> true;
                };
            case LD ->
                switch (opcode & 0xe0) {
                    case MODE_IMM -> (opcode & 0x18) == 0x18;
                    case MODE_ABS, MODE_IND -> (opcode & 0x18) != 0x18;
                    default -> false;
                };
            case LDX ->
                switch (opcode & 0xe0) {
                    case MODE_MEM -> true;
                    case MODE_MEMSX -> (opcode & 0x18) != 0x18;
                    default -> false;
                };
            case ST -> (opcode & 0xe0) == MODE_MEM;
            default -> (opcode & 0xe0) == MODE_MEM || (opcode & 0xe0) == MODE_ATOMIC;
        };
    }
}
