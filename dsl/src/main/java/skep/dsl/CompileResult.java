package skep.dsl;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.source.Diagnostic;

/**
 * What became of a compilation.
 *
 * @param script present if there is no error
 * @param diagnostics errors first, then warnings
 * @param stages the text of each stage asked for, as far as compilation came
 */
public record CompileResult(
        Optional<CompiledScript> script, List<Diagnostic> diagnostics, Map<CompileOptions.Stage, String> stages) {
    public CompileResult {
        diagnostics = List.copyOf(diagnostics);
        stages = Map.copyOf(stages);
    }

    public boolean hasErrors() {
        return script.isEmpty();
    }
}
