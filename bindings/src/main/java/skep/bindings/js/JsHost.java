package skep.bindings.js;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import skep.bindings.polyglot.GuestContext;

/**
 * A JavaScript context with the module {@code skep}. Scripts reach that module, the variables that the session's languages
 * share, and files (none of them in a sandbox); no class of the JVM. Belongs to one thread, except for {@link #stop}.
 */
public final class JsHost implements AutoCloseable {
    private final JsModule module = new JsModule();
    private final GuestContext guests;
    private final boolean sandbox;

    /**
     * @param target spec of what is traced unless the script says otherwise
     * @param arguments what the script finds as {@code argv}
     * @param sandbox whether files, processes and the live kernel are out of reach
     */
    public JsHost(String target, List<String> arguments, boolean sandbox, OutputStream out, OutputStream err) {
        this.sandbox = sandbox;
        guests = new GuestContext(List.of("js"), target, sandbox, Optional.of(module.file()), out, err);
        module.open(guests, arguments, false);
    }

    /** The target of traces that name none. */
    public void setTarget(String spec) {
        guests.setTarget(spec);
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
        // A sandbox may not look at files, not even at its own; so it cannot import neighbours either.
        var source = sandbox
                ? Source.newBuilder("js", text, file.toString())
                : Source.newBuilder("js", file.toFile()).content(text);
        var value = guests.eval(source.mimeType(isModule ? "application/javascript+module" : "application/javascript")
                .build());
        guests.bindings("js").getMember("skepTimers").executeVoid();
        return value;
    }

    /** Makes what the module exports global, for cells and prompts. */
    public void importAll() {
        module.open(guests, List.of(), true);
    }

    /** Runs a piece of a session: what it declares stays. */
    public Value eval(String name, String text) {
        return guests.eval("js", name, text);
    }

    /** The globals of the script; for completion. */
    public Value globals() {
        return guests.bindings("js");
    }

    /** Stops what a thread runs, from another thread: see {@link GuestContext#stop}. */
    public void stop(Thread running) {
        guests.stop(running);
    }

    @Override
    public void close() {
        guests.close();
        module.close();
    }
}
