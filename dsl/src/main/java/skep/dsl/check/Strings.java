package skep.dsl.check;

import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import skep.dsl.parse.IntegerLiteral;

/** Text of scripts as bytes and numbers. */
public final class Strings {
    private Strings() {}

    /** The bytes of a string: characters below 256 that came from escapes stand for themselves, others are UTF-8. */
    public static byte[] bytes(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) > 0xff) {
                return text.getBytes(StandardCharsets.UTF_8);
            }
        }
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** A number as a positional parameter gives it. */
    static OptionalLong number(String text) {
        boolean negative = text.startsWith("-");
        var digits = negative ? text.substring(1) : text;
        if (digits.isEmpty() || digits.charAt(0) < '0' || digits.charAt(0) > '9') {
            return OptionalLong.empty();
        }
        var literal = IntegerLiteral.parse(digits);
        if (!literal.problem().isEmpty()) {
            return OptionalLong.empty();
        }
        return OptionalLong.of(negative ? -literal.value() : literal.value());
    }
}
