package skep.session;

import java.util.List;
import skep.source.Diagnostic;

/** A script that does not compile, or that its target refuses. The message is what the user is shown. */
public final class ScriptException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient List<Diagnostic> diagnostics;

    ScriptException(List<Diagnostic> diagnostics) {
        super(text(diagnostics));
        this.diagnostics = List.copyOf(diagnostics);
    }

    ScriptException(String message) {
        this(message, List.of());
    }

    ScriptException(String message, List<Diagnostic> diagnostics) {
        super(message);
        this.diagnostics = List.copyOf(diagnostics);
    }

    /** What the compiler said, errors first; of a refusal by the target, the line that it is about, if that is known. */
    public List<Diagnostic> diagnostics() {
        return diagnostics;
    }

    private static String text(List<Diagnostic> diagnostics) {
        var out = new StringBuilder();
        diagnostics.forEach(diagnostic -> out.append(diagnostic.render()));
        return out.toString().stripTrailing();
    }
}
