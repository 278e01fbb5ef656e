package skep.bindings.python;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
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
     * @param signals whether Ctrl-C is this script's; of one process, one script's
     */
    public record Run(List<String> arguments, Optional<Bridge> bridge, boolean signals) {}

    /** Runs to the end; the exit status. Standard output and error are those of the process. */
    public int run(Run run, PrintStream err) {
        var builder = Context.newBuilder("python")
                .engine(engine)
                .allowAllAccess(true)
                .option("python.PosixModuleBackend", "native")
                .option("python.PythonPath", files.toString())
                .option("python.DontWriteBytecodeFlag", "false")
                .option("python.InstallSignalHandlers", Boolean.toString(run.signals()))
                .arguments("python", run.arguments().toArray(String[]::new));
        try (var context = builder.build()) {
            run.bridge().ifPresent(bridge -> context.getPolyglotBindings().putMember("skep", bridge));
            return start(context, run);
        } catch (PolyglotException failure) {
            return status(failure, err);
        }
    }

    private static int start(Context context, Run run) {
        Value prelude = context.eval("python", "import skep_prelude; skep_prelude");
        return prelude.invokeMember("run", (Object) run.arguments().toArray(String[]::new))
                .asInt();
    }

    private static int status(PolyglotException failure, PrintStream err) {
        if (failure.isExit()) {
            return failure.getExitStatus();
        }
        failure.printStackTrace(err);
        return FAILED;
    }

    @Override
    public void close() {
        engine.close(true);
    }
}
