package skep.bindings.python;

import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import skep.session.Targets;
import skep.session.bcc.BccHost;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.ToolCommand;

/** {@code skep bcc [--target SPEC] [--backend NAME] [--duration TIME] TOOL ARGUMENTS…}: runs a Python tool of BCC's as it is. */
public final class BccCommand implements ToolCommand {
    private static final int USAGE = 2;

    @Override
    public String name() {
        return "bcc";
    }

    @Override
    public String summary() {
        return """
                runs a Python tool that says "from bcc import BPF"
                  skep bcc [--target SPEC] [--backend NAME] [--duration TIME] [--sandbox] TOOL ARGUMENTS…
                  TOOL is a file, or the name of an installed tool: opensnoop
                  with --sandbox the script reaches no files, processes and environment of this machine""";
    }

    @Override
    public boolean hasUsage() {
        return true;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        return runScript(arguments, false, summary(), out, err);
    }

    @Override
    public List<List<String>> trainingRuns() {
        var script = PythonFiles.folder().resolve("skep_training.py").toString();
        return List.of(List.of(script, "-h"), List.of("--target", "embedded", "--duration", "2", script, "-d", "1"));
    }

    /**
     * @param python whether code, modules and standard input are taken as {@code python3} takes them; else a tool's file or name
     * @param usage what {@code -h} prints
     */
    static int runScript(List<String> arguments, boolean python, String usage, PrintStream out, PrintStream err) {
        var spec = Targets.LIVE;
        var backend = "";
        Optional<Duration> duration = Optional.empty();
        boolean sandboxed = false;
        int at = 0;
        if (!arguments.isEmpty() && List.of("-h", "--help").contains(arguments.getFirst())) {
            out.println(usage);
            return 0;
        }
        while (at < arguments.size() && arguments.get(at).startsWith("--")) {
            var word = arguments.get(at);
            if (word.equals("--sandbox")) {
                sandboxed = true;
                at++;
                continue;
            }
            int equals = word.indexOf('=');
            var option = equals < 0 ? word : word.substring(0, equals);
            if (equals < 0 && at + 1 >= arguments.size()) {
                err.println("ERROR: option " + option + " wants a value");
                return USAGE;
            }
            var value = equals < 0 ? arguments.get(++at) : word.substring(equals + 1);
            at++;
            switch (option) {
                case "--target" -> spec = value;
                case "--backend" -> backend = value;
                case "--duration" -> {
                    try {
                        duration = Optional.of(seconds(value));
                    } catch (NumberFormatException e) {
                        err.println("ERROR: --duration wants seconds or milliseconds (500ms), not " + value);
                        return USAGE;
                    }
                }
                default -> {
                    err.println("ERROR: unknown option " + option
                            + "; there are --target, --backend, --duration and --sandbox");
                    return USAGE;
                }
            }
        }
        var rest = arguments.subList(at, arguments.size());
        if (rest.isEmpty()) {
            err.println("ERROR: no script given");
            err.println(usage);
            return USAGE;
        }
        var words = new ArrayList<>(rest);
        var first = rest.getFirst();
        if (python && (first.equals("-c") || first.equals("-m"))) {
            if (rest.size() < 2) {
                err.println("ERROR: " + first
                        + (first.equals("-c") ? " wants Python code" : " wants the name of a module"));
                return USAGE;
            }
        } else if (python && first.startsWith("-") && !first.equals("-")) {
            err.println("ERROR: unknown option " + first + "; of Python's there are -c CODE, -m MODULE and -");
            return USAGE;
        } else if (!python || !first.equals("-")) {
            var file = tool(first);
            if (!Files.isReadable(file)) {
                err.println("ERROR: cannot read " + first
                        + (first.contains("/") ? "" : ", and no tool of that name is installed"));
                return USAGE;
            }
            words.set(0, file.toString());
        }
        out.flush();
        try (var target = Targets.open(architectureOf(spec), backend);
                var bridge = bridge(target, duration, err);
                var host = new PythonHost()) {
            return host.run(new PythonHost.Run(words, Optional.of(bridge), false, sandboxed), err);
        } catch (TargetException | IllegalArgumentException refused) {
            err.println("ERROR: " + refused.getMessage());
            return 1;
        }
    }

    /** A file, or the name of a tool where distributions install them: {@code opensnoop}. */
    private static Path tool(String word) {
        var file = Path.of(word);
        if (word.contains("/") || Files.exists(file)) {
            return file;
        }
        return Stream.of("/usr/sbin/" + word + "-bpfcc", "/usr/sbin/" + word, "/usr/share/bcc/tools/" + word)
                .map(Path::of)
                .filter(Files::isReadable)
                .findFirst()
                .orElse(file);
    }

    /**
     * The tools of BCC are written for x86-64 first: on other architectures they use neither fentry nor the system calls
     * that only x86-64 has. So the embedded kernel is one of x86-64 here unless another is asked for.
     */
    static String architectureOf(String spec) {
        if (!spec.startsWith("embedded") || spec.contains("arch=")) {
            return spec;
        }
        return spec + (spec.contains(":") ? "," : ":") + "arch=x86-64";
    }

    private static Bridge bridge(Target target, Optional<Duration> duration, PrintStream err) {
        return new Bridge(new BccHost(target, duration, notice -> {
            err.println("skep: " + notice);
            err.flush();
        }));
    }

    private static Duration seconds(String text) {
        return text.endsWith("ms")
                ? Duration.ofMillis(Long.parseLong(text.substring(0, text.length() - 2)))
                : Duration.ofMillis((long) (1000 * Double.parseDouble(text.replaceFirst("s$", ""))));
    }
}
