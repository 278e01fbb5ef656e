package skep.jupyter.protocol;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * The language behind the protocol.
 *
 * <p>{@link #execute} is called on the cell thread, one cell at a time. {@link #complete}, {@link #inspect} and
 * {@link #isComplete} are called on another thread, also while a cell runs. {@link #interrupt} is called on the control
 * thread while a cell runs.
 */
public interface Kernel extends AutoCloseable {
    /** What front ends show and how they colour cells. */
    Description description();

    /** Runs a cell. What it shows goes to {@code output} as it happens; what it throws becomes an internal error. */
    Outcome execute(Request request, CellOutput output);

    Completions complete(String code, int cursor);

    /** @param detail 0: signature and a sentence, 1: all that is known */
    Optional<MimeBundle> inspect(String code, int cursor, int detail);

    Completeness isComplete(String code);

    /** Asks the running cell to end soon with what it has; returns at once. */
    void interrupt();

    /** The value of an expression that a client wants to be told after each cell; empty if it has none. */
    default Optional<MimeBundle> evaluate(String expression) {
        return Optional.empty();
    }

    /** A front end opened a comm. Returns who receives its messages; empty: there is no such target. */
    default Optional<CommHandler> openComm(String target, Comm comm, ObjectNode data) {
        return Optional.empty();
    }

    /** Ends all that runs and frees it. */
    @Override
    void close();

    /**
     * What a front end is told about the kernel.
     *
     * @param mimeType of cells
     * @param highlighter name of a CodeMirror mode
     * @param lexer name of a Pygments lexer
     * @param helpLinks title to address
     */
    record Description(
            String implementation,
            String version,
            String language,
            String languageVersion,
            String mimeType,
            String fileExtension,
            String highlighter,
            String lexer,
            String banner,
            Map<String, String> helpLinks) {}

    /**
     * A cell to run.
     *
     * @param count its number, shown in brackets beside it
     * @param silent nothing is to be shown
     * @param allowInput whether the user can be asked
     */
    record Request(String code, int count, boolean silent, boolean allowInput) {}

    /** How a cell ended. */
    sealed interface Outcome {
        /** Well; pages are texts for the front end's pager. */
        record Done(List<MimeBundle> pages) implements Outcome {
            public static final Done PLAIN = new Done(List.of());
        }

        /**
         * Not well.
         *
         * @param name of the kind of error
         * @param traceback lines for the reader, with ANSI colours
         */
        record Failed(String name, String value, List<String> traceback) implements Outcome {}
    }

    /** What may stand between two positions of a text, counted in UTF-16 units. */
    record Completions(List<String> matches, int start, int end) {}

    /** Whether a text can be run, as a console asks after Enter. */
    sealed interface Completeness {
        record Complete() implements Completeness {}

        /** More must follow, indented so. */
        record Incomplete(String indent) implements Completeness {}

        /** However it goes on, it is wrong. */
        record Invalid() implements Completeness {}
    }

    /** An open comm, to send on; thread-safe. */
    interface Comm {
        String id();

        void send(ObjectNode data);

        void close(ObjectNode data);
    }

    /** Receives what comes in on a comm. */
    interface CommHandler {
        void message(ObjectNode data);

        void closed(ObjectNode data);
    }
}
