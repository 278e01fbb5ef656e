package skep.session.view;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import skep.dsl.Format;
import skep.session.aggregate.Aggregate;

/**
 * C's formatting over values. Integers are cut to the width that the length modifier names ({@code %d}: 32 bits,
 * {@code %ld}: 64, {@code %hhd}: 8), as C does; {@code %s} shows any value as {@code print} would.
 */
public final class Printf {
    private Printf() {}

    /** Formats; verbs without an argument print nothing. */
    public static String format(Format format, List<Value> arguments) {
        var out = new StringBuilder();
        int next = 0;
        for (var piece : format.pieces()) {
            switch (piece) {
                case Format.Literal literal -> out.append(literal.text());
                case Format.Verb verb -> {
                    if (next < arguments.size()) {
                        out.append(verb(verb, arguments.get(next++)));
                    }
                }
            }
        }
        return out.toString();
    }

    private static String verb(Format.Verb verb, Value value) {
        return switch (verb.conversion()) {
            case "d", "i" -> integer(verb, Long.toString(cut(number(value), verb.length(), true)));
            case "u" -> integer(verb, Long.toUnsignedString(cut(number(value), verb.length(), false)));
            case "x" -> integer(verb, Long.toHexString(cut(number(value), verb.length(), false)));
            case "X" ->
                integer(
                        verb,
                        Long.toHexString(cut(number(value), verb.length(), false))
                                .toUpperCase(Locale.ROOT));
            case "o" -> integer(verb, Long.toOctalString(cut(number(value), verb.length(), false)));
            case "c" -> padded(verb, character(number(value)));
            case "p" -> padded(verb, pointer(number(value)));
            case "s" -> string(verb, TextRenderer.text(value));
            case "r" -> padded(verb, escaped(bytes(value)));
            case "rx" -> padded(verb, hex(bytes(value), "\\x", ""));
            case "rh" -> padded(verb, hex(bytes(value), "", " "));
            case "gr" -> padded(verb, GfpFlags.names(number(value)));
            case "f", "e", "g" -> floating(verb, value);
            default -> verb.display();
        };
    }

    private static long number(Value value) {
        return switch (value) {
            case Value.Int i -> i.value();
            case Value.Bool b -> b.value() ? 1 : 0;
            case Value.Pointer p -> p.address();
            case Value.EnumValue e -> e.value();
            case Value.Named n -> n.number();
            case Value.Aggregated a -> a.aggregate().rank();
            case Value.Text _, Value.Bytes _, Value.Tuple _, Value.Rec _, Value.Array _, Value.Stack _ -> 0;
        };
    }

    private static byte[] bytes(Value value) {
        return value instanceof Value.Bytes b
                ? b.bytes()
                : TextRenderer.text(value).getBytes(StandardCharsets.UTF_8);
    }

    private static long cut(long value, String length, boolean signed) {
        int bits = switch (length) {
            case "hh" -> 8;
            case "h" -> 16;
            case "" -> 32;
            default -> 64;
        };
        int shift = 64 - bits;
        return signed ? value << shift >> shift : value << shift >>> shift;
    }

    // C11 7.21.6.1: precision is the least number of digits and switches off zero padding; "#" marks the base.
    private static String integer(Format.Verb verb, String digits) {
        boolean negative = digits.startsWith("-");
        var body = negative ? digits.substring(1) : digits;
        if (verb.precision() >= 0) {
            body = verb.precision() == 0 && body.equals("0")
                    ? ""
                    : "0".repeat(Math.max(0, verb.precision() - body.length())) + body;
        }
        var prefix = negative ? "-" : sign(verb);
        if (verb.flags().contains("#") && !digits.equals("0")) {
            prefix += switch (verb.conversion()) {
                case "x" -> "0x";
                case "X" -> "0X";
                case "o" -> "0";
                default -> "";
            };
        }
        int missing = verb.width() - prefix.length() - body.length();
        if (missing > 0 && verb.flags().contains("0") && !verb.flags().contains("-") && verb.precision() < 0) {
            return prefix + "0".repeat(missing) + body;
        }
        return padded(verb, prefix + body);
    }

    private static String sign(Format.Verb verb) {
        boolean signed =
                verb.conversion().equals("d") || verb.conversion().equals("i") || "feg".contains(verb.conversion());
        if (!signed) {
            return "";
        }
        return verb.flags().contains("+") ? "+" : verb.flags().contains(" ") ? " " : "";
    }

    private static String floating(Format.Verb verb, Value value) {
        double number = switch (value) {
            // A quotient: 0 where nothing can be divided by.
            case Value.Tuple t
            when t.elements().size() == 2 -> {
                double divisor = Pictures.weight(t.elements().get(1));
                yield divisor == 0 ? 0 : Pictures.weight(t.elements().get(0)) / divisor;
            }
            case Value.Aggregated(Aggregate.Avg avg) -> avg.exactAverage();
            case Value.Int i when !i.signed() && i.value() < 0 -> (i.value() >>> 1) * 2.0;
            default -> number(value);
        };
        int precision = verb.precision() < 0 ? 6 : verb.precision();
        var digits = String.format(Locale.ROOT, "%." + precision + verb.conversion(), Math.abs(number));
        if (verb.conversion().equals("g") && digits.contains(".") && !digits.contains("e")) {
            digits = digits.replaceAll("0+$", "").replaceAll("\\.$", "");
        }
        var prefix = number < 0 ? "-" : sign(verb);
        int missing = verb.width() - prefix.length() - digits.length();
        if (missing > 0 && verb.flags().contains("0") && !verb.flags().contains("-")) {
            return prefix + "0".repeat(missing) + digits;
        }
        return padded(verb, prefix + digits);
    }

    private static String string(Format.Verb verb, String text) {
        boolean cut = verb.precision() >= 0 && verb.precision() < text.length();
        return padded(verb, cut ? text.substring(0, verb.precision()) : text);
    }

    private static String padded(Format.Verb verb, String text) {
        int missing = verb.width() - text.length();
        if (missing <= 0) {
            return text;
        }
        return verb.flags().contains("-") ? text + " ".repeat(missing) : " ".repeat(missing) + text;
    }

    private static String character(long number) {
        return String.valueOf((char) (number & 0xff));
    }

    private static String pointer(long address) {
        return address == 0 ? "(nil)" : "0x" + Long.toHexString(address);
    }

    /** Printable ASCII as it is, all else as {@code \x01}. */
    static String escaped(byte[] bytes) {
        var out = new StringBuilder();
        for (byte b : bytes) {
            if (b >= 0x20 && b < 0x7f) {
                out.append((char) b);
            } else {
                out.append("\\x").append(hex(b));
            }
        }
        return out.toString();
    }

    private static String hex(byte[] bytes, String prefix, String separator) {
        var out = new StringBuilder();
        for (byte b : bytes) {
            if (!out.isEmpty()) {
                out.append(separator);
            }
            out.append(prefix).append(hex(b));
        }
        return out.toString();
    }

    private static String hex(byte b) {
        return String.valueOf(Character.forDigit(b >> 4 & 0xf, 16)) + Character.forDigit(b & 0xf, 16);
    }
}
