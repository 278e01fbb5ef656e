package skep.jupyter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jupyter's own tests of a kernel (Debian: python3-jupyter-kernel-test), against a real client and a real kernel process. */
class JupyterConformanceTest {
    private static final long PATIENCE_SECONDS = 240;

    @TempDir
    Path folder;

    @Test
    void jupytersOwnKernelTestsPassWithEveryOptionalAttribute() throws IOException, InterruptedException {
        Jupyter.needsModule("jupyter_kernel_test", "python3-jupyter-kernel-test");
        var jupyter = new Jupyter(folder);
        var result = jupyter.run(
                PATIENCE_SECONDS,
                List.of(Jupyter.PYTHON, jupyter.script("kernel_conformance.py").toString()));
        assertEquals(0, result.status(), result.text());
        assertTrue(result.text().contains("Ran 12 tests"), result.text());
        assertTrue(result.text().stripTrailing().endsWith("OK"), "some were skipped:\n" + result.text());
    }
}
