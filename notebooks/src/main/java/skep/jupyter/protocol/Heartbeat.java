package skep.jupyter.protocol;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;

/**
 * Sends back what a front end sends to see whether the kernel is alive, on a thread of its own, as it must be answered whatever
 * the kernel does. Closing it ends the thread and waits for that, so that the context is closed under nobody.
 */
final class Heartbeat implements AutoCloseable {
    private final ZMQ.Socket socket;
    private final ZMQ.Poller poller;
    private final Pipe end;
    private final Thread thread;

    /** @param socket bound; it belongs to this from now on, and is closed with it */
    Heartbeat(ZContext context, ZMQ.Socket socket) {
        this.socket = socket;
        try {
            end = Pipe.open();
            end.source().configureBlocking(false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        poller = context.createPoller(2);
        poller.register(socket, ZMQ.Poller.POLLIN);
        poller.register(end.source(), ZMQ.Poller.POLLIN);
        thread = Thread.ofPlatform().daemon().name("skep-heartbeat").start(this::echo);
    }

    private void echo() {
        while (true) {
            poller.poll();
            if (poller.pollin(1)) {
                return;
            }
            if (poller.pollin(0)) {
                socket.send(socket.recv());
            }
        }
    }

    @Override
    public void close() {
        try (var sink = end.sink();
                var _ = end.source()) {
            sink.write(ByteBuffer.wrap(new byte[1]));
            joined();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        poller.close();
        socket.close();
    }

    /** An interrupt of whoever closes does not cut it short: the thread has nothing to wait for any more. */
    private void joined() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
