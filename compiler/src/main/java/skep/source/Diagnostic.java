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
     * counts four columns), then {@code HINT: …}. A span over several lines shows {@code file:l1-l2:} and the lines.
     */
    public String render() {
        var source = span.source();
        int first = source.line(span.start());
        int last = source.line(Math.max(span.start(), span.end() - 1));
        var out = new StringBuilder(source.name()).append(':');
        if (first == last) {
            int from = source.column(span.start());
            out.append(first).append(':').append(from).append('-').append(from + span.end() - span.start());
        } else {
            out.append(first).append('-').append(last);
        }
        out.append(": ").append(severity).append(": ").append(message).append('\n');
        for (int line = first; line <= last; line++) {
            out.append(expandTabs(source.lineText(line))).append('\n');
        }
        if (first == last) {
            var text = source.lineText(first);
            int from = Math.min(source.column(span.start()) - 1, text.length());
            int to = Math.min(from + Math.max(1, span.end() - span.start()), text.length());
            out.append(" ".repeat(expandTabs(text.substring(0, from)).length()));
            out.append("~"
                    .repeat(Math.max(
                            1,
                            expandTabs(text.substring(from, Math.max(from, to))).length())));
            out.append('\n');
        }
        if (!hint.isEmpty()) {
            out.append("HINT: ").append(hint).append('\n');
        }
        return out.toString();
    }

    private static String expandTabs(String text) {
        return text.replace("\t", "    ");
    }
}
