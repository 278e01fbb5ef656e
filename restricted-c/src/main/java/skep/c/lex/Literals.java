package skep.c.lex;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/** The values of numbers, characters and strings (C11 6.4.4 and 6.4.5). */
public final class Literals {
    private Literals() {}

    /**
     * An integer constant.
     *
     * @param unsigned whether it has the suffix {@code u} or does not fit the signed type
     * @param longs how many {@code l} its suffix has: 0, 1 or 2
     * @param decimal whether it is written in base ten
     */
    public record Integer(long value, boolean unsigned, int longs, boolean decimal) {}

    /** The integer that a preprocessing number writes, if it writes one. */
    public static Optional<Integer> integer(String text) {
        var lower = text.toLowerCase(Locale.ROOT).replace("'", "");
        int end = lower.length();
        while (end > 0 && (lower.charAt(end - 1) == 'u' || lower.charAt(end - 1) == 'l')) {
            end--;
        }
        var suffix = lower.substring(end);
        int longs = (int) suffix.chars().filter(c -> c == 'l').count();
        long us = suffix.chars().filter(c -> c == 'u').count();
        if (longs > 2 || us > 1) {
            return Optional.empty();
        }
        var digits = lower.substring(0, end);
        int radix = 10;
        if (digits.startsWith("0x")) {
            radix = 16;
            digits = digits.substring(2);
        } else if (digits.startsWith("0b")) {
            radix = 2;
            digits = digits.substring(2);
        } else if (digits.startsWith("0") && digits.length() > 1) {
            radix = 8;
            digits = digits.substring(1);
        }
        try {
            long value = Long.parseUnsignedLong(digits, radix);
            return Optional.of(new Integer(value, us == 1 || value < 0, longs, radix == 10));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /**
     * A floating constant whose value is a whole number, as a {@code long}: tools compare counts of nanoseconds with such, and
     * a comparison with the integer is the same.
     */
    public static Optional<Integer> wholeNumber(String text) {
        try {
            double value = Double.parseDouble(text);
            boolean whole = value == Math.rint(value) && Math.abs(value) < 1L << 53;
            return whole ? Optional.of(new Integer((long) value, false, 1, true)) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** The value of a character constant with its quotes: an {@code int}. */
    public static long character(String text) {
        var bytes = bytes(text, '\'');
        long value = 0;
        for (byte b : bytes) {
            value = value << 8 | b & 0xff;
        }
        return bytes.length == 1 ? bytes[0] : (int) value;
    }

    /** The bytes of a string literal with its quotes, without the final zero. */
    public static byte[] string(String text) {
        return bytes(text, '"');
    }

    private static byte[] bytes(String text, char quote) {
        var out = new ByteArrayOutputStream();
        int at = text.indexOf(quote) + 1;
        int end = Math.max(at, text.lastIndexOf(quote));
        while (at < end) {
            int code = text.codePointAt(at);
            at += Character.charCount(code);
            if (code != '\\' || at >= end) {
                out.writeBytes(Character.toString(code).getBytes(StandardCharsets.UTF_8));
                continue;
            }
            char c = text.charAt(at++);
            if (c >= '0' && c <= '7') {
                int value = c - '0';
                for (int i = 0; i < 2 && at < end && text.charAt(at) >= '0' && text.charAt(at) <= '7'; i++) {
                    value = value * 8 + text.charAt(at++) - '0';
                }
                out.write(value);
            } else if (c == 'x') {
                int value = 0;
                while (at < end && Character.digit(text.charAt(at), 16) >= 0) {
                    value = value * 16 + Character.digit(text.charAt(at++), 16);
                }
                out.write(value);
            } else {
                out.write(escape(c));
            }
        }
        return out.toByteArray();
    }

    private static int escape(char c) {
        return switch (c) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'a' -> 7;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'v' -> 11;
            case 'e' -> 27;
            default -> c;
        };
    }
}
