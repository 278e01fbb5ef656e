package skep.bindings.polyglot;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.proxy.ProxyExecutable;
import org.graalvm.polyglot.proxy.ProxyObject;
import org.jspecify.annotations.Nullable;
import skep.bindings.java.Shell;
import skep.bindings.java.Snippets;
import skep.bindings.java.Trace;
import skep.bindings.java.TraceMap;
import skep.bindings.java.Variables;
import skep.bindings.js.JsModule;
import skep.session.Overflow;
import skep.session.RunningScript;
import skep.session.SessionOptions;
import skep.session.ViewSink;
import skep.truffle.interop.Handover;
import skep.truffle.interop.TraceOptions;

/**
 * One session that speaks five languages. A piece of text runs in one of them; what it defines at its top level the others see
 * under the same name, by reference. Languages start at their first use.
 *
 * {@snippet :
 * try (var session = new PolyglotSession("embedded:speed=max", false, System.out, System.err)) {
 *     session.run(Language.SKEP, "cell", "kprobe:vfs_read { @reads[comm] = count(); }");
 *     session.run(Language.PYTHON, "cell", "total = sum(reads.values())");
 *     session.run(Language.JAVA, "cell", "System.out.println(total);");
 * }
 * }
 *
 * <p>Belongs to one thread at a time, except for {@link #stop}.
 */
public final class PolyglotSession implements AutoCloseable {
    /** What a piece of text can be written in. */
    public enum Language {
        SKEP("skep", "the tracing language"),
        BPF("bpf-c", "BCC's C"),
        PYTHON("python", "Python"),
        JS("js", "JavaScript"),
        JAVA("java", "Java");

        private final String id;
        private final String title;

        Language(String id, String title) {
            this.id = id;
            this.title = title;
        }

        /** Truffle's name for it. */
        public String id() {
            return id;
        }

        public String title() {
            return title;
        }
    }

    /** How a piece of text ended. */
    public sealed interface Outcome {
        /**
         * It ran.
         *
         * @param value of its last expression: numbers and strings as Java has them, {@code Trace}, {@code TraceMap},
         *     {@code Histogram}, or a {@link Value} of its language; empty if there is none
         * @param text of the value as its language shows it; empty without a value
         */
        record Done(Optional<Object> value, String text) implements Outcome {}

        /**
         * It did not, or not to its end.
         *
         * @param kind the name of the exception, or {@code Interrupted}
         * @param lines to show: what is wrong and where
         */
        record Failed(String kind, String message, List<String> lines) implements Outcome {}

        /** It asked to leave. */
        record Exit(int status) implements Outcome {}
    }

    private static final Outcome STOPPED = new Outcome.Failed("Interrupted", "stopped", List.of("stopped"));

    private final boolean sandbox;
    private final OutputStream out;
    private final OutputStream err;
    private final JsModule module = new JsModule();
    private final Map<Language, GuestVariables> variables = new EnumMap<>(Language.class);
    private BiConsumer<Language, GuestContext> prelude = (_, _) -> {};
    private Optional<Duration> duration = Optional.empty();
    private String target;
    private @Nullable GuestContext guests;
    private @Nullable Snippets snippets;
    private volatile @Nullable Thread running;
    private volatile boolean stopping;

    /**
     * @param target what is traced, as {@code --target} takes it
     * @param sandbox whether files, processes and the live kernel are out of reach; there is no Java then
     * @param out where guests print
     * @param err where guests print errors, and what is said about traces goes
     */
    public PolyglotSession(String target, boolean sandbox, OutputStream out, OutputStream err) {
        this.target = target;
        this.sandbox = sandbox;
        this.out = out;
        this.err = err;
        Shell.setTarget(target);
    }

    private GuestContext guests() {
        var made = guests;
        if (made == null) {
            made = new GuestContext(List.of("python", "js"), target, sandbox, Optional.of(module.file()), out, err);
            guests = made;
        }
        return made;
    }

    /** Whether a language is there without waiting for it. */
    public boolean isStarted(Language language) {
        return language == Language.JAVA ? snippets != null : variables.containsKey(language);
    }

    /** Traces somewhere else from now on. */
    public void setTarget(String spec) {
        if (guests != null) {
            guests.setTarget(spec);
        }
        Shell.setTarget(spec);
        target = spec;
    }

    public String target() {
        return target;
    }

    /** What else a guest language has at hand from its start; not among the variables that others see. */
    public void setPrelude(BiConsumer<Language, GuestContext> more) {
        prelude = more;
    }

    /** How long traces run that {@link Language#SKEP} starts; empty: until they end or are stopped. */
    public void setDuration(Optional<Duration> time) {
        duration = time;
    }

    /** Runs a piece of text to its end. What it prints goes to the streams; what it defines stays. */
    public Outcome run(Language language, String name, String text) {
        return stoppable(() -> switch (language) {
            case JAVA -> java(text);
            case SKEP -> skep(name, text);
            case BPF -> done(language, share("program", guests().eval(language.id(), name, text)));
            case PYTHON, JS -> guest(language, name, text);
        });
    }

    /**
     * Compiles and attaches a C program as {@link Language#BPF} does, for a time.
     *
     * @param time after which a simulated kernel stands still; a live one goes on
     */
    public Outcome program(String name, String text, Duration time) {
        return stoppable(() -> {
            var options = ProxyObject.fromMap(Map.of("name", name, "duration", time.toNanos() / 1e9));
            var program = guests().bindings(Language.BPF.id()).invokeMember("compile", text, options);
            return done(Language.BPF, share("program", program));
        });
    }

    private Outcome stoppable(Supplier<Outcome> work) {
        stopping = false;
        running = Thread.currentThread();
        try {
            return work.get();
        } catch (PolyglotException failure) {
            return failed(failure);
        } finally {
            running = null;
            // An interrupt that came too late must not hit the next text.
            Thread.interrupted();
        }
    }

    private Outcome guest(Language language, String name, String text) {
        var own = variables(language);
        own.bringIn();
        if (stopping) {
            // While the language started, which takes its time.
            return STOPPED;
        }
        try {
            var value = guests().eval(source(language, name, text));
            takeOut(own);
            return done(language, value);
        } catch (PolyglotException failure) {
            if (!failure.isInterrupted() && !failure.isCancelled()) {
                takeOut(own);
            }
            throw failure;
        }
    }

    /** While it is being interrupted the context lets nobody in; what was defined is taken out next time then. */
    private static void takeOut(GuestVariables own) {
        try {
            own.takeOut();
        } catch (PolyglotException failure) {
            if (!failure.isInterrupted() && !failure.isCancelled() && !failure.isInternalError()) {
                throw failure;
            }
        }
    }

    private static Source source(Language language, String name, String text) {
        var builder = Source.newBuilder(language.id(), text, name);
        boolean isModule = language == Language.JS
                && text.lines().anyMatch(line -> line.startsWith("import ") || line.startsWith("export "));
        return (isModule ? builder.mimeType("application/javascript+module") : builder).buildLiteral();
    }

    private GuestVariables variables(Language language) {
        return variables.computeIfAbsent(language, started -> {
            switch (started) {
                case JS -> module.open(guests(), List.of(), true);
                case PYTHON -> startPython();
                case SKEP, BPF, JAVA -> {}
            }
            prelude.accept(started, guests());
            return new GuestVariables(guests(), started.id());
        });
    }

    private void startPython() {
        var bindings = guests().context().getPolyglotBindings();
        bindings.putMember("skep.out", printer(out));
        bindings.putMember("skep.err", printer(err));
        guests().eval("python", "prelude", "import skep._streams\nfrom skep import trace, start, probes, target");
    }

    private static ProxyExecutable printer(OutputStream stream) {
        return text -> {
            print(stream, text[0].asString());
            return null;
        };
    }

    /** Runs a script: prints what it prints, shares its maps under their names, and the trace as {@code last}. */
    private Outcome skep(String name, String text) {
        var trace = guests().eval("skep", name, text);
        share("last", trace);
        trace.invokeMember("on", "event", (ProxyExecutable) a -> {
            boolean message = List.of("attached", "note", "error")
                    .contains(a[0].getMember("kind").asString());
            print(message ? err : out, a[0].getMember("text").asString());
            return null;
        });
        var warnings = trace.getMember("warnings");
        for (long i = 0; i < warnings.getArraySize(); i++) {
            print(err, warnings.getArrayElement(i).asString());
        }
        if (duration.isPresent()) {
            trace.invokeMember("run", duration.get().toNanos() / 1e9);
        } else {
            trace.invokeMember("run");
        }
        var java = (Trace) guests().toJava(trace);
        java.maps().forEach((map, view) -> {
            if (view.size() > 0) {
                print(out, "\n" + view);
            }
            Variables.shared().put(variable(view), view);
        });
        return new Outcome.Done(Optional.empty(), "");
    }

    /**
     * Runs a script as {@link Language#SKEP} does, but shows it to a sink.
     *
     * @throws PolyglotException if it does not compile, or is refused
     */
    public void trace(String name, String text, SessionOptions options, ViewSink sink) {
        running = Thread.currentThread();
        try {
            var given = new TraceOptions(
                    Optional.empty(), name, options, Overflow.DROP_OLDEST, RunningScript.DEFAULT_QUEUE_EVENTS);
            var trace = guests().bindings("skep").invokeMember("traceWith", text, Handover.give(given));
            var java = (Trace) guests().toJava(trace);
            Variables.shared().put("last", java);
            java.script().warnings().forEach(warning -> print(err, warning));
            java.script().watch(sink);
            trace.invokeMember("run");
            java.maps().forEach((map, view) -> Variables.shared().put(variable(view), view));
        } finally {
            running = null;
            Thread.interrupted();
        }
    }

    /** A map is there for other languages under its name; one without a name is {@code maps}. */
    private static String variable(TraceMap map) {
        var name = map.name().substring(1);
        return name.isEmpty() ? "maps" : name;
    }

    private Value share(String name, Value value) {
        Variables.shared().put(name, guests().toJava(value));
        return value;
    }

    private static void print(OutputStream stream, String text) {
        try {
            stream.write(text.getBytes(StandardCharsets.UTF_8));
            stream.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Outcome done(Language language, Value value) {
        // Python's answer to statements is its main module.
        if (value.isNull() || GuestVariables.isModule(value)) {
            return new Outcome.Done(Optional.empty(), "");
        }
        return new Outcome.Done(Optional.of(guests().toJava(value)), shown(language, value));
    }

    private String shown(Language language, Value value) {
        if (language == Language.PYTHON) {
            return guests().eval("python", "repr", "repr").execute(value).asString();
        }
        return value.isString() ? value.asString() : value.toString();
    }

    private Outcome java(String text) {
        if (sandbox) {
            return new Outcome.Failed(
                    "SandboxError", "there is no Java in a sandbox", List.of("ERROR: there is no Java in a sandbox"));
        }
        if (snippets == null) {
            snippets = new Snippets(printed -> print(out, printed), printed -> print(err, printed));
        }
        return switch (snippets.run(text)) {
            case Snippets.Result.Value(Optional<Object> value) ->
                new Outcome.Done(value, value.map(String::valueOf).orElse(""));
            case Snippets.Result.Failed(String kind, String message, List<String> lines) ->
                new Outcome.Failed(kind, message, lines);
        };
    }

    private Outcome failed(PolyglotException failure) {
        if (failure.isExit()) {
            return new Outcome.Exit(failure.getExitStatus());
        }
        if (failure.isInterrupted() || failure.isCancelled() || stopping && isOfTruffle(failure)) {
            return STOPPED;
        }
        var kind = "Error";
        if (failure.isGuestException() && failure.getGuestObject() != null) {
            var meta = failure.getGuestObject().getMetaObject();
            kind = meta != null && meta.isMetaObject() ? meta.getMetaSimpleName() : kind;
        }
        return new Outcome.Failed(kind, String.valueOf(failure.getMessage()), lines(failure));
    }

    /**
     * Truffle 25.0 may trip over its own bookkeeping when a thread that was interrupted leaves the context. A fault of ours or
     * of a language that comes to light by a stop is told as any other.
     */
    private static boolean isOfTruffle(PolyglotException failure) {
        if (!failure.isInternalError()) {
            return false;
        }
        var frames = failure.getPolyglotStackTrace().iterator();
        if (!frames.hasNext()) {
            return false;
        }
        var first = frames.next();
        return first.isHostFrame() && first.toHostFrame().getClassName().startsWith("com.oracle.truffle.");
    }

    /** The lines of Python's own traceback, innermost first: Truffle's frames know where a function begins only. */
    private static List<String> pythonFrames(PolyglotException failure) {
        var frames = new ArrayList<String>();
        try {
            var thrown = failure.isGuestException() ? failure.getGuestObject() : null;
            var at = thrown != null && thrown.hasMember("__traceback__") ? thrown.getMember("__traceback__") : null;
            while (at != null && at.hasMember("tb_lineno")) {
                var code = at.getMember("tb_frame").getMember("f_code");
                frames.addFirst("  at " + code.getMember("co_name").asString() + " ("
                        + code.getMember("co_filename").asString() + ":" + at.getMember("tb_lineno") + ")");
                at = at.getMember("tb_next");
            }
        } catch (PolyglotException | IllegalStateException closed) {
            // Whoever asks when the context is closed gets what the exception itself knows.
            return List.of();
        }
        return frames;
    }

    /** What went wrong and where, in the guest's own lines. */
    public static List<String> lines(PolyglotException failure) {
        var lines = new ArrayList<String>();
        var message = String.valueOf(failure.getMessage());
        // What the front ends say names its place already.
        boolean placed = message.contains("ERROR:");
        lines.addAll((placed ? message : "ERROR: " + message).lines().toList());
        var python = pythonFrames(failure);
        if (!python.isEmpty()) {
            lines.addAll(python);
            return lines;
        }
        var place = failure.getSourceLocation();
        if (!placed && place != null && place.isAvailable() && failure.isGuestException()) {
            lines.add(
                    "  at " + place.getSource().getName() + ":" + place.getStartLine() + ":" + place.getStartColumn());
        }
        for (var frame : failure.getPolyglotStackTrace()) {
            if (failure.isInternalError() && frame.isHostFrame()) {
                // A fault of ours or of a language: whoever mends it wants to know where.
                lines.add("  at " + frame.toHostFrame());
            }
            if (frame.isGuestFrame() && frame.getSourceLocation() != null) {
                var at = frame.getSourceLocation();
                lines.add("  at " + frame.getRootName() + " (" + at.getSource().getName() + ":" + at.getStartLine()
                        + ")");
            }
        }
        return lines;
    }

    /**
     * Ends what runs, from another thread: a trace as Ctrl-C does, so that it keeps its results; other texts are interrupted.
     * Returns at once.
     */
    public void stop() {
        var thread = running;
        var context = guests;
        if (thread == null) {
            return;
        }
        stopping = true;
        if (snippets != null) {
            snippets.stop();
        }
        if (context != null) {
            context.stop(thread);
        }
    }

    /** Names of a language's variables and functions that begin with a word; empty while a text runs. */
    public List<String> complete(Language language, String word) {
        if (running != null || language == Language.JAVA || !isStarted(language)) {
            return List.of();
        }
        return guests().bindings(language.id()).getMemberKeys().stream()
                .filter(name -> name.startsWith(word))
                .sorted()
                .toList();
    }

    /** The prompt's Java, once it has started; for completion and documentation. */
    public Optional<Snippets> snippets() {
        return Optional.ofNullable(snippets);
    }

    /** The guests' side, for those who want more of it. */
    public GuestContext context() {
        return guests();
    }

    @Override
    public void close() {
        if (snippets != null) {
            snippets.close();
        }
        if (guests != null) {
            guests.close();
        }
        module.close();
    }
}
