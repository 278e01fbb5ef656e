package skep.session;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.ServiceLoader;
import skep.dsl.CompileOptions;
import skep.dsl.CompileResult;
import skep.dsl.Compiler;
import skep.dsl.ScriptProgram;
import skep.dsl.parse.Formatter;
import skep.elf.ObjectWriter;
import skep.session.view.View;
import skep.source.Diagnostic;
import skep.source.Diagnostics;
import skep.source.Source;
import skep.target.MachineListing;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TracedProcess;

/**
 * One run of a script on a target: prepared, then run to its end.
 *
 * {@snippet :
 * try (var target = Targets.open("embedded:seed=7");
 *         var session = Session.prepare(target, "stdin", "kprobe:vfs_read { @ = count(); }",
 *                 SessionOptions.DEFAULT.withDuration(Duration.ofSeconds(1)), views::add)) {
 *     int status = session.run();
 * }
 * }
 *
 * <p>{@link #prepare} starts the command of {@code -c} (which does not run yet) and compiles; {@link #run} loads, attaches,
 * drains and shows until the end, on the calling thread. {@link #stop}, {@link #signal} and {@link #maps} may be called
 * from any thread. Closing frees what is left; the target is the caller's.
 */
public final class Session implements AutoCloseable {
    private final Source source;
    private final Optional<TracedProcess> child;
    private final CompileResult compiled;
    private final ScriptRun run;

    private Session(Source source, Optional<TracedProcess> child, CompileResult compiled, ScriptRun run) {
        this.source = source;
        this.child = child;
        this.compiled = compiled;
        this.run = run;
    }

    /**
     * Compiles a script for a target.
     *
     * @param name of the source in messages, {@code stdin} for a program given on the command line
     * @throws ScriptException with all diagnostics if the script does not compile
     * @throws TargetException if the command cannot be started
     */
    public static Session prepare(Target target, String name, String text, SessionOptions options, ViewSink sink) {
        var source = new Source(name, text);
        Optional<TracedProcess> child = options.command().map(target::spawn);
        try {
            var result = Compiler.compile(source, target.kernel(), compileOptions(options, child));
            if (result.script().isEmpty()) {
                throw new ScriptException(result.diagnostics());
            }
            var run = new ScriptRun(target, source, result.script().get(), child, options, sink);
            return new Session(source, child, result, run);
        } catch (RuntimeException | Error e) {
            child.ifPresent(TracedProcess::close);
            throw e;
        }
    }

    /**
     * The texts of the stages asked for in {@link SessionOptions#stages}, in the order of compilation, as far as
     * compilation came, and what it said behind them.
     */
    public static Stages stages(Target target, String name, String text, SessionOptions options) {
        var result =
                Compiler.compile(new Source(name, text), target.kernel(), compileOptions(options, Optional.empty()));
        var texts = new EnumMap<CompileOptions.Stage, String>(CompileOptions.Stage.class);
        texts.putAll(result.stages());
        var all = new ArrayList<>(texts.values());
        if (result.script().isPresent()) {
            var object = result.script().get().object();
            for (var listing : ServiceLoader.load(MachineListing.class)) {
                if (options.stages().contains(listing.stage())) {
                    all.add(listing.list(object, target.kernel()));
                }
            }
        }
        return new Stages(all, messages(result), result.hasErrors());
    }

    /**
     * The script as an ELF object, each program in a section that says where it goes.
     *
     * @throws ScriptException if it does not compile
     */
    public static byte[] object(Target target, String name, String text, SessionOptions options) {
        var result =
                Compiler.compile(new Source(name, text), target.kernel(), compileOptions(options, Optional.empty()));
        if (result.script().isEmpty()) {
            throw new ScriptException(result.diagnostics());
        }
        var script = result.script().get();
        var sections = new HashMap<String, String>();
        script.object().programs().forEach(program -> sections.put(program.name(), "raw_tp"));
        script.programs().forEach(program -> sections.put(program.program(), section(program)));
        return ObjectWriter.write(script.object(), sections);
    }

    private static String section(ScriptProgram program) {
        if (program.role() != ScriptProgram.Role.PROBE || program.probes().isEmpty()) {
            return "raw_tp";
        }
        var probe = program.probes().getFirst();
        return switch (probe.kind()) {
            case KPROBE -> "kprobe/" + probe.target();
            case KRETPROBE -> "kretprobe/" + probe.target();
            case FENTRY -> "fentry/" + probe.target();
            case FEXIT -> "fexit/" + probe.target();
            case TRACEPOINT -> "tracepoint/" + probe.module() + "/" + probe.target();
            case RAWTRACEPOINT ->
                (program.shownAs().getFirst().startsWith("tracepoint") ? "raw_tp/" : "tp_btf/") + probe.target();
            case UPROBE -> "uprobe/" + probe.module() + ":" + probe.target();
            case URETPROBE -> "uretprobe/" + probe.module() + ":" + probe.target();
            case USDT -> "usdt/" + probe.module() + ":" + probe.target();
            case ITER -> "iter/" + probe.target();
            default -> "perf_event";
        };
    }

    /**
     * A script laid out anew, its comments kept.
     *
     * @throws ScriptException if it cannot be parsed
     */
    public static String formatted(String name, String text) {
        var diagnostics = new Diagnostics();
        var formatted = Formatter.format(new Source(name, text), diagnostics);
        if (diagnostics.hasErrors()) {
            throw new ScriptException(diagnostics.list());
        }
        return formatted;
    }

    /** Texts of compilation's stages, and the diagnostics. */
    public record Stages(List<String> texts, List<String> messages, boolean failed) {}

    /** The warnings of the compiler, each as it is printed. */
    public List<String> warnings() {
        return messages(compiled);
    }

    private static List<String> messages(CompileResult result) {
        return result.diagnostics().stream().map(Diagnostic::render).toList();
    }

    /**
     * Runs to the end; once.
     *
     * @return the exit status the script asked for, or 0
     * @throws ScriptException if the target refuses a program or probe
     * @throws TargetException if the target fails otherwise
     */
    public int run() {
        return run.run();
    }

    /** Bounds the run to a time of the target; before it begins. */
    public void setDuration(Duration time) {
        run.setDuration(time);
    }

    /**
     * Loads the programs now, which {@link #run} would do otherwise: what the verifier refuses is said at once.
     *
     * @throws ScriptException if the target refuses a program
     */
    public void load() {
        run.loadNow();
    }

    /** Asks the run to end as Ctrl-C does: probes are detached, {@code END} runs, maps are printed. Returns at once. */
    public void stop() {
        run.stop();
    }

    /** Runs the script's {@code self:signal} probes for a signal such as {@code SIGUSR1}. Returns at once. */
    public void signal(String name) {
        run.signal(name);
    }

    /** The signals that the script wants to be told of. */
    public List<String> signals() {
        return run.signals();
    }

    /** All maps as they are now; empty before the run has loaded them and after it has ended. */
    public List<View.MapView> maps() {
        return run.maps();
    }

    /** The name of the script in messages. */
    public String name() {
        return source.name();
    }

    @Override
    public void close() {
        run.close();
        child.ifPresent(TracedProcess::close);
    }

    private static Map<String, String> environment(SessionOptions options) {
        if (options.probeFilter().isEmpty()) {
            return options.environment();
        }
        var variables = new HashMap<>(options.environment());
        variables.put(
                CompileOptions.PROBE_FILTER_VARIABLE,
                options.probeFilter().get().pattern());
        return variables;
    }

    static CompileOptions compileOptions(SessionOptions options, Optional<TracedProcess> child) {
        var stages = new HashSet<CompileOptions.Stage>();
        for (var stage : CompileOptions.Stage.values()) {
            if (options.stages().contains("all")
                    || options.stages().contains(stage.name().toLowerCase(java.util.Locale.ROOT))) {
                stages.add(stage);
            }
        }
        return new CompileOptions(
                options.positional(),
                options.named(),
                child.map(process -> OptionalInt.of(process.pid())).orElse(OptionalInt.empty()),
                options.pid(),
                environment(options),
                options.unsafe(),
                options.helperErrorReports(),
                options.includeFolders(),
                stages,
                options.test(),
                options.bench(),
                options.files());
    }
}
