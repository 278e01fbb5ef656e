package skep.session.view;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.dsl.Format;
import skep.session.aggregate.Aggregate;

/** Each row is what C's printf gives for the same 64-bit argument. */
class PrintfTest {
    private static String format(String format, Value... values) {
        return Printf.format(Format.parse(format), List.of(values));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            value = {
                "%d     | -1                  | -1",
                "%d     | 4294967295          | -1",
                "%ld    | 4294967295          | 4294967295",
                "%lld   | -9223372036854775808| -9223372036854775808",
                "%u     | -1                  | 4294967295",
                "%lu    | -1                  | 18446744073709551615",
                "%x     | 20015998343868      | 56789abc",
                "%llx   | 255                 | ff",
                "%X     | 255                 | FF",
                "%#x    | 255                 | 0xff",
                "%#x    | 0                   | 0",
                "%o     | 509                 | 775",
                "%hhd   | 300                 | 44",
                "%hhx   | 1250999896491       | ab",
                "%hx    | 1250999896491       | 89ab",
                "'%5d'  | 42                  | '   42'",
                "'%-5d' | 42                  | '42   '",
                "%05d   | -42                 | -0042",
                "%+d    | 42                  | +42",
                "'% d'  | 42                  | ' 42'",
                "%.4d   | 42                  | 0042",
                "'%6.4d'| 42                  | '  0042'",
                "%04x   | 2                   | 0002",
                "%c     | 65                  | A",
                "'%3c'  | 65                  | '  A'",
                "%p     | 0                   | (nil)",
                "%p     | -1                  | 0xffffffffffffffff",
                "%jx    | 20015998343868      | 123456789abc",
                "%zu    | -1                  | 18446744073709551615",
                "%%%d   | 7                   | %7",
            })
    void integers(String format, long value, String expected) {
        assertEquals(expected, format(format, Value.of(value)));
    }

    @Test
    void strings() {
        assertEquals(
                "|       abc|abc       |ab|",
                format("|%10s|%-10s|%.2s|", Value.of("abc"), Value.of("abc"), Value.of("abc")));
        assertEquals(
                "127 (1, a) true",
                format(
                        "%s %s %s",
                        Value.of(127), new Value.Tuple(List.of(Value.of(1), Value.of("a"))), new Value.Bool(true)));
    }

    @Test
    void buffers() {
        var bytes = new Value.Bytes(new byte[] {'a', 1, 'b', (byte) 0xff});
        assertEquals("a\\x01b\\xff", format("%r", bytes));
        assertEquals("\\x61\\x01\\x62\\xff", format("%rx", bytes));
        assertEquals("61 01 62 ff", format("%rh", bytes));
    }

    @Test
    void allocationFlagsByName() {
        assertEquals("GFP_DMA", format("%gr", Value.of(1)));
        assertEquals("GFP_KERNEL|__GFP_ZERO", format("%gr", Value.of(0xcc0 | 0x100)));
    }

    @Test
    void averagesKeepTheirFraction() {
        assertEquals("2.50", format("%.2f", new Value.Aggregated(new Aggregate.Avg(2, 5, true))));
        assertEquals("-003.5", format("%06.1f", new Value.Aggregated(new Aggregate.Avg(2, -7, true))));
    }

    @Test
    void anEnumerationIsANameAndANumber() {
        var one = new Value.EnumValue(1, true, java.util.Optional.of("ONE"));
        assertEquals("1 ONE", format("%d %s", one, one));
    }
}
