package skep.bindings.js;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.Map;
import java.util.Set;
import org.graalvm.polyglot.io.FileSystem;

/** The files that a script's imports see: its own, and the module {@code skep} in the place of a file of that name. */
final class ModuleFiles implements FileSystem {
    private static final String MODULE = "skep";

    private final FileSystem files;
    private final Path module;

    /**
     * @param files what else there is
     * @param module the text of the module, on disk
     */
    ModuleFiles(FileSystem files, Path module) {
        this.files = files;
        this.module = module;
    }

    // A bare specifier is looked for beside the importing file.
    private Path real(Path path) {
        return path.getFileName() != null && path.getFileName().toString().equals(MODULE) && !Files.exists(path)
                ? module
                : path;
    }

    @Override
    public Path parsePath(URI uri) {
        return files.parsePath(uri);
    }

    @Override
    public Path parsePath(String path) {
        return path.equals(MODULE) ? module : files.parsePath(path);
    }

    @Override
    public void checkAccess(Path path, Set<? extends AccessMode> modes, LinkOption... options) throws IOException {
        if (!real(path).equals(module)) {
            files.checkAccess(path, modes, options);
        }
    }

    @Override
    public void createDirectory(Path folder, FileAttribute<?>... attributes) throws IOException {
        files.createDirectory(folder, attributes);
    }

    @Override
    public void delete(Path path) throws IOException {
        files.delete(path);
    }

    @Override
    public SeekableByteChannel newByteChannel(
            Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException {
        return real(path).equals(module)
                ? Files.newByteChannel(module)
                : files.newByteChannel(path, options, attributes);
    }

    @Override
    public DirectoryStream<Path> newDirectoryStream(Path folder, DirectoryStream.Filter<? super Path> filter)
            throws IOException {
        return files.newDirectoryStream(folder, filter);
    }

    @Override
    public Path toAbsolutePath(Path path) {
        return path.equals(module) ? module : files.toAbsolutePath(path);
    }

    @Override
    public Path toRealPath(Path path, LinkOption... options) throws IOException {
        return real(path).equals(module) ? module : files.toRealPath(path, options);
    }

    @Override
    public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options) throws IOException {
        return real(path).equals(module)
                ? Files.readAttributes(module, attributes, options)
                : files.readAttributes(path, attributes, options);
    }
}
