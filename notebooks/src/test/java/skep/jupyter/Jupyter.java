package skep.jupyter;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import skep.jupyter.protocol.Json;

/** A Jupyter of Debian's packages that finds this kernel, in a folder of its own. */
final class Jupyter {
    /** The system's Python: another one on the PATH does not see Debian's packages. */
    static final String PYTHON = "/usr/bin/python3";

    static final Path GALLERY = Path.of(System.getProperty("skep.root", ".."), "notebooks", "gallery");

    private final Path folder;

    /** Installs the kernel of this build in a folder. */
    Jupyter(Path folder) throws IOException {
        this.folder = folder;
        var spec = folder.resolve("kernels/skep");
        Files.createDirectories(spec);
        var json = Json.object()
                .put("display_name", "Skep")
                .put("language", "skep")
                .put("interrupt_mode", "message");
        json.set("argv", Json.strings(kernelCommand()));
        Files.writeString(spec.resolve("kernel.json"), json.toString());
    }

    private static List<String> kernelCommand() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                "skep.jupyter.KernelMain",
                "{connection_file}");
    }

    /** Skips the test if a Python module is missing. */
    static void needsModule(String module, String debianPackage) throws IOException, InterruptedException {
        Assumptions.assumeTrue(
                Files.isExecutable(Path.of(PYTHON))
                        && new ProcessBuilder(PYTHON, "-c", "import " + module)
                                        .redirectErrorStream(true)
                                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                                        .start()
                                        .waitFor()
                                == 0,
                debianPackage + " is not installed");
    }

    /** Skips the test if a command is missing. */
    static void needsCommand(String command, String debianPackage) {
        Assumptions.assumeTrue(
                java.util.stream.Stream.of(System.getenv("PATH").split(":"))
                        .anyMatch(path -> Files.isExecutable(Path.of(path, command))),
                debianPackage + " is not installed");
    }

    /** A script of the tests' resources, as a file. */
    Path script(String name) throws IOException {
        var script = folder.resolve(name);
        try (var source = Jupyter.class.getResourceAsStream(name)) {
            Files.write(script, Objects.requireNonNull(source).readAllBytes());
        }
        return script;
    }

    /** How a command ended, and all that it printed. */
    record Result(int status, String text) {}

    /** A command with this kernel at hand, in the folder; it must end in time. */
    Result run(long patienceSeconds, List<String> command) throws IOException, InterruptedException {
        var output = Files.createTempFile(folder, "out", ".txt");
        var process = builder(command).redirectOutput(output.toFile()).start();
        try {
            assertTrue(
                    process.waitFor(patienceSeconds, TimeUnit.SECONDS),
                    () -> "did not end: " + command + "\n" + text(output));
        } finally {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
        }
        return new Result(process.exitValue(), text(output));
    }

    /** What a file holds, or why that cannot be said. */
    static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return e.toString();
        }
    }

    ProcessBuilder builder(List<String> command) {
        var builder = new ProcessBuilder(new ArrayList<>(command))
                .directory(folder.toFile())
                .redirectErrorStream(true);
        builder.environment()
                .putAll(Map.of(
                        "JUPYTER_PATH", folder.toString(),
                        "JUPYTER_RUNTIME_DIR", folder.resolve("runtime").toString(),
                        "JUPYTER_DATA_DIR", folder.resolve("data").toString(),
                        "JUPYTER_CONFIG_DIR", folder.resolve("config").toString(),
                        "IPYTHONDIR", folder.resolve("ipython").toString()));
        return builder;
    }

    /** A port of the loopback interface that nobody listens on. */
    static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
