package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import skep.vm.Backend;

/** Whole scripts print the same whether their programs are A64 code under the emulator or interpreted. */
class Arm64ScriptsTest {
    /** One script a line: what maps, stacks, strings, loops, timers and typed loads need. */
    private static final String SCRIPTS = "arm64-scripts.bt.txt";

    static Stream<String> scripts() throws IOException {
        try (var in = Arm64ScriptsTest.class.getResourceAsStream(SCRIPTS)) {
            var text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return text.lines().filter(line -> !line.isBlank()).toList().stream();
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("scripts")
    void aScriptPrintsTheSame(String script) {
        compare(script, "200ms");
    }

    @Test
    void aFewScriptsPrintTheSame() throws IOException {
        scripts().limit(3).forEach(script -> compare(script, "20ms"));
    }

    /**
     * The code in the JVM's own process, where that is an aarch64 one: {@code -Dskep.aarch64.java} names the command that starts one, such as
     * {@code qemu-aarch64 -L ROOT ROOT/usr/lib/jvm/java-25-openjdk-arm64/bin/java} with the files of Debian's packages for arm64 under ROOT.
     */
    @Tag("slow")
    @Test
    void aScriptPrintsTheSameInsideAnAarch64Jvm() throws IOException, InterruptedException {
        var command = System.getProperty("skep.aarch64.java", "");
        Assumptions.assumeTrue(!command.isEmpty(), "skep.aarch64.java names no aarch64 JVM");
        var script = "begin { @a[1] = 2; for ($kv : @a) { printf(\"%d %d\\n\", $kv.0, $kv.1); } }"
                + " fentry:vfs_read { @[str(args.file->f_path.dentry->d_name.name)] = hist(args.count); }";
        var words = new ArrayList<>(List.of(command.split(" ")));
        words.addAll(List.of(
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "skep.cli.Main"));
        words.addAll(arguments("arm64", script, "20ms"));
        var process = new ProcessBuilder(words).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(run("interp", script, "20ms"), process.waitFor() + "\n" + said);
    }

    /** Tools as people use them: biolatency, opensnoop, runqlat and the rest. */
    static Stream<Path> tools() throws IOException {
        try (var files = Files.walk(Path.of(System.getProperty("skep.root", ".."), "tools-ported"), 2)) {
            return files.filter(file -> file.toString().endsWith(".bt")).sorted().toList().stream();
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("tools")
    void aToolPrintsTheSame(Path tool) throws IOException {
        compare(Files.readString(tool), "500ms");
    }

    @Test
    void aFewToolsPrintTheSame() throws IOException {
        for (var tool : tools().toList()) {
            if (tool.toString().matches(".*/(biolatency|opensnoop|runqlat)\\.bt")) {
                compare(Files.readString(tool), "50ms");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"arm64", "arm64-linux", "arm64-linux-6.12"})
    void theCodeOfAScriptIsShownWithoutRunningIt(String stage) {
        var said = list(stage, "kprobe:vfs_read {\n  @ = count();\n}");
        for (var part :
                List.of("; program kprobe_vfs_read: ", "; stdin:2: @ = count();", "; 0: ", "fd 7b b", "  ret\n")) {
            assertTrue(said.contains(part), () -> part + " is not in\n" + said);
        }
    }

    @Test
    void hotHelpersAndLookupsInArraysAreNoCalls() {
        var said = list("arm64", "kprobe:vfs_read { @a = count(); @b = max(nsecs + pid + cpu + uid + curtask); }");
        var body = said.substring(0, said.indexOf("; -- epilogue"));
        assertTrue(body.contains("call bpf_ktime_get_boot_ns#125"), body);
        assertTrue(body.contains("call bpf_map_lookup_elem#1"), body);
        assertFalse(body.matches("(?s).* blr? .*"), body);
    }

    private static String list(String stage, String script) {
        var bytes = new ByteArrayOutputStream();
        var out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        int status = Main.run(
                List.of("--target", "embedded", "-d", stage, "-e", script), InputStream.nullInputStream(), out, out);
        var said = bytes.toString(StandardCharsets.UTF_8);
        assertEquals(0, status, said);
        return said;
    }

    private static void compare(String script, String duration) {
        Backend.named("arm64").unavailableReason().ifPresent(reason -> Assumptions.abort(reason));
        assertEquals(run("interp", script, duration), run("arm64", script, duration), script);
    }

    private static String run(String backend, String script, String duration) {
        var bytes = new ByteArrayOutputStream();
        var out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        int status = Main.run(arguments(backend, script, duration), InputStream.nullInputStream(), out, out);
        return status + "\n" + bytes.toString(StandardCharsets.UTF_8);
    }

    private static List<String> arguments(String backend, String script, String duration) {
        return List.of("--target", "embedded:seed=3", "--duration", duration, "--backend", backend, "-e", script);
    }
}
