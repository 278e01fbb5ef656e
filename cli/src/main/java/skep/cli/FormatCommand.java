package skep.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import skep.cli.Arguments.UsageException;
import skep.session.Session;

/** Prints a script laid out anew ({@code --fmt}), or writes it to the file of {@code -o}, which may be its own. */
final class FormatCommand {
    private FormatCommand() {}

    static int run(Arguments arguments, InputStream in, PrintStream out) {
        var script = ScriptCommand.read(arguments, in);
        var text = Session.formatted(script.name(), script.text());
        if (arguments.output().isEmpty()) {
            out.print(text);
            return 0;
        }
        var file = arguments.output().get();
        try {
            Files.writeString(file, text);
            return 0;
        } catch (IOException e) {
            throw new UsageException("Failed to open output file: " + file + ": " + ScriptCommand.reason(e));
        }
    }
}
