package skep.session.view;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.LocalDateTime;
import java.time.ZoneId;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StrftimeTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "%H:%M:%S|09:05:07",
                "%m/%d/%y|03/04/26",
                "%F %T.%f|2026-03-04 09:05:07.123456",
                "%a %A %b %B %e %j|Wed Wednesday Mar March  4 063",
                "%I %l %p|09  9 AM",
                "100%%|100%",
                "%Q|%Q",
            })
    void conversions(String format, String expected) {
        var time = LocalDateTime.of(2026, 3, 4, 9, 5, 7, 123_456_789).atZone(ZoneId.systemDefault());
        assertEquals(expected, Strftime.format(format, time.toEpochSecond() * 1_000_000_000L + time.getNano()));
    }
}
