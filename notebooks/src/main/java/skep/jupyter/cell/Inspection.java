package skep.jupyter.cell;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import skep.bindings.java.TraceMap;
import skep.session.Completion;
import skep.session.Listing;

/** What a word of a script is: a probe with its arguments, a field with its type, a function with its signature, a map. */
final class Inspection {
    private static final int MAX_LINES = 60;

    private static final Pattern HEAD = Pattern.compile("([\\w.*/:-]+:[\\w.*/:-]+)[^{}]*\\{[^{}]*$");

    private final Workspace workspace;

    Inspection(Workspace workspace) {
        this.workspace = workspace;
    }

    Optional<String> at(String body, int cursor) {
        int end = Math.min(cursor, body.length());
        int start = end;
        while (start > 0 && isPart(body.charAt(start - 1))) {
            start--;
        }
        while (end < body.length() && isPart(body.charAt(end))) {
            end++;
        }
        var word = body.substring(start, end);
        // In `print(` and behind it people ask for the function.
        if (word.isBlank()) {
            int open = body.lastIndexOf('(', Math.max(0, start - 1));
            return open > 0 && body.indexOf(')', open) < 0 ? at(body.substring(0, open), open) : Optional.empty();
        }
        if (word.startsWith("args.")) {
            return field(body.substring(0, start), word.substring("args.".length()));
        }
        if (word.contains(":")) {
            return lines(probes(word));
        }
        return word.startsWith("@") ? map(word) : Completion.meaning(word);
    }

    private static boolean isPart(char c) {
        return Character.isLetterOrDigit(c) || "_:./-*@$".indexOf(c) >= 0;
    }

    private List<String> probes(String pattern) {
        var lines = new ArrayList<String>();
        Listing.list(workspace.target(), pattern, true, lines::add);
        return lines;
    }

    private static Optional<String> lines(List<String> lines) {
        if (lines.isEmpty()) {
            return Optional.empty();
        }
        var shown = String.join("\n", lines.subList(0, Math.min(MAX_LINES, lines.size())));
        return Optional.of(
                lines.size() > MAX_LINES ? shown + "\n… and " + (lines.size() - MAX_LINES) + " more lines" : shown);
    }

    /** The field of the probe in whose block the cursor stands. */
    private Optional<String> field(String before, String name) {
        var head = HEAD.matcher(before);
        if (!head.find()) {
            return Optional.empty();
        }
        return probes(head.group(1)).stream()
                .map(String::strip)
                .filter(line -> line.matches(".*\\W" + Pattern.quote(name) + "(\\W.*)?"))
                .findFirst();
    }

    private Optional<String> map(String name) {
        return workspace.variables().get(name.length() == 1 ? "maps" : name.substring(1)) instanceof TraceMap map
                ? Optional.of("the last trace's map " + name + " ("
                        + map.view().shape().name().toLowerCase(java.util.Locale.ROOT) + ", " + map.size()
                        + (map.size() == 1 ? " entry)" : " entries)") + "\n" + map)
                : Optional.empty();
    }
}
