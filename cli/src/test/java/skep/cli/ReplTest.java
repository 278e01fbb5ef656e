package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReplTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "begin { }                | 0",
                "begin {                  | 1",
                "k:f { @[comm, (1         | 3",
                "begin { printf(\"}}\"    | 2",
                "begin { // }}            | 1",
                "begin { /* } */          | 1",
                "x { printf(\"\\\"}\");   | 1",
            })
    void aScriptGoesOnWhileBracketsAreOpen(String text, int open) {
        assertEquals(open, Repl.openBrackets(text));
    }

    @Test
    void aBareExpressionIsPrintedAndABareStatementRunsOnce() {
        assertEquals("begin { print((1 + 2)); }", Repl.asScript("1 + 2"));
        assertEquals("begin { printf(\"x\\n\") }", Repl.asScript("printf(\"x\\n\")"));
        assertEquals("begin { @x = 1; }", Repl.asScript("@x = 1;"));
        assertEquals("i:s:1 { }", Repl.asScript("i:s:1 { }"));
    }
}
