package skep.jupyter;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import skep.target.ToolCommand;

/** {@code skep notebook}: starts the Jupyter that is installed, with the gallery, or says how to install one. */
public final class NotebookCommand implements ToolCommand {
    private static final String USAGE = """
            usage: skep notebook [--lab | --classic] [--folder DIR] [JUPYTER-OPTION …]
            """;

    private static final String HOW_TO_INSTALL = """
            ERROR: there is no %s on the PATH. Install one, for example
              apt install jupyter-notebook          (Debian, Ubuntu)
              dnf install python3-notebook          (Fedora)
              pip install jupyterlab                (anywhere, best in a virtual environment)
            and run ./skep notebook again. For a Jupyter elsewhere: ./skep jupyter install --prefix DIR
            """;

    private static final long GRACE_SECONDS = 10;

    /** A front end as its command is called; those that open the gallery best come first. */
    private enum FrontEnd {
        LAB("jupyter-lab"),
        CLASSIC("jupyter-notebook"),
        NBCLASSIC("jupyter-nbclassic");

        private final String command;

        FrontEnd(String command) {
            this.command = command;
        }
    }

    @Override
    public String name() {
        return "notebook";
    }

    @Override
    public String summary() {
        return "open the gallery in Jupyter\n" + USAGE.indent(2).stripTrailing();
    }

    @Override
    public boolean hasUsage() {
        return true;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        var wanted = List.of(FrontEnd.values());
        var folder = data().resolve("gallery");
        var passed = new ArrayList<String>();
        for (int i = 0; i < arguments.size(); i++) {
            switch (arguments.get(i)) {
                case "-h", "--help" -> {
                    out.print(USAGE);
                    return 0;
                }
                case "--lab" -> wanted = List.of(FrontEnd.LAB);
                case "--classic" -> wanted = List.of(FrontEnd.CLASSIC, FrontEnd.NBCLASSIC);
                case "--folder" -> {
                    if (i + 1 == arguments.size()) {
                        err.println("ERROR: --folder needs a folder");
                        return 1;
                    }
                    folder = Path.of(arguments.get(++i)).toAbsolutePath();
                }
                default -> passed.add(arguments.get(i));
            }
        }
        var command = wanted.stream()
                .flatMap(frontEnd -> onPath(frontEnd.command).stream())
                .findFirst();
        if (command.isEmpty()) {
            err.printf(HOW_TO_INSTALL, wanted.size() == 1 ? "JupyterLab" : "Jupyter");
            return 1;
        }
        try {
            int copied = copyGallery(folder);
            var specs = data().resolve("jupyter");
            KernelSpec.install(new KernelSpec.Place(specs), "skep");
            err.println("skep: the gallery is in " + folder
                    + (copied > 0 ? " (" + copied + " notebooks copied; yours to change)" : ""));
            return start(command.get(), folder, specs, passed);
        } catch (IOException e) {
            err.println("ERROR: " + e.getMessage());
            return 1;
        }
    }

    /** Where a user's own data of Skep lies. */
    private static Path data() {
        var data = System.getenv("XDG_DATA_HOME");
        var home = Path.of(System.getProperty("user.home"));
        return (data == null || data.isEmpty() ? home.resolve(".local/share") : Path.of(data)).resolve("skep");
    }

    private static Optional<Path> onPath(String command) {
        return Stream.of(Optional.ofNullable(System.getenv("PATH")).orElse("").split(java.io.File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, command))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Copies the notebooks that are not there yet: what a user has changed stays. Returns how many. */
    static int copyGallery(Path folder) throws IOException {
        var home = System.getProperty("skep.home");
        var gallery = Path.of(home == null ? "." : home, "notebooks", "gallery");
        Files.createDirectories(folder);
        if (!Files.isDirectory(gallery)) {
            return 0;
        }
        int copied = 0;
        try (var notebooks = Files.list(gallery)) {
            for (var notebook :
                    notebooks.filter(file -> file.toString().endsWith(".ipynb")).toList()) {
                var copy = folder.resolve(notebook.getFileName());
                if (!Files.exists(copy)) {
                    Files.copy(notebook, copy);
                    copied++;
                }
            }
        }
        return copied;
    }

    /** Only this machine reaches the server, unless the options passed on say otherwise. */
    private static int start(Path command, Path folder, Path specs, List<String> passed) throws IOException {
        var words = new ArrayList<String>();
        words.add(command.toString());
        words.add("--ip=127.0.0.1");
        if (System.getProperty("user.name").equals("root")) {
            words.add("--allow-root");
        }
        words.addAll(passed);
        var builder = new ProcessBuilder(words).directory(folder.toFile()).inheritIO();
        var path = System.getenv("JUPYTER_PATH");
        builder.environment()
                .put("JUPYTER_PATH", path == null || path.isEmpty() ? specs.toString() : specs + ":" + path);
        var server = builder.start();
        // Ctrl-C reaches both; whoever ends this command otherwise ends the server with it.
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> end(server)));
        try {
            return server.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 130;
        }
    }

    private static void end(Process server) {
        server.destroy();
        try {
            if (!server.waitFor(GRACE_SECONDS, TimeUnit.SECONDS)) {
                server.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
