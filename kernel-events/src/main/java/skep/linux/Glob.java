package skep.linux;

/** Wildcards of attach points: {@code *} any characters, {@code ?} one, {@code [a-c]} one of these. */
final class Glob {
    private Glob() {}

    static boolean isGlob(String text) {
        return text.indexOf('*') >= 0 || text.indexOf('?') >= 0 || text.indexOf('[') >= 0;
    }

    static boolean matches(String glob, String text) {
        return matches(glob, 0, text, 0);
    }

    private static boolean matches(String glob, int g, String text, int t) {
        while (g < glob.length()) {
            char c = glob.charAt(g);
            if (c == '*') {
                for (int rest = t; rest <= text.length(); rest++) {
                    if (matches(glob, g + 1, text, rest)) {
                        return true;
                    }
                }
                return false;
            }
            if (t == text.length()) {
                return false;
            }
            int close = c == '[' ? glob.indexOf(']', g + 1) : -1;
            if (close > 0) {
                if (!in(glob.substring(g + 1, close), text.charAt(t))) {
                    return false;
                }
                g = close;
            } else if (c != '?' && c != text.charAt(t)) {
                return false;
            }
            g++;
            t++;
        }
        return t == text.length();
    }

    private static boolean in(String set, char c) {
        boolean negated = set.startsWith("!") || set.startsWith("^");
        boolean found = false;
        for (int i = negated ? 1 : 0; i < set.length(); i++) {
            boolean range = i + 2 < set.length() && set.charAt(i + 1) == '-';
            char last = range ? set.charAt(i + 2) : set.charAt(i);
            found |= c >= set.charAt(i) && c <= last;
            i += range ? 2 : 0;
        }
        return found != negated;
    }
}
