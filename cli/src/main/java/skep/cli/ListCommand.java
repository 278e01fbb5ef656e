package skep.cli;

import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import skep.session.Listing;
import skep.session.Targets;

/** Lists probes, arguments and types ({@code -l}, {@code -lv}), and what the kernel allows ({@code --info}). */
final class ListCommand {
    private ListCommand() {}

    /** What is left of a pattern without its provider and wildcards. */
    private static String core(String pattern) {
        return pattern.substring(pattern.lastIndexOf(':') + 1).replace("*", "");
    }

    static int list(Arguments arguments, InputStream in, PrintStream out, PrintStream err) {
        try (var target = ScriptCommand.openTarget(arguments)) {
            var word = arguments.file().orElse("");
            boolean script = arguments.program().isPresent() || !word.isEmpty() && Files.isRegularFile(Path.of(word));
            if (script) {
                var text = ScriptCommand.read(arguments, in);
                Listing.listScript(
                        target,
                        text.name(),
                        text.text(),
                        ScriptCommand.options(arguments),
                        arguments.verbose(),
                        out::println);
            } else {
                var count = new int[1];
                Listing.list(target, word, arguments.verbose(), arguments.pid(), line -> {
                    count[0]++;
                    out.println(line);
                });
                if (count[0] == 0) {
                    err.println("WARNING: nothing matches '" + word + "' on " + Targets.describe(target) + "\nHINT: "
                            + hint(word, arguments));
                }
            }
        }
        return 0;
    }

    private static String hint(String word, Arguments arguments) {
        boolean ofPrograms = word.startsWith("u") || word.startsWith("U");
        if (ofPrograms
                && word.endsWith(":*")
                && word.indexOf(':') == word.length() - 2
                && arguments.pid().isEmpty()) {
            return "name a program or library, or a process that has them: skep -l -p PID '" + word + "'";
        }
        return "* stands for any characters: "
                + (word.contains(" ") ? "skep -lv '" + word + "*'" : "skep -l '*" + core(word) + "*'");
    }

    static int info(Arguments arguments, PrintStream out) {
        try (var target = ScriptCommand.openTarget(arguments)) {
            Listing.features(target, Main.VERSION, out::println);
        }
        return 0;
    }
}
