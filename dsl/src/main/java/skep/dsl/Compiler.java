package skep.dsl;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.isa.kernel.KernelInfo;
import skep.source.Diagnostic;
import skep.source.Source;

/** The compiler of the tracing language: one pure function. */
public final class Compiler {
    private Compiler() {}

    /** Compiles a script. The same arguments give the same object on any machine. */
    public static CompileResult compile(Source source, KernelInfo kernel, CompileOptions options) {
        var notYet = Diagnostic.error(
                "not-supported-yet", source.span(0, source.text().length()), "The compiler is being built.", "");
        return new CompileResult(Optional.empty(), List.of(notYet), Map.of());
    }
}
