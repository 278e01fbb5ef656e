package skep.jupyter.cell;

import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.proxy.ProxyExecutable;
import org.graalvm.polyglot.proxy.ProxyObject;
import org.jspecify.annotations.Nullable;
import skep.bindings.java.Chart;
import skep.bindings.java.TraceMap;
import skep.bindings.polyglot.GuestContext;
import skep.bindings.polyglot.PolyglotSession;
import skep.bindings.polyglot.PolyglotSession.Language;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;

/**
 * The guest languages of a notebook: one context for all of them, whose variables all see. What guests print and show goes to
 * the cell that runs. Started by the first cell that wants one.
 */
final class Guests implements AutoCloseable {
    /** In a cell a trace without a duration goes on behind it, as an endless one would never let the notebook go on. */
    private static final String PYTHON_PRELUDE = """
            import builtins, sys
            def _skep_trace(script, **options):
                import skep
                return skep.trace(script, **options) if "duration" in options or "command" in options else skep.start(script, **options)
            trace = _skep_trace
            builtins.input = lambda prompt="": _skep_input(str(prompt), False)
            # The real one would import a dozen modules to ask a terminal that is not there.
            _skep_getpass = sys.modules["getpass"] = type(sys)("getpass")
            _skep_getpass.getpass = lambda prompt="Password: ", stream=None: _skep_input(str(prompt), True)
            _skep_getpass.getuser = lambda: __import__("os").environ.get("USER", "")
            _skep_getpass.GetPassWarning = UserWarning
            def _skep_inspect(expression):
                import inspect
                try:
                    value = eval(expression)
                except Exception:
                    return ""
                try:
                    head = expression + str(inspect.signature(value))
                except (TypeError, ValueError):
                    head = expression + ": " + type(value).__name__
                return head + "\\n\\n" + (inspect.getdoc(value) or "")
            def _skep_members(expression):
                try:
                    return "\\n".join(dir(eval(expression)))
                except Exception:
                    return ""
            """;

    private static final String JS_PRELUDE = """
            (() => {
              const whole = globalThis.trace, background = globalThis.start;
              globalThis.trace = (script, options = {}) =>
                options.duration === undefined && options.command === undefined ? background(script, options) : whole(script, options);
              globalThis.prompt = (text = '') => skepInput(String(text), false);
            })();
            """;

    /** Truffle says it of a cell that was stopped, which says so itself. */
    private static final String INTERRUPTED = "InterruptExecution: Execution got interrupted";

    private final Workspace workspace;
    private final Map<Language, TreeSet<String>> names = new ConcurrentHashMap<>();
    private volatile @Nullable CellOutput output;
    private volatile boolean running;
    private @Nullable PolyglotSession session;

    Guests(Workspace workspace) {
        this.workspace = workspace;
    }

    private synchronized PolyglotSession session() {
        if (session == null) {
            session = new PolyglotSession(workspace.spec(), false, new CellStream(false), new CellStream(true));
            session.setPrelude(this::prelude);
        }
        return session;
    }

    private synchronized @Nullable PolyglotSession started() {
        return session;
    }

    private void prelude(Language language, GuestContext context) {
        var globals = context.bindings(language.id());
        ProxyExecutable display = a -> {
            Arrays.stream(a).forEach(value -> show(context, value));
            return null;
        };
        ProxyExecutable input = a -> ask(a[0].asString(), a[1].asBoolean());
        globals.putMember("display", display);
        globals.putMember("charts", charts(context));
        switch (language) {
            case PYTHON -> {
                globals.putMember("_skep_input", input);
                context.eval("python", "prelude", PYTHON_PRELUDE);
            }
            case JS -> {
                globals.putMember("skepInput", input);
                context.eval("js", "prelude", JS_PRELUDE);
            }
            case SKEP, BPF, JAVA -> {}
        }
    }

    private void print(String text, boolean error) {
        var cell = output;
        if (cell != null && error) {
            cell.stderr(text);
        } else if (cell != null) {
            cell.stdout(text);
        }
    }

    private String ask(String prompt, boolean password) {
        var cell = output;
        return (cell == null ? java.util.Optional.<String>empty() : cell.input(prompt, password))
                .orElseThrow(() -> new IllegalStateException("nobody can be asked here"));
    }

    // --- running --------------------------------------------------------------------------------------------------

    /** Runs a cell; its last value is drawn if it has a picture. */
    Kernel.Outcome run(Language language, Cell cell, CellOutput cellOutput) {
        output = cellOutput;
        running = true;
        try {
            var guests = session();
            guests.setTarget(workspace.spec());
            return switch (guests.run(language, "cell", cell.body())) {
                case PolyglotSession.Outcome.Done done -> {
                    done.value().ifPresent(value -> result(value, done.text(), cellOutput));
                    yield Kernel.Outcome.Done.PLAIN;
                }
                case PolyglotSession.Outcome.Failed failed
                when failed.kind().equals("SystemExit") ->
                    Errors.of("Exit", "a cell cannot end the kernel; restart it from the front end's menu");
                case PolyglotSession.Outcome.Failed failed -> {
                    var lines = new ArrayList<String>();
                    failed.lines().forEach(line -> lines.add(Errors.colour(line)));
                    yield new Kernel.Outcome.Failed(failed.kind(), failed.message(), lines);
                }
                case PolyglotSession.Outcome.Exit exit ->
                    Errors.of(
                            "Exit",
                            "a cell cannot end the kernel (exit status " + exit.status()
                                    + "); restart it from the front end's menu");
            };
        } finally {
            remember(language);
            running = false;
        }
    }

    /** What is there to complete while the next cell runs. */
    private void remember(Language language) {
        var guests = started();
        if (guests != null && guests.isStarted(language)) {
            names.put(language, new TreeSet<>(guests.complete(language, "")));
        }
    }

    private static void result(Object value, String text, CellOutput output) {
        switch (value) {
            // A Python cell without a value has its module as one.
            case Value guest when isModule(guest) -> {}
            case Value guest -> output.result(bundle(guest, text));
            // As its own language writes it: True is not true.
            case Boolean _, Number _, String _ -> output.result(MimeBundle.plain(text));
            default -> Results.show(value, output);
        }
    }

    private static boolean isModule(Value value) {
        var kind = value.getMetaObject();
        return kind != null && kind.isMetaObject() && kind.getMetaSimpleName().equals("module");
    }

    /** What Python's objects say of themselves to notebooks. */
    private static MimeBundle bundle(Value value, String text) {
        var bundle = MimeBundle.plain(text);
        var forms = new LinkedHashMap<String, String>();
        forms.put("_repr_html_", MimeBundle.HTML);
        forms.put("_repr_svg_", MimeBundle.SVG);
        forms.put("_repr_markdown_", MimeBundle.MARKDOWN);
        for (var form : forms.entrySet()) {
            if (value.canInvokeMember(form.getKey())) {
                var shown = value.invokeMember(form.getKey());
                if (shown.isString()) {
                    bundle = bundle.with(form.getValue(), shown.asString());
                }
            }
        }
        return bundle;
    }

    private void show(GuestContext context, Value value) {
        var cell = output;
        if (cell == null) {
            return;
        }
        var java = context.toJava(value);
        if (java instanceof Value guest) {
            cell.display(bundle(guest, guest.toString()));
        } else {
            MapBundles.ofValue(java).forEach(cell::display);
        }
    }

    // --- charts ---------------------------------------------------------------------------------------------------

    /** {@code charts.heatmap(t.map("@us"))}: the charts of Java for guests. */
    private static ProxyObject charts(GuestContext context) {
        var functions = new LinkedHashMap<String, Object>();
        one(functions, context, "histogram", Chart::histogram);
        one(functions, context, "heatmap", Chart::heatMap);
        one(functions, context, "timeline", Chart::timeline);
        one(functions, context, "lanes", Chart::lanes);
        functions.put("flame", (ProxyExecutable) a -> a.length == 1
                ? Chart.flameGraph(map(context, a[0]))
                : Chart.flameGraph(map(context, a[0]), map(context, a[1])));
        functions.put("compare", (ProxyExecutable) a -> a.length == 2
                ? Chart.compare(map(context, a[0]), map(context, a[1]))
                : Chart.compare(map(context, a[0]), map(context, a[1]), a[2].asString(), a[3].asString()));
        functions.put("table", (ProxyExecutable) a -> {
            boolean settings = a[a.length - 1].isString();
            var maps = Arrays.stream(a, 0, settings ? a.length - 1 : a.length)
                    .map(value -> map(context, value))
                    .toArray(TraceMap[]::new);
            return Chart.table(settings ? a[a.length - 1].asString() : "descending", maps);
        });
        functions.put("save", (ProxyExecutable) a -> {
            try {
                return ((Chart) a[0].asHostObject()).save(a[1].asString()).toString();
            } catch (java.io.IOException e) {
                throw new IllegalStateException("cannot write " + a[1] + ": " + e.getMessage());
            }
        });
        return ProxyObject.fromMap(functions);
    }

    private static void one(
            Map<String, Object> functions, GuestContext context, String name, Function<TraceMap, Chart> chart) {
        functions.put(name, (ProxyExecutable) a -> chart.apply(map(context, a[0])));
    }

    private static TraceMap map(GuestContext context, Value value) {
        return switch (context.toJava(value)) {
            case TraceMap map -> map;
            case skep.bindings.java.Histogram histogram -> new TraceMap(histogram.view());
            default -> throw new IllegalArgumentException(value + " is no map of a trace");
        };
    }

    // --- completion and inspection ----------------------------------------------------------------------------------

    /** Names that begin with a word; members behind a dot where no cell runs. */
    List<String> complete(Language language, String expression, String word) {
        var guests = started();
        if (guests == null || !guests.isStarted(language)) {
            return List.of();
        }
        if (expression.isEmpty()) {
            return names.getOrDefault(language, new TreeSet<>()).stream()
                    .filter(name -> name.startsWith(word) && (!name.startsWith("_skep") || word.startsWith("_skep")))
                    .toList();
        }
        if (running) {
            return List.of();
        }
        var members = language == Language.PYTHON
                ? guests.context()
                        .bindings("python")
                        .getMember("_skep_members")
                        .execute(expression)
                        .asString()
                        .lines()
                        .toList()
                : List.copyOf(member(guests, language, expression).getMemberKeys());
        return members.stream()
                .filter(name -> name.startsWith(word) && (word.startsWith("_") || !name.startsWith("_")))
                .sorted()
                .toList();
    }

    private static Value member(PolyglotSession guests, Language language, String expression) {
        var at = guests.context().bindings(language.id());
        for (var part : expression.split("\\.")) {
            at = at != null && at.hasMember(part)
                    ? at.getMember(part)
                    : guests.context().context().asValue(Map.of());
        }
        return at;
    }

    /** Signature and documentation; empty if there is none, or a cell runs. */
    String inspect(Language language, String expression) {
        var guests = started();
        if (guests == null || running || !guests.isStarted(language)) {
            return "";
        }
        if (language == Language.PYTHON) {
            return guests.context()
                    .bindings("python")
                    .getMember("_skep_inspect")
                    .execute(expression)
                    .asString()
                    .strip();
        }
        var value = member(guests, language, expression);
        return value.canExecute()
                ? value.toString()
                        .lines()
                        .limit(12)
                        .reduce("", (a, b) -> a + b + "\n")
                        .strip()
                : value.isNull() || value.isHostObject() ? "" : expression + ": " + value;
    }

    boolean isStarted(Language language) {
        var guests = started();
        return guests != null && guests.isStarted(language);
    }

    /** The context, for a cell that drives it itself. */
    PolyglotSession open(CellOutput cellOutput) {
        output = cellOutput;
        var guests = session();
        guests.setTarget(workspace.spec());
        return guests;
    }

    void interrupt() {
        var guests = started();
        if (guests != null) {
            guests.stop();
        }
    }

    @Override
    public void close() {
        var guests = started();
        if (guests != null) {
            guests.stop();
            guests.close();
        }
    }

    /** Bytes of a guest as text of the cell that runs; a character may come in two pieces. */
    private final class CellStream extends OutputStream {
        private final boolean error;
        private final java.nio.charset.CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .onUnmappableCharacter(CodingErrorAction.REPLACE);
        private byte[] left = {};

        CellStream(boolean error) {
            this.error = error;
        }

        @Override
        public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) {
            var in = ByteBuffer.allocate(left.length + length);
            in.put(left).put(bytes, offset, length).flip();
            var out = CharBuffer.allocate(in.remaining() + 1);
            decoder.decode(in, out, false);
            left = new byte[in.remaining()];
            in.get(left);
            var text = out.flip().toString();
            if (!text.contains(INTERRUPTED)) {
                print(text, error);
            }
        }
    }
}
