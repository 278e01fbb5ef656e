package skep.bindings.js;

import java.math.BigInteger;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import skep.bindings.java.Histogram;
import skep.bindings.java.Values;
import skep.truffle.interop.Handover;

/**
 * Values as JSON for the module {@code skep}, which knows these signs for what JSON has no form for:
 *
 * <pre>
 * integer beyond 2^53   {"$n": "18446744073709551615"}   a BigInt
 * bytes                 {"$b": "00ff"}                    a Uint8Array
 * histogram             {"$h": 3}                       what Handover gave this number
 * </pre>
 */
final class JsonText {
    private static final long MAX_SAFE = 1L << 53;

    private final StringBuilder out = new StringBuilder();

    JsonText raw(String text) {
        out.append(text);
        return this;
    }

    JsonText value(Object value) {
        switch (value) {
            case String text -> string(text);
            case Boolean b -> out.append(b.booleanValue());
            case Long l when l > -MAX_SAFE && l < MAX_SAFE -> out.append(l.longValue());
            case Long l -> out.append("{\"$n\":\"").append(l.longValue()).append("\"}");
            case BigInteger big -> out.append("{\"$n\":\"").append(big).append("\"}");
            case Double d when Double.isFinite(d) -> out.append(d.doubleValue());
            case Number n -> value(n.longValue());
            case byte[] bytes ->
                out.append("{\"$b\":\"").append(HexFormat.of().formatHex(bytes)).append("\"}");
            case List<?> list -> list(list);
            case Map<?, ?> map -> map(map);
            case Histogram histogram -> histogram(histogram);
            default -> string(value.toString());
        }
        return this;
    }

    private void list(List<?> list) {
        out.append('[');
        for (int i = 0; i < list.size(); i++) {
            if (i > 0) {
                out.append(',');
            }
            value(list.get(i));
        }
        out.append(']');
    }

    private void map(Map<?, ?> map) {
        out.append('{');
        boolean first = true;
        for (var entry : map.entrySet()) {
            if (!first) {
                out.append(',');
            }
            first = false;
            string(String.valueOf(entry.getKey()));
            out.append(':');
            value(entry.getValue());
        }
        out.append('}');
    }

    private void histogram(Histogram histogram) {
        out.append("{\"$h\":")
                .append(Handover.give(Values.toSession(histogram).orElseThrow()))
                .append('}');
    }

    private void string(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                default -> {
                    if (c < 0x20 || c == 0x2028 || c == 0x2029 || Character.isSurrogate(c)) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
