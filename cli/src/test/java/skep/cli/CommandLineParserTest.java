package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.cli.Arguments.Mode;
import skep.cli.Arguments.UsageException;

class CommandLineParserTest {
    private static Arguments parse(String... args) {
        return CommandLineParser.parse(List.of(args));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "-e x            | RUN",
                "script.bt       | RUN",
                "-l              | LIST",
                "-lv struct      | LIST",
                "-l -e x         | LIST",
                "--info          | INFO",
                "-V              | VERSION",
                "--version       | VERSION",
                "-h              | HELP",
                "--help          | HELP",
                "--fmt a.bt      | FORMAT",
                "--test a.bt     | TEST",
                "--mode bench a  | BENCH",
                "-v              | REPL",
            })
    void modes(String line, Mode mode) {
        assertEquals(mode, parse(line.strip().split(" ")).mode());
    }

    @Test
    void wordsAfterTheFileArePositionalParameters() {
        var arguments = parse("-q", "tool.bt", "10", "-f", "json", "20");
        assertEquals(Optional.of("tool.bt"), arguments.file());
        assertEquals(List.of("10", "20"), arguments.positional());
        assertEquals(Arguments.Format.JSON, arguments.format());
        assertTrue(arguments.quiet());
    }

    @Test
    void withAProgramAllWordsAreParameters() {
        assertEquals(
                List.of("hello", "-"), parse("-e", "begin {}", "hello", "-").positional());
    }

    @Test
    void afterTwoDashesNamedParametersAndMorePositionalOnes() {
        var arguments = parse("-e", "x", "pos1", "--", "--aa=20", "--cc=bye", "pos2", "--dd");
        assertEquals(List.of("pos1", "pos2"), arguments.positional());
        assertEquals(Map.of("aa", "20", "cc", "bye", "dd", "true"), arguments.named());
    }

    @Test
    void longAndShortOptionsMeanTheSame() {
        var arguments = parse("-e", "x", "--pid=12", "--output", "f", "-d", "ast,IR", "-d", "asm", "-kk");
        assertEquals(OptionalInt.of(12), arguments.pid());
        assertEquals(List.of("ast", "ir", "asm"), arguments.stages());
        assertEquals(2, arguments.helperErrors());
        assertEquals("f", arguments.output().orElseThrow().toString());
    }

    @Test
    void theLastOfARepeatedOptionCounts() {
        assertEquals(Optional.of("b"), parse("-e", "a", "-e", "b").program());
    }

    @ParameterizedTest
    @CsvSource({"3s,3000", "3,3000", "250ms,250", "2m,120000"})
    void durations(String text, long millis) {
        assertEquals(
                Optional.of(Duration.ofMillis(millis)),
                parse("-e", "x", "--duration", text).duration());
    }

    @Test
    void optionsOfThePeerThatMeanNothingHereAreAccepted() {
        assertEquals(
                Mode.RUN,
                parse("--verify-llvm-ir", "--no-feature", "kprobe_multi", "-e", "x")
                        .mode());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "-p a1111 -e x          | Failed to parse pid: invalid integer: a1111",
                "-p 111a1 -e x          | Failed to parse pid: invalid trailing bytes: 111a1",
                "-c true -p 1 -e x      | cannot use both -c and -p: one starts a process, the other names one",
                "--bogus                | unknown option --bogus; --help lists them",
                "-x                     | unknown option -x; --help lists them",
                "-e                     | option -e wants a value",
                "-q=1 -e x              | unknown option -=; --help lists them",
                "--duration soon -e x   | --duration wants a duration such as 500ms, 3s or 1m, not soon",
            })
    void mistakesAreToldInOneSentence(String line, String message) {
        var args = line.strip().split(" ");
        assertEquals(
                message, assertThrows(UsageException.class, () -> parse(args)).getMessage());
    }

    @Test
    void theHelpNamesEveryOptionOnce() {
        var help = CommandLineParser.help();
        for (var option : List.of("-e", "-l,", "-c,", "-p,", "-f,", "--target", "--duration", "--dry-run", "--info")) {
            assertTrue(help.contains(option), option);
        }
    }
}
