package skep.bindings.polyglot;

/** Whether what was typed at a prompt is whole: brackets and strings are closed, and a block has its empty line. */
final class Typed {
    private Typed() {}

    static boolean isCompletePython(String text) {
        if (openBrackets(text, "#") > 0 || text.stripTrailing().endsWith("\\")) {
            return false;
        }
        boolean hasBlock = text.lines().anyMatch(line -> line.stripTrailing().endsWith(":"))
                || text.stripLeading().startsWith("@");
        return !hasBlock || text.endsWith("\n");
    }

    /**
     * How many brackets and long strings are open at the end; those in strings and comments do not count.
     *
     * @param comment what begins a comment that ends with its line
     */
    static int openBrackets(String text, String comment) {
        int depth = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (text.startsWith(comment, i)) {
                int end = text.indexOf('\n', i);
                i = end < 0 ? text.length() : end;
            } else if (comment.equals("//") && text.startsWith("/*", i)) {
                int end = text.indexOf("*/", i + 2);
                if (end < 0) {
                    return depth + 1;
                }
                i = end + 1;
            } else if (text.startsWith("\"\"\"", i) || text.startsWith("'''", i)) {
                int end = text.indexOf(text.substring(i, i + 3), i + 3);
                if (end < 0) {
                    return depth + 1;
                }
                i = end + 2;
            } else if (c == '`') {
                int end = text.indexOf('`', i + 1);
                if (end < 0) {
                    return depth + 1;
                }
                i = end;
            } else if (c == '"' || c == '\'') {
                i = endOfString(text, i);
            } else {
                depth += "{([".indexOf(c) >= 0 ? 1 : "})]".indexOf(c) >= 0 ? -1 : 0;
            }
        }
        return depth;
    }

    /** The place of the closing quote, or of the end of the line. */
    private static int endOfString(String text, int start) {
        char quote = text.charAt(start);
        int i = start + 1;
        while (i < text.length() && text.charAt(i) != quote && text.charAt(i) != '\n') {
            i += text.charAt(i) == '\\' ? 2 : 1;
        }
        return i;
    }
}
