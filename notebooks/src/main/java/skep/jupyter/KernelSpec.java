package skep.jupyter;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import skep.jupyter.protocol.Json;

/** The folder by which Jupyter knows a kernel: {@code kernel.json} and a logo. */
final class KernelSpec {
    private KernelSpec() {}

    /** A folder that holds {@code kernels}. */
    record Place(Path data) {
        /** Where Jupyter looks for what one user installs. */
        static Place user() {
            var jupyter = System.getenv("JUPYTER_DATA_DIR");
            if (jupyter != null && !jupyter.isEmpty()) {
                return new Place(Path.of(jupyter));
            }
            var home = Path.of(System.getProperty("user.home"));
            if (System.getProperty("os.name").startsWith("Mac")) {
                return new Place(home.resolve("Library/Jupyter"));
            }
            var data = System.getenv("XDG_DATA_HOME");
            return new Place(
                    (data == null || data.isEmpty() ? home.resolve(".local/share") : Path.of(data)).resolve("jupyter"));
        }

        static Place prefix(Path prefix) {
            return new Place(prefix.toAbsolutePath().resolve("share/jupyter"));
        }

        /** Of the Python that is first on the PATH, which in a virtual environment is its own. Empty if there is none. */
        static Optional<Place> sysPrefix() {
            try {
                var python = new ProcessBuilder("python3", "-c", "import sys; print(sys.prefix)")
                        .redirectErrorStream(true)
                        .start();
                var prefix = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
                return python.waitFor(10, TimeUnit.SECONDS) && python.exitValue() == 0
                        ? Optional.of(prefix(Path.of(prefix)))
                        : Optional.empty();
            } catch (IOException e) {
                return Optional.empty();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return Optional.empty();
            }
        }
    }

    /** Writes the specification and returns its folder. */
    static Path install(Place place, String name) throws IOException {
        var folder = place.data.resolve("kernels").resolve(name);
        Files.createDirectories(folder);
        var spec = Json.object()
                .put("display_name", "Skep")
                .put("language", "skep")
                .put("interrupt_mode", "message");
        spec.set("argv", Json.strings(List.of(launcher().toString(), "jupyter", "kernel", "{connection_file}")));
        spec.set("metadata", Json.object().put("debugger", false));
        Files.writeString(folder.resolve("kernel.json"), spec.toPrettyString() + "\n");
        try (InputStream logo = KernelSpec.class.getResourceAsStream("logo-svg.svg")) {
            if (logo != null) {
                Files.copy(logo, folder.resolve("logo-svg.svg"), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        return folder;
    }

    /** The command that started this process. */
    private static Path launcher() {
        var home = System.getProperty("skep.home");
        return home == null ? Path.of("skep") : Path.of(home).resolve("skep");
    }
}
