package skep.dsl.parse;

import skep.source.Diagnostics;
import skep.source.Span;

/** Leaves the statement being parsed; caught where parsing can go on. */
final class SyntaxError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Span span;

    SyntaxError(Span span, String message) {
        super(message, null, false, false);
        this.span = span;
    }

    void report(Diagnostics diagnostics) {
        diagnostics.error("syntax", span, "syntax: " + getMessage());
    }
}
