package skep.jupyter.cell;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import skep.bindings.java.TraceMap;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;
import skep.session.Completion;
import skep.session.ScriptException;
import skep.session.Session;
import skep.session.SessionOptions;
import skep.session.Targets;
import skep.session.view.View;
import skep.target.LoadOptions;
import skep.target.Target;
import skep.target.TargetException;

/**
 * The tracing language. {@code %%skep [--target SPEC] [--duration TIME] [--as NAME] [-c COMMAND] [-p PID] [--unsafe] [ARGUMENT …]}; all
 * options may be left out, and so may the line.
 */
public final class TraceLanguage implements CellLanguage {
    /** At most four refreshes a second. */
    private static final long REFRESH_MILLIS = 250;

    private final Object lock = new Object();
    private @Nullable Workspace workspace;
    private @Nullable Session running;
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
            try {
                return trace(target, cell.body(), options, output);
            } finally {
                workspace().setGroundTruth(target.groundTruth());
                if (options.target().isPresent() || !target.isLive()) {
                    target.close();
                }
            }
        } catch (ScriptException e) {
            return Errors.of(e);
        } catch (TargetException | IllegalArgumentException e) {
            return Errors.of(e.getClass().getSimpleName(), String.valueOf(e.getMessage()));
        }
    }

    private Kernel.Outcome trace(Target target, String body, Options options, CellOutput output) {
        var screen = new TraceScreen(
                output,
                Targets.describe(target),
                target.isLive(),
                options.session().duration());
        var done = new CountDownLatch(1);
        try (var session = Session.prepare(target, "cell", asScript(body), options.session(), screen)) {
            session.warnings().forEach(output::stderr);
            synchronized (lock) {
                running = session;
                if (interrupted) {
                    session.stop();
                }
            }
            var refresher = Thread.ofVirtual().start(() -> refresh(session, screen, done));
            int status;
            try {
                status = session.run();
            } finally {
                done.countDown();
                synchronized (lock) {
                    running = null;
                }
                join(refresher);
            }
            screen.end(interrupted ? "stopped" : "done");
            keep(screen.finalMaps(), options.as());
            return status == 0 ? Kernel.Outcome.Done.PLAIN : Errors.of("ScriptExit", "exit status " + status);
        }
    }

    private void keep(List<View.MapView> maps, Optional<String> as) {
        var byName = new java.util.LinkedHashMap<String, TraceMap>();
        for (var map : maps) {
            byName.put(map.name(), new TraceMap(map));
            workspace().variables().put(variable(map), byName.get(map.name()));
        }
        as.ifPresent(name -> workspace().variables().put(name, new Run(byName)));
    }

    /** A map is there for the other languages under its name; one without a name is {@code maps}. */
    private static String variable(View.MapView map) {
        var name = map.name().substring(1);
        return name.isEmpty() ? "maps" : name;
    }

    private static void refresh(Session session, TraceScreen screen, CountDownLatch done) {
        try {
            while (!done.await(REFRESH_MILLIS, TimeUnit.MILLISECONDS)) {
                List<View.MapView> maps = session.maps();
                if (done.getCount() > 0) {
                    screen.refresh(maps);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
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
    private record Options(Optional<String> target, Optional<String> as, SessionOptions session) {
        static Options parse(List<String> words, Workspace workspace) {
            var target = Optional.<String>empty();
            var duration = workspace.duration();
            var as = Optional.<String>empty();
            var command = Optional.<String>empty();
            var pid = OptionalInt.empty();
            boolean unsafe = false;
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
                    case "--unsafe" -> unsafe = true;
                    default -> {
                        if (word.startsWith("-")) {
                            throw new IllegalArgumentException("%%skep: no option " + word
                                    + "; there are --target, --duration, --as, -c, -p, --unsafe");
                        }
                        positional.add(word);
                    }
                }
            }
            var defaults = SessionOptions.DEFAULT;
            return new Options(
                    target,
                    as,
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
                            LoadOptions.DEFAULT));
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
