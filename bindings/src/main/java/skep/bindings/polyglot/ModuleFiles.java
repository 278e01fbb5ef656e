package skep.bindings.polyglot;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.Charset;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.graalvm.polyglot.io.FileSystem;

/**
 * The files that guests see: others', the JavaScript module {@code skep} in the place of a file of that name, and a folder that
 * may be read although the others may not.
 */
final class ModuleFiles implements FileSystem {
    private static final String MODULE = "skep";

    private final FileSystem others;
    private final FileSystem readOnly = FileSystem.newReadOnlyFileSystem(FileSystem.newDefaultFileSystem());
    private final Optional<Path> module;
    private final Optional<Path> readable;

    /**
     * @param others what else there is
     * @param module the text of the module, on disk
     * @param readable a folder that may be read in any case
     */
    ModuleFiles(FileSystem others, Optional<Path> module, Optional<Path> readable) {
        this.others = others;
        this.module = module;
        this.readable = readable.map(folder -> folder.toAbsolutePath().normalize());
    }

    // A bare specifier is looked for beside the importing file.
    private Path real(Path path) {
        boolean isModule =
                path.getFileName() != null && path.getFileName().toString().equals(MODULE) && !Files.exists(path);
        return isModule ? module.orElse(path) : path;
    }

    /** Whose business a path is. */
    private FileSystem of(Path path) {
        boolean ours = module.filter(path::equals).isPresent()
                || readable.filter(path.toAbsolutePath().normalize()::startsWith)
                        .isPresent();
        return ours ? readOnly : others;
    }

    @Override
    public Path parsePath(URI uri) {
        return others.parsePath(uri);
    }

    @Override
    public Path parsePath(String path) {
        return path.equals(MODULE) && module.isPresent() ? module.get() : others.parsePath(path);
    }

    @Override
    public void checkAccess(Path path, Set<? extends AccessMode> modes, LinkOption... options) throws IOException {
        of(real(path)).checkAccess(real(path), modes, options);
    }

    @Override
    public SeekableByteChannel newByteChannel(
            Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException {
        return of(real(path)).newByteChannel(real(path), options, attributes);
    }

    @Override
    public DirectoryStream<Path> newDirectoryStream(Path folder, DirectoryStream.Filter<? super Path> filter)
            throws IOException {
        return of(folder).newDirectoryStream(folder, filter);
    }

    @Override
    public Path toAbsolutePath(Path path) {
        return of(path).toAbsolutePath(path);
    }

    @Override
    public Path toRealPath(Path path, LinkOption... options) throws IOException {
        return of(real(path)).toRealPath(real(path), options);
    }

    @Override
    public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options) throws IOException {
        return of(real(path)).readAttributes(real(path), attributes, options);
    }

    // --- as the others have it ---

    @Override
    public void createDirectory(Path folder, FileAttribute<?>... attributes) throws IOException {
        others.createDirectory(folder, attributes);
    }

    @Override
    public void delete(Path path) throws IOException {
        others.delete(path);
    }

    @Override
    public void setAttribute(Path path, String attribute, Object value, LinkOption... options) throws IOException {
        others.setAttribute(path, attribute, value, options);
    }

    @Override
    public void copy(Path from, Path to, CopyOption... options) throws IOException {
        others.copy(from, to, options);
    }

    @Override
    public void move(Path from, Path to, CopyOption... options) throws IOException {
        others.move(from, to, options);
    }

    @Override
    public void createLink(Path link, Path existing) throws IOException {
        others.createLink(link, existing);
    }

    @Override
    public void createSymbolicLink(Path link, Path to, FileAttribute<?>... attributes) throws IOException {
        others.createSymbolicLink(link, to, attributes);
    }

    @Override
    public Path readSymbolicLink(Path link) throws IOException {
        return of(link).readSymbolicLink(link);
    }

    @Override
    public void setCurrentWorkingDirectory(Path folder) {
        others.setCurrentWorkingDirectory(folder);
    }

    @Override
    public Charset getEncoding(Path path) {
        return others.getEncoding(path);
    }

    @Override
    public String getMimeType(Path path) {
        return others.getMimeType(path);
    }

    @Override
    public Path getTempDirectory() {
        return others.getTempDirectory();
    }
}
