package skep.jupyter.cell;

import java.util.ArrayList;
import java.util.List;
import skep.jupyter.protocol.Kernel;
import skep.session.ScriptException;

/** Errors as a front end shows them: coloured so that they can be read on light and dark. */
final class Errors {
    private static final String RED = "\u001b[31m";
    private static final String GREEN = "\u001b[32m";
    private static final String BOLD = "\u001b[1m";
    private static final String PLAIN = "\u001b[0m";

    private Errors() {}

    static Kernel.Outcome.Failed of(String name, String message) {
        return new Kernel.Outcome.Failed(name, message, List.of(RED + BOLD + "ERROR" + PLAIN + ": " + message));
    }

    static Kernel.Outcome.Failed of(ScriptException failure) {
        var lines = new ArrayList<String>();
        for (var line : failure.getMessage().split("\n")) {
            lines.add(colour(line));
        }
        return new Kernel.Outcome.Failed("ScriptError", firstLine(failure.getMessage()), lines);
    }

    private static String firstLine(String text) {
        int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end);
    }

    static String colour(String line) {
        if (line.isBlank()) {
            return line;
        }
        if (line.chars().allMatch(c -> c == '~' || c == '^' || c == ' ')) {
            return RED + line + PLAIN;
        }
        if (line.startsWith("HINT")) {
            return GREEN + line + PLAIN;
        }
        int error = line.indexOf("ERROR:");
        return error < 0
                ? line
                : line.substring(0, error) + RED + BOLD + "ERROR:" + PLAIN + line.substring(error + "ERROR:".length());
    }
}
