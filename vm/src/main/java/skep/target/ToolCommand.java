package skep.target;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;

/**
 * A subcommand that a module of the machine adds to the command line without the command line knowing it, for example
 * {@code vm conformance}; found by {@link java.util.ServiceLoader}.
 */
public interface ToolCommand {
    /** The words that select it, separated by one space. */
    String name();

    /** One line for {@code --help}, then usage lines if there are options. */
    String summary();

    /** Whether it is meant, where several commands share a name: one runs object files, another C files. */
    default boolean accepts(List<String> arguments) {
        return true;
    }

    /** Whether it answers {@code -h} itself; for the others the summary is printed. */
    default boolean hasUsage() {
        return false;
    }

    /**
     * Runs to the end.
     *
     * @param arguments what follows the name
     * @return the exit status: 0 done, 1 the input was at fault, 2 the arguments were
     */
    int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err);

    /**
     * What to run, as lists of arguments, when the start-up cache is trained: short runs of what people start most. What
     * they print is thrown away.
     */
    default List<List<String>> trainingRuns() {
        return List.of();
    }
}
