package skep.bindings.js;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.proxy.ProxyArray;
import skep.bindings.polyglot.GuestContext;

/** The JavaScript module {@code skep} as a file, and what it finds in its context. */
public final class JsModule implements AutoCloseable {
    private final Path file;

    public JsModule() {
        try {
            file = Files.createTempFile("skep-", ".mjs");
            Files.writeString(file, resource("skep.mjs"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String resource(String name) {
        try (InputStream in = JsModule.class.getResourceAsStream(name)) {
            return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where its text is. */
    public Path file() {
        return file;
    }

    /**
     * Puts what the module needs into a context that has JavaScript.
     *
     * @param arguments what scripts find as {@code argv}
     * @param global whether what the module exports is global, as prompts and cells have it
     */
    public void open(GuestContext guests, List<String> arguments, boolean global) {
        var globals = guests.bindings("js");
        globals.putMember("skepBridge", new JsBridge(guests));
        globals.putMember("skepArguments", ProxyArray.fromList(new ArrayList<>(arguments)));
        globals.putMember("shared", guests.shared());
        guests.eval("js", "timers.js", resource("timers.js"));
        if (global) {
            guests.eval(Source.newBuilder(
                            "js", "import * as skep from 'skep'; Object.assign(globalThis, skep);", "prelude.mjs")
                    .mimeType("application/javascript+module")
                    .buildLiteral());
        }
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            file.toFile().deleteOnExit();
        }
    }
}
