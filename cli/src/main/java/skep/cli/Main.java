package skep.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import skep.cli.Arguments.UsageException;
import skep.session.ScriptException;
import skep.target.TargetException;
import skep.target.ToolCommand;

/** The entry of the {@code skep} command. */
public final class Main {
    static final String VERSION = "0.1.0";

    private static final int OUTPUT_BYTES = 1 << 16;

    private Main() {}

    /** Runs the command and ends the process with its status. */
    private static final List<List<String>> HELP = List.of(List.of("-h"), List.of("--help"), List.of("help"));

    public static void main(String[] args) {
        // Buffered, flushed where it matters; always UTF-8, whatever the locale says.
        var out = new PrintStream(
                new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), OUTPUT_BYTES),
                false,
                StandardCharsets.UTF_8);
        var err = new PrintStream(new FileOutputStream(FileDescriptor.err), false, StandardCharsets.UTF_8);
        nameThread();
        int status = run(List.of(args), System.in, out, err);
        // Everything is closed and flushed; the way through System.exit starts the JDK's logging, which takes 20 ms.
        Runtime.getRuntime().halt(status);
    }

    // Scripts see the tracer as "skep", not as "java": comm in begin and end, and lists of processes.
    private static void nameThread() {
        for (var file : List.of("/proc/thread-self/comm", "/proc/self/comm")) {
            try (var comm = new FileOutputStream(file)) {
                comm.write("skep".getBytes(StandardCharsets.US_ASCII));
            } catch (IOException e) {
                // Not on Linux: then nobody asks.
            }
        }
    }

    /** Runs the command; returns the exit status: 0 done, 1 the script or the system was at fault, or what the script said. */
    public static int run(List<String> args, InputStream in, PrintStream out, PrintStream err) {
        try {
            if (!args.isEmpty() && args.getFirst().equals("repl")) {
                return Repl.runWithLanguages(args.subList(1, args.size()), in, out, err);
            }
            if (!args.isEmpty() && isToolWord(args.getFirst()) && !args.equals(List.of("help"))) {
                return runTool(args, in, out, err);
            }
            var arguments = CommandLineParser.parse(args.equals(List.of("help")) ? List.of("--help") : args);
            return switch (arguments.mode()) {
                case HELP -> {
                    out.print(CommandLineParser.help());
                    out.print(CommandLineParser.languageHelp());
                    printTools(out);
                    yield 0;
                }
                case VERSION -> {
                    out.println("skep " + VERSION);
                    yield 0;
                }
                case RUN, TEST, BENCH -> new ScriptCommand(arguments, in, out, err).run();
                case LIST -> ListCommand.list(arguments, in, out, err);
                case INFO -> ListCommand.info(arguments, out);
                case REPL -> Repl.run(arguments, out, err);
                case FORMAT -> FormatCommand.run(arguments, in, out);
            };
        } catch (UsageException | TargetException e) {
            err.println("ERROR: " + e.getMessage());
            return 1;
        } catch (ScriptException e) {
            err.println(e.getMessage());
            return 1;
        } finally {
            out.flush();
            err.flush();
        }
    }

    /** A bare word that is no script at hand selects a tool. */
    private static boolean isToolWord(String word) {
        return !word.isEmpty()
                && word.chars().allMatch(c -> c >= 'a' && c <= 'z' || c == '-')
                && word.charAt(0) != '-'
                && !Files.isRegularFile(Path.of(word));
    }

    private static int runTool(List<String> args, InputStream in, PrintStream out, PrintStream err) {
        var tools = tools();
        for (var tool : tools) {
            var words = Arrays.asList(tool.name().split(" "));
            if (args.size() >= words.size()
                    && args.subList(0, words.size()).equals(words)
                    && tool.accepts(args.subList(words.size(), args.size()))) {
                if (HELP.contains(args.subList(words.size(), args.size())) && !tool.hasUsage()) {
                    out.println("skep " + tool.name() + ": " + tool.summary());
                    return 0;
                }
                return tool.run(args.subList(words.size(), args.size()), in, out, err);
            }
        }
        var near = tools.stream()
                .filter(tool -> tool.name().startsWith(args.getFirst() + " "))
                .toList();
        if (near.isEmpty()) {
            throw new UsageException("failed to open file '" + args.getFirst() + "': No such file or directory");
        }
        err.println("ERROR: " + args.getFirst() + " wants one of:");
        near.forEach(tool -> err.println("  skep " + tool.name() + "  " + firstLine(tool.summary())));
        return 2;
    }

    private static void printTools(PrintStream out) {
        var tools = tools();
        if (!tools.isEmpty()) {
            out.println("\nTools:");
            tools.forEach(tool -> out.printf("  %-20s %s%n", tool.name(), firstLine(tool.summary())));
        }
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("");
    }

    /** The longest names first, so that the most specific one wins. */
    private static List<ToolCommand> tools() {
        return ServiceLoader.load(ToolCommand.class).stream()
                .map(ServiceLoader.Provider::get)
                .sorted(Comparator.comparing((ToolCommand tool) -> -tool.name().length())
                        .thenComparing(ToolCommand::name))
                .toList();
    }
}
