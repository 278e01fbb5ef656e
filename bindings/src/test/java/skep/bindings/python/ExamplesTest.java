package skep.bindings.python;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.session.bcc.CProgramCommand;

/** The programs of the folder examples, on the embedded kernel. */
@Timeout(300)
class ExamplesTest {
    private static final Path EXAMPLES = Path.of(System.getProperty("skep.root", ".."), "bindings", "examples");

    @TempDir
    static Path folder;

    private static Scripts scripts;

    @BeforeAll
    static void start() {
        scripts = new Scripts(folder);
    }

    @AfterAll
    static void stop() {
        scripts.close();
    }

    private static String spec(String scenario) {
        return Scripts.EMBEDDED + ",scenario=" + scenario;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            bcc/hello_world.py        | fork-storm     | b' *\\w+-\\d+ +\\[00\\d\\] .* hello'
            bcc/hello_fields.py       | fork-storm     | [\\d.]+ +\\w+ +\\d+ +a process
            bcc/hello_perf_output.py  | fork-storm     | [\\d.]+ +\\w+ +\\d+ +made a process
            bcc/disksnoop.py          | disk-saturated | [\\d.]+ +[RW] +\\d{4,} +[\\d.]+
            bcc/bitehist.py           | disk-saturated | .*\\d+ -> \\d+ +: [1-9]\\d* +.\\*+ *.
            c/my_map.py               | mixed          | [1-9]\\d* messages, all with the right cookie
            """)
    void printsWhatItSays(String command, String scenario, String line) {
        var outcome = scripts.file(spec(scenario.strip()), Duration.ofSeconds(1), EXAMPLES.resolve(command.strip()));
        assertEquals(0, outcome.status(), outcome.text());
        var wanted = Pattern.compile(line.strip());
        assertTrue(
                outcome.lines().stream()
                        .anyMatch(l -> wanted.matcher(l.strip()).matches()
                                || wanted.matcher(l).matches()),
                outcome.text());
    }

    @Test
    void theCOfAProgramMayBeAFileBesideIt() {
        var outcome =
                scripts.file(spec("mixed"), Duration.ofSeconds(3), EXAMPLES.resolve("bcc/vfsreadlat.py"), "1", "2");
        assertEquals(0, outcome.status(), outcome.text());
        assertTrue(outcome.text().contains("usecs"), outcome.text());
    }

    private static String run(String file) throws IOException {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int status = new CProgramCommand()
                .run(
                        List.of(
                                "--target",
                                Scripts.EMBEDDED,
                                "--duration",
                                "1s",
                                EXAMPLES.resolve(file).toString()),
                        new ByteArrayInputStream(new byte[0]),
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8));
        assertEquals(0, status, err.toString(StandardCharsets.UTF_8));
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void cAloneShowsItsEvents() throws IOException {
        var text = run("c/my_map.c");
        assertTrue(text.lines().anyMatch(l -> l.contains("305419896") || l.contains("0x12345678")), text);
    }

    @Test
    void cInTheMannerOfLibbpfShowsItsMapsAtTheEnd() throws IOException {
        var text = run("c/opens.bpf.c");
        assertTrue(text.contains("reads"), text);
        assertTrue(Pattern.compile("\\b8\\b.*[1-9]").matcher(text).find(), text);
    }

    @Test
    void everyExampleIsInTheTable() throws IOException {
        var table = Files.readString(EXAMPLES.resolve("README.md"));
        try (var files = Files.walk(EXAMPLES)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                var name = file.getFileName().toString();
                assertTrue(name.equals("README.md") || name.equals("vfsreadlat.c") || table.contains(name), name);
            }
        }
    }
}
