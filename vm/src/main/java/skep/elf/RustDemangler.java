package skep.elf;

import java.math.BigInteger;
import java.util.Arrays;

/**
 * Names of Rust's newer scheme ({@code _R…}; RFC 2603), printed as the compiler's own tools do in their short form: paths,
 * generic arguments and types, without the numbers that tell crates and closures apart.
 *
 * <pre>
 *   symbol = "_R" path [instantiating-crate]
 *   path = C identifier | M impl type | X impl type path | Y type path | N ns path identifier | I path arg* E | backref
 *   type = basic | path | A type const | S type | T type* E | R|Q|P|O type | F fn-sig | D dyn-bounds lifetime | backref
 * </pre>
 */
final class RustDemangler {
    private static final int MAX_DEPTH = 200;
    private static final int MAX_CHARS = 1 << 14;

    private static final class NotMangled extends RuntimeException {
        private static final long serialVersionUID = 1;

        NotMangled() {
            super("no mangled name", null, false, false);
        }
    }

    private final String text;
    private final StringBuilder out = new StringBuilder();
    private int at;
    private int depth;
    private int lifetimes;

    private RustDemangler(String text) {
        this.text = text;
    }

    /** The readable name; empty if what follows {@code _R} is none. */
    static java.util.Optional<String> demangle(String symbol) {
        if (!symbol.startsWith("_R") || symbol.length() < 4 || !Character.isUpperCase(symbol.charAt(2))) {
            return java.util.Optional.empty();
        }
        int suffix = symbol.indexOf('.');
        var d = new RustDemangler(symbol.substring(2, suffix < 0 ? symbol.length() : suffix));
        try {
            d.path(true);
            return java.util.Optional.of(d.out.toString());
        } catch (NotMangled | StringIndexOutOfBoundsException other) {
            return java.util.Optional.empty();
        }
    }

    private char next() {
        return text.charAt(at++);
    }

    private boolean eat(char c) {
        boolean found = at < text.length() && text.charAt(at) == c;
        at += found ? 1 : 0;
        return found;
    }

    private void enter() {
        if (++depth > MAX_DEPTH || out.length() > MAX_CHARS) {
            throw new NotMangled();
        }
    }

    /** Digits and letters in base 62, then {@code _}; nothing is 0, else one more than it says. Hashes may overflow. */
    private long base62() {
        if (eat('_')) {
            return 0;
        }
        long value = 0;
        while (true) {
            char c = next();
            if (c == '_') {
                return value + 1;
            }
            int digit = c >= '0' && c <= '9'
                    ? c - '0'
                    : c >= 'a' && c <= 'z' ? c - 'a' + 10 : c >= 'A' && c <= 'Z' ? c - 'A' + 36 : -1;
            if (digit < 0) {
                throw new NotMangled();
            }
            value = value * 62 + digit;
        }
    }

    private long optional62(char mark) {
        return eat(mark) ? base62() + 1 : 0;
    }

    /** What a back reference names is printed again; it lies before. */
    private void again(Runnable part) {
        int here = at - 1;
        long target = base62();
        if (target >= here) {
            throw new NotMangled();
        }
        int back = at;
        at = (int) target;
        part.run();
        at = back;
    }

    private record Identifier(String name, long disambiguator) {}

    private Identifier identifier() {
        long disambiguator = optional62('s');
        boolean punycode = eat('u');
        int length = 0;
        if (!eat('0')) {
            if (at >= text.length() || !Character.isDigit(text.charAt(at))) {
                throw new NotMangled();
            }
            while (at < text.length() && Character.isDigit(text.charAt(at))) {
                length = length * 10 + (next() - '0');
                if (length > text.length()) {
                    throw new NotMangled();
                }
            }
        }
        eat('_');
        var name = text.substring(at, at + length);
        at += length;
        return new Identifier(punycode ? punycode(name) : name, disambiguator);
    }

    /** RFC 3492, with {@code _} where it has {@code -}. */
    private static String punycode(String encoded) {
        int split = encoded.lastIndexOf('_');
        var points = new java.util.ArrayList<Integer>();
        encoded.substring(0, Math.max(split, 0)).chars().forEach(points::add);
        int n = 128;
        int i = 0;
        int bias = 72;
        for (int p = split + 1; p < encoded.length(); ) {
            int start = i;
            int weight = 1;
            for (int k = 36; ; k += 36) {
                if (p >= encoded.length()) {
                    throw new NotMangled();
                }
                char c = encoded.charAt(p++);
                int digit = c >= 'a' && c <= 'z' ? c - 'a' : c >= '0' && c <= '9' ? c - '0' + 26 : 36;
                if (digit == 36 || weight > 1 << 24) {
                    throw new NotMangled();
                }
                i += digit * weight;
                int threshold = Math.clamp(k - bias, 1, 26);
                if (digit < threshold) {
                    break;
                }
                weight *= 36 - threshold;
            }
            int count = points.size() + 1;
            int delta = (i - start) / (start == 0 ? 700 : 2);
            delta += delta / count;
            int k = 0;
            for (; delta > 455; k += 36) {
                delta /= 35;
            }
            bias = k + 36 * delta / (delta + 38);
            n += i / count;
            i %= count;
            points.add(i++, n);
        }
        var out = new StringBuilder();
        points.forEach(out::appendCodePoint);
        return out.toString();
    }

    private void path(boolean inValue) {
        enter();
        switch (next()) {
            case 'C' -> out.append(identifier().name());
            case 'M' -> {
                impl();
                out.append('<');
                type();
                out.append('>');
            }
            case 'X' -> {
                impl();
                asTrait();
            }
            case 'Y' -> asTrait();
            case 'N' -> nested(inValue);
            case 'I' -> {
                path(inValue);
                out.append(inValue ? "::<" : "<");
                arguments();
                out.append('>');
            }
            case 'B' -> again(() -> path(inValue));
            default -> throw new NotMangled();
        }
        depth--;
    }

    /** Where an impl stands is of no interest to who reads the name. */
    private void impl() {
        optional62('s');
        int length = out.length();
        path(false);
        out.setLength(length);
    }

    private void asTrait() {
        out.append('<');
        type();
        out.append(" as ");
        path(false);
        out.append('>');
    }

    private void nested(boolean inValue) {
        char namespace = next();
        path(inValue);
        var name = identifier();
        if (Character.isUpperCase(namespace)) {
            var what = switch (namespace) {
                case 'C' -> "closure";
                case 'S' -> "shim";
                default -> Character.toString(namespace);
            };
            out.append("::{").append(what);
            if (!name.name().isEmpty()) {
                out.append(':').append(name.name());
            }
            out.append('#').append(name.disambiguator()).append('}');
        } else if (!name.name().isEmpty()) {
            out.append("::").append(name.name());
        }
    }

    private void arguments() {
        for (int i = 0; !eat('E'); i++) {
            if (i > 0) {
                out.append(", ");
            }
            if (eat('L')) {
                lifetime(base62());
            } else if (eat('K')) {
                constant();
            } else {
                type();
            }
        }
    }

    private void lifetime(long index) {
        if (index == 0) {
            out.append("'_");
            return;
        }
        long fromOutside = lifetimes - index;
        if (fromOutside < 0) {
            throw new NotMangled();
        }
        out.append('\'').append(fromOutside < 26 ? Character.toString('a' + (int) fromOutside) : "_" + fromOutside);
    }

    /** {@code for<'a, 'b>} of a binder; returns how many lifetimes it adds. */
    private int binder() {
        int count = (int) Math.min(optional62('G'), MAX_DEPTH);
        if (count > 0) {
            out.append("for<");
            for (int i = 0; i < count; i++) {
                lifetimes++;
                out.append(i > 0 ? ", " : "");
                lifetime(1);
            }
            out.append("> ");
        }
        return count;
    }

    private static final String[] BASIC = basic();

    private static String[] basic() {
        var names = new String[26];
        var rows = "a:i8 b:bool c:char d:f64 e:str f:f32 h:u8 i:isize j:usize l:i32 m:u32 n:i128 o:u128 p:_ s:i16 t:u16"
                + " u:() v:... x:i64 y:u64 z:!";
        Arrays.stream(rows.split(" ")).forEach(row -> names[row.charAt(0) - 'a'] = row.substring(2));
        return names;
    }

    private void type() {
        enter();
        char c = next();
        switch (c) {
            case 'A', 'S' -> {
                out.append('[');
                type();
                if (c == 'A') {
                    out.append("; ");
                    constant();
                }
                out.append(']');
            }
            case 'T' -> {
                out.append('(');
                int count = 0;
                for (; !eat('E'); count++) {
                    out.append(count > 0 ? ", " : "");
                    type();
                }
                out.append(count == 1 ? ",)" : ")");
            }
            case 'R', 'Q' -> {
                out.append('&');
                if (eat('L')) {
                    long index = base62();
                    if (index != 0) {
                        lifetime(index);
                        out.append(' ');
                    }
                }
                out.append(c == 'Q' ? "mut " : "");
                type();
            }
            case 'P', 'O' -> {
                out.append(c == 'P' ? "*const " : "*mut ");
                type();
            }
            case 'F' -> function();
            case 'D' -> dynamic();
            case 'B' -> again(this::type);
            default -> {
                if (c >= 'a' && c <= 'z') {
                    // Letters without a type of their own are refused by the test for null that indexing makes.
                    var name = BASIC[c - 'a'];
                    if (name == null) {
                        throw new NotMangled();
                    }
                    out.append(name);
                } else {
                    at--;
                    path(false);
                }
            }
        }
        depth--;
    }

    private void function() {
        int bound = binder();
        out.append(eat('U') ? "unsafe " : "");
        if (eat('K')) {
            out.append("extern \"")
                    .append(eat('C') ? "C" : identifier().name().replace('_', '-'))
                    .append("\" ");
        }
        out.append("fn(");
        for (int i = 0; !eat('E'); i++) {
            out.append(i > 0 ? ", " : "");
            type();
        }
        out.append(')');
        if (!eat('u')) {
            out.append(" -> ");
            type();
        }
        lifetimes -= bound;
    }

    private void dynamic() {
        out.append("dyn ");
        int bound = binder();
        for (int i = 0; !eat('E'); i++) {
            out.append(i > 0 ? " + " : "");
            boundTrait();
        }
        lifetimes -= bound;
        if (!eat('L')) {
            throw new NotMangled();
        }
        long index = base62();
        if (index != 0) {
            out.append(" + ");
            lifetime(index);
        }
    }

    /** A trait with its generic arguments, to which those of associated types are added: {@code Iterator<Item = u8>}. */
    private void boundTrait() {
        path(false);
        boolean open = out.charAt(out.length() - 1) == '>';
        boolean added = false;
        while (eat('p')) {
            if (open && !added) {
                out.setLength(out.length() - 1);
            }
            out.append(open || added ? ", " : "<");
            added = true;
            out.append(identifier().name()).append(" = ");
            type();
        }
        out.append(added ? ">" : "");
    }

    private void constant() {
        enter();
        char c = next();
        switch (c) {
            case 'p' -> out.append('_');
            case 'B' -> again(this::constant);
            case 'b' -> out.append(hexadecimal().signum() == 0 ? "false" : "true");
            case 'c' ->
                out.append('\'').appendCodePoint(hexadecimal().intValue()).append('\'');
            case 'a', 's', 'l', 'x', 'n', 'i', 'h', 't', 'm', 'y', 'o', 'j' -> {
                out.append(eat('n') ? "-" : "").append(hexadecimal());
            }
            default -> throw new NotMangled();
        }
        depth--;
    }

    private BigInteger hexadecimal() {
        int end = text.indexOf('_', at);
        if (end < 0) {
            throw new NotMangled();
        }
        var digits = text.substring(at, end);
        at = end + 1;
        try {
            return digits.isEmpty() ? BigInteger.ZERO : new BigInteger(digits, 16);
        } catch (NumberFormatException noNumber) {
            throw new NotMangled();
        }
    }
}
