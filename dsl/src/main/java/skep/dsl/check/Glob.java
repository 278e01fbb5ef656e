package skep.dsl.check;

/** Wildcards of attach points: {@code *} any characters, {@code ?} one, {@code [ab]} and {@code [!ab]} one of a set. */
public final class Glob {
    private Glob() {}

    public static boolean isGlob(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '*' || c == '?' || c == '[') {
                return true;
            }
        }
        return false;
    }

    public static boolean matches(String pattern, String text) {
        int p = 0;
        int t = 0;
        int starAt = -1;
        int resume = 0;
        while (t < text.length()) {
            int next = p < pattern.length() && pattern.charAt(p) != '*' ? matchOne(pattern, p, text.charAt(t)) : -1;
            if (next > 0) {
                p = next;
                t++;
            } else if (p < pattern.length() && pattern.charAt(p) == '*') {
                starAt = p++;
                resume = t;
            } else if (starAt >= 0) {
                p = starAt + 1;
                t = ++resume;
            } else {
                return false;
            }
        }
        while (p < pattern.length() && pattern.charAt(p) == '*') {
            p++;
        }
        return p == pattern.length();
    }

    /** The place behind the pattern's element at {@code p} if it matches, else -1. */
    private static int matchOne(String pattern, int p, char c) {
        char wanted = pattern.charAt(p);
        if (wanted == '?') {
            return p + 1;
        }
        int end = wanted == '[' ? pattern.indexOf(']', p + 2) : -1;
        if (end < 0) {
            return wanted == c ? p + 1 : -1;
        }
        boolean negated = pattern.charAt(p + 1) == '!';
        boolean found = false;
        for (int i = p + (negated ? 2 : 1); i < end; i++) {
            if (i + 2 < end && pattern.charAt(i + 1) == '-') {
                found |= pattern.charAt(i) <= c && c <= pattern.charAt(i + 2);
                i += 2;
            } else {
                found |= pattern.charAt(i) == c;
            }
        }
        return found != negated ? end + 1 : -1;
    }
}
