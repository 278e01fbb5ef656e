package skep.bindings.js;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.HostAccess;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.io.FileSystem;
import org.graalvm.polyglot.io.IOAccess;
import org.graalvm.polyglot.proxy.ProxyArray;
import org.graalvm.polyglot.proxy.ProxyObject;
import skep.bindings.java.Variables;

/**
 * A JavaScript context with the module {@code skep}. Scripts reach that module, the variables that the session's languages
 * share, and files (none of them in a sandbox); no class of the JVM. Belongs to one thread, except for {@link #stop}.
 */
public final class JsHost implements AutoCloseable {
    private final JsBridge bridge;
    private final Context context;
    private final Path module;

    /**
     * @param target spec of what is traced unless the script says otherwise
     * @param arguments what the script finds as {@code argv}
     * @param sandbox whether files are out of reach
     */
    public JsHost(String target, List<String> arguments, boolean sandbox, OutputStream out, OutputStream err) {
        bridge = new JsBridge(target);
        module = moduleFile();
        var files = sandbox ? FileSystem.newDenyIOFileSystem() : FileSystem.newDefaultFileSystem();
        context = Context.newBuilder("js")
                .allowHostAccess(HostAccess.newBuilder(HostAccess.EXPLICIT)
                        .allowListAccess(true)
                        .allowMapAccess(true)
                        .allowArrayAccess(true)
                        .build())
                .allowIO(IOAccess.newBuilder()
                        .fileSystem(new ModuleFiles(files, module))
                        .build())
                .option("engine.WarnInterpreterOnly", "false")
                .option("js.esm-eval-returns-exports", "true")
                .option("js.foreign-object-prototype", "true")
                .option("js.text-encoding", "true")
                .option("js.ecmascript-version", "staging")
                .out(out)
                .err(err)
                .build();
        var globals = context.getBindings("js");
        globals.putMember("skepBridge", bridge);
        globals.putMember("skepArguments", ProxyArray.fromList(List.copyOf(arguments)));
        globals.putMember("shared", ProxyObject.fromMap(Variables.shared().values()));
    }

    private static Path moduleFile() {
        try (InputStream source = JsHost.class.getResourceAsStream("skep.mjs")) {
            var file = Files.createTempFile("skep-", ".mjs");
            Files.write(file, Objects.requireNonNull(source, "skep.mjs").readAllBytes());
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The target of traces that name none. */
    public void setTarget(String spec) {
        bridge.setTarget(spec);
    }

    /**
     * Runs a file: a module if its name ends with {@code .mjs} or it imports or exports, else a script.
     *
     * @throws IOException if it cannot be read
     * @throws org.graalvm.polyglot.PolyglotException as the script throws
     */
    public Value run(Path file) throws IOException {
        var text = Files.readString(file);
        boolean isModule = file.toString().endsWith(".mjs")
                || text.lines().anyMatch(line -> line.startsWith("import ") || line.startsWith("export "));
        return context.eval(Source.newBuilder("js", file.toFile())
                .mimeType(isModule ? "application/javascript+module" : "application/javascript")
                .content(text)
                .build());
    }

    /** Makes what the module exports global, for cells and prompts. */
    public void importAll() {
        context.eval(
                Source.newBuilder("js", "import * as skep from 'skep'; Object.assign(globalThis, skep);", "prelude.mjs")
                        .mimeType("application/javascript+module")
                        .buildLiteral());
    }

    /** Runs a piece of a session: what it declares stays. */
    public Value eval(String name, String text) {
        return context.eval(Source.newBuilder("js", text, name).buildLiteral());
    }

    /** A global of the script; for completion. */
    public Value globals() {
        return context.getBindings("js");
    }

    /** Stops what runs: the thread is interrupted, which a trace takes as Ctrl-C. */
    public void stop(Thread running) {
        running.interrupt();
    }

    @Override
    public void close() {
        bridge.close();
        context.close(true);
        try {
            Files.deleteIfExists(module);
        } catch (IOException e) {
            module.toFile().deleteOnExit();
        }
    }
}
