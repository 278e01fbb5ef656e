package skep.bindings.python;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.session.Targets;
import skep.target.ToolCommand;

/** {@code skep bcc parity}: runs every Python tool of the installed package, or of a checkout, and prints a table. */
public final class ParityCommand implements ToolCommand {
    private static final Path INSTALLED = Path.of("/usr/sbin");
    private static final int USAGE = 2;

    @Override
    public String name() {
        return "bcc parity";
    }

    @Override
    public String summary() {
        return """
                measures how far BCC's Python tools come
                  skep bcc parity [--checkout DIR] [--target SPEC] [--seconds N] [--only NAME,…] [--output FOLDER]
                                   [--results FILE.tsv] [--arguments FILE.tsv] [--markdown]
                  with --results, what a run found is appended to a file as it comes, and tools that stand there already
                  are left out the next time, unless --only names them; --arguments replaces the table of the tools' arguments; --markdown prints all that stands there""";
    }

    private record Options(
            Path folder,
            boolean checkout,
            List<String> targets,
            double seconds,
            List<String> only,
            Path output,
            Path results,
            Optional<Path> arguments,
            boolean markdown) {}

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        var folder = INSTALLED;
        boolean checkout = false;
        var targets = new ArrayList<String>();
        double seconds = 4;
        List<String> only = List.of();
        var output = Path.of("");
        var results = Path.of("");
        Optional<Path> table = Optional.empty();
        boolean markdown = false;
        for (int i = 0; i < arguments.size(); i++) {
            var word = arguments.get(i);
            if (word.equals("--markdown")) {
                markdown = true;
                continue;
            }
            if (i + 1 == arguments.size()) {
                err.println("ERROR: " + word + " wants a value, or is unknown");
                return USAGE;
            }
            var value = arguments.get(++i);
            switch (word) {
                case "--checkout" -> {
                    checkout = true;
                    folder = Path.of(value);
                    folder = Files.isDirectory(folder.resolve("tools")) ? folder.resolve("tools") : folder;
                }
                case "--target" -> targets.add(value);
                case "--seconds" -> seconds = Double.parseDouble(value);
                case "--only" -> only = List.of(value.split(","));
                case "--output" -> output = Path.of(value);
                case "--results" -> results = Path.of(value);
                case "--arguments" -> table = Optional.of(Path.of(value));
                default -> {
                    err.println("ERROR: unknown option " + word);
                    return USAGE;
                }
            }
        }
        if (targets.isEmpty()) {
            targets.addAll(List.of(Targets.LIVE, "embedded"));
        }
        return run(new Options(folder, checkout, targets, seconds, only, output, results, table, markdown), out, err);
    }

    private static int run(Options options, PrintStream out, PrintStream err) {
        ParityResults results;
        boolean live = options.targets().stream().anyMatch(spec -> !spec.startsWith("embedded"));
        try (var workload = live ? ParityWorkload.start() : ParityWorkload.NONE;
                var run = new ParityRun(
                        err,
                        options.arguments(),
                        Duration.ofMillis((long) (1000 * options.seconds())),
                        workload.names())) {
            results = new ParityResults(options.results());
            var tools = ParityRun.tools(options.folder(), options.checkout()).stream()
                    .filter(file -> options.only().isEmpty() || options.only().contains(ParityRun.toolName(file)))
                    .toList();
            int done = 0;
            for (var tool : tools) {
                done++;
                for (var spec : options.targets()) {
                    if (options.only().isEmpty() && results.has(ParityRun.toolName(tool), spec)) {
                        continue;
                    }
                    err.printf("%d/%d %s on %s%n", done, tools.size(), ParityRun.toolName(tool), spec);
                    var result = run.run(tool, spec);
                    results.add(spec, result);
                    keep(options, spec, result);
                    if (!options.markdown()) {
                        out.println(line(result, spec));
                        out.flush();
                    }
                }
            }
        } catch (IOException e) {
            err.println("ERROR: " + e.getMessage());
            return 1;
        }
        if (options.markdown()) {
            out.print(ParityTable.markdown(options.targets(), results.rows()));
        }
        out.print(ParityTable.counts(options.targets(), results.rows()));
        out.flush();
        return 0;
    }

    private static void keep(Options options, String spec, ParityRun.Result result) throws IOException {
        if (!options.output().toString().isEmpty()) {
            Files.createDirectories(options.output());
            Files.writeString(
                    options.output().resolve(result.tool() + "." + spec.replaceAll("[^a-z0-9]+", "-") + ".txt"),
                    result.text());
        }
    }

    private static String line(ParityRun.Result result, String spec) {
        return String.format(
                "%-14s %-10s -h %-3s compiles %-3s loads %-3s attached %-3d lines %-5d records %-6d check %s %s",
                result.tool(),
                spec,
                ParityResults.mark(result.help()),
                ParityResults.mark(result.compiles()),
                ParityResults.mark(result.loads()),
                result.attached(),
                result.output(),
                result.records(),
                result.check().isEmpty() ? "-" : result.check(),
                result.why());
    }
}
