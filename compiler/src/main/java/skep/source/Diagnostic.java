package skep.source;

/**
 * A user's mistake, or something worth a warning.
 *
 * @param severity errors stop the run
 * @param code stable, for example {@code type-mismatch}
 * @param span the place
 * @param message one sentence with the actual values and types
 * @param hint something that can be acted on, or empty
 */
public record Diagnostic(Severity severity, String code, Span span, String message, String hint) {
    /** How serious it is, as printed. */
    public enum Severity {
        ERROR,
        WARNING
    }

    public static Diagnostic error(String code, Span span, String message, String hint) {
        return new Diagnostic(Severity.ERROR, code, span, message, hint);
    }

    public static Diagnostic warning(String code, Span span, String message, String hint) {
        return new Diagnostic(Severity.WARNING, code, span, message, hint);
    }

    /**
     * The printed form: {@code file:line:c1-c2: ERROR: message}, the source line, {@code ~~~} under the span (a tab
     * counts four columns); the same with {@code expanded from} for each call of a macro that led there; then
     * {@code HINT: …}. A span over several lines shows {@code file:l1-l2:} and the lines.
     */
    public String render() {
        var out = new StringBuilder();
        place(out, span, message);
        for (var from = span.expandedFrom(); from.isPresent(); from = from.get().expandedFrom()) {
            place(out, from.get(), "expanded from");
        }
        if (!hint.isEmpty()) {
            out.append("HINT: ").append(hint).append('\n');
        }
        return out.toString();
    }

    private void place(StringBuilder out, Span at, String text) {
        var source = at.source();
        int first = source.line(at.start());
        int last = source.line(Math.max(at.start(), at.end() - 1));
        out.append(source.name()).append(':');
        if (first == last) {
            int from = source.column(at.start());
            out.append(first).append(':').append(from).append('-').append(from + at.end() - at.start());
        } else {
            out.append(first).append('-').append(last);
        }
        out.append(": ").append(severity).append(": ").append(text).append('\n');
        for (int line = first; line <= last; line++) {
            out.append(expandTabs(source.lineText(line))).append('\n');
        }
        if (first == last) {
            underline(out, source.lineText(first), source.column(at.start()) - 1, at.end() - at.start());
        }
    }

    private static void underline(StringBuilder out, String line, int start, int length) {
        int from = Math.min(start, line.length());
        int to = Math.min(from + Math.max(1, length), line.length());
        out.append(" ".repeat(expandTabs(line.substring(0, from)).length()));
        out.append("~".repeat(Math.max(1, expandTabs(line.substring(from, to)).length())));
        out.append('\n');
    }

    private static String expandTabs(String text) {
        return text.replace("\t", "    ");
    }
}
