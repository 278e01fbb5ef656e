package skep.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import skep.bindings.java.Variables;
import skep.cli.Main;

/** {@code skep repl}: what it reads from a pipe it obeys, and on a terminal it is a prompt. */
@Timeout(600)
class PromptTest {
    private static final long PATIENCE_SECONDS = 500;

    @TempDir
    Path folder;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @AfterEach
    void forgetVariables() {
        Variables.shared().values().clear();
    }

    private int obey(String typed) {
        return Main.run(
                List.of("repl", "-q", "--target", "embedded:speed=max,seed=7"),
                new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    private String printed() {
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatOneLanguageDefinesTheNextLineSeesInAnother() {
        int status = obey("""
                kprobe:vfs_read { @reads[comm] = count(); @all = count(); } interval:ms:200 { exit(); }
                :py sum(reads.values()) == all.value
                :js [...reads.values()].reduce((a, b) => a + b, 0) === last.value('@all')
                :java reads.stream().mapToLong(TraceMap.Entry::asLong).sum() == all.entries().getFirst().asLong()
                :py
                def twice(x):
                    return 2 * x

                twice(21)
                :js twice(4)
                :bpf BPF_ARRAY(slots, u64, 4); int f(void *ctx) { return 0; }
                program.tables[0]
                :skep
                1 << 10
                :quit
                """);
        assertEquals("", err.toString(StandardCharsets.UTF_8).replaceAll("(?m)^Results are those of .*\n", ""));
        assertEquals(
                "True\ntrue\ntrue\n42\n8\nprogram prompt with f\n'slots'\n1024\n",
                printed().substring(printed().indexOf("True\n")).replaceAll("(?m)^\n", ""),
                printed());
        assertEquals(0, status);
    }

    @Test
    void whatFailedIsInTheStatus() {
        assertEquals(1, obey(":js nosuch\n:js 1 + 1\n"));
        assertEquals("2\n", printed());
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("nosuch"), err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void onATerminalItCompletesSwitchesLanguagesAndIsStopped() throws IOException, InterruptedException {
        var python = Path.of("/usr/bin/python3");
        Assumptions.assumeTrue(Files.isExecutable(python), "python3 is not installed");
        var script = folder.resolve("prompt.py");
        try (var source = PromptTest.class.getResourceAsStream("prompt.py")) {
            Files.write(script, Objects.requireNonNull(source).readAllBytes());
        }
        var output = folder.resolve("output.txt");
        var builder = new ProcessBuilder(
                        python.toString(),
                        script.toString(),
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        "skep.cli.Main",
                        "repl",
                        "--target",
                        "embedded")
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().put("XDG_STATE_HOME", folder.toString());
        var process = builder.start();
        try {
            assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), () -> "does not end: " + text(output));
        } finally {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
        }
        assertEquals(0, process.exitValue(), () -> text(output));
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
