package skep.vm.verifier;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** What is computed of beliefs holds for every pair of numbers that the beliefs admit. */
class ScalarSoundnessTest {
    private static final int[] OPERATIONS = {
        Code.ADD, Code.SUB, Code.MUL, Code.AND, Code.OR, Code.XOR, Code.LSH, Code.RSH, Code.ARSH, Code.NEG
    };
    private static final int[] COMPARISONS = {
        Code.JEQ, Code.JNE, Code.JGT, Code.JGE, Code.JLT, Code.JLE, Code.JSGT, Code.JSGE, Code.JSLT, Code.JSLE,
        Code.JSET
    };

    static boolean admits(RegState reg, long value) {
        int low = (int) value;
        return reg.var.contains(value)
                && Long.compareUnsigned(reg.umin, value) <= 0
                && Long.compareUnsigned(reg.umax, value) >= 0
                && reg.smin <= value
                && reg.smax >= value
                && Integer.compareUnsigned(reg.umin32, low) <= 0
                && Integer.compareUnsigned(reg.umax32, low) >= 0
                && reg.smin32 <= low
                && reg.smax32 >= low;
    }

    static long compute(int operation, boolean narrow, long a, long b) {
        long x = narrow ? (int) a : a;
        long y = narrow ? (int) b : b;
        int bits = narrow ? 31 : 63;
        long result = switch (operation) {
            case Code.ADD -> x + y;
            case Code.SUB -> x - y;
            case Code.MUL -> x * y;
            case Code.AND -> x & y;
            case Code.OR -> x | y;
            case Code.XOR -> x ^ y;
            case Code.LSH -> x << (y & bits);
            case Code.RSH -> narrow ? (x & 0xffff_ffffL) >>> (y & bits) : x >>> (y & bits);
            case Code.ARSH -> x >> (y & bits);
            default -> -x;
        };
        return narrow ? result & 0xffff_ffffL : result;
    }

    static boolean compare(int operation, boolean narrow, long a, long b) {
        long x = narrow ? (int) a : a;
        long y = narrow ? (int) b : b;
        int unsigned = narrow ? Integer.compareUnsigned((int) x, (int) y) : Long.compareUnsigned(x, y);
        return switch (operation) {
            case Code.JEQ -> x == y;
            case Code.JNE -> x != y;
            case Code.JGT -> unsigned > 0;
            case Code.JGE -> unsigned >= 0;
            case Code.JLT -> unsigned < 0;
            case Code.JLE -> unsigned <= 0;
            case Code.JSGT -> x > y;
            case Code.JSGE -> x >= y;
            case Code.JSLT -> x < y;
            case Code.JSLE -> x <= y;
            default -> (narrow ? x & y & 0xffff_ffffL : x & y) != 0;
        };
    }

    /** A belief that admits the value, as tight or loose as chance wants. */
    private static RegState around(Random random, long value) {
        var reg = new RegState();
        reg.markUnknown();
        if (random.nextInt(4) == 0) {
            reg.setConstant(value);
            reg.var = Tnum.constant(value);
            return reg;
        }
        if (random.nextBoolean()) {
            long mask = random.nextLong() & (random.nextBoolean() ? random.nextLong() : -1L >>> random.nextInt(64));
            reg.var = new Tnum(value & ~mask, mask);
        }
        long reach = random.nextLong() >>> (1 + random.nextInt(63));
        if (random.nextBoolean() && value - reach <= value && value + reach >= value) {
            reg.smin = value - reach;
            reg.smax = value + reach;
        }
        if (random.nextBoolean()
                && Long.compareUnsigned(value - reach, value) <= 0
                && Long.compareUnsigned(value + reach, value) >= 0) {
            reg.umin = value - reach;
            reg.umax = value + reach;
        }
        int low = (int) value;
        int near = random.nextInt() >>> (1 + random.nextInt(31));
        if (random.nextBoolean() && low - near <= low && low + near >= low) {
            reg.smin32 = low - near;
            reg.smax32 = low + near;
        }
        if (random.nextBoolean()
                && Integer.compareUnsigned(low - near, low) <= 0
                && Integer.compareUnsigned(low + near, low) >= 0) {
            reg.umin32 = low - near;
            reg.umax32 = low + near;
        }
        if (random.nextInt(8) != 0) {
            Ranges.sync(reg);
        }
        return reg;
    }

    private static long interesting(Random random) {
        return switch (random.nextInt(5)) {
            case 0 -> random.nextInt(16) - 8;
            case 1 -> random.nextLong();
            case 2 -> random.nextInt();
            case 3 -> (1L << random.nextInt(64)) + random.nextInt(3) - 1;
            default -> random.nextInt() & 0xffff_ffffL;
        };
    }

    @Property(seed = "20261130", tries = 20_000)
    void resultsOfOperationsAreAmongThoseBelieved(@ForAll long seed) {
        var random = new Random(seed);
        int operation = OPERATIONS[random.nextInt(OPERATIONS.length)];
        boolean narrow = random.nextBoolean();
        boolean shift = operation == Code.LSH || operation == Code.RSH || operation == Code.ARSH;
        long x = interesting(random);
        long y = shift ? random.nextInt(narrow ? 32 : 64) : interesting(random);
        var a = around(random, x);
        var b = around(random, y);
        if (shift) {
            b.setConstant(y);
            b.var = Tnum.constant(y);
        }
        assertTrue(admits(a, x) && admits(b, y), "the test is wrong");
        if (operation == Code.NEG) {
            b = new RegState(a);
        }
        ScalarMath.apply(operation, narrow, a, b);
        long result = compute(operation, narrow, x, y);
        var believed = a;
        assertTrue(
                admits(believed, result),
                () -> Arithmetic.symbol(operation) + (narrow ? " 32: " : ": ") + x + ", " + y + " give " + result);
    }

    @Property(seed = "20261130", tries = 20_000)
    void comparisonsGoAWayThatIsBelievedAndTeachNothingWrong(@ForAll long seed) {
        var random = new Random(seed);
        int operation = COMPARISONS[random.nextInt(COMPARISONS.length)];
        boolean narrow = random.nextBoolean();
        long x = interesting(random);
        long y = random.nextInt(3) == 0 ? x : interesting(random);
        var a = around(random, x);
        var b = around(random, y);
        boolean holds = compare(operation, narrow, x, y);
        int outcome = Conditions.outcome(a, b, operation, narrow);
        assertTrue(
                outcome == Conditions.UNKNOWN || (outcome == Conditions.TAKEN) == holds,
                () -> operation + " of " + x + ", " + y);
        if (outcome == Conditions.UNKNOWN) {
            Conditions.refine(a, b, holds ? operation : Conditions.negate(operation), narrow);
            Ranges.sync(a);
            Ranges.sync(b);
            assertTrue(admits(a, x) && admits(b, y), () -> operation + " refines away " + x + ", " + y);
        }
    }

    @Property(seed = "20261130", tries = 10_000)
    void deductionsLoseNoNumberAndCutsAreRight(@ForAll long seed) {
        var random = new Random(seed);
        long x = interesting(random);
        var reg = around(random, x);
        Ranges.sync(reg);
        assertTrue(admits(reg, x));
        int size = 1 << random.nextInt(3);
        var cut = new RegState(reg);
        Ranges.truncate(cut, size);
        assertTrue(admits(cut, x & (1L << size * 8) - 1), "cut to " + size);
        int shift = 64 - size * 8;
        var wide = new RegState(reg);
        Ranges.signExtend64(wide, size);
        assertTrue(admits(wide, x << shift >> shift), "sign extension from " + size);
        if (size < 4) {
            var narrow = new RegState(reg);
            Ranges.signExtend32(narrow, size);
            Ranges.zeroExtend32(narrow);
            Ranges.sync(narrow);
            assertTrue(admits(narrow, x << shift >> shift & 0xffff_ffffL), "narrow sign extension from " + size);
        }
    }

    /** All intervals around zero, signed, with every operation and every pair of their numbers. */
    @Test
    void smallIntervalsAreRightWithoutException() {
        var intervals = new ArrayList<RegState>();
        for (int min = -5; min <= 5; min++) {
            for (int max = min; max <= 5; max++) {
                var reg = new RegState();
                reg.markUnknown();
                reg.smin = min;
                reg.smax = max;
                Ranges.sync(reg);
                intervals.add(reg);
            }
        }
        for (var a : intervals) {
            for (var b : intervals) {
                checkAll(a, b, List.of(false, true));
            }
        }
    }

    private static void checkAll(RegState a, RegState b, List<Boolean> widths) {
        for (int operation : OPERATIONS) {
            if (operation == Code.LSH || operation == Code.RSH || operation == Code.ARSH || operation == Code.NEG) {
                continue;
            }
            for (boolean narrow : widths) {
                var result = new RegState(a);
                ScalarMath.apply(operation, narrow, result, b);
                for (long x = a.smin; x <= a.smax; x++) {
                    for (long y = b.smin; y <= b.smax; y++) {
                        assertTrue(admits(result, compute(operation, narrow, x, y)));
                    }
                }
            }
        }
    }
}
