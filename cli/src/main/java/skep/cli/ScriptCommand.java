package skep.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import skep.cli.Arguments.Format;
import skep.cli.Arguments.UsageException;
import skep.session.Session;
import skep.session.SessionOptions;
import skep.session.Targets;
import skep.session.ViewSink;
import skep.session.view.JsonRenderer;
import skep.session.view.TextRenderer;
import skep.target.LoadOptions;
import skep.target.Target;

/** Runs one script, or prints the stages of its compilation. */
final class ScriptCommand {
    /** How long the end of a session may take once Ctrl-C was pressed. */
    private static final long STOP_SECONDS = 5;

    private static final int STANDARD_OUTPUT = 1;

    private static final int STANDARD_ERROR = 2;

    private final Arguments arguments;
    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;

    ScriptCommand(Arguments arguments, InputStream in, PrintStream out, PrintStream err) {
        this.arguments = arguments;
        this.in = in;
        this.out = out;
        this.err = err;
    }

    int run() {
        var script = script();
        try (var target = openTarget(arguments)) {
            if (!arguments.stages().isEmpty()) {
                return printStages(target, script);
            }
            if (arguments.object().isPresent()) {
                return writeObject(target, script, arguments.object().get());
            }
            if (arguments.output().isEmpty()) {
                return run(target, script, out);
            }
            try (var file = new PrintStream(
                    new BufferedOutputStream(
                            Files.newOutputStream(arguments.output().get())),
                    false,
                    StandardCharsets.UTF_8)) {
                return run(target, script, file);
            } catch (IOException e) {
                throw new UsageException(
                        "Failed to open output file: " + arguments.output().get() + ": " + reason(e));
            }
        }
    }

    private int run(Target target, Script script, PrintStream results) {
        var renderer = arguments.format() == Format.JSON ? new JsonRenderer() : new TextRenderer();
        var terminal = new Terminal(renderer, results, err, arguments);
        var display = display(terminal, target);
        var exports = Exports.of(
                arguments.exports(), display.<ViewSink>map(shown -> shown).orElse(terminal));
        warnOfMissingHeaders();
        try (var session = Session.prepare(target, script.name(), script.text(), options(arguments), exports)) {
            if (arguments.warnings()) {
                session.warnings().forEach(err::print);
            }
            terminal.onOutputGone(session::stop);
            SelfSignals.deliver(session);
            var finished = new CountDownLatch(1);
            var status = new int[] {1};
            var onSignal = new Thread(() -> stop(session, finished, status), "stop");
            Runtime.getRuntime().addShutdownHook(onSignal);
            try {
                display.ifPresent(shown -> shown.start(session));
                status[0] = session.run();
                exports.write();
                return status[0];
            } finally {
                display.ifPresent(LiveDisplay::end);
                results.flush();
                err.flush();
                finished.countDown();
                removeHook(onSignal);
            }
        }
    }

    /** Types come from the kernel, so a header that is not there is no error; but a wrong name should not go unseen. */
    private void warnOfMissingHeaders() {
        for (var header : arguments.includes()) {
            var name = header.replaceAll("^[<\"]|[>\"]$", "");
            boolean there = Files.exists(Path.of(name))
                    || Files.exists(Path.of("/usr/include", name))
                    || arguments.includeDirs().stream().anyMatch(folder -> Files.exists(Path.of(folder, name)));
            if (!there && arguments.warnings()) {
                err.println(
                        "WARNING: --include " + header + ": there is no such header here\nHINT: -I names a folder to"
                                + " search; types of the kernel are known without headers");
            }
        }
    }

    private Optional<LiveDisplay> display(Terminal terminal, Target target) {
        boolean bar = arguments.duration().isPresent() && !arguments.quiet() && isTerminal(STANDARD_ERROR);
        if (arguments.watch().isEmpty() && !bar) {
            return Optional.empty();
        }
        boolean screen =
                arguments.output().isEmpty() && arguments.format() == Format.TEXT && isTerminal(STANDARD_OUTPUT);
        return Optional.of(new LiveDisplay(
                terminal, target, arguments.watch(), bar ? arguments.duration() : Optional.empty(), screen));
    }

    /** Whether a file descriptor of this process is a terminal, as Linux tells by its name. */
    private static boolean isTerminal(int descriptor) {
        try {
            var name = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor))
                    .toString();
            return name.startsWith("/dev/pts/") || name.startsWith("/dev/tty") || name.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    // SIGINT, SIGTERM and SIGHUP start the JVM's shutdown, which waits for this. The status is then the script's own:
    // the
    // peer ends with 0 after Ctrl-C.
    private static void stop(Session session, CountDownLatch finished, int[] status) {
        session.stop();
        try {
            if (finished.await(STOP_SECONDS, TimeUnit.SECONDS)) {
                Runtime.getRuntime().halt(status[0]);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The JVM is shutting down: the hook runs now, and ends the process.
        }
    }

    private int writeObject(Target target, Script script, Path file) {
        var object = Session.object(target, script.name(), script.text(), options(arguments));
        try {
            Files.write(file, object);
        } catch (IOException e) {
            throw new UsageException("cannot write " + file + ": " + reason(e));
        }
        return 0;
    }

    private int printStages(Target target, Script script) {
        var stages = Session.stages(target, script.name(), script.text(), options(arguments));
        stages.texts().forEach(text -> out.print(text.endsWith("\n") ? text : text + "\n"));
        stages.messages().forEach(err::print);
        return stages.failed() ? 1 : 0;
    }

    private Script script() {
        return read(arguments, in);
    }

    /** The script's text: the program on the command line, a file, or standard input. */
    static Script read(Arguments arguments, InputStream in) {
        if (arguments.program().isPresent()) {
            return new Script("stdin", arguments.program().get());
        }
        var file = arguments.file().orElseThrow(() -> new UsageException("no program: use -e PROGRAM or FILE"));
        try {
            var text = file.equals("-")
                    ? new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    : Files.readString(Path.of(file));
            return new Script(file.equals("-") ? "stdin" : file, text);
        } catch (IOException | UncheckedIOException e) {
            throw new UsageException("failed to open file '" + file + "': " + reason(e));
        }
    }

    static String reason(Exception e) {
        return switch (e) {
            case java.nio.file.NoSuchFileException _ -> "No such file or directory";
            case java.nio.file.AccessDeniedException _ -> "Permission denied";
            case java.nio.charset.CharacterCodingException _ -> "it is not UTF-8 text";
            default -> String.valueOf(e.getMessage());
        };
    }

    /** Opens the target asked for, or the live kernel if this user may trace it. */
    static Target openTarget(Arguments arguments) {
        try {
            return Targets.open(arguments.target().orElse(Targets.LIVE), arguments.backend());
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    static SessionOptions options(Arguments arguments) {
        return new SessionOptions(
                arguments.positional(),
                arguments.named(),
                environment(arguments),
                arguments.command(),
                arguments.pid(),
                arguments.duration(),
                arguments.unsafe(),
                arguments.helperErrors(),
                arguments.includeDirs(),
                Set.copyOf(arguments.stages()),
                arguments.mode() == Arguments.Mode.TEST,
                arguments.mode() == Arguments.Mode.BENCH,
                arguments.dryRun(),
                arguments.probeFilter().map(ScriptCommand::pattern),
                new LoadOptions(arguments.verbose() ? 1 : 0, arguments.backend()),
                true);
    }

    private static Pattern pattern(String text) {
        try {
            return Pattern.compile(text);
        } catch (PatternSyntaxException e) {
            throw new UsageException("Invalid --probe-filter regex: " + e.getDescription() + ": " + text);
        }
    }

    private static Map<String, String> environment(Arguments arguments) {
        var variables = new HashMap<String, String>();
        System.getenv().forEach((name, value) -> {
            if (name.startsWith("BPFTRACE_") || name.startsWith("SKEP_")) {
                variables.put(name, value);
            }
        });
        if (!arguments.includes().isEmpty()) {
            variables.put("SKEP_INCLUDE", String.join("\n", arguments.includes()));
        }
        if (!arguments.unwound().isEmpty()) {
            var processes = arguments.unwound().stream().map(String::valueOf).toList();
            variables.put(SessionOptions.UNWOUND_VARIABLE, String.join(",", processes));
        }
        arguments.language().ifPresent(level -> variables.put("SKEP_LANG", level));
        return variables;
    }

    /** A script's name in messages and its text. */
    record Script(String name, String text) {}
}
