package skep.dsl;

import java.util.ArrayList;
import java.util.List;

/**
 * A format string, taken apart. {@code %%} is a literal; every {@link Verb} takes the next argument.
 *
 * @param text the whole string as the script wrote it, escapes resolved
 */
public record Format(String text, List<Piece> pieces) {
    public Format {
        pieces = List.copyOf(pieces);
    }

    /** A stretch of a format string. */
    public sealed interface Piece {}

    /** Text that is printed as it stands. */
    public record Literal(String text) implements Piece {}

    /**
     * A conversion such as {@code %-8d}.
     *
     * @param flags any of {@code - + # 0} and space, as written
     * @param width 0 when none is given
     * @param precision -1 when none is given
     * @param length {@code ""}, {@code hh}, {@code h}, {@code l}, {@code ll}, {@code j}, {@code z} or {@code t}
     * @param conversion {@code d i u x X o c s p r} or, of several letters, {@code rx rh gr}
     * @param offset where the {@code %} stands in the text
     */
    public record Verb(String flags, int width, int precision, String length, String conversion, int offset)
            implements Piece {
        /** The conversion as written. */
        public String display() {
            return "%"
                    + flags
                    + (width > 0 ? width : "")
                    + (precision >= 0 ? "." + precision : "")
                    + length
                    + conversion;
        }
    }

    public List<Verb> verbs() {
        var verbs = new ArrayList<Verb>();
        for (var piece : pieces) {
            if (piece instanceof Verb verb) {
                verbs.add(verb);
            }
        }
        return verbs;
    }

    /** Takes a format apart. Anything that is no conversion stays literal; {@link #malformed} tells where. */
    public static Format parse(String text) {
        var pieces = new ArrayList<Piece>();
        var literal = new StringBuilder();
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c != '%') {
                literal.append(c);
                i++;
                continue;
            }
            if (i + 1 < text.length() && text.charAt(i + 1) == '%') {
                literal.append('%');
                i += 2;
                continue;
            }
            int end = verbEnd(text, i);
            if (end < 0) {
                literal.append(c);
                i++;
                continue;
            }
            if (!literal.isEmpty()) {
                pieces.add(new Literal(literal.toString()));
                literal.setLength(0);
            }
            pieces.add(verb(text, i, end));
            i = end;
        }
        if (!literal.isEmpty()) {
            pieces.add(new Literal(literal.toString()));
        }
        return new Format(text, pieces);
    }

    /** The offset of a {@code %} that starts no conversion, or -1. */
    public static int malformed(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) != '%') {
                continue;
            }
            if (i + 1 < text.length() && text.charAt(i + 1) == '%') {
                i++;
                continue;
            }
            if (verbEnd(text, i) < 0) {
                return i;
            }
        }
        return -1;
    }

    private static int verbEnd(String text, int percent) {
        int i = percent + 1;
        while (i < text.length() && "-+ #0".indexOf(text.charAt(i)) >= 0) {
            i++;
        }
        i = digitsEnd(text, i);
        if (i < text.length() && text.charAt(i) == '.') {
            i = digitsEnd(text, i + 1);
        }
        i = lengthEnd(text, i);
        if (i >= text.length()) {
            return -1;
        }
        char c = text.charAt(i);
        if (c == 'r') {
            return i + 1 < text.length() && (text.charAt(i + 1) == 'x' || text.charAt(i + 1) == 'h') ? i + 2 : i + 1;
        }
        if (c == 'g') {
            return i + 1 < text.length() && text.charAt(i + 1) == 'r' ? i + 2 : -1;
        }
        return "diuxXocspfeg".indexOf(c) >= 0 ? i + 1 : -1;
    }

    private static int digitsEnd(String text, int from) {
        int i = from;
        while (i < text.length() && text.charAt(i) >= '0' && text.charAt(i) <= '9') {
            i++;
        }
        return i;
    }

    private static int lengthEnd(String text, int from) {
        int i = from;
        while (i < text.length() && "hlLqjzt".indexOf(text.charAt(i)) >= 0) {
            i++;
        }
        return i;
    }

    private static Verb verb(String text, int percent, int end) {
        int i = percent + 1;
        int flagsFrom = i;
        while ("-+ #0".indexOf(text.charAt(i)) >= 0) {
            i++;
        }
        var flags = text.substring(flagsFrom, i);
        int widthEnd = digitsEnd(text, i);
        int width = number(text, i, widthEnd);
        i = widthEnd;
        int precision = -1;
        if (text.charAt(i) == '.') {
            int precisionEnd = digitsEnd(text, i + 1);
            precision = number(text, i + 1, precisionEnd);
            i = precisionEnd;
        }
        int lengthEnd = lengthEnd(text, i);
        return new Verb(flags, width, precision, text.substring(i, lengthEnd), text.substring(lengthEnd, end), percent);
    }

    private static int number(String text, int from, int to) {
        int value = 0;
        for (int i = from; i < to; i++) {
            value = Math.min(value * 10 + text.charAt(i) - '0', 1 << 20);
        }
        return value;
    }
}
