package skep.dsl;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import skep.dsl.ast.AstPrinter;
import skep.dsl.ast.Script;
import skep.dsl.check.Checker;
import skep.dsl.check.TypedPrinter;
import skep.dsl.lower.Lowering;
import skep.dsl.parse.Parser;
import skep.dsl.parse.ThreadLocals;
import skep.ir.IrPrinter;
import skep.ir.codegen.AsmPrinter;
import skep.ir.codegen.Codegen;
import skep.ir.codegen.CodegenOptions;
import skep.ir.codegen.CpuLevel;
import skep.ir.pass.Optimizer;
import skep.isa.kernel.KernelInfo;
import skep.source.Diagnostics;
import skep.source.Source;

/** The compiler of the tracing language: one pure function. */
public final class Compiler {
    /** Headers that are included before the script, one a line: {@code --include}. */
    public static final String INCLUDE_VARIABLE = "SKEP_INCLUDE";

    private Compiler() {}

    /** Compiles a script. The same arguments give the same object on any machine. */
    public static CompileResult compile(Source source, KernelInfo kernel, CompileOptions options) {
        var diagnostics = new Diagnostics();
        var stages = new EnumMap<CompileOptions.Stage, String>(CompileOptions.Stage.class);
        var script = compile(source, kernel, options, diagnostics, stages);
        return new CompileResult(diagnostics.hasErrors() ? Optional.empty() : script, diagnostics.list(), stages);
    }

    /** The headers of {@code --include} stand before the script. */
    private static Script withIncludes(Script script, CompileOptions options) {
        var headers = options.environment().getOrDefault(INCLUDE_VARIABLE, "");
        if (headers.isBlank()) {
            return script;
        }
        var preamble = new ArrayList<Script.CText>();
        for (var header : headers.strip().split("\n")) {
            var quoted = header.startsWith("<") || header.startsWith("\"")
                    ? header
                    : Files.exists(Path.of(header)) ? "\"" + header + "\"" : "<" + header + ">";
            var text = new Source("--include", "#include " + quoted);
            preamble.add(new Script.CText(text.span(0, text.text().length())));
        }
        preamble.addAll(script.preamble());
        return script.withPreamble(preamble);
    }

    private static Optional<CompiledScript> compile(
            Source source,
            KernelInfo kernel,
            CompileOptions options,
            Diagnostics diagnostics,
            Map<CompileOptions.Stage, String> stages) {
        var wanted = options.stages();
        var ast = ThreadLocals.withCleanup(withIncludes(Parser.parse(source, diagnostics), options));
        if (wanted.contains(CompileOptions.Stage.AST)) {
            stages.put(CompileOptions.Stage.AST, AstPrinter.print(ast));
        }
        if (diagnostics.hasErrors()) {
            return Optional.empty();
        }
        var checked = Checker.check(ast, kernel, options, diagnostics);
        if (diagnostics.hasErrors() || checked.typed().isEmpty()) {
            return Optional.empty();
        }
        var typed = checked.typed().get();
        if (wanted.contains(CompileOptions.Stage.TYPED)) {
            stages.put(CompileOptions.Stage.TYPED, TypedPrinter.print(typed));
        }
        var lowered = Lowering.lower(typed, checked, source, kernel, options);
        var module = Optimizer.optimize(lowered.module());
        if (wanted.contains(CompileOptions.Stage.IR)) {
            stages.put(CompileOptions.Stage.IR, IrPrinter.print(module));
        }
        var level = kernel.version().isAtLeast(6, 6) ? CpuLevel.V4 : CpuLevel.V3;
        var object = Codegen.compile(module, new CodegenOptions(level), diagnostics);
        if (object.isEmpty() || diagnostics.hasErrors()) {
            return Optional.empty();
        }
        if (wanted.contains(CompileOptions.Stage.ASM)) {
            stages.put(CompileOptions.Stage.ASM, AsmPrinter.asm(object.get()));
        }
        if (wanted.contains(CompileOptions.Stage.OBJECT)) {
            stages.put(CompileOptions.Stage.OBJECT, AsmPrinter.object(object.get()));
        }
        return Optional.of(new CompiledScript(
                object.get(),
                lowered.programs(),
                lowered.maps(),
                lowered.actions(),
                lowered.faults(),
                lowered.usesRingBuffer(),
                lowered.usesCounters(),
                lowered.usesUserSymbols(),
                checked.config()));
    }
}
