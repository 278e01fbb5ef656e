package skep.source;

import java.util.ArrayList;
import java.util.List;

/** Collects what is said about a source; a phase goes on after an error as long as it makes sense. */
public final class Diagnostics {
    /** More than this many errors are not collected: they would be a cascade. */
    public static final int MAX_ERRORS = 50;

    private final List<Diagnostic> all = new ArrayList<>();

    public void add(Diagnostic diagnostic) {
        if (all.size() < MAX_ERRORS * 2 && !all.contains(diagnostic)) {
            all.add(diagnostic);
        }
    }

    public void error(String code, Span span, String message, String hint) {
        add(Diagnostic.error(code, span, message, hint));
    }

    public void error(String code, Span span, String message) {
        error(code, span, message, "");
    }

    public void warning(String code, Span span, String message, String hint) {
        add(Diagnostic.warning(code, span, message, hint));
    }

    public boolean hasErrors() {
        return all.stream().anyMatch(d -> d.severity() == Diagnostic.Severity.ERROR);
    }

    /** Errors first, then warnings, each in the order they were found. */
    public List<Diagnostic> list() {
        var sorted = new ArrayList<Diagnostic>();
        all.stream().filter(d -> d.severity() == Diagnostic.Severity.ERROR).forEach(sorted::add);
        all.stream().filter(d -> d.severity() == Diagnostic.Severity.WARNING).forEach(sorted::add);
        return List.copyOf(sorted);
    }
}
