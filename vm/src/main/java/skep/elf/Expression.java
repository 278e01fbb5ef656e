package skep.elf;

import java.util.OptionalLong;

/** Evaluates DWARF expressions as call frame information has them (DWARF 5, 2.5): numbers on a stack. */
final class Expression {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_STEPS = 1000;

    private final DebugBytes in;
    private final long[] registers;
    private final UnwindRow.Memory memory;
    private final long[] stack = new long[MAX_DEPTH];
    private int depth;

    private Expression(byte[] expression, long[] registers, UnwindRow.Memory memory) {
        this.in = DebugBytes.of(expression);
        this.registers = registers;
        this.memory = memory;
    }

    /** The value on top at the end; empty if it needs memory or registers that are not known. */
    static OptionalLong evaluate(byte[] expression, long[] registers, OptionalLong first, UnwindRow.Memory memory) {
        var machine = new Expression(expression, registers, memory);
        first.ifPresent(machine::push);
        for (int steps = 0; machine.in.hasMore(); steps++) {
            if (steps > MAX_STEPS || !machine.step()) {
                return OptionalLong.empty();
            }
        }
        return machine.depth == 0 ? OptionalLong.empty() : OptionalLong.of(machine.pop());
    }

    private void push(long value) {
        if (depth == MAX_DEPTH) {
            throw new MalformedElfException("an expression of unwinding information is too deep");
        }
        stack[depth++] = value;
    }

    private long pop() {
        if (depth == 0) {
            throw new MalformedElfException("an expression of unwinding information takes from an empty stack");
        }
        return stack[--depth];
    }

    private long peek(int below) {
        if (below < 0 || below >= depth) {
            throw new MalformedElfException("an expression of unwinding information takes from an empty stack");
        }
        return stack[depth - 1 - below];
    }

    private boolean step() {
        int op = in.u1();
        if (op >= 0x30 && op <= 0x4f) {
            push(op - 0x30);
            return true;
        }
        if (op >= 0x50 && op <= 0x6f) {
            return register(op - 0x50, 0);
        }
        if (op >= 0x70 && op <= 0x8f) {
            return register(op - 0x70, in.sleb());
        }
        switch (op) {
            case 0x03, 0x0e, 0x0f -> push(in.u8());
            case 0x06 -> {
                return load(8);
            }
            case 0x94 -> {
                return load(in.u1());
            }
            case 0x08 -> push(in.u1());
            case 0x09 -> push(in.s1());
            case 0x0a -> push(in.u2());
            case 0x0b -> push((short) in.u2());
            case 0x0c -> push(in.u4());
            case 0x0d -> push((int) in.u4());
            case 0x10 -> push(in.uleb());
            case 0x11 -> push(in.sleb());
            case 0x12 -> push(peek(0));
            case 0x13 -> pop();
            case 0x14 -> push(peek(1));
            case 0x15 -> push(peek(in.u1()));
            case 0x16 -> {
                long top = pop();
                long next = pop();
                push(top);
                push(next);
            }
            case 0x19 -> push(Math.abs(pop()));
            case 0x1f -> push(-pop());
            case 0x20 -> push(~pop());
            case 0x23 -> push(pop() + in.uleb());
            case 0x28 -> {
                int distance = (short) in.u2();
                if (pop() != 0) {
                    in.skip(distance);
                }
            }
            case 0x2f -> {
                int distance = (short) in.u2();
                in.skip(distance);
            }
            case 0x92 -> {
                return register((int) in.uleb(), in.sleb());
            }
            case 0x96 -> {}
            default -> {
                return binary(op);
            }
        }
        return true;
    }

    private boolean binary(int op) {
        long right = pop();
        long left = pop();
        if ((op == 0x1b || op == 0x1d) && right == 0) {
            return false;
        }
        push(
                switch (op) {
                    case 0x1a -> left & right;
                    case 0x1b -> left / right;
                    case 0x1c -> left - right;
                    case 0x1d -> Long.remainderUnsigned(left, right);
                    case 0x1e -> left * right;
                    case 0x21 -> left | right;
                    case 0x22 -> left + right;
                    case 0x24 -> left << right;
                    case 0x25 -> left >>> right;
                    case 0x26 -> left >> right;
                    case 0x27 -> left ^ right;
                    case 0x29 -> left == right ? 1 : 0;
                    case 0x2a -> left >= right ? 1 : 0;
                    case 0x2b -> left > right ? 1 : 0;
                    case 0x2c -> left <= right ? 1 : 0;
                    case 0x2d -> left < right ? 1 : 0;
                    case 0x2e -> left != right ? 1 : 0;
                    default ->
                        throw new MalformedElfException(
                                "unwinding information has an unknown operation " + Integer.toHexString(op));
                });
        return true;
    }

    private boolean register(int number, long offset) {
        if (number < 0 || number >= registers.length) {
            return false;
        }
        push(registers[number] + offset);
        return true;
    }

    /** A load of up to eight bytes. */
    private boolean load(int bytes) {
        var word = memory.word(pop());
        if (word.isEmpty() || bytes < 1 || bytes > 8) {
            return false;
        }
        push(bytes == 8 ? word.getAsLong() : word.getAsLong() & (1L << 8 * bytes) - 1);
        return true;
    }
}
