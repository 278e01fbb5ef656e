package skep.tools;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The shape of a tool's output: a regular expression a line, in order; a line {@code ...} stands for any lines, also none.
 *
 * @param lines without the settings at the head of the file
 */
public record Expectation(List<String> lines) {
    private static final String ANY = "...";

    public Expectation {
        lines = List.copyOf(lines);
    }

    /** What the output lacks, in one sentence; empty if it has the shape. */
    public Optional<String> mismatch(String output) {
        var printed = output.lines().filter(line -> !line.isBlank()).toList();
        int at = 0;
        boolean skipping = false;
        for (var line : lines) {
            if (line.equals(ANY)) {
                skipping = true;
                continue;
            }
            var pattern = Pattern.compile(line);
            int from = at;
            while (skipping && at < printed.size() && !matches(pattern, printed.get(at))) {
                at++;
            }
            if (at >= printed.size() || !matches(pattern, printed.get(at))) {
                var got = from < printed.size() ? printed.get(from) : "the end";
                return Optional.of("no line like \"" + line + "\" at line " + (from + 1) + ", where there is: " + got);
            }
            at++;
            skipping = false;
        }
        return skipping || at == printed.size()
                ? Optional.empty()
                : Optional.of("more lines than expected, from: " + printed.get(at));
    }

    private static boolean matches(Pattern pattern, String line) {
        return pattern.matcher(line.stripTrailing()).matches();
    }
}
