package skep.jupyter.protocol;

import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One message.
 *
 * @param identities routing prefix: for a request who asked, for a broadcast its topic
 * @param header what it is ({@code msg_type}) and who sent it
 * @param parent header of the message that led to it; empty object if none
 * @param buffers raw bytes behind the content
 */
public record Message(
        List<byte[]> identities,
        ObjectNode header,
        ObjectNode parent,
        ObjectNode metadata,
        ObjectNode content,
        List<byte[]> buffers) {
    public Message {
        identities = List.copyOf(identities);
        buffers = List.copyOf(buffers);
    }

    public String type() {
        return Json.text(header, "msg_type");
    }

    public String id() {
        return Json.text(header, "msg_id");
    }

    /** A member of the content; a missing node if there is none. */
    public JsonNode content(String member) {
        return content.path(member);
    }

    String string(String member) {
        return Json.text(content, member);
    }
}
