package skep.vm.inspect;

/** JSON with line breaks where bpftool makes them: in front of each member, and in front of what closes. */
final class PrettyJson {
    private static final String INDENT = "    ";

    private PrettyJson() {}

    /** Rewrites JSON that has no white space between its tokens. */
    static String of(String json) {
        var out = new StringBuilder();
        int depth = 0;
        boolean quoted = false;
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (quoted) {
                out.append(c);
                if (c == '\\') {
                    out.append(json.charAt(++i));
                } else if (c == '"') {
                    quoted = false;
                }
                continue;
            }
            switch (c) {
                case '{', '[' -> {
                    out.append(c);
                    depth++;
                    if (c == '{' && json.charAt(i + 1) != '}') {
                        newLine(out, depth);
                    }
                }
                case '}', ']' -> {
                    depth--;
                    boolean empty = json.charAt(i - 1) == '{' || json.charAt(i - 1) == '[';
                    if (!empty) {
                        newLine(out, depth);
                    }
                    out.append(c);
                }
                case ',' -> {
                    out.append(c);
                    if (json.charAt(i + 1) == '"' && isName(json, i + 1)) {
                        newLine(out, depth);
                    }
                }
                case ':' -> out.append(": ");
                default -> {
                    quoted = c == '"';
                    out.append(c);
                }
            }
        }
        return out.toString();
    }

    private static void newLine(StringBuilder out, int depth) {
        out.append('\n').append(INDENT.repeat(depth));
    }

    /** Whether the string that begins here is followed by a colon. */
    private static boolean isName(String json, int from) {
        int i = from + 1;
        for (; json.charAt(i) != '"'; i++) {
            if (json.charAt(i) == '\\') {
                i++;
            }
        }
        return i + 1 < json.length() && json.charAt(i + 1) == ':';
    }
}
