package skep.jupyter.protocol;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;
import tools.jackson.databind.node.ObjectNode;

/**
 * The front end's side of the protocol, as far as tests and the training of the start-up cache need it. Blocking; belongs
 * to one thread.
 */
public final class Client implements AutoCloseable {
    /** Which socket. */
    public enum Channel {
        SHELL,
        CONTROL,
        STDIN,
        IOPUB,
        HEARTBEAT
    }

    private final ZContext context = new ZContext();
    private final WireFormat wire;
    private final List<ZMQ.Socket> sockets = new ArrayList<>();
    private final String session = UUID.randomUUID().toString();

    public Client(ConnectionFile connection) {
        wire = new WireFormat(connection.keyBytes());
        for (var channel : Channel.values()) {
            var socket = context.createSocket(
                    switch (channel) {
                        case SHELL, CONTROL, STDIN -> SocketType.DEALER;
                        case IOPUB -> SocketType.SUB;
                        case HEARTBEAT -> SocketType.REQ;
                    });
            socket.setLinger(0);
            // A front end uses one identity on all channels: the kernel asks on stdin whom it heard on shell.
            if (channel == Channel.SHELL || channel == Channel.STDIN || channel == Channel.CONTROL) {
                socket.setIdentity(session.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            }
            socket.connect(connection.address(
                    switch (channel) {
                        case SHELL -> connection.shellPort();
                        case CONTROL -> connection.controlPort();
                        case STDIN -> connection.stdinPort();
                        case IOPUB -> connection.iopubPort();
                        case HEARTBEAT -> connection.heartbeatPort();
                    }));
            if (channel == Channel.IOPUB) {
                socket.subscribe(new byte[0]);
            }
            sockets.add(socket);
        }
    }

    private ZMQ.Socket socket(Channel channel) {
        return sockets.get(channel.ordinal());
    }

    /** Sends a request; returns its id, which answers carry as their parent. */
    public String send(Channel channel, String type, ObjectNode content) {
        var id = UUID.randomUUID().toString();
        var header = Json.object()
                .put("msg_id", id)
                .put("session", session)
                .put("username", "")
                .put("date", Instant.now().toString())
                .put("msg_type", type)
                .put("version", Sender.PROTOCOL_VERSION);
        sendFrames(
                channel, wire.encode(new Message(List.of(), header, Json.object(), Json.object(), content, List.of())));
        return id;
    }

    /** Sends frames as they are. */
    public void sendFrames(Channel channel, List<byte[]> frames) {
        for (int i = 0; i < frames.size(); i++) {
            socket(channel).send(frames.get(i), i < frames.size() - 1 ? ZMQ.SNDMORE : 0);
        }
    }

    /** The next message of a channel; empty if none comes in time. */
    public Optional<Message> receive(Channel channel, int timeoutMillis) {
        var socket = socket(channel);
        socket.setReceiveTimeOut(timeoutMillis);
        var first = socket.recv();
        if (first == null) {
            return Optional.empty();
        }
        var frames = new ArrayList<byte[]>(List.of(first));
        while (socket.hasReceiveMore()) {
            frames.add(socket.recv());
        }
        return Optional.of(wire.decode(frames));
    }

    /** Whether the kernel sends a heartbeat back in time. */
    public boolean isAlive(int timeoutMillis) {
        var socket = socket(Channel.HEARTBEAT);
        socket.setReceiveTimeOut(timeoutMillis);
        return socket.send("ping") && "ping".equals(socket.recvStr());
    }

    /** The next message of a channel that answers a request; others are dropped. Empty if none comes in time. */
    public Optional<Message> answer(Channel channel, String request, String type, int timeoutMillis) {
        long end = System.nanoTime() + timeoutMillis * 1_000_000L;
        while (true) {
            int left = (int) Math.max(0, (end - System.nanoTime()) / 1_000_000);
            var message = receive(channel, left);
            if (message.isEmpty()) {
                return Optional.empty();
            }
            if (message.get().type().equals(type)
                    && Json.text(message.get().parent(), "msg_id").equals(request)) {
                return message;
            }
        }
    }

    @Override
    public void close() {
        context.close();
    }
}
