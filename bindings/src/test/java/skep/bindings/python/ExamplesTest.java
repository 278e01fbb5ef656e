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
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.session.Targets;
import skep.session.bcc.CProgramCommand;
import skep.target.TargetException;

/** The programs of the folder examples, on the embedded kernel and one on the live one. */
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
            bcc/sync_timing.py        | mixed          | At [\\d.]+ s: a sync \\d+ ms after the one before
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

    @Test
    void textsThatALibraryIsAskedForAreCounted() {
        var outcome = scripts.file(
                spec("mixed"), Duration.ofSeconds(2), EXAMPLES.resolve("bcc/strlen_count.py"), "getaddrinfo");
        assertEquals(0, outcome.status(), outcome.text());
        assertTrue(outcome.lines().stream().anyMatch(l -> l.matches(" +[1-9]\\d* '\\w+\\.example'")), outcome.text());
    }

    @Test
    void aServerTellsItsRequestsByAStaticProbe() {
        var script = EXAMPLES.resolve("bcc/nodejs_http_server.py");
        var pid = scripts.run(spec("database"), Duration.ofSeconds(1), """
                from bcc import BPF
                b = BPF(text='TRACEPOINT_PROBE(sched, sched_switch) { bpf_trace_printk("switch"); return 0; }')
                while True:
                    try:
                        task, pid = b.trace_fields()[:2]
                    except KeyboardInterrupt:
                        break
                    if task == b"mysqld":
                        print(pid)
                        break
                """);
        assertEquals(0, pid.status(), pid.text());
        var outcome = scripts.file(
                spec("database"), Duration.ofSeconds(1), script, pid.text().strip(), "query__start", "1");
        assertEquals(0, outcome.status(), outcome.text());
        assertTrue(
                outcome.lines().stream().anyMatch(l -> l.matches(".* connection +\\d+ +path:[A-Z]+ .*")),
                outcome.text());
        assertEquals(
                1, scripts.file(spec("database"), Duration.ofSeconds(1), script).status());
    }

    /** No process of the embedded kernel asks for random bytes; here one of our own does. */
    @Test
    void whoAsksForRandomBytesIsSeenOnTheLiveKernel() throws Exception {
        var python = Path.of("/usr/bin/python3");
        Assumptions.assumeTrue(
                Files.exists(python)
                        && Files.exists(Path.of("/sys/kernel/tracing/events/syscalls/sys_enter_getrandom")),
                "Unsupported: no python3, or no tracepoint of getrandom");
        try (var live = Targets.open("linux")) {
            Assumptions.assumeTrue(live.isLive());
        } catch (TargetException refusal) {
            Assumptions.abort("Unsupported " + refusal.getMessage());
        }
        var asking = Thread.ofPlatform().daemon().start(() -> {
            while (!Thread.currentThread().isInterrupted()) {
                try {
                    new ProcessBuilder(python.toString(), "-c", "import os; os.getrandom(4321)")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor();
                    Thread.sleep(50);
                } catch (IOException | InterruptedException end) {
                    return;
                }
            }
        });
        try {
            boolean seen = false;
            var outcome = new StringBuilder();
            // On a busy machine a process may need longer than that to start.
            for (int seconds = 2; !seen && seconds < 100; seconds *= 4) {
                var run = scripts.file("linux", Duration.ofSeconds(seconds), EXAMPLES.resolve("bcc/urandomread.py"));
                assertEquals(0, run.status(), run.text());
                outcome.append(run.text());
                seen = run.lines().stream().anyMatch(l -> l.matches("[\\d.]+ +python3 +\\d+ +4321"));
            }
            assertTrue(seen, outcome.toString());
        } finally {
            asking.interrupt();
            asking.join();
        }
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
