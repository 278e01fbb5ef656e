package skep.dsl.check;

import skep.source.Diagnostics;
import skep.source.Span;

/** Leaves the statement being checked; caught where checking can go on. */
final class CheckError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String code;
    private final transient Span span;
    private final String hint;

    CheckError(String code, Span span, String message, String hint) {
        super(message, null, false, false);
        this.code = code;
        this.span = span;
        this.hint = hint;
    }

    CheckError(String code, Span span, String message) {
        this(code, span, message, "");
    }

    String code() {
        return code;
    }

    void warn(Diagnostics diagnostics) {
        diagnostics.warning(code, span, getMessage(), hint);
    }

    void report(Diagnostics diagnostics) {
        diagnostics.error(code, span, getMessage(), hint);
    }
}
