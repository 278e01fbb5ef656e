package skep.vm.verifier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.LongBinaryOperator;
import org.junit.jupiter.api.Test;

/** Every tnum of four bits, every operator, every pair of numbers. */
class TnumTest {
    private static final int BITS = 4;
    private static final List<Tnum> ALL = all();

    private static List<Tnum> all() {
        var list = new ArrayList<Tnum>();
        for (long mask = 0; mask < 1 << BITS; mask++) {
            for (long value = 0; value < 1 << BITS; value++) {
                if ((value & mask) == 0) {
                    list.add(new Tnum(value, mask));
                }
            }
        }
        return list;
    }

    private static List<Long> numbers(Tnum tnum) {
        var list = new ArrayList<Long>();
        for (long n = 0; n < 1 << BITS; n++) {
            if (tnum.contains(n)) {
                list.add(n);
            }
        }
        return list;
    }

    private static void covers(BinaryOperator<Tnum> operator, LongBinaryOperator concrete) {
        for (var a : ALL) {
            for (var b : ALL) {
                var result = operator.apply(a, b);
                assertEquals(0, result.value() & result.mask(), "not normal");
                for (long x : numbers(a)) {
                    for (long y : numbers(b)) {
                        assertTrue(
                                result.contains(concrete.applyAsLong(x, y)),
                                () -> a + " and " + b + " give " + result + " without that of " + x + ", " + y);
                    }
                }
            }
        }
    }

    @Test
    void everySumIsAmongThoseBelieved() {
        covers(Tnum::plus, Long::sum);
    }

    @Test
    void everyDifferenceIsAmongThoseBelieved() {
        covers(Tnum::minus, (x, y) -> x - y);
    }

    @Test
    void everyProductIsAmongThoseBelieved() {
        covers(Tnum::times, (x, y) -> x * y);
    }

    @Test
    void everyConjunctionDisjunctionAndDifferenceOfBitsIsAmongThoseBelieved() {
        covers(Tnum::and, (x, y) -> x & y);
        covers(Tnum::or, (x, y) -> x | y);
        covers(Tnum::xor, (x, y) -> x ^ y);
    }

    @Test
    void aUnionHoldsBothAndAnIntersectionWhatIsInBoth() {
        for (var a : ALL) {
            for (var b : ALL) {
                var union = a.union(b);
                assertTrue(union.includes(a) && union.includes(b), () -> a + " " + b);
                for (long n = 0; n < 1 << BITS; n++) {
                    if (a.contains(n) && b.contains(n)) {
                        assertTrue(a.intersect(b).contains(n));
                        assertTrue(a.overlaps(b));
                    }
                }
                long common = numbers(a).stream().filter(b::contains).count();
                assertEquals(common > 0, a.overlaps(b), () -> a + " " + b);
            }
        }
    }

    @Test
    void aRangeHoldsItsNumbersAndIsTheSmallestThatDoes() {
        for (long min = 0; min < 64; min++) {
            for (long max = min; max < 64; max++) {
                var tnum = Tnum.range(min, max);
                for (long n = min; n <= max; n++) {
                    assertTrue(tnum.contains(n));
                }
                assertTrue(tnum.mask() < 2 * Math.max(1, min ^ max));
            }
        }
    }

    @Test
    void theNextNumberIsTheSmallestThatIsMore() {
        for (long mask = 0; mask < 64; mask++) {
            for (long value = 0; value < 64; value++) {
                if ((value & mask) != 0) {
                    continue;
                }
                var tnum = new Tnum(value, mask);
                for (long number = 0; number < 64; number++) {
                    long expected = value | mask;
                    for (long k = 63; k > number; k--) {
                        expected = (k & ~mask) == value ? k : expected;
                    }
                    assertEquals(expected, tnum.after(number), tnum + " after " + number);
                }
            }
        }
    }
}
