package skep.jupyter.cell;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A cell, taken apart.
 *
 * <pre>
 * cell  = { line magic } [ "%%" name { argument } newline ] { line magic } body
 * line magic = "%" name { argument } newline
 * </pre>
 *
 * @param language the name after {@code %%}; empty for the default
 * @param arguments the words behind it
 * @param magics the line magics above the body, in order
 * @param body the text to run, with one empty line for each line taken away, so that line numbers in messages are the cell's
 */
public record Cell(Optional<String> language, List<String> arguments, List<Magic> magics, String body) {
    private static final Pattern MAGIC_LINE = Pattern.compile("(%%?)([A-Za-z][\\w-]*)(?:[ \\t]+(.*))?");

    /** {@code %name rest}. */
    public record Magic(String name, String rest) {}

    public Cell {
        arguments = List.copyOf(arguments);
        magics = List.copyOf(magics);
    }

    /** {@code %%time} is a line magic in effect: it may stand above another {@code %%}. */
    private static boolean isModifier(String name) {
        return name.equals("time");
    }

    public static Cell parse(String text) {
        Optional<String> language = Optional.empty();
        List<String> arguments = List.of();
        var magics = new ArrayList<Magic>();
        var lines = text.split("\n", -1);
        int taken = 0;
        for (; taken < lines.length; taken++) {
            var line = lines[taken].strip();
            var match = MAGIC_LINE.matcher(line);
            if (line.isEmpty()) {
                continue;
            }
            if (!match.matches()) {
                break;
            }
            var rest = match.group(3) == null ? "" : match.group(3).strip();
            if (match.group(1).equals("%") || isModifier(match.group(2))) {
                magics.add(new Magic(match.group(2), rest));
            } else if (language.isEmpty()) {
                language = Optional.of(match.group(2));
                arguments = rest.isEmpty() ? List.of() : List.of(rest.split("\\s+"));
            } else {
                break;
            }
        }
        var body = new StringBuilder("\n".repeat(taken));
        for (int i = taken; i < lines.length; i++) {
            body.append(lines[i]).append(i < lines.length - 1 ? "\n" : "");
        }
        return new Cell(language, arguments, magics, body.toString());
    }

    /** Whether there is anything to run. */
    public boolean isEmpty() {
        return body.isBlank();
    }
}
