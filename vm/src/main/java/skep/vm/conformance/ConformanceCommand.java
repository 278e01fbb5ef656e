package skep.vm.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import skep.target.ToolCommand;
import skep.vm.conformance.RowRunner.Verdict;

/** {@code skep vm conformance [--backend B] FILE…}. */
public final class ConformanceCommand implements ToolCommand {
    @Override
    public String name() {
        return "vm conformance";
    }

    @Override
    public String summary() {
        return """
                runs the programs of a test suite and compares their results
                usage: skep vm conformance [--backend NAME] FILE…
                FILE holds one JSON object a line, plain or gzip: rows of bpf_conformance or of Linux's lib/test_bpf.c.
                Prints a JSON line a row (name, ok, r0 or error, us) and a line of totals.
                """;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        try {
            var options = Options.parse(arguments, Set.of(Options.BACKEND));
            if (options.words().isEmpty()) {
                throw new IllegalArgumentException("a file of rows is needed");
            }
            var runner = new RowRunner(options.backend());
            var counts = new int[Verdict.values().length];
            for (var file : options.words()) {
                run(Path.of(file), runner, counts, out);
            }
            int right = counts[Verdict.RIGHT.ordinal()];
            int refused = counts[Verdict.REFUSED.ordinal()];
            int wrong = counts[Verdict.WRONG.ordinal()];
            out.println(right + " right, " + refused + " refused, " + wrong + " wrong of " + (right + refused + wrong));
            return refused + wrong == 0 ? 0 : 1;
        } catch (IllegalArgumentException e) {
            err.println("vm conformance: " + e.getMessage());
            return 2;
        } catch (IOException e) {
            err.println("vm conformance: cannot read " + e.getMessage());
            return 2;
        }
    }

    private static void run(Path file, RowRunner runner, int[] counts, PrintStream out) throws IOException {
        for (var row : TestRow.read(file)) {
            var outcome = runner.run(row);
            counts[outcome.verdict().ordinal()]++;
            var line = new StringBuilder("{\"name\": ")
                    .append(Json.quote(row.name()))
                    .append(", \"ok\": ")
                    .append(outcome.verdict() == Verdict.RIGHT);
            outcome.r0()
                    .ifPresent(r0 -> line.append(", \"r0\": \"0x")
                            .append(Long.toHexString(r0))
                            .append('"'));
            outcome.error().ifPresent(error -> line.append(", \"error\": ").append(Json.quote(error)));
            out.println(line.append(", \"us\": ").append(outcome.micros()).append('}'));
        }
    }
}
