package skep.session;

import skep.session.view.View;

/** Receives what a session shows, on the thread that runs the session. */
@FunctionalInterface
public interface ViewSink {
    void accept(View view);

    /** Whether a picture that says little in characters, a flame graph, is drawn here: else it is written to a file. */
    default boolean drawsPictures() {
        return false;
    }

    /** Whether all maps are wanted with {@link View.Ending}, those too that are not printed. */
    default boolean keepsMaps() {
        return false;
    }

    /** Nothing more is at hand for now: what is buffered should be seen. */
    default void batchEnds() {}
}
