package skep.jupyter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jupyter's own tests of a kernel (Debian: python3-jupyter-kernel-test), against a real client and a real kernel process. */
class JupyterConformanceTest {
    private static final long PATIENCE_SECONDS = 240;
    // The system's Python: another one on the PATH does not see Debian's packages.
    private static final String PYTHON = "/usr/bin/python3";

    @TempDir
    Path folder;

    @Test
    void jupytersOwnKernelTestsPassWithEveryOptionalAttribute() throws IOException, InterruptedException {
        Assumptions.assumeTrue(
                Files.isExecutable(Path.of(PYTHON))
                        && run(List.of(PYTHON, "-c", "import jupyter_kernel_test")).status == 0,
                "python3-jupyter-kernel-test is not installed");
        var spec = folder.resolve("kernels/skep");
        Files.createDirectories(spec);
        var json = skep.jupyter.protocol.Json.object()
                .put("display_name", "Skep")
                .put("language", "skep")
                .put("interrupt_mode", "message");
        json.set("argv", skep.jupyter.protocol.Json.strings(kernelCommand()));
        Files.writeString(spec.resolve("kernel.json"), json.toString());
        var script = folder.resolve("kernel_conformance.py");
        try (var source = JupyterConformanceTest.class.getResourceAsStream("kernel_conformance.py")) {
            Files.write(script, java.util.Objects.requireNonNull(source).readAllBytes());
        }
        var result = run(List.of(PYTHON, script.toString()));
        assertEquals(0, result.status, result.text);
        assertTrue(result.text.contains("Ran 12 tests"), result.text);
        assertTrue(result.text.stripTrailing().endsWith("OK"), "some were skipped:\n" + result.text);
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

    private record Result(int status, String text) {}

    private Result run(List<String> command) throws IOException, InterruptedException {
        var output = Files.createTempFile(folder, "out", ".txt");
        var builder = new ProcessBuilder(new ArrayList<>(command))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().put("JUPYTER_PATH", folder.toString());
        builder.environment()
                .put("JUPYTER_RUNTIME_DIR", folder.resolve("runtime").toString());
        var process = builder.start();
        assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), () -> "did not end: " + command);
        return new Result(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
    }
}
