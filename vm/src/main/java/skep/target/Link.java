package skep.target;

import skep.isa.kernel.ProbeSpec;

/** An attached program. Closing it stops the probe. */
public interface Link extends AutoCloseable {
    ProbeSpec probe();

    /** How it was attached, for people: for example {@code raw tracepoint}, where that differs from what was asked. */
    String mechanism();

    @Override
    void close();
}
