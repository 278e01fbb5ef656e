package skep.dsl;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Just enough JSON to read test data: objects, arrays, strings, numbers, booleans; null is left out. */
public final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** Maps, lists, strings, longs, doubles and booleans; nulls become empty optionals. */
    public static Object parse(String text) {
        return new Json(text).value();
    }

    @SuppressWarnings("unchecked")
    public static Map<String, Object> object(String text) {
        return (Map<String, Object>) parse(text);
    }

    /** A string member, or an empty string if it is absent or null. */
    public static String string(Map<String, Object> object, String name) {
        return object.get(name) instanceof String s ? s : "";
    }

    private void blank() {
        while (at < text.length() && text.charAt(at) <= ' ') {
            at++;
        }
    }

    private Object value() {
        blank();
        return switch (text.charAt(at)) {
            case '{' -> members();
            case '[' -> elements();
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", Optional.empty());
            default -> number();
        };
    }

    private Object word(String word, Object value) {
        at += word.length();
        return value;
    }

    private Object number() {
        int from = at;
        while (at < text.length() && "+-0123456789.eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        var digits = text.substring(from, at);
        return digits.matches("-?\\d+") ? (Object) Long.parseLong(digits) : (Object) Double.parseDouble(digits);
    }

    private Map<String, Object> members() {
        var members = new LinkedHashMap<String, Object>();
        at++;
        blank();
        while (text.charAt(at) != '}') {
            blank();
            var name = string();
            blank();
            at++;
            members.put(name, value());
            blank();
            if (text.charAt(at) == ',') {
                at++;
            }
            blank();
        }
        at++;
        return members;
    }

    private List<Object> elements() {
        var elements = new ArrayList<Object>();
        at++;
        blank();
        while (text.charAt(at) != ']') {
            elements.add(value());
            blank();
            if (text.charAt(at) == ',') {
                at++;
            }
            blank();
        }
        at++;
        return elements;
    }

    private String string() {
        var value = new StringBuilder();
        at++;
        while (text.charAt(at) != '"') {
            char c = text.charAt(at++);
            if (c != '\\') {
                value.append(c);
                continue;
            }
            char escaped = text.charAt(at++);
            switch (escaped) {
                case 'n' -> value.append('\n');
                case 't' -> value.append('\t');
                case 'r' -> value.append('\r');
                case 'b' -> value.append('\b');
                case 'f' -> value.append('\f');
                case 'u' -> {
                    value.append((char) Integer.parseInt(text, at, at + 4, 16));
                    at += 4;
                }
                default -> value.append(escaped);
            }
        }
        at++;
        return value.toString();
    }
}
