package skep.bindings.python;

import java.io.PrintStream;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.Engine;
import org.graalvm.polyglot.EnvironmentAccess;
import org.graalvm.polyglot.HostAccess;
import org.graalvm.polyglot.PolyglotAccess;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.io.FileSystem;
import org.graalvm.polyglot.io.IOAccess;
import org.graalvm.polyglot.proxy.ProxyArray;
import skep.bindings.polyglot.GuestContext;

/**
 * Runs Python files, each in a context of its own, as the interpreter they were written for would: {@code sys.argv},
 * {@code __file__}, {@code __main__}, exit status, Ctrl-C, traceback. Contexts share an engine, so that the second file
 * of a process starts much faster than the first.
 */
public final class PythonHost implements AutoCloseable {
    private static final int FAILED = 1;
    private static final int INTERRUPTED = 130;
    private static final HostAccess BRIDGE_ONLY = bridgeOnly();

    private final Engine engine;
    private final Path files = PythonFiles.folder();

    public PythonHost() {
        engine = Engine.newBuilder("python", "skep", "bpf-c")
                .option("engine.WarnInterpreterOnly", "false")
                // It warns of the native backend that was asked for.
                .option("log.python.level", "SEVERE")
                .build();
    }

    /**
     * A run.
     *
     * @param arguments the file, and what it gets as {@code sys.argv[1:]}
     * @param bridge what {@code bcc} talks to; without one, only scripts that do not trace run
     * @param captured whether what it prints goes to the bridge, and the bridge tells it when to end; else it has the
     *     process's streams and signals, which only one script of a process can
     * @param sandboxed whether it is kept from files, processes and the environment; tools of BCC need all of them
     */
    public record Run(List<String> arguments, Optional<Bridge> bridge, boolean captured, boolean sandboxed) {}

    /** Runs to the end; the exit status. Standard output and error are those of the process. */
    public int run(Run run, PrintStream err) {
        return run(run, err, _ -> {});
    }

    /** The same; another thread may close the context to end a script that does not end. */
    int run(Run run, PrintStream err, Consumer<Context> opened) {
        var builder = Context.newBuilder("python", "skep", "bpf-c")
                .engine(engine)
                .allowExperimentalOptions(true)
                .allowHostAccess(BRIDGE_ONLY)
                .allowPolyglotAccess(PolyglotAccess.newBuilder()
                        .allowBindingsAccess("python")
                        .build())
                .allowCreateThread(true)
                .allowNativeAccess(!run.sandboxed())
                .allowCreateProcess(!run.sandboxed())
                .allowEnvironmentAccess(run.sandboxed() ? EnvironmentAccess.NONE : EnvironmentAccess.INHERIT)
                .allowIO(run.sandboxed() ? sandbox(Path.of(run.arguments().getFirst())) : IOAccess.ALL)
                // Only the machine's own calls know processes, users and addresses as tools expect them.
                .option("python.PosixModuleBackend", run.sandboxed() ? "java" : "native")
                .option("python.PythonPath", files.toString())
                .option("python.DontWriteBytecodeFlag", "false")
                .option("python.InstallSignalHandlers", Boolean.toString(!run.captured()))
                .arguments("python", run.arguments().toArray(String[]::new));
        run.bridge().ifPresent(bridge -> builder.option("skep.Target", bridge.spec()));
        try (var context = builder.build()) {
            opened.accept(context);
            GuestContext.offerToPython(context);
            run.bridge().ifPresent(bridge -> context.getPolyglotBindings().putMember("skep", bridge));
            return start(context, run);
        } catch (PolyglotException failure) {
            return status(failure, err);
        }
    }

    /** All of {@link Bridge} that is for Python, and nothing else of Java. */
    private static HostAccess bridgeOnly() {
        var access = HostAccess.newBuilder();
        for (var method : Bridge.class.getDeclaredMethods()) {
            if (Modifier.isPublic(method.getModifiers()) && !method.getName().equals("close")) {
                access.allowAccess(method);
            }
        }
        return access.build();
    }

    /** No files but the script's own text and the modules of this package, to be read; the standard library is no file here. */
    private IOAccess sandbox(Path script) {
        var allowed = script.toAbsolutePath().normalize();
        var readable = FileSystem.newReadOnlyFileSystem(FileSystem.newDefaultFileSystem());
        var selected = FileSystem.Selector.of(readable, path -> {
            var absolute = path.toAbsolutePath().normalize();
            return absolute.equals(allowed)
                    || absolute.startsWith(files.toAbsolutePath().normalize());
        });
        var closed = FileSystem.newCompositeFileSystem(FileSystem.newDenyIOFileSystem(), selected);
        return IOAccess.newBuilder()
                .fileSystem(FileSystem.allowInternalResourceAccess(closed))
                .build();
    }

    private static int start(Context context, Run run) {
        Value prelude = context.eval("python", "import skep_prelude; skep_prelude");
        return prelude.invokeMember("run", ProxyArray.fromList(List.copyOf(run.arguments())), run.captured())
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
