package skep.jupyter;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import skep.jupyter.cell.NotebookKernel;
import skep.jupyter.cell.Workspace;
import skep.jupyter.protocol.ConnectionFile;
import skep.jupyter.protocol.KernelServer;
import skep.jupyter.protocol.ProtocolException;
import skep.target.ToolCommand;

/** {@code skep jupyter}: installs the kernel, and is the kernel. */
public final class JupyterCommand implements ToolCommand {
    private static final String USAGE = """
            usage: skep jupyter install [--user | --sys-prefix | --prefix DIR] [--name NAME]
                   skep jupyter kernel [--target SPEC] CONNECTION-FILE     (what Jupyter runs)
            """;

    @Override
    public String name() {
        return "jupyter";
    }

    @Override
    public String summary() {
        return "install the Jupyter kernel, or be it\n" + USAGE.indent(2).stripTrailing();
    }

    @Override
    public List<List<String>> trainingRuns() {
        return List.of(List.of("rehearse"));
    }

    @Override
    public boolean hasUsage() {
        return true;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        try {
            if (arguments.isEmpty()) {
                err.print(USAGE);
                return 1;
            }
            var rest = arguments.subList(1, arguments.size());
            return switch (arguments.getFirst()) {
                case "install" -> install(rest, out, err);
                case "kernel" -> kernel(rest, err);
                case "rehearse" -> {
                    Rehearsal.run(version());
                    yield 0;
                }
                case "-h", "--help" -> {
                    out.print(USAGE);
                    yield 0;
                }
                default -> {
                    err.println("ERROR: skep jupyter " + arguments.getFirst() + ": there are install and kernel");
                    yield 1;
                }
            };
        } catch (IOException | ProtocolException e) {
            err.println("ERROR: " + e.getMessage());
            return 1;
        }
    }

    private static int install(List<String> arguments, PrintStream out, PrintStream err) throws IOException {
        var place = KernelSpec.Place.user();
        var name = "skep";
        for (int i = 0; i < arguments.size(); i++) {
            var word = arguments.get(i);
            boolean hasValue = i + 1 < arguments.size();
            switch (word) {
                case "--user" -> place = KernelSpec.Place.user();
                case "--sys-prefix" -> {
                    var prefix = KernelSpec.Place.sysPrefix();
                    if (prefix.isEmpty()) {
                        err.println(
                                "ERROR: --sys-prefix: no python3 on the PATH to ask for its prefix; use --prefix DIR");
                        return 1;
                    }
                    place = prefix.get();
                }
                case "--prefix" -> {
                    if (!hasValue) {
                        err.println("ERROR: --prefix needs a folder");
                        return 1;
                    }
                    place = KernelSpec.Place.prefix(Path.of(arguments.get(++i)));
                }
                case "--name" -> {
                    if (!hasValue) {
                        err.println("ERROR: --name needs a name");
                        return 1;
                    }
                    name = arguments.get(++i);
                }
                default -> {
                    err.print("ERROR: no option " + word + "\n" + USAGE);
                    return 1;
                }
            }
        }
        out.println("installed the kernel in " + KernelSpec.install(place, name));
        return 0;
    }

    private static int kernel(List<String> arguments, PrintStream err) throws IOException {
        var target = Optional.ofNullable(System.getenv("SKEP_TARGET")).orElse(Workspace.DEFAULT_TARGET);
        var file = Optional.<Path>empty();
        for (int i = 0; i < arguments.size(); i++) {
            if (arguments.get(i).equals("--target") && i + 1 < arguments.size()) {
                target = arguments.get(++i);
            } else {
                file = Optional.of(Path.of(arguments.get(i)));
            }
        }
        if (file.isEmpty()) {
            err.print("ERROR: skep jupyter kernel needs a connection file; Jupyter passes one\n" + USAGE);
            return 1;
        }
        var connection = ConnectionFile.read(file.get());
        try (var kernel = new NotebookKernel(version(), target)) {
            var server = new KernelServer(connection, kernel, line -> err.println("skep: " + line));
            endWithParent(server);
            SignalHandlers.onInterrupt(server::interrupt);
            server.run();
        }
        return 0;
    }

    private static String version() {
        return Optional.ofNullable(JupyterCommand.class.getPackage().getImplementationVersion())
                .orElse("0.1.0");
    }

    /** A kernel whose front end has died must not live on. Jupyter says which process that is. */
    private static void endWithParent(KernelServer server) {
        var parent = System.getenv("JPY_PARENT_PID");
        if (parent == null || !parent.matches("\\d{1,9}") || parent.equals("1")) {
            return;
        }
        ProcessHandle.of(Long.parseLong(parent))
                .ifPresent(process -> process.onExit().thenRun(server::stop));
    }
}
