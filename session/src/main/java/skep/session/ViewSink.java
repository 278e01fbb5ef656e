package skep.session;

import skep.session.view.View;

/** Receives what a session shows, on the thread that runs the session. */
@FunctionalInterface
public interface ViewSink {
    void accept(View view);

    /** Nothing more is at hand for now: what is buffered should be seen. */
    default void batchEnds() {}
}
