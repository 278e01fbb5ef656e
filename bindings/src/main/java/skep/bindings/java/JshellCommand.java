package skep.bindings.java;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jdk.jshell.tool.JavaShellToolBuilder;
import skep.target.ToolCommand;

/** {@code skep jshell}: the JDK's shell, with Skep imported. */
public final class JshellCommand implements ToolCommand {
    static final List<String> IMPORTS = List.of(
            "import skep.bindings.java.*;",
            "import static skep.bindings.java.Shell.*;",
            "import java.time.Duration;",
            "import java.util.*;",
            "import java.util.stream.*;");

    private static final String GREETING = """
            System.out.println("Skep on " + target() + ". trace(\\"…\\", seconds) runs a script, start(\\"…\\") in the background, target(\\"linux\\") changes the kernel.");
            """;

    @Override
    public String name() {
        return "jshell";
    }

    @Override
    public String summary() {
        return "the JDK's shell with Skep imported: skep jshell [--target SPEC] [JSHELL-OPTION …] [FILE.jsh ARGUMENT …]";
    }

    @Override
    public List<List<String>> trainingRuns() {
        return List.of(List.of("--rehearse"));
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        var rest = new ArrayList<>(arguments);
        int target = rest.indexOf("--target");
        if (target >= 0) {
            if (target + 1 == rest.size()) {
                err.println("ERROR: --target needs a target");
                return 1;
            }
            Shell.setTarget(rest.get(target + 1));
            rest.subList(target, target + 2).clear();
        }
        boolean rehearse = rest.remove("--rehearse");
        Path startup = null;
        try {
            startup = Files.createTempFile("skep-jshell-", ".jsh");
            boolean talks =
                    !rehearse && System.console() != null && System.console().isTerminal() && rest.isEmpty();
            Files.writeString(startup, String.join("\n", IMPORTS) + "\n" + (talks ? GREETING : ""));
            var options = new ArrayList<>(List.of(
                    "--execution",
                    "local",
                    "--class-path",
                    System.getProperty("java.class.path"),
                    "--startup",
                    startup.toString()));
            if (rehearse) {
                var script = Files.createTempFile("skep-rehearsal-", ".jsh");
                Files.writeString(script, "var t = trace(\"begin { @ = 1; exit(); }\");\nt.number(\"@\")\n/exit\n");
                options.add(script.toString());
                int status = JavaShellToolBuilder.builder().out(out).err(err).start(options.toArray(String[]::new));
                Files.deleteIfExists(script);
                return status;
            }
            options.addAll(withoutArguments(rest));
            return JavaShellToolBuilder.builder().start(options.toArray(String[]::new));
        } catch (IOException e) {
            err.println("ERROR: " + e.getMessage());
            return 1;
        } catch (Exception e) {
            err.println("ERROR: jshell: " + e);
            return 1;
        } finally {
            delete(startup);
        }
    }

    /** The words up to the first file of snippets; those behind it are its arguments. */
    private static List<String> withoutArguments(List<String> words) {
        for (int i = 0; i < words.size(); i++) {
            if (words.get(i).endsWith(".jsh") && Files.isRegularFile(Path.of(words.get(i)))) {
                Shell.setArguments(words.subList(i + 1, words.size()));
                return words.subList(0, i + 1);
            }
        }
        return words;
    }

    private static void delete(@org.jspecify.annotations.Nullable Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            file.toFile().deleteOnExit();
        }
    }
}
