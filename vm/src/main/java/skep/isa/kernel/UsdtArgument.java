package skep.isa.kernel;

import java.util.ArrayList;
import java.util.List;

/**
 * An argument of a static probe: how large it is and where it is when the probe is reached.
 *
 * @param sizeBytes 1, 2, 4 or 8
 * @param signed whether it is to be sign-extended
 */
public record UsdtArgument(int sizeBytes, boolean signed, Place place) {
    /** Where an argument is. Registers go by their 64-bit names: {@code rax}, {@code r8}, {@code x0}, {@code sp}. */
    public sealed interface Place {
        record Constant(long value) implements Place {}

        record Register(String name) implements Place {}

        /** {@code *(base + index * scale + offset)}; {@code index} is empty where there is none. */
        record Memory(String base, long offset, String index, int scale) implements Place {}

        /** A form that no program can read, such as one relative to a symbol. */
        record Unreadable(String text) implements Place {}
    }

    /**
     * Reads the arguments of a note in the assembler's notation.
     *
     * <pre>
     * arguments = { size "@" place }             size = [ "-" ] digits [ "f" ]
     * x86-64:  %eax   $5   -12(%rbp)   (%rax,%rbx,4)   8+sym(%rip)
     * arm64:   x0     5    [sp, 12]    [x1, x2, lsl 3]
     * </pre>
     */
    public static List<UsdtArgument> parse(String text, Arch arch) {
        var arguments = new ArrayList<UsdtArgument>();
        int at = 0;
        while (at < text.length()) {
            if (text.charAt(at) == ' ') {
                at++;
                continue;
            }
            int end = at;
            int depth = 0;
            // ARM64 places hold blanks within their brackets.
            while (end < text.length() && (depth > 0 || text.charAt(end) != ' ')) {
                char c = text.charAt(end++);
                depth += c == '[' ? 1 : c == ']' ? -1 : 0;
            }
            arguments.add(one(text.substring(at, end), arch));
            at = end;
        }
        return arguments;
    }

    private static UsdtArgument one(String text, Arch arch) {
        int mark = text.indexOf('@');
        var size = mark < 0 ? "8" : text.substring(0, mark);
        var place = text.substring(mark + 1);
        boolean signed = size.startsWith("-");
        boolean floating = size.endsWith("f");
        var digits = size.substring(signed ? 1 : 0, size.length() - (floating ? 1 : 0));
        int bytes = digits.length() == 1 && Character.isDigit(digits.charAt(0)) ? digits.charAt(0) - '0' : 8;
        return new UsdtArgument(
                bytes, signed, floating ? new Place.Unreadable(place) : arch == Arch.X86_64 ? x86(place) : arm(place));
    }

    private static Place x86(String text) {
        if (text.startsWith("$")) {
            return constant(text.substring(1), text);
        }
        if (text.startsWith("%")) {
            return new Place.Register(wide(text.substring(1)));
        }
        int open = text.indexOf('(');
        if (open < 0 || !text.endsWith(")")) {
            return new Place.Unreadable(text);
        }
        var offset = open == 0 ? "0" : text.substring(0, open);
        var parts = text.substring(open + 1, text.length() - 1).split(",", -1);
        if (!isNumber(offset) || !parts[0].startsWith("%") || parts[0].equals("%rip")) {
            return new Place.Unreadable(text);
        }
        var index = parts.length > 1 && parts[1].startsWith("%") ? wide(parts[1].substring(1)) : "";
        int scale = parts.length > 2 && isNumber(parts[2]) ? (int) number(parts[2]) : 1;
        return new Place.Memory(wide(parts[0].substring(1)), number(offset), index, scale);
    }

    private static Place arm(String text) {
        if (!text.startsWith("[")) {
            return isNumber(text) ? new Place.Constant(number(text)) : new Place.Register(wideArm(text));
        }
        if (!text.endsWith("]")) {
            return new Place.Unreadable(text);
        }
        var parts = text.substring(1, text.length() - 1).split(",");
        var base = wideArm(parts[0].strip());
        if (parts.length == 1) {
            return new Place.Memory(base, 0, "", 1);
        }
        var second = parts[1].strip();
        second = second.startsWith("#") ? second.substring(1) : second;
        if (isNumber(second)) {
            return new Place.Memory(base, number(second), "", 1);
        }
        int scale = 1;
        if (parts.length > 2) {
            var shift = parts[2].strip();
            var amount = shift.substring(shift.lastIndexOf(' ') + 1).replace("#", "");
            if (!shift.startsWith("lsl") || !isNumber(amount)) {
                return new Place.Unreadable(text);
            }
            scale = 1 << (int) number(amount);
        }
        return new Place.Memory(base, 0, wideArm(second), scale);
    }

    private static Place constant(String digits, String text) {
        return isNumber(digits) ? new Place.Constant(number(digits)) : new Place.Unreadable(text);
    }

    private static boolean isNumber(String text) {
        int start = text.startsWith("-") ? 1 : 0;
        boolean hex = text.startsWith("0x", start);
        start += hex ? 2 : 0;
        if (start == text.length() || text.length() - start > 18) {
            return false;
        }
        for (int i = start; i < text.length(); i++) {
            if (Character.digit(text.charAt(i), hex ? 16 : 10) < 0) {
                return false;
            }
        }
        return !hex || text.length() - start <= 15;
    }

    private static long number(String text) {
        return Long.decode(
                text.startsWith("0") && text.length() > 1 && text.charAt(1) != 'x' ? text.substring(1) : text);
    }

    /** {@code eax}, {@code ax} and {@code al} are parts of {@code rax}; {@code r8d} of {@code r8}. */
    private static String wide(String register) {
        if (register.startsWith("r")) {
            boolean numbered = register.length() > 1 && Character.isDigit(register.charAt(1));
            return numbered ? register.replaceAll("[dwb]$", "") : register;
        }
        var name = register.startsWith("e") ? register.substring(1) : register;
        return switch (name) {
            case "ax", "al" -> "rax";
            case "bx", "bl" -> "rbx";
            case "cx", "cl" -> "rcx";
            case "dx", "dl" -> "rdx";
            case "si", "sil" -> "rsi";
            case "di", "dil" -> "rdi";
            case "bp", "bpl" -> "rbp";
            case "sp", "spl" -> "rsp";
            default -> register;
        };
    }

    private static String wideArm(String register) {
        boolean narrow = register.startsWith("w") && register.length() > 1;
        return narrow ? (register.equals("wsp") ? "sp" : "x" + register.substring(1)) : register;
    }
}
