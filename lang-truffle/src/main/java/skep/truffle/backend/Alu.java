package skep.truffle.backend;

import skep.vm.interp.Arithmetic;
import skep.vm.interp.Op;

/** Arithmetic and comparisons by the interpreter's operation numbers; with a constant operation each folds to its one line. */
final class Alu {
    private static final long U32 = 0xffff_ffffL;

    private Alu() {}

    /** Whether the second operand is a register: of each pair the second. */
    static boolean takesRegister(int op) {
        return op >= Op.ADD64_K && op < Op.MOV32_X
                ? (op & 1) == 1
                : op == Op.MOV32_X || op == Op.ARSH32_X || isMovsx(op);
    }

    private static boolean isMovsx(int op) {
        return op >= Op.MOVSX8_64 && op <= Op.MOVSX16_32;
    }

    /** Operations that change one register: all below the loads. */
    static long apply(int op, long a, long b) {
        return switch (op) {
            case Op.ADD64_K, Op.ADD64_X -> a + b;
            case Op.SUB64_K, Op.SUB64_X -> a - b;
            case Op.MUL64_K, Op.MUL64_X -> a * b;
            case Op.DIV64_K, Op.DIV64_X -> Arithmetic.div(a, b);
            case Op.SDIV64_K, Op.SDIV64_X -> Arithmetic.sdiv(a, b);
            case Op.OR64_K, Op.OR64_X -> a | b;
            case Op.AND64_K, Op.AND64_X -> a & b;
            case Op.LSH64_K, Op.LSH64_X -> a << b;
            case Op.RSH64_K, Op.RSH64_X -> a >>> b;
            case Op.MOD64_K, Op.MOD64_X -> Arithmetic.mod(a, b);
            case Op.SMOD64_K, Op.SMOD64_X -> Arithmetic.smod(a, b);
            case Op.XOR64_K, Op.XOR64_X -> a ^ b;
            case Op.MOV64_K, Op.MOV64_X -> b;
            case Op.ARSH64_K, Op.ARSH64_X -> a >> b;
            case Op.NEG64 -> -a;
            case Op.MOVSX8_64 -> (byte) b;
            case Op.MOVSX16_64 -> (short) b;
            case Op.MOVSX32_64 -> (int) b;
            case Op.SWAP64 -> Long.reverseBytes(a);
            default -> narrow(op, (int) a, (int) b) & U32;
        };
    }

    private static long narrow(int op, int a, int b) {
        return switch (op) {
            case Op.ADD32_K, Op.ADD32_X -> a + b;
            case Op.SUB32_K, Op.SUB32_X -> a - b;
            case Op.MUL32_K, Op.MUL32_X -> a * b;
            case Op.DIV32_K, Op.DIV32_X -> Arithmetic.div(a, b);
            case Op.SDIV32_K, Op.SDIV32_X -> Arithmetic.sdiv(a, b);
            case Op.OR32_K, Op.OR32_X -> a | b;
            case Op.AND32_K, Op.AND32_X -> a & b;
            case Op.LSH32_K, Op.LSH32_X -> a << b;
            case Op.RSH32_K, Op.RSH32_X -> a >>> b;
            case Op.MOD32_K, Op.MOD32_X -> Arithmetic.mod(a, b);
            case Op.SMOD32_K, Op.SMOD32_X -> Arithmetic.smod(a, b);
            case Op.XOR32_K, Op.XOR32_X -> a ^ b;
            case Op.MOV32_X -> b;
            case Op.ARSH32_K, Op.ARSH32_X -> a >> b;
            case Op.NEG32 -> -a;
            case Op.MOVSX8_32 -> (byte) b;
            case Op.MOVSX16_32 -> (short) b;
            case Op.ZEXT16 -> a & 0xffff;
            case Op.ZEXT32 -> a;
            case Op.SWAP16 -> Short.reverseBytes((short) a) & 0xffff;
            case Op.SWAP32 -> Integer.reverseBytes(a);
            default -> throw new AssertionError(op);
        };
    }

    /** Whether a conditional jump is taken. */
    static boolean jumps(int op, long a, long b) {
        return switch (op) {
            case Op.JEQ64_K, Op.JEQ64_X -> a == b;
            case Op.JGT64_K, Op.JGT64_X -> Long.compareUnsigned(a, b) > 0;
            case Op.JGE64_K, Op.JGE64_X -> Long.compareUnsigned(a, b) >= 0;
            case Op.JSET64_K, Op.JSET64_X -> (a & b) != 0;
            case Op.JNE64_K, Op.JNE64_X -> a != b;
            case Op.JSGT64_K, Op.JSGT64_X -> a > b;
            case Op.JSGE64_K, Op.JSGE64_X -> a >= b;
            case Op.JLT64_K, Op.JLT64_X -> Long.compareUnsigned(a, b) < 0;
            case Op.JLE64_K, Op.JLE64_X -> Long.compareUnsigned(a, b) <= 0;
            case Op.JSLT64_K, Op.JSLT64_X -> a < b;
            case Op.JSLE64_K, Op.JSLE64_X -> a <= b;
            default -> jumps32(op, (int) a, (int) b);
        };
    }

    private static boolean jumps32(int op, int a, int b) {
        return switch (op) {
            case Op.JEQ32_K, Op.JEQ32_X -> a == b;
            case Op.JGT32_K, Op.JGT32_X -> Integer.compareUnsigned(a, b) > 0;
            case Op.JGE32_K, Op.JGE32_X -> Integer.compareUnsigned(a, b) >= 0;
            case Op.JSET32_K, Op.JSET32_X -> (a & b) != 0;
            case Op.JNE32_K, Op.JNE32_X -> a != b;
            case Op.JSGT32_K, Op.JSGT32_X -> a > b;
            case Op.JSGE32_K, Op.JSGE32_X -> a >= b;
            case Op.JLT32_K, Op.JLT32_X -> Integer.compareUnsigned(a, b) < 0;
            case Op.JLE32_K, Op.JLE32_X -> Integer.compareUnsigned(a, b) <= 0;
            case Op.JSLT32_K, Op.JSLT32_X -> a < b;
            case Op.JSLE32_K, Op.JSLE32_X -> a <= b;
            default -> throw new AssertionError(op);
        };
    }
}
