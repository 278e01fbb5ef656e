package skep.jupyter.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CellTest {
    @Test
    void aPlainCellIsItsBody() {
        var cell = Cell.parse("kprobe:f { @ = count(); }\n");
        assertEquals(new Cell(Optional.empty(), List.of(), List.of(), "kprobe:f { @ = count(); }\n"), cell);
    }

    @Test
    void magicsAreTakenAwayAndLineNumbersStay() {
        var cell = Cell.parse("%%time\n%duration 3s\n%%skep --target linux\n\nkprobe:f { }\n%not { }");
        assertEquals(Optional.of("skep"), cell.language());
        assertEquals(List.of("--target", "linux"), cell.arguments());
        assertEquals(List.of(new Cell.Magic("time", ""), new Cell.Magic("duration", "3s")), cell.magics());
        assertEquals("\n\n\n\nkprobe:f { }\n%not { }", cell.body());
    }

    @Test
    void aScriptMayStartWithAPercentThatIsNoMagic() {
        assertEquals("% 3", Cell.parse("% 3").body());
        assertEquals(List.of(), Cell.parse("%5").magics());
    }

    @Test
    void durationsHaveUnits() {
        assertEquals(Optional.of(Duration.ofMillis(500)), Durations.parse("500ms"));
        assertEquals(Optional.of(Duration.ofMillis(1500)), Durations.parse("1.5"));
        assertEquals(Optional.of(Duration.ofMinutes(2)), Durations.parse(" 2 m "));
        assertEquals(Optional.empty(), Durations.parse("soon"));
        assertEquals(Optional.empty(), Durations.parse("99999999999h"));
    }
}
