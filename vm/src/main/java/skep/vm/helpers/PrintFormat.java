package skep.vm.helpers;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import skep.isa.kernel.Errno;
import skep.vm.Memory;
import skep.vm.VmCpu;

/**
 * The format strings of {@code trace_printk}, {@code snprintf} and {@code seq_printf}
 * ({@code bpf_bprintf_prepare}, kernel/bpf/helpers.c).
 *
 * <pre>
 *  format     ::= { text | "%%" | "%" [ flags ] [ width ] conversion }
 *  conversion ::= [ "l" [ "l" ] ] ( "d" | "i" | "u" | "x" | "X" )
 *               | "s" | "ks" | "us" | "c" | "p" [ "K" | "x" | "s" | "S" | "B" | "ks" | "us" ]
 *               | "p" ( "i" | "I" ) ( "4" | "6" )
 * </pre>
 */
final class PrintFormat {
    private static final int MAX_STRING_BYTES = 512;
    private static final int MAX_WIDTH = 1024;

    /** Where the values come from. */
    @FunctionalInterface
    interface Arguments {
        /** The next value; {@link #count} says how many there are. */
        long get(int index);
    }

    private final VmCpu cpu;
    private final byte[] format;
    private final Arguments arguments;
    private final int count;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int at;
    private int used;

    private PrintFormat(VmCpu cpu, byte[] format, Arguments arguments, int count) {
        this.cpu = cpu;
        this.format = format;
        this.arguments = arguments;
        this.count = count;
    }

    /** A malformed format, or one that wants more values than there are. */
    static final class BadFormat extends RuntimeException {
        private static final long serialVersionUID = 1;

        BadFormat() {
            super("bad format", null, false, false);
        }
    }

    /** The text, without a NUL. */
    static byte[] format(VmCpu cpu, byte[] format, Arguments arguments, int count) {
        return new PrintFormat(cpu, format, arguments, count).run();
    }

    /** A format string in memory, up to its NUL; at most {@code size} bytes. */
    static byte[] formatAt(long address, long size) {
        int length = 0;
        while (length < size && Memory.getByte(address + length) != 0) {
            length++;
        }
        return Memory.bytes(address, length);
    }

    private byte[] run() {
        while (at < format.length) {
            byte b = format[at++];
            if ((b & 0x80) != 0) {
                throw new BadFormat();
            }
            if (b != '%') {
                out.write(b);
            } else if (peek() == '%') {
                at++;
                out.write('%');
            } else {
                conversion();
            }
        }
        return out.toByteArray();
    }

    private int peek() {
        return at < format.length ? format[at] : 0;
    }

    private boolean accept(char c) {
        if (peek() == c) {
            at++;
            return true;
        }
        return false;
    }

    private void conversion() {
        boolean left = false;
        boolean zero = false;
        boolean alternate = false;
        boolean plus = false;
        boolean space = false;
        for (boolean more = true; more; ) {
            switch (peek()) {
                case '-' -> left = true;
                case '0' -> zero = true;
                case '#' -> alternate = true;
                case '+' -> plus = true;
                case ' ' -> space = true;
                default -> more = false;
            }
            if (more) {
                at++;
            }
        }
        int width = 0;
        while (peek() >= '0' && peek() <= '9') {
            width = Math.min(MAX_WIDTH, width * 10 + format[at++] - '0');
        }
        pad(convert(alternate, plus, space), width, left, zero);
    }

    private String convert(boolean alternate, boolean plus, boolean space) {
        if (accept('p')) {
            return pointer();
        }
        if (accept('s')) {
            return string(next(), false);
        }
        if (peek() == 'k' && at + 1 < format.length && format[at + 1] == 's') {
            at += 2;
            return string(next(), false);
        }
        if (peek() == 'u' && at + 1 < format.length && format[at + 1] == 's') {
            at += 2;
            return string(next(), true);
        }
        if (accept('c')) {
            return String.valueOf((char) (next() & 0xff));
        }
        int longs = 0;
        while (longs < 2 && accept('l')) {
            longs++;
        }
        int letter = peek();
        at++;
        return switch (letter) {
            case 'd', 'i' -> {
                long value = longs > 0 ? next() : (int) next();
                yield (value < 0 ? "" : plus ? "+" : space ? " " : "") + value;
            }
            case 'u' -> Long.toUnsignedString(longs > 0 ? next() : next() & 0xffff_ffffL);
            case 'x' -> (alternate ? "0x" : "") + Long.toHexString(longs > 0 ? next() : next() & 0xffff_ffffL);
            case 'X' ->
                (alternate ? "0X" : "")
                        + Long.toHexString(longs > 0 ? next() : next() & 0xffff_ffffL)
                                .toUpperCase(Locale.ROOT);
            default -> throw new BadFormat();
        };
    }

    private String pointer() {
        switch (peek()) {
            case 'K', 'x' -> {
                at++;
                return hex16(next());
            }
            case 's', 'S', 'B' -> {
                boolean offset = format[at++] != 's';
                return cpu.services().symbol(next(), offset);
            }
            case 'k', 'u' -> {
                if (at + 1 < format.length && format[at + 1] == 's') {
                    boolean user = format[at] == 'u';
                    at += 2;
                    return string(next(), user);
                }
                return hex16(next());
            }
            case 'i', 'I' -> {
                boolean compressed = format[at] == 'I';
                at++;
                if (accept('4')) {
                    return address4(next());
                }
                if (accept('6')) {
                    return address6(next(), compressed);
                }
                throw new BadFormat();
            }
            default -> {
                return hex16(next());
            }
        }
    }

    private static String hex16(long value) {
        return String.format(Locale.ROOT, "%016x", value);
    }

    private static String address4(long at) {
        var text = new StringBuilder();
        for (int i = 0; i < 4; i++) {
            text.append(i == 0 ? "" : ".").append(Memory.getByte(at + i) & 0xff);
        }
        return text.toString();
    }

    /** {@code %pi6} is 32 digits without colons; {@code %pI6} has colons. */
    private static String address6(long at, boolean colons) {
        var text = new StringBuilder();
        for (int i = 0; i < 16; i++) {
            text.append(colons && i > 0 && i % 2 == 0 ? ":" : "")
                    .append(String.format(Locale.ROOT, "%02x", Memory.getByte(at + i)));
        }
        return text.toString();
    }

    private String string(long address, boolean user) {
        return new String(
                MemoryHelpers.stringForMessage(cpu, address, MAX_STRING_BYTES, user), StandardCharsets.ISO_8859_1);
    }

    private long next() {
        if (used >= count) {
            throw new BadFormat();
        }
        return arguments.get(used++);
    }

    private void pad(String text, int width, boolean left, boolean zero) {
        int missing = width - text.length();
        if (zero && !left && missing > 0) {
            int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
            text = text.substring(0, sign) + "0".repeat(missing) + text.substring(sign);
        } else if (missing > 0) {
            text = left ? text + " ".repeat(missing) : " ".repeat(missing) + text;
        }
        out.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** -EINVAL, as all three helpers answer a bad format. */
    static long refused() {
        return Errno.EINVAL.negated();
    }
}
