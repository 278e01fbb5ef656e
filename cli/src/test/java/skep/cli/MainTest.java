package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The command in process: what it prints where, and its exit status. */
class MainTest {
    /** A finished command. */
    record Result(int status, String out, String err) {}

    static Result skep(String stdin, String... args) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int status = Main.run(
                List.of(args),
                new ByteArrayInputStream(stdin.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, false, StandardCharsets.UTF_8));
        return new Result(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void theVersionIsPrinted() {
        assertEquals(new Result(0, "skep " + Main.VERSION + "\n", ""), skep("", "-V"));
    }

    @Test
    void theHelpGoesToStandardOutput() {
        var result = skep("", "--help");
        assertEquals(0, result.status());
        assertTrue(result.out().startsWith("Usage: skep [options] -e PROGRAM"), result.out());
    }

    @Test
    void aMissingFileIsNamed() {
        assertEquals(
                new Result(1, "", "ERROR: failed to open file 'none.bt': No such file or directory\n"),
                skep("", "none.bt"));
    }

    @Test
    void anUnknownToolIsTakenForAFile() {
        assertEquals(
                new Result(1, "", "ERROR: failed to open file 'nosuchtool': No such file or directory\n"),
                skep("", "nosuchtool"));
    }

    @Test
    void anUnknownTargetNamesTheKnownOnes() {
        var result = skep("", "--target", "nowhere", "-e", "begin { }");
        assertEquals(1, result.status());
        assertTrue(result.err().startsWith("ERROR: there is no target nowhere; known are "), result.err());
    }

    @Test
    void aWrongFormatIsNamed() {
        var result = skep("", "-f", "jsonx", "-e", "begin { }");
        assertEquals(1, result.status());
        assertTrue(result.err().startsWith("ERROR: Invalid output format \"jsonx\"\n"), result.err());
    }
}
