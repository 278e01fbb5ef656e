package skep.cli;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs what people start most, so that the cache of loaded and linked classes made from this run serves them all. */
final class Training {
    private static final List<List<String>> COMMANDS = List.of(List.of("-h"), List.of("-e", "BEGIN { exit(); }"));

    private Training() {}

    public static void main(String[] args) {
        var out = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        InputStream in = new ByteArrayInputStream(new byte[0]);
        for (var command : COMMANDS) {
            // A command that this machine refuses has still loaded the classes it came to.
            Main.run(command, in, out, System.err);
        }
    }
}
