package skep.jupyter.protocol;

import java.util.Collection;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** JSON values of messages. */
public final class Json {
    private static final JsonMapper MAPPER = new JsonMapper();

    private Json() {}

    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /** An array of strings. */
    public static JsonNode strings(Collection<String> values) {
        var array = JsonNodeFactory.instance.arrayNode();
        values.forEach(array::add);
        return array;
    }

    /** An object of one level whose values are strings, numbers, booleans, lists or maps of them, or JSON. */
    public static ObjectNode of(Map<String, ?> members) {
        return MAPPER.valueToTree(members);
    }

    /**
     * Reads an object.
     *
     * @throws ProtocolException if the bytes are something else
     */
    static ObjectNode readObject(byte[] bytes) {
        try {
            if (MAPPER.readTree(bytes) instanceof ObjectNode object) {
                return object;
            }
        } catch (JacksonException e) {
            throw new ProtocolException("not JSON: " + e.getOriginalMessage());
        }
        throw new ProtocolException("a JSON object was expected");
    }

    static byte[] write(JsonNode value) {
        return MAPPER.writeValueAsBytes(value);
    }

    static String text(JsonNode object, String member) {
        return object.path(member).asString("");
    }
}
