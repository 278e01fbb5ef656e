package skep.jupyter.cell;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;

/** {@code %%sh}: the body is a script of the system's shell. */
public final class ShellLanguage implements CellLanguage {
    /** How long a command may take to end after it was asked to. */
    private static final long GRACE_SECONDS = 2;

    private volatile @Nullable Process running;

    @Override
    public String name() {
        return "sh";
    }

    @Override
    public String title() {
        return "a script for the system's shell";
    }

    @Override
    public void open(Workspace workspace) {}

    @Override
    public Kernel.Outcome run(Cell cell, CellOutput output) {
        try {
            var process = new ProcessBuilder("sh", "-c", cell.body())
                    .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
                    .start();
            running = process;
            var errors = Thread.ofVirtual().start(() -> copy(process.getErrorStream(), output::stderr));
            copy(process.getInputStream(), output::stdout);
            errors.join();
            int status = process.waitFor();
            return status == 0 ? Kernel.Outcome.Done.PLAIN : Errors.of("ShellError", "exit status " + status);
        } catch (IOException e) {
            return Errors.of("ShellError", "cannot start sh: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Errors.of("Interrupted", "interrupted");
        } finally {
            running = null;
        }
    }

    private static void copy(InputStream stream, Consumer<String> sink) {
        var buffer = new char[4096];
        try (var reader = new InputStreamReader(stream, StandardCharsets.UTF_8)) {
            for (int n = reader.read(buffer); n >= 0; n = reader.read(buffer)) {
                sink.accept(new String(buffer, 0, n));
            }
        } catch (IOException e) {
            sink.accept("");
        }
    }

    @Override
    public Kernel.Completions complete(String body, int cursor) {
        return new Kernel.Completions(List.of(), cursor, cursor);
    }

    @Override
    public Optional<MimeBundle> inspect(String body, int cursor, int detail) {
        return Optional.empty();
    }

    @Override
    public Kernel.Completeness isComplete(String body) {
        return new Kernel.Completeness.Complete();
    }

    @Override
    public void interrupt() {
        var process = running;
        if (process != null) {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
            try {
                if (!process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS)) {
                    process.descendants().forEach(ProcessHandle::destroyForcibly);
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        interrupt();
    }
}
