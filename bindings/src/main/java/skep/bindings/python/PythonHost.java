package skep.bindings.python;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.Engine;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.Value;

/**
 * Runs Python files, each in a context of its own, as the interpreter they were written for would: {@code sys.argv},
 * {@code __file__}, {@code __main__}, exit status, Ctrl-C, traceback. Contexts share an engine, so that the second file
 * of a process starts much faster than the first.
 */
public final class PythonHost implements AutoCloseable {
    private static final int FAILED = 1;
    private static final int INTERRUPTED = 130;

    private final Engine engine;
    private final Path files = PythonFiles.folder();

    public PythonHost() {
        engine = Engine.newBuilder("python")
                .option("engine.WarnInterpreterOnly", "false")
                .build();
    }

    /**
     * A run.
     *
     * @param arguments the file, and what it gets as {@code sys.argv[1:]}
     * @param bridge what {@code bcc} talks to; without one, only scripts that do not trace run
     * @param captured whether what it prints goes to the bridge, and the bridge tells it when to end; else it has the
     *     process's streams and signals, which only one script of a process can
     */
    public record Run(List<String> arguments, Optional<Bridge> bridge, boolean captured) {}

    /** Runs to the end; the exit status. Standard output and error are those of the process. */
    public int run(Run run, PrintStream err) {
        return run(run, err, _ -> {});
    }

    /** The same; another thread may close the context to end a script that does not end. */
    int run(Run run, PrintStream err, Consumer<Context> opened) {
        var builder = Context.newBuilder("python")
                .engine(engine)
                .allowAllAccess(true)
                .option("python.PosixModuleBackend", "native")
                .option("python.PythonPath", files.toString())
                .option("python.DontWriteBytecodeFlag", "false")
                .option("python.InstallSignalHandlers", Boolean.toString(!run.captured()))
                .arguments("python", run.arguments().toArray(String[]::new));
        try (var context = builder.build()) {
            opened.accept(context);
            run.bridge().ifPresent(bridge -> context.getPolyglotBindings().putMember("skep", bridge));
            return start(context, run);
        } catch (PolyglotException failure) {
            return status(failure, err);
        }
    }

    private static int start(Context context, Run run) {
        Value prelude = context.eval("python", "import skep_prelude; skep_prelude");
        return prelude.invokeMember("run", run.arguments().toArray(String[]::new), run.captured())
                .asInt();
    }

    private static int status(PolyglotException failure, PrintStream err) {
        if (failure.isExit()) {
            return failure.getExitStatus();
        }
        // Ctrl-C before the script began: there is no line of it to show.
        if (failure.isInterrupted() || String.valueOf(failure.getMessage()).startsWith("KeyboardInterrupt")) {
            err.println("KeyboardInterrupt");
            return INTERRUPTED;
        }
        failure.printStackTrace(err);
        return FAILED;
    }

    @Override
    public void close() {
        engine.close(true);
    }
}
