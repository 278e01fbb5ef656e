package skep.jupyter.protocol;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/**
 * One thing in several forms; the front end shows the richest that it can.
 *
 * @param data MIME type to text (bytes in base64), poorest first
 * @param metadata for example the size of a picture
 */
public record MimeBundle(Map<String, String> data, Map<String, ObjectNode> metadata) {
    public static final String PLAIN = "text/plain";
    public static final String HTML = "text/html";
    public static final String SVG = "image/svg+xml";
    public static final String PNG = "image/png";
    public static final String MARKDOWN = "text/markdown";

    public MimeBundle {
        // The order stays: a saved notebook is the same each time.
        data = Collections.unmodifiableMap(new LinkedHashMap<>(data));
        metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }

    public static MimeBundle plain(String text) {
        return new MimeBundle(Map.of(PLAIN, text), Map.of());
    }

    /** The same in one more form. */
    public MimeBundle with(String type, String form) {
        var more = new LinkedHashMap<>(data);
        more.put(type, form);
        return new MimeBundle(more, metadata);
    }
}
