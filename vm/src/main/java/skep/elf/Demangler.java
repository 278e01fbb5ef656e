package skep.elf;

import java.util.Optional;

/**
 * Turns the names that compilers give to C++ and Rust functions back into what programmers wrote. The kind is told from
 * the name's beginning; what cannot be read is left as it is.
 */
public final class Demangler {
    /** Longer names are left alone: their readable forms may be exponentially longer. */
    private static final int MAX_BYTES = 4096;

    private static final int RUST_HASH_CHARS = 17;

    private Demangler() {}

    /** The readable name, or empty if this is no mangled name. */
    public static Optional<String> demangle(String symbol) {
        if (symbol.length() > MAX_BYTES) {
            return Optional.empty();
        }
        if (symbol.startsWith("_R")) {
            return RustDemangler.demangle(symbol);
        }
        if (!symbol.startsWith("_Z") && !symbol.startsWith("__Z")) {
            return Optional.empty();
        }
        try {
            var name = new ItaniumDemangler(symbol.substring(symbol.indexOf('Z') + 1)).demangle();
            return Optional.of(isRust(name) ? rust(name) : name);
        } catch (ItaniumDemangler.NotMangled other) {
            return Optional.empty();
        }
    }

    private static final String UNNAMED = "(anonymous namespace)";
    private static final String CALL = "operator()";

    /** A readable name up to the list of its parameters. */
    public static String withoutParameters(String readable) {
        int at = 0;
        while ((at = readable.indexOf('(', at)) >= 0) {
            if (readable.startsWith(UNNAMED, at)) {
                at += UNNAMED.length();
            } else if (readable.startsWith(CALL, at - CALL.length() + 2)) {
                at += 2;
            } else {
                return readable.substring(0, at);
            }
        }
        return readable;
    }

    /** Rust's older scheme is C++'s with a hash as the last part: {@code core::fmt::write::h0123456789abcdef}. */
    private static boolean isRust(String name) {
        int hash = name.length() - RUST_HASH_CHARS;
        if (hash < 3 || name.charAt(hash) != 'h' || !name.startsWith("::", hash - 2)) {
            return false;
        }
        for (int i = hash + 1; i < name.length(); i++) {
            if (Character.digit(name.charAt(i), 16) < 0) {
                return false;
            }
        }
        return true;
    }

    private static String rust(String name) {
        var text = name.substring(0, name.length() - RUST_HASH_CHARS - 2);
        var out = new StringBuilder();
        boolean start = true;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (start && c == '_' && i + 1 < text.length() && text.charAt(i + 1) == '$') {
                continue;
            }
            start = c == ':';
            int end = c == '$' ? text.indexOf('$', i + 1) : -1;
            if (end > 0) {
                out.append(rustEscape(text.substring(i + 1, end)));
                i = end;
            } else if (c == '.' && i + 1 < text.length() && text.charAt(i + 1) == '.') {
                out.append("::");
                i++;
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static String rustEscape(String code) {
        return switch (code) {
            case "SP" -> "@";
            case "BP" -> "*";
            case "RF" -> "&";
            case "LT" -> "<";
            case "GT" -> ">";
            case "LP" -> "(";
            case "RP" -> ")";
            case "C" -> ",";
            default -> {
                try {
                    yield code.startsWith("u")
                            ? Character.toString(Integer.parseInt(code.substring(1), 16))
                            : "$" + code + "$";
                } catch (IllegalArgumentException noEscape) {
                    yield "$" + code + "$";
                }
            }
        };
    }
}
