package skep.bindings.python;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Where the Python side of the bindings lies as files: where the launcher says, next to the classes, or unpacked. */
public final class PythonFiles {
    /** The launcher's copy, with the compiled files beside it. */
    private static final String PROPERTY = "skep.python";

    private static final String ROOT = "/skep/python";

    private PythonFiles() {}

    public static Path folder() {
        var given = System.getProperty(PROPERTY, "");
        if (!given.isEmpty()) {
            return Path.of(given);
        }
        try {
            var resource = PythonFiles.class.getResource(ROOT + "/skep_prelude.py");
            if (resource == null) {
                throw new IllegalStateException("the Python files are missing on the class path");
            }
            var uri = resource.toURI();
            return uri.getScheme().equals("file") ? Path.of(uri).getParent() : unpacked(uri);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path unpacked(URI uri) throws IOException {
        var folder = Files.createTempDirectory("skep-python");
        try (var jar = FileSystems.newFileSystem(uri, Map.of())) {
            var root = jar.getPath(ROOT);
            try (var files = Files.walk(root)) {
                for (var file : (Iterable<Path>) files::iterator) {
                    var copy = folder.resolve(root.relativize(file).toString());
                    if (Files.isDirectory(file)) {
                        Files.createDirectories(copy);
                    } else {
                        Files.copy(file, copy);
                    }
                }
            }
        }
        return folder;
    }
}
