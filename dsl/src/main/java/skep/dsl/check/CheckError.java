package skep.dsl.check;

import skep.source.Diagnostics;
import skep.source.Span;

/** Leaves the statement being checked; caught where checking can go on. */
final class CheckError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String code;
    private final transient Span span;
    private final String hint;
    private transient Span elsewhere;
    private String note = "";

    CheckError(String code, Span span, String message, String hint) {
        super(message, null, false, false);
        this.code = code;
        this.span = span;
        this.elsewhere = span;
        this.hint = hint;
    }

    CheckError(String code, Span span, String message) {
        this(code, span, message, "");
    }

    /** Adds another place that has to do with it, and what it is. */
    CheckError and(Span place, String what) {
        elsewhere = place;
        note = what;
        return this;
    }

    String code() {
        return code;
    }

    void warn(Diagnostics diagnostics) {
        diagnostics.warning(code, span, getMessage(), hint);
    }

    void report(Diagnostics diagnostics) {
        diagnostics.error(code, span, getMessage(), hint);
        if (!note.isEmpty()) {
            diagnostics.error(code, elsewhere, note);
        }
    }
}
