package skep.jupyter.cell;

import java.util.Optional;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;

/**
 * A language that cells may be written in; found by {@link java.util.ServiceLoader}. One instance lives as long as the
 * kernel, and keeps its state from cell to cell.
 */
public interface CellLanguage extends AutoCloseable {
    /** The word after {@code %%}. */
    String name();

    /** One line for {@code %lsmagic}. */
    String title();

    /** Called once, before anything else. */
    void open(Workspace workspace);

    /** Runs a cell's body, on the cell thread. */
    Kernel.Outcome run(Cell cell, CellOutput output);

    /** Also while a cell runs. */
    Kernel.Completions complete(String body, int cursor);

    /** Also while a cell runs. */
    Optional<MimeBundle> inspect(String body, int cursor, int detail);

    Kernel.Completeness isComplete(String body);

    /** Asks {@link #run} to end soon with what it has; from another thread; nothing if it does not run. */
    void interrupt();

    @Override
    void close();
}
