package skep.jupyter.protocol;

import java.util.Optional;

/**
 * What a running cell shows and asks. All methods may be called from any thread, also after the cell's end: a background
 * trace keeps writing below the cell that started it.
 */
public interface CellOutput {
    /** Text as a program prints it. */
    void stdout(String text);

    /** Text as a program prints it on standard error. */
    void stderr(String text);

    /** The value of the cell; shown with its number. At most once a cell. */
    void result(MimeBundle bundle);

    /** Something to look at. */
    void display(MimeBundle bundle);

    /** Something to look at that {@link #update} replaces later. */
    void display(MimeBundle bundle, String displayId);

    /** Replaces what was shown under an id, wherever it stands. */
    void update(MimeBundle bundle, String displayId);

    /** Takes away what the cell has shown. @param wait only when the next output arrives, which avoids flicker */
    void clear(boolean wait);

    /**
     * Asks the user for a line; blocks.
     *
     * @return the line; empty if this front end cannot ask, or the cell was interrupted meanwhile
     */
    Optional<String> input(String prompt, boolean password);
}
