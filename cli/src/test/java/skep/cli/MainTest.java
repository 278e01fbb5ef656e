package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
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
    void theHelpNamesEveryCommandThatTheLauncherBuildsAtFirstUse() throws IOException {
        var help = skep("", "help").out();
        var word = Pattern.compile("^  ([a-z| ]+)\\) family=", Pattern.MULTILINE);
        var words = word.matcher(Files.readString(Path.of("../skep")))
                .results()
                .flatMap(match -> Arrays.stream(match.group(1).split("\\|")))
                .map(String::strip)
                .toList();
        assertTrue(words.contains("bcc"), words.toString());
        for (var command : words) {
            assertTrue(help.contains("\n  " + command + " "), command + " is not in:\n" + help);
        }
    }

    @Test
    void everyToolSaysHowItIsUsed() {
        for (var word : List.of("-h", "--help", "help")) {
            var result = skep("", "run", word);
            assertEquals(0, result.status());
            assertTrue(result.out().startsWith("skep run: "), result.out());
            assertTrue(result.out().contains("--duration"), result.out());
        }
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

    @Test
    void anUnknownStageNamesTheKnownOnes() {
        var result = skep("", "-d", "foo", "-e", "begin { }");
        assertEquals(1, result.status());
        assertEquals(
                "ERROR: there is no stage \"foo\"\nHINT: use ast, typed, ir, asm, object, all, arm64, arm64-linux, arm64-linux-6.12\n",
                result.err());
    }

    @Test
    void aListWithoutAnythingSaysSo() {
        var result = skep("", "--target", "embedded", "-l", "kprobe:nosuch*");
        assertEquals("", result.out());
        assertTrue(
                result.err().startsWith("WARNING: nothing matches 'kprobe:nosuch*' on embedded kernel"), result.err());
    }

    @Test
    void aScriptIsLaidOutAnew() {
        assertEquals(new Result(0, "begin {\n  @ = 1;\n}\n", ""), skep("begin{@=1}", "--fmt", "-"));
        assertEquals(1, skep("begin{@=", "--fmt", "-").status());
    }

    @Test
    void failingHelpersAreReportedOnRequest() {
        var script = "begin { print(str(10)); exit(); }";
        assertTrue(!skep("", "--target", "embedded", "-e", script).err().contains("Bad address"));
        var result = skep("", "--target", "embedded", "-kk", "-e", script);
        assertTrue(
                result.err().contains("WARNING: Bad address\nAdditional Info - helper: probe_read_str, retcode: -14\n"),
                result.err());
    }
}
