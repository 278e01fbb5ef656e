package skep.session;

import java.util.List;
import skep.dsl.CompiledScript;
import skep.source.Diagnostic;
import skep.source.Source;
import skep.target.AttachException;
import skep.target.LoadException;
import skep.target.TargetException;

/** Failures of a target, told with the place of the script that caused them. */
final class Failures {
    /** The verifier's log is cut to its last lines: the first ones only say what went well. */
    private static final int LOG_LINES = 12;

    private Failures() {}

    static ScriptException inScript(TargetException failure, CompiledScript script, Source source, boolean wholeLog) {
        return switch (failure) {
            case AttachException attach -> new ScriptException(List.of(attach(attach, script, source)));
            case LoadException load -> load(load, script, source, wholeLog);
            case TargetException other -> new ScriptException("ERROR: " + other.getMessage());
        };
    }

    private static Diagnostic attach(AttachException failure, CompiledScript script, Source source) {
        var span = script.programs().stream()
                .filter(program -> program.probes().contains(failure.probe()))
                .findFirst()
                .map(program -> firstLine(program.span()))
                .orElse(source.span(0, Math.min(1, source.text().length())));
        return Diagnostic.error("attach", span, failure.getMessage(), failure.hint());
    }

    // A probe's span covers its body; the attach point stands in its first line.
    static skep.source.Span firstLine(skep.source.Span span) {
        int end = span.text().indexOf('{');
        var head = end < 0 ? span.text() : span.text().substring(0, end);
        int length = head.stripTrailing().length();
        return span.source().span(span.start(), span.start() + Math.max(1, length));
    }

    private static ScriptException load(LoadException failure, CompiledScript script, Source source, boolean wholeLog) {
        var log = new StringBuilder();
        var lines = failure.log().lines().toList();
        lines.subList(wholeLog ? 0 : Math.max(0, lines.size() - LOG_LINES), lines.size())
                .forEach(line -> log.append("  ").append(line).append('\n'));
        var place = failure.insn().isPresent()
                ? failure.program().lines().at(failure.insn().getAsInt())
                : java.util.Optional.<skep.isa.object.LineTable.Entry>empty();
        if (place.isPresent() && place.get().source().equals(source.name())) {
            int start = Math.min(place.get().start(), source.text().length());
            int end = Math.clamp(place.get().end(), start, source.text().length());
            var diagnostic = Diagnostic.error("verifier", source.span(start, end), failure.getMessage(), "");
            return new ScriptException((diagnostic.render() + log).stripTrailing(), List.of(diagnostic));
        }
        // Refused as a whole, without a look at its instructions.
        var program = script.programs().stream()
                .filter(p -> p.program().equals(failure.program().name()))
                .filter(p -> p.span().source().equals(source))
                .findFirst();
        if (place.isEmpty() && program.isPresent()) {
            var diagnostic = Diagnostic.error("load", firstLine(program.get().span()), failure.getMessage(), "");
            return new ScriptException((diagnostic.render() + log).stripTrailing(), List.of(diagnostic));
        }
        var where =
                place.map(entry -> entry.source() + ":" + entry.line() + ": ").orElse("");
        return new ScriptException((where + "ERROR: " + failure.getMessage() + "\n" + log).stripTrailing());
    }
}
