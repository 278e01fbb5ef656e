package skep.target;

import java.util.OptionalInt;
import skep.isa.kernel.ProbeSpec;

/** An attached program. Closing it stops the probe. */
public interface Link extends AutoCloseable {
    ProbeSpec probe();

    /** How it was attached, for people: for example {@code raw tracepoint}, where that differs from what was asked. */
    String mechanism();

    /** The descriptor that this process reads packets from, for links that are sockets of its own. */
    default OptionalInt socket() {
        return OptionalInt.empty();
    }

    @Override
    void close();
}
