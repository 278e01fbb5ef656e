package skep.session;

import java.io.PrintStream;
import java.util.List;

/**
 * Languages that a prompt speaks beside the tracing language, over one session with shared variables. Found by
 * {@link java.util.ServiceLoader}, where the libraries for them are there. One thread, except for {@link #stop}.
 */
public interface PromptLanguages extends AutoCloseable {
    /** What a user types behind a colon: {@code py}, {@code js}, {@code java}, {@code bpf}. */
    List<String> names();

    /** A language in a few words. */
    String title(String language);

    /** Called once, before anything else. */
    void open(String target, PrintStream out, PrintStream err);

    /** Traces somewhere else from now on. */
    void setTarget(String spec);

    /** Runs a text and prints its value, or what is wrong with it; whether it went well. */
    boolean run(String language, String text);

    /**
     * Runs a script of the tracing language; its maps are variables of the others afterwards. Prints what is wrong with it.
     *
     * @return whether it went well
     */
    boolean trace(String name, String text, SessionOptions options, ViewSink sink);

    /** Whether a text can be run, or wants more lines. */
    boolean isComplete(String language, String text);

    /** Names that begin with a word. */
    List<String> complete(String language, String word);

    /** The shared variables, {@code name: what it is}. */
    List<String> variables();

    /** Ends what runs, from another thread: a trace keeps its results. */
    void stop();

    @Override
    void close();
}
