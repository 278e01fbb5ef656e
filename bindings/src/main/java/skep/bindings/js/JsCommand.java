package skep.bindings.js;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.graalvm.polyglot.PolyglotException;
import skep.bindings.polyglot.PolyglotSession;
import skep.target.ToolCommand;

/** {@code skep js}: runs a file of JavaScript. */
public final class JsCommand implements ToolCommand {
    private static final String DEFAULT_TARGET = "linux";
    private static final int INTERRUPTED = 130;

    @Override
    public String name() {
        return "js";
    }

    @Override
    public String summary() {
        return "run a JavaScript file: skep js [--target SPEC] [--sandbox] FILE [ARGUMENT …]";
    }

    @Override
    public List<List<String>> trainingRuns() {
        return List.of(List.of("--rehearse"));
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        var rest = new ArrayList<>(arguments);
        var target = DEFAULT_TARGET;
        boolean sandbox = false;
        while (!rest.isEmpty() && rest.getFirst().startsWith("--")) {
            var option = rest.removeFirst();
            switch (option) {
                case "--sandbox" -> sandbox = true;
                case "--rehearse" -> {
                    return rehearse(out, err);
                }
                case "--target" -> {
                    if (rest.isEmpty()) {
                        err.println("ERROR: --target needs a target");
                        return 1;
                    }
                    target = rest.removeFirst();
                }
                default -> {
                    if (!option.startsWith("--target=")) {
                        err.println("ERROR: no option " + option + "; " + summary());
                        return 1;
                    }
                    target = option.substring("--target=".length());
                }
            }
        }
        if (rest.isEmpty()) {
            err.println("ERROR: " + summary());
            return 1;
        }
        var file = Path.of(rest.getFirst()).toAbsolutePath();
        try (var host = new JsHost(target, rest.subList(1, rest.size()), sandbox, out, err)) {
            host.run(file);
            return 0;
        } catch (NoSuchFileException e) {
            err.println("ERROR: " + file + ": no such file");
            return 1;
        } catch (IOException e) {
            err.println("ERROR: " + file + ": " + e.getMessage());
            return 1;
        } catch (PolyglotException e) {
            return status(e, err);
        }
    }

    private static int rehearse(PrintStream out, PrintStream err) {
        try {
            var file = Files.createTempFile("skep-rehearsal-", ".mjs");
            Files.writeString(
                    file,
                    "import {trace} from 'skep';\nconst t = await trace('begin { @[1] = hist(5); print(1); exit(); }',"
                            + " {target: 'embedded:speed=max'});\nfor (const e of t.map('@')) console.log(e);\n");
            try (var host = new JsHost("embedded", List.of(), false, out, err)) {
                host.run(file);
            }
            Files.deleteIfExists(file);
            return 0;
        } catch (IOException e) {
            err.println("ERROR: " + e.getMessage());
            return 1;
        }
    }

    static int status(PolyglotException failure, PrintStream err) {
        if (failure.isExit()) {
            return failure.getExitStatus();
        }
        if (failure.isCancelled() || failure.isInterrupted()) {
            return INTERRUPTED;
        }
        lines(failure).forEach(err::println);
        return 1;
    }

    /** What went wrong and where, in the script's own lines. */
    public static List<String> lines(PolyglotException failure) {
        return PolyglotSession.lines(failure);
    }
}
