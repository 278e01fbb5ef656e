package skep.jupyter.cell;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import skep.bindings.java.Trace;
import skep.bindings.java.TraceMap;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;
import skep.session.Completion;
import skep.session.Overflow;
import skep.session.RunningScript;
import skep.session.ScriptException;
import skep.session.SessionOptions;
import skep.session.Targets;
import skep.session.view.View;
import skep.target.LoadOptions;
import skep.target.TargetException;

/**
 * The tracing language. {@code %%skep [--target SPEC] [--duration TIME] [--as NAME] [--background] [-c COMMAND] [-p PID] [--unsafe] [ARGUMENT …]}; all
 * options may be left out, and so may the line.
 */
public final class TraceLanguage implements CellLanguage {
    private final Object lock = new Object();
    private @Nullable Workspace workspace;
    private @Nullable RunningScript running;
    private boolean interrupted;

    @Override
    public String name() {
        return "skep";
    }

    @Override
    public String title() {
        return "the tracing language (the default)";
    }

    @Override
    public void open(Workspace shared) {
        workspace = shared;
    }

    private Workspace workspace() {
        return java.util.Objects.requireNonNull(workspace, "open was not called");
    }

    @Override
    public Kernel.Outcome run(Cell cell, CellOutput output) {
        try {
            var options = Options.parse(cell.arguments(), workspace());
            synchronized (lock) {
                interrupted = false;
            }
            var target = options.target().map(Targets::open).orElseGet(workspace()::fresh);
            boolean own = options.target().isPresent() || !target.isLive();
            Runnable freed = () -> {
                if (own) {
                    target.close();
                }
            };
            RunningScript script;
            try {
                script = new RunningScript(
                        target,
                        "cell",
                        asScript(cell.body()),
                        options.session(),
                        Overflow.WAIT,
                        RunningScript.DEFAULT_QUEUE_EVENTS);
            } catch (RuntimeException | Error e) {
                freed.run();
                throw e;
            }
            script.warnings().forEach(output::stderr);
            workspace().variables().put(options.as().orElse("last"), Trace.of(script));
            if (options.background()) {
                inBackground(script, freed, output);
                return Kernel.Outcome.Done.PLAIN;
            }
            try {
                return toTheEnd(script);
            } finally {
                freed.run();
            }
        } catch (ScriptException e) {
            return Errors.of(e);
        } catch (TargetException | IllegalArgumentException e) {
            return Errors.of(e.getClass().getSimpleName(), String.valueOf(e.getMessage()));
        }
    }

    private Kernel.Outcome toTheEnd(RunningScript script) {
        boolean stop;
        synchronized (lock) {
            running = script;
            stop = interrupted;
        }
        try {
            if (stop) {
                script.stop();
            }
            script.run();
            keep(script);
            int status = script.await();
            return status == 0 ? Kernel.Outcome.Done.PLAIN : Errors.of("ScriptExit", "exit status " + status);
        } finally {
            synchronized (lock) {
                running = null;
            }
        }
    }

    /** Goes on after the cell; what went wrong then is told below it. */
    private void inBackground(RunningScript script, Runnable freed, CellOutput output) {
        script.whenEnded(() -> {
            try {
                script.await();
                keep(script);
            } catch (ScriptException | TargetException failure) {
                output.stderr(failure.getMessage() + "\n");
            } finally {
                // Its own thread still frees what it has loaded there.
                Thread.ofVirtual().start(() -> {
                    script.close();
                    freed.run();
                });
            }
        });
        script.start();
    }

    private void keep(RunningScript script) {
        script.views().values().forEach(map -> workspace().variables().put(variable(map), new TraceMap(map)));
    }

    /** A map is there for the other languages under its name; one without a name is {@code maps}. */
    private static String variable(View.MapView map) {
        var name = map.name().substring(1);
        return name.isEmpty() ? "maps" : name;
    }

    /** A body without braces is a statement that runs once. */
    private static String asScript(String body) {
        return body.contains("{")
                ? body
                : "begin { " + body.strip() + (body.strip().endsWith(";") ? "" : ";") + " }";
    }

    @Override
    public Kernel.Completions complete(String body, int cursor) {
        var completion = new Completion(workspace().target());
        return new Kernel.Completions(completion.candidates(body, cursor), Completion.wordStart(body, cursor), cursor);
    }

    @Override
    public Optional<MimeBundle> inspect(String body, int cursor, int detail) {
        return new Inspection(workspace()).at(body, cursor).map(MimeBundle::plain);
    }

    @Override
    public Kernel.Completeness isComplete(String body) {
        int open = 0;
        boolean inText = false;
        for (int i = 0; i < body.length(); i++) {
            char c = body.charAt(i);
            if (c == '\\' && inText) {
                i++;
            } else if (c == '"') {
                inText = !inText;
            } else if (!inText) {
                open += c == '{' || c == '(' || c == '[' ? 1 : c == '}' || c == ')' || c == ']' ? -1 : 0;
            }
        }
        if (open < 0) {
            return new Kernel.Completeness.Invalid();
        }
        return open > 0 || inText
                ? new Kernel.Completeness.Incomplete("  ".repeat(open))
                : new Kernel.Completeness.Complete();
    }

    @Override
    public void interrupt() {
        synchronized (lock) {
            interrupted = true;
            if (running != null) {
                running.stop();
            }
        }
    }

    @Override
    public void close() {
        interrupt();
    }

    /** The words behind {@code %%skep}. */
    private record Options(Optional<String> target, Optional<String> as, boolean background, SessionOptions session) {
        static Options parse(List<String> words, Workspace workspace) {
            var target = Optional.<String>empty();
            var duration = workspace.duration();
            var as = Optional.<String>empty();
            var command = Optional.<String>empty();
            var pid = OptionalInt.empty();
            boolean unsafe = false;
            boolean background = false;
            var positional = new ArrayList<String>();
            Map<String, String> named = new HashMap<>();
            for (int i = 0; i < words.size(); i++) {
                var word = words.get(i);
                boolean needsValue =
                        Set.of("--target", "--duration", "--as", "-c", "-p").contains(word);
                if (needsValue && i + 1 == words.size()) {
                    throw new IllegalArgumentException("%%skep: " + word + " needs a value");
                }
                switch (word) {
                    case "--target" -> target = Optional.of(words.get(++i));
                    case "--duration" -> duration = duration(words.get(++i));
                    case "--as" -> as = Optional.of(name(words.get(++i)));
                    case "-c" -> {
                        command = Optional.of(String.join(" ", words.subList(i + 1, words.size())));
                        i = words.size();
                    }
                    case "-p" -> pid = OptionalInt.of(process(words.get(++i)));
                    case "--background" -> background = true;
                    case "--unsafe" -> unsafe = true;
                    default -> {
                        if (word.startsWith("-")) {
                            throw new IllegalArgumentException("%%skep: no option " + word
                                    + "; there are --target, --duration, --as, --background, -c, -p, --unsafe");
                        }
                        positional.add(word);
                    }
                }
            }
            // In the background a trace goes on until it is stopped, unless the cell says how long.
            if (background && !words.contains("--duration")) {
                duration = Optional.empty();
            }
            var defaults = SessionOptions.DEFAULT;
            return new Options(
                    target,
                    as,
                    background,
                    new SessionOptions(
                            positional,
                            named,
                            defaults.environment(),
                            command,
                            pid,
                            duration,
                            unsafe,
                            0,
                            List.of(),
                            Set.of(),
                            false,
                            false,
                            false,
                            Optional.empty(),
                            LoadOptions.DEFAULT,
                            true));
        }

        private static String name(String word) {
            if (!word.matches("[A-Za-z_]\\w*")) {
                throw new IllegalArgumentException("%%skep: --as " + word + ": a name is letters, digits and _");
            }
            return word;
        }

        private static int process(String word) {
            if (!word.matches("[1-9]\\d{0,8}")) {
                throw new IllegalArgumentException("%%skep: -p " + word + " is no process id");
            }
            return Integer.parseInt(word);
        }

        private static Optional<Duration> duration(String text) {
            if (text.equals("none")) {
                return Optional.empty();
            }
            return Optional.of(Durations.parse(text)
                    .orElseThrow(() -> new IllegalArgumentException(
                            "%%skep: --duration " + text + ": write it as 500ms, 3s or 2m, or none")));
        }
    }
}
