package skep.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class CompletionTest {
    private final Completion completion = new Completion(new FakeTarget(), List.of("count", "comm", "cpu"));

    private List<String> at(String text) {
        return completion.candidates(text, text.length());
    }

    @Test
    void outsideABodyProvidersAreOffered() {
        assertEquals(List.of("kprobe:", "kretprobe:"), at("k"));
        assertEquals(List.of("begin", "bench:"), at("be"));
    }

    @Test
    void insideABodyFunctionsAndBuiltinsAreOffered() {
        assertEquals(List.of("comm", "continue", "count"), at("kprobe:f { @ = co"));
    }

    @Test
    void mapsAndVariablesAreThoseOfTheScript() {
        assertEquals(List.of("@start", "@sum"), at("k:f { @start = 1; @sum = 2; $s = 3; print(@s"));
        assertEquals(List.of("$s1"), at("k:f { $s1 = 3; print($s"));
    }

    @Test
    void theWordAtTheCursorIsReplacedWhole() {
        assertEquals(0, Completion.wordStart("kprobe:vfs_re", 13));
        assertEquals(11, Completion.wordStart("k:f { args.fi", 13));
        assertTrue(at("k:f { args.x").isEmpty());
    }

    @Test
    void theLanguagesWordsAreKnownWithoutSayingSo() {
        var all = new Completion(new FakeTarget());
        var text = "kprobe:f { @ = quan";
        assertEquals(List.of("quantiles"), all.candidates(text, text.length()));
        assertTrue(Completion.meaning("count").orElseThrow().contains("how often"));
    }

    @Test
    void behindAPointNothingOfTheLanguageIsOffered() {
        assertTrue(at("k:f { $x.co").isEmpty());
    }
}
