package skep.ir;

import skep.source.Diagnostic;

/** A text is not a module. */
public final class IrSyntaxException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Diagnostic diagnostic;

    IrSyntaxException(Diagnostic diagnostic) {
        super(diagnostic.render());
        this.diagnostic = diagnostic;
    }

    public Diagnostic diagnostic() {
        return diagnostic;
    }
}
