package skep.dsl.parse;

/**
 * The integers of the language: decimal, {@code 0x}, octal, {@code 1e6}, {@code 1_000}, C suffixes, durations (in
 * nanoseconds).
 *
 * @param flags of {@link Token}
 * @param problem what is wrong with it, or empty
 */
public record IntegerLiteral(long value, int flags, String problem) {
    private static final String[] DURATIONS = {"ns", "us", "ms", "s", "m", "h", "d"};
    private static final long[] NANOS = {
        1, 1_000, 1_000_000, 1_000_000_000L, 60_000_000_000L, 3_600_000_000_000L, 86_400_000_000_000L
    };

    /** Takes a word that starts with a digit. */
    public static IntegerLiteral parse(String word) {
        int radix = 10;
        int from = 0;
        if (word.startsWith("0x") || word.startsWith("0X")) {
            radix = 16;
            from = 2;
        } else if (word.length() > 1 && word.charAt(0) == '0' && Lexer.isDigit(word.charAt(1))) {
            radix = 8;
            from = 1;
        }
        int end = from;
        long value = 0;
        boolean overflow = false;
        while (end < word.length() && (Character.digit(word.charAt(end), radix) >= 0 || word.charAt(end) == '_')) {
            if (word.charAt(end) != '_') {
                int digit = Character.digit(word.charAt(end), radix);
                overflow |= Long.compareUnsigned(value, Long.divideUnsigned(-1L - digit, radix)) > 0;
                value = value * radix + digit;
            }
            end++;
        }
        if (end == from || from == 2 && word.length() == 2) {
            return problem("invalid integer: " + word);
        }
        var digits = word.substring(from, end);
        var rest = word.substring(end);
        if (digits.endsWith("_")) {
            return problem(
                    rest.isEmpty() ? "trailing underscore in integer literal" : "invalid trailing bytes: " + word);
        }
        if (overflow) {
            return problem("overflow error, maximum value is 18446744073709551615: " + word);
        }
        if (radix == 10 && (rest.startsWith("e") || rest.startsWith("E"))) {
            return exponent(word, digits, value, rest.substring(1));
        }
        return suffixed(word, value, rest);
    }

    private static IntegerLiteral exponent(String word, String digits, long coefficient, String rest) {
        int end = 0;
        long power = 0;
        while (end < rest.length() && (Lexer.isDigit(rest.charAt(end)) || rest.charAt(end) == '_')) {
            if (rest.charAt(end) != '_') {
                power = Math.min(power * 10 + rest.charAt(end) - '0', 1000);
            }
            end++;
        }
        if (end == 0) {
            return problem("invalid trailing bytes: " + word);
        }
        if (rest.endsWith("_")) {
            return problem("trailing underscore in integer literal");
        }
        if (digits.length() != 1 || coefficient == 0) {
            return problem("coefficient part of scientific literal must be 1-9: " + word);
        }
        if (power > 16) {
            return problem("exponent will overflow integer range: " + power);
        }
        long value = coefficient;
        for (int i = 0; i < power; i++) {
            value *= 10;
        }
        return suffixed(word, value, rest.substring(end));
    }

    private static IntegerLiteral suffixed(String word, long value, String suffix) {
        int flags = value < 0 ? Token.UNSIGNED : 0;
        if (suffix.isEmpty()) {
            return new IntegerLiteral(value, flags, "");
        }
        for (int i = 0; i < DURATIONS.length; i++) {
            if (suffix.equals(DURATIONS[i])) {
                if (Long.compareUnsigned(value, Long.divideUnsigned(-1L, NANOS[i])) > 0) {
                    return problem("overflow error, maximum value is 18446744073709551615: " + word);
                }
                return new IntegerLiteral(value * NANOS[i], value * NANOS[i] < 0 ? Token.UNSIGNED : 0, "");
            }
        }
        return switch (suffix.toLowerCase(java.util.Locale.ROOT)) {
            case "u", "ul", "ull", "lu", "llu" -> new IntegerLiteral(value, flags | Token.UNSIGNED | Token.PINNED, "");
            case "l", "ll" -> new IntegerLiteral(value, flags | Token.PINNED, "");
            default -> problem("invalid trailing bytes: " + word);
        };
    }

    private static IntegerLiteral problem(String text) {
        return new IntegerLiteral(0, 0, text);
    }
}
