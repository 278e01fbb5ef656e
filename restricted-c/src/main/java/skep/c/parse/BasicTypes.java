package skep.c.parse;

import java.util.List;
import java.util.Optional;

/** The words of a type of the language, in any order, and what they come down to (C11 6.7.2). */
public final class BasicTypes {
    private BasicTypes() {}

    /** The canonical name, for example {@code unsigned long long} of {@code long unsigned int long}. */
    static Optional<String> canonical(List<String> words) {
        long longs = count(words, "long");
        boolean unsigned = count(words, "unsigned") > 0;
        boolean signed = count(words, "signed") + count(words, "__signed__") > 0;
        if (unsigned && signed) {
            return Optional.empty();
        }
        for (var alone : List.of("void", "_Bool", "float")) {
            if (words.contains(alone)) {
                return words.size() == 1 ? Optional.of(alone) : Optional.empty();
            }
        }
        if (words.contains("double")) {
            return Optional.of(longs > 0 ? "long double" : "double");
        }
        if (words.contains("__int128") || words.contains("__int128_t") || words.contains("__uint128_t")) {
            return Optional.of(unsigned || words.contains("__uint128_t") ? "unsigned __int128" : "__int128");
        }
        if (words.contains("char")) {
            return Optional.of(unsigned ? "unsigned char" : signed ? "signed char" : "char");
        }
        if (words.contains("short")) {
            return Optional.of(unsigned ? "unsigned short" : "short");
        }
        var base = longs == 0 ? "int" : longs == 1 ? "long" : "long long";
        return Optional.of(unsigned ? "unsigned " + base : base);
    }

    private static long count(List<String> words, String word) {
        return words.stream().filter(word::equals).count();
    }

    /** The size of the type with this canonical name, on 64-bit machines; 0 for {@code void}. */
    public static int sizeBytes(String canonical) {
        return switch (canonical) {
            case "void" -> 0;
            case "char", "signed char", "unsigned char", "_Bool" -> 1;
            case "short", "unsigned short" -> 2;
            case "int", "unsigned int", "float" -> 4;
            case "__int128", "unsigned __int128", "long double" -> 16;
            default -> 8;
        };
    }

    /** Whether the type with this canonical name is a signed integer; plain {@code char} is. */
    public static boolean isSigned(String canonical) {
        return !canonical.startsWith("unsigned") && !canonical.equals("_Bool") && !canonical.equals("void");
    }
}
