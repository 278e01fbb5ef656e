package skep.c.bcc;

import java.util.List;
import java.util.stream.Collectors;
import skep.source.Diagnostic;

/** The program has mistakes. The message holds all of them as a C compiler prints them. */
public final class CompileException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient List<Diagnostic> diagnostics;

    public CompileException(List<Diagnostic> diagnostics) {
        super(diagnostics.stream().map(CompileException::render).collect(Collectors.joining()));
        this.diagnostics = List.copyOf(diagnostics);
    }

    /** The mistakes, errors first. */
    public List<Diagnostic> diagnostics() {
        return diagnostics;
    }

    /** {@code file:line:column: error: message}, the line, a caret under the place, and the hint as a note. */
    public static String render(Diagnostic diagnostic) {
        var span = diagnostic.span();
        var source = span.source();
        int line = source.line(span.start());
        int column = source.column(span.start());
        var text = source.lineText(line);
        int length = Math.clamp(span.end() - span.start(), 1, Math.max(1, text.length() - column + 1));
        var lead = new StringBuilder();
        for (int i = 0; i < column - 1 && i < text.length(); i++) {
            lead.append(text.charAt(i) == '\t' ? '\t' : ' ');
        }
        var place = source.name() + ":" + line + ":" + column + ": ";
        var severity = diagnostic.severity() == Diagnostic.Severity.ERROR ? "error: " : "warning: ";
        var out = place + severity + diagnostic.message() + "\n" + text + "\n" + lead + "^" + "~".repeat(length - 1)
                + "\n";
        return diagnostic.hint().isEmpty() ? out : out + place + "note: " + diagnostic.hint() + "\n";
    }
}
