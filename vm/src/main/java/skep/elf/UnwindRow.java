package skep.elf;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What holds at one address: where the frame is, and where in it the caller's registers were saved. Made by running the
 * instructions of an entry of an {@link UnwindTable} up to that address.
 */
public final class UnwindRow {
    /** x86-64 has columns up to 16 for what matters here, ARM64 up to 34 (return-address signing); vectors follow. */
    private static final int COLUMNS = 97;

    /** Instructions of one entry; a real one has dozens. */
    private static final int MAX_INSTRUCTIONS = 100_000;

    private static final int MAX_SAVED_ROWS = 64;

    /** Reads memory of the process: eight bytes at an address; empty if that is not known. */
    @FunctionalInterface
    public interface Memory {
        OptionalLong word(long address);
    }

    private enum How {
        SAME,
        UNDEFINED,
        /** At the frame's address plus a number. */
        SAVED,
        /** The frame's address plus a number itself. */
        VALUE,
        REGISTER,
        /** At the address that an expression gives. */
        SAVED_BY_EXPRESSION,
        VALUE_BY_EXPRESSION
    }

    private record Rule(How how, long number, byte[] expression) {
        private static final byte[] NONE = {};
        static final Rule SAME = new Rule(How.SAME, 0, NONE);
        static final Rule UNDEFINED = new Rule(How.UNDEFINED, 0, NONE);

        static Rule of(How how, long number) {
            return new Rule(how, number, NONE);
        }
    }

    private final UnwindTable.Common common;
    private final DebugBytes in;
    private final Rule[] rules = new Rule[COLUMNS];
    private int frameRegister;
    private long frameOffset;
    private byte[] frameExpression = {};

    private UnwindRow(UnwindTable.Common common, DebugBytes in) {
        this.common = common;
        this.in = in;
        Arrays.fill(rules, Rule.SAME);
    }

    static UnwindRow of(DebugBytes in, UnwindTable.Entry entry, long address) {
        var common = entry.common();
        var row = new UnwindRow(common, in);
        row.run(common.instructions(), common.end(), 0, Long.MAX_VALUE, new Rule[0]);
        var initial = row.rules.clone();
        row.run(entry.instructions(), entry.end(), entry.start(), address, initial);
        return row;
    }

    /** Whether this is the frame of a signal: the interrupted place is behind it, not a call. */
    public boolean isSignalFrame() {
        return common.signalFrame();
    }

    private record Saved(Rule[] rules, int frameRegister, long frameOffset, byte[] frameExpression) {}

    private void run(int from, int to, long start, long address, Rule[] initial) {
        in.go(from);
        long at = start;
        Deque<Saved> saved = new ArrayDeque<>();
        for (int count = 0; in.at() < to && count < MAX_INSTRUCTIONS; count++) {
            int op = in.u1();
            int low = op & 0x3f;
            switch (op >>> 6) {
                case 1 -> at += low * common.codeFactor();
                case 2 -> set(low, Rule.of(How.SAVED, in.uleb() * common.dataFactor()));
                case 3 -> restore(low, initial);
                default -> {
                    switch (op) {
                        case 0x00, 0x2e -> skipOperand(op);
                        case 0x01 -> at = in.u8();
                        case 0x02 -> at += in.u1() * common.codeFactor();
                        case 0x03 -> at += in.u2() * common.codeFactor();
                        case 0x04 -> at += in.u4() * common.codeFactor();
                        case 0x05 -> set(in.uleb(), Rule.of(How.SAVED, in.uleb() * common.dataFactor()));
                        case 0x06 -> restore(in.uleb(), initial);
                        case 0x07 -> set(in.uleb(), Rule.UNDEFINED);
                        case 0x08 -> set(in.uleb(), Rule.SAME);
                        case 0x09 -> set(in.uleb(), Rule.of(How.REGISTER, in.uleb()));
                        case 0x0a -> {
                            if (saved.size() < MAX_SAVED_ROWS) {
                                saved.push(new Saved(rules.clone(), frameRegister, frameOffset, frameExpression));
                            }
                        }
                        case 0x0b -> {
                            if (!saved.isEmpty()) {
                                var row = saved.pop();
                                System.arraycopy(row.rules, 0, rules, 0, COLUMNS);
                                frame(row.frameRegister, row.frameOffset, row.frameExpression);
                            }
                        }
                        case 0x0c -> frame((int) in.uleb(), in.uleb(), Rule.NONE);
                        case 0x0d -> frame((int) in.uleb(), frameOffset, Rule.NONE);
                        case 0x0e -> frameOffset = in.uleb();
                        case 0x0f -> frameExpression = block();
                        case 0x10 -> set(in.uleb(), new Rule(How.SAVED_BY_EXPRESSION, 0, block()));
                        case 0x11 -> set(in.uleb(), Rule.of(How.SAVED, in.sleb() * common.dataFactor()));
                        case 0x12 -> frame((int) in.uleb(), in.sleb() * common.dataFactor(), Rule.NONE);
                        case 0x13 -> frameOffset = in.sleb() * common.dataFactor();
                        case 0x14 -> set(in.uleb(), Rule.of(How.VALUE, in.uleb() * common.dataFactor()));
                        case 0x15 -> set(in.uleb(), Rule.of(How.VALUE, in.sleb() * common.dataFactor()));
                        case 0x16 -> set(in.uleb(), new Rule(How.VALUE_BY_EXPRESSION, 0, block()));
                        // ARM64: the return address is signed from here on, or no longer: the address is stripped
                        // anyway.
                        case 0x2d -> {}
                        case 0x2f -> set(in.uleb(), Rule.of(How.SAVED, -in.uleb() * common.dataFactor()));
                        default ->
                            throw new MalformedElfException(
                                    "unwinding information has an unknown instruction " + Integer.toHexString(op));
                    }
                }
            }
            if (Long.compareUnsigned(at, address) > 0) {
                return;
            }
        }
    }

    private void skipOperand(int op) {
        if (op == 0x2e) {
            in.uleb();
        }
    }

    private byte[] block() {
        return in.bytes(in.uleb());
    }

    private void frame(int register, long offset, byte[] expression) {
        frameRegister = register;
        frameOffset = offset;
        frameExpression = expression;
    }

    private void set(long register, Rule rule) {
        if (register >= 0 && register < COLUMNS) {
            rules[(int) register] = rule;
        }
    }

    private void restore(long register, Rule[] initial) {
        set(register, register >= 0 && register < initial.length ? initial[(int) register] : Rule.SAME);
    }

    /**
     * The registers of the caller, from those here, in DWARF's numbering. Empty if this is the outermost function, or what is
     * needed lies outside of the memory at hand.
     *
     * @param registers as many as are known; the stack pointer is among them
     * @param stackPointer which of them that is: 7 on x86-64, 31 on ARM64
     */
    public Optional<Caller> caller(long[] registers, int stackPointer, Memory memory) {
        var frame = frame(registers, memory);
        if (frame.isEmpty()) {
            return Optional.empty();
        }
        long cfa = frame.getAsLong();
        var next = registers.clone();
        for (int i = 0; i < next.length; i++) {
            var value = value(rules[i], registers, i, cfa, memory);
            if (value.isPresent()) {
                next[i] = value.getAsLong();
            } else if (i == common.returnColumn()) {
                return Optional.empty();
            }
        }
        int column = common.returnColumn();
        if (column >= next.length || rules[column].how() == How.UNDEFINED) {
            return Optional.empty();
        }
        if (rules[stackPointer].how() == How.SAME) {
            next[stackPointer] = cfa;
        }
        return Optional.of(new Caller(next[column], next));
    }

    /** Where a call returns to, and the registers there. */
    public record Caller(long address, long[] registers) {}

    private OptionalLong frame(long[] registers, Memory memory) {
        if (frameExpression.length > 0) {
            return Expression.evaluate(frameExpression, registers, OptionalLong.empty(), memory);
        }
        return frameRegister < registers.length
                ? OptionalLong.of(registers[frameRegister] + frameOffset)
                : OptionalLong.empty();
    }

    private static OptionalLong value(Rule rule, long[] registers, int register, long cfa, Memory memory) {
        return switch (rule.how()) {
            case SAME -> OptionalLong.of(registers[register]);
            case UNDEFINED -> OptionalLong.empty();
            case SAVED -> memory.word(cfa + rule.number());
            case VALUE -> OptionalLong.of(cfa + rule.number());
            case REGISTER ->
                rule.number() < registers.length
                        ? OptionalLong.of(registers[(int) rule.number()])
                        : OptionalLong.empty();
            case SAVED_BY_EXPRESSION -> {
                var at = Expression.evaluate(rule.expression(), registers, OptionalLong.of(cfa), memory);
                yield at.isPresent() ? memory.word(at.getAsLong()) : at;
            }
            case VALUE_BY_EXPRESSION -> Expression.evaluate(rule.expression(), registers, OptionalLong.of(cfa), memory);
        };
    }
}
