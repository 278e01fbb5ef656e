package skep.jupyter.protocol;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiConsumer;

/**
 * Messages on their way out. ZeroMQ sockets belong to one thread; others leave their messages here and wake that thread
 * through a pipe, which it polls together with its sockets. Thread-safe.
 */
final class Outbox implements AutoCloseable {
    /** Which socket a message leaves by. */
    enum Channel {
        SHELL,
        CONTROL,
        STDIN,
        IOPUB
    }

    private record Letter(Channel channel, Message message) {}

    private final ConcurrentLinkedQueue<Letter> letters = new ConcurrentLinkedQueue<>();
    private final Pipe pipe;

    Outbox() {
        try {
            pipe = Pipe.open();
            pipe.source().configureBlocking(false);
            pipe.sink().configureBlocking(false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the owner of the sockets polls for reading. */
    Pipe.SourceChannel wake() {
        return pipe.source();
    }

    void post(Channel channel, Message message) {
        letters.add(new Letter(channel, message));
        nudge();
    }

    /** Wakes the owner of the sockets. */
    void nudge() {
        try {
            // A full pipe is as good: the owner has been woken.
            pipe.sink().write(ByteBuffer.wrap(new byte[1]));
        } catch (IOException e) {
            // The pipe is closed: the server has ended and nobody listens.
        }
    }

    /** Hands over all that waits, in order; on the owner's thread. */
    void drain(BiConsumer<Channel, Message> sender) {
        try {
            var bytes = ByteBuffer.allocate(256);
            while (pipe.source().read(bytes) > 0) {
                bytes.clear();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (var letter = letters.poll(); letter != null; letter = letters.poll()) {
            sender.accept(letter.channel, letter.message);
        }
    }

    @Override
    public void close() {
        try {
            pipe.sink().close();
            pipe.source().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
