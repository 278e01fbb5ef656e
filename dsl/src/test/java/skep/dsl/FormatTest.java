package skep.dsl;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Format strings are taken apart as C does. */
class FormatTest {
    @ParameterizedTest
    @CsvSource({
        "a %d b, <a >%d< b>",
        "%-16s|%04x, %-16s<|>%04x",
        "100%% %llu, <100% >%llu",
        "%.3s%c, %.3s%c",
        "%rx%r%gr, %rx%r%gr",
        "50% yes, <50% yes>",
        "%, <%>"
    })
    void pieces_are_found(String text, String pieces) {
        var shown = Format.parse(text).pieces().stream()
                .map(p -> switch (p) {
                    case Format.Literal l -> "<" + l.text() + ">";
                    case Format.Verb v -> v.display();
                })
                .collect(Collectors.joining());
        assertEquals(pieces, shown);
    }
}
