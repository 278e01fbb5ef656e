package skep.target;

import java.util.OptionalInt;

/** A process that a session started in order to trace it. Closing it ends it if it still runs. */
public interface TracedProcess extends AutoCloseable {
    int pid();

    /** Lets the command run; called once all probes are attached. */
    void start();

    /** The exit status, once it has ended (128 + signal number when a signal ended it). */
    OptionalInt exitStatus();

    @Override
    void close();
}
