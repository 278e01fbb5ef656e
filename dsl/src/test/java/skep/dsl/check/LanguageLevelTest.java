package skep.dsl.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.dsl.CompileOptions;
import skep.dsl.Compiler;
import skep.dsl.FakeKernel;
import skep.source.Diagnostic;
import skep.source.Source;

class LanguageLevelTest {
    private static List<Diagnostic> errors(String program, String level) {
        var options = new CompileOptions(
                List.of(),
                Map.of(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                Map.of("SKEP_LANG", level),
                false,
                0,
                List.of(),
                Set.of(),
                false,
                false,
                true);
        return Compiler.compile(new Source("test", program), FakeKernel.X86, options).diagnostics().stream()
                .filter(d -> d.severity() == Diagnostic.Severity.ERROR)
                .toList();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            BEGIN { let $x = 1; print($x); }                      | 0.21 | 0.22
            BEGIN { for ($i : 0..3) { print($i); } }              | 0.23 | 0.24
            BEGIN { @a[1] = 1; for ($kv : @a) { print($kv.0); } } | 0.20 | 0.21
            begin { print(1); }                                   | 0.23 | 0.24
            BEGIN { print(ncpus); }                               | 0.23 | 0.24
            BEGIN { print(strlen("a")); }                         | 0.23 | 0.24
            BEGIN { print((a=1)); }                               | 0.24 | 0.25
            BEGIN { print(0 ?: 1); }                              | 0.25 | 0.26
            """)
    void whatALevelDoesNotHaveIsRefusedAndTheNextTakesIt(String program, String before, String since) {
        var refused = errors(program, before);
        assertTrue(refused.stream().anyMatch(d -> d.code().equals("language-level")), program + " " + refused);
        assertEquals(List.of(), errors(program, since));
    }

    @Test
    void oldScriptsAreTakenAtTheOldestLevel() {
        assertEquals(
                List.of(),
                errors(
                        "tracepoint:raw_syscalls:sys_enter /args->id == 1/ { @[comm] = count(); delete(@x[1]); @x[1] = 2; }"
                                + " END { clear(@x); }",
                        "0.17"));
    }

    @Test
    void aLevelThatThereIsNotIsRefused() {
        assertEquals("language-level", errors("BEGIN { }", "1.0").getFirst().code());
    }
}
