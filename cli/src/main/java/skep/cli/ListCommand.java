package skep.cli;

import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import skep.session.Listing;

/** Lists probes, arguments and types ({@code -l}, {@code -lv}), and what the kernel allows ({@code --info}). */
final class ListCommand {
    private ListCommand() {}

    static int list(Arguments arguments, InputStream in, PrintStream out) {
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
                Listing.list(target, word, arguments.verbose(), out::println);
            }
        }
        return 0;
    }

    static int info(Arguments arguments, PrintStream out) {
        try (var target = ScriptCommand.openTarget(arguments)) {
            Listing.features(target, Main.VERSION, out::println);
        }
        return 0;
    }
}
