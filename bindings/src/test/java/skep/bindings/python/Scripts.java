package skep.bindings.python;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.session.Targets;
import skep.session.bcc.BccHost;
import skep.target.Target;

/** Runs Python texts on the embedded kernel, all in one engine, so that only the first start is slow. */
final class Scripts implements AutoCloseable {
    static final String EMBEDDED = "embedded:arch=x86-64,speed=max,seed=7";

    private final PythonHost host = new PythonHost();
    private final Path folder;

    Scripts(Path folder) {
        this.folder = folder;
    }

    /** What a script did. */
    record Outcome(int status, String text, int stillAttached, java.util.Map<String, Long> truth) {
        List<String> lines() {
            return text.lines().toList();
        }
    }

    /** Half a second of the embedded kernel's time. */
    Outcome run(String script, String... arguments) {
        return run(EMBEDDED, Duration.ofMillis(500), script, arguments);
    }

    Outcome run(String spec, Duration duration, String script, String... arguments) {
        return file(spec, duration, written(script), false, arguments);
    }

    /** The same without access to files, processes and the environment. */
    Outcome sandboxed(String script) {
        return file(EMBEDDED, Duration.ofMillis(500), written(script), true);
    }

    private Path written(String script) {
        var file = folder.resolve("tool.py");
        try {
            Files.writeString(file, script);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    /** As {@code skep py} with these words. */
    Outcome words(String... words) {
        return words(EMBEDDED, Duration.ofMillis(500), List.of(words), false);
    }

    Outcome file(String spec, Duration duration, Path file, String... arguments) {
        return file(spec, duration, file, false, arguments);
    }

    private Outcome file(String spec, Duration duration, Path file, boolean sandboxed, String... arguments) {
        var words = new ArrayList<String>();
        words.add(file.toString());
        words.addAll(List.of(arguments));
        return words(spec, duration, words, sandboxed);
    }

    private Outcome words(String spec, Duration duration, List<String> words, boolean sandboxed) {
        var messages = new ByteArrayOutputStream();
        try (var target = Targets.open(spec);
                var bridge = new Bridge(new BccHost(target, Optional.of(duration), _ -> {}))) {
            var err = new PrintStream(messages, true, StandardCharsets.UTF_8);
            int status = host.run(new PythonHost.Run(words, Optional.of(bridge), true, sandboxed), err);
            var text = bridge.journal().output() + messages.toString(StandardCharsets.UTF_8);
            return new Outcome(status, text, attached(bridge), truth(target));
        }
    }

    private static int attached(Bridge bridge) {
        return bridge.sessions().stream().mapToInt(session -> session.links()).sum();
    }

    private static java.util.Map<String, Long> truth(Target target) {
        return target.groundTruth();
    }

    @Override
    public void close() {
        host.close();
    }
}
