package skep.vm.conformance;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** As much of JSON as rows of test data need: {@link #parse} gives maps, lists, strings, numbers, booleans and {@link #NULL}. */
final class Json {
    /** The value {@code null}. */
    static final Object NULL = new Object();

    private static final int MAX_DEPTH = 64;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /**
     * Parses one value.
     *
     * @throws IllegalArgumentException if the text is not JSON
     */
    static Object parse(String text) {
        var json = new Json(text);
        var value = json.value(0);
        json.blanks();
        if (json.at != text.length()) {
            throw json.bad("end");
        }
        return value;
    }

    /** Parses a value that must be an object. */
    static Map<?, ?> object(String text) {
        if (parse(text) instanceof Map<?, ?> object) {
            return object;
        }
        throw new IllegalArgumentException("a row is a JSON object");
    }

    static Optional<String> string(Map<?, ?> object, String key) {
        return object.get(key) instanceof String value ? Optional.of(value) : Optional.empty();
    }

    static int integer(Map<?, ?> object, String key) {
        return object.get(key) instanceof Number value ? value.intValue() : 0;
    }

    /** The text as a JSON string. */
    static String quote(String text) {
        var out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append("\\u%04x".formatted((int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    private Object value(int depth) {
        blanks();
        if (depth > MAX_DEPTH) {
            throw bad("less nesting");
        }
        if (at == text.length()) {
            throw bad("a value");
        }
        return switch (text.charAt(at)) {
            case '{' -> object(depth);
            case '[' -> list(depth);
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", NULL);
            default -> number();
        };
    }

    private Map<String, Object> object(int depth) {
        var members = new LinkedHashMap<String, Object>();
        at++;
        blanks();
        if (take('}')) {
            return members;
        }
        do {
            blanks();
            var key = string();
            blanks();
            expect(':');
            members.put(key, value(depth + 1));
            blanks();
        } while (take(','));
        expect('}');
        return members;
    }

    private List<Object> list(int depth) {
        var items = new ArrayList<Object>();
        at++;
        blanks();
        if (take(']')) {
            return items;
        }
        do {
            items.add(value(depth + 1));
            blanks();
        } while (take(','));
        expect(']');
        return items;
    }

    private String string() {
        expect('"');
        var out = new StringBuilder();
        while (at < text.length() && text.charAt(at) != '"') {
            char c = text.charAt(at++);
            out.append(c == '\\' ? escape() : c);
        }
        expect('"');
        return out.toString();
    }

    private char escape() {
        if (at == text.length()) {
            throw bad("an escape");
        }
        char c = text.charAt(at++);
        return switch (c) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'u' -> {
                if (at + 4 > text.length()) {
                    throw bad("four digits");
                }
                at += 4;
                try {
                    yield (char) Integer.parseInt(text.substring(at - 4, at), 16);
                } catch (NumberFormatException _) {
                    throw bad("four digits");
                }
            }
            default -> c;
        };
    }

    private Number number() {
        int start = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        var digits = text.substring(start, at);
        try {
            return digits.matches("-?\\d+") ? (Number) Long.valueOf(digits) : (Number) Double.valueOf(digits);
        } catch (NumberFormatException _) {
            throw bad("a value");
        }
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw bad("a value");
        }
        at += word.length();
        return value;
    }

    private void blanks() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }

    private boolean take(char c) {
        if (at < text.length() && text.charAt(at) == c) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(char c) {
        if (!take(c)) {
            throw bad("'" + c + "'");
        }
    }

    private IllegalArgumentException bad(String expected) {
        return new IllegalArgumentException("expected " + expected + " at column " + (at + 1));
    }
}
