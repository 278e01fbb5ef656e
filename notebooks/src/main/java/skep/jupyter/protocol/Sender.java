package skep.jupyter.protocol;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.node.ObjectNode;

/** Makes the messages that a kernel sends, and posts them. Thread-safe. */
final class Sender {
    static final String PROTOCOL_VERSION = "5.4";

    private final Outbox outbox;
    private final String session = UUID.randomUUID().toString();
    private final String user = System.getProperty("user.name", "");

    Sender(Outbox outbox) {
        this.outbox = outbox;
    }

    /** Answers a request on the channel that it came by. */
    void reply(Outbox.Channel channel, Message request, String type, ObjectNode content) {
        outbox.post(channel, message(request.identities(), request, type, content));
    }

    /** Tells all front ends, on behalf of a request. */
    void broadcast(Message parent, String type, ObjectNode content) {
        outbox.post(
                Outbox.Channel.IOPUB, message(List.of(type.getBytes(StandardCharsets.UTF_8)), parent, type, content));
    }

    void status(Message parent, String state) {
        broadcast(parent, "status", Json.object().put("execution_state", state));
    }

    Message message(List<byte[]> identities, Message parent, String type, ObjectNode content) {
        return new Message(identities, header(type), parent.header(), Json.object(), content, List.of());
    }

    /** The first message that a new subscriber of iopub sees. */
    Message welcome(byte[] subscription) {
        var type = "iopub_welcome";
        return new Message(
                List.of(subscription.length == 0 ? type.getBytes(StandardCharsets.UTF_8) : subscription),
                header(type),
                Json.object(),
                Json.object(),
                Json.object().put("subscription", new String(subscription, StandardCharsets.UTF_8)),
                List.of());
    }

    private ObjectNode header(String type) {
        return Json.object()
                .put("msg_id", UUID.randomUUID().toString())
                .put("session", session)
                .put("username", user)
                .put("date", Instant.now().truncatedTo(ChronoUnit.MICROS).toString())
                .put("msg_type", type)
                .put("version", PROTOCOL_VERSION);
    }
}
