package skep.c.bcc;

import java.util.List;
import java.util.Optional;
import skep.ir.codegen.Codegen;
import skep.ir.codegen.CodegenOptions;
import skep.ir.codegen.CpuLevel;
import skep.ir.pass.Optimizer;
import skep.isa.object.BpfObject;
import skep.source.Diagnostic;
import skep.source.Diagnostics;

/**
 * A checked program: what it declares, and a factory of objects with the functions that are to be loaded. Safe for any
 * thread.
 */
public final class BccProgram {
    private final BccRequest request;
    private final Analysis analysis;
    private final List<BccTable> tables;
    private final List<BccFunction> functions;
    private final List<Diagnostic> warnings;

    BccProgram(
            BccRequest request,
            Analysis analysis,
            List<BccTable> tables,
            List<BccFunction> functions,
            List<Diagnostic> warnings) {
        this.request = request;
        this.analysis = analysis;
        this.tables = List.copyOf(tables);
        this.functions = List.copyOf(functions);
        this.warnings = List.copyOf(warnings);
    }

    /** The tables in the order of their declaration. */
    public List<BccTable> tables() {
        return tables;
    }

    public Optional<BccTable> table(String name) {
        return tables.stream().filter(t -> t.name().equals(name)).findFirst();
    }

    /** The functions that can be attached, in the order of the source. */
    public List<BccFunction> functions() {
        return functions;
    }

    public Optional<BccFunction> function(String name) {
        return functions.stream().filter(f -> f.name().equals(name)).findFirst();
    }

    public List<Diagnostic> warnings() {
        return warnings;
    }

    /** What {@code BPF_LICENSE} says, {@code GPL} otherwise. */
    public String license() {
        return analysis.license();
    }

    /**
     * The maps of all tables, and a program for each use.
     *
     * @param uses may be empty: then the object has maps only
     * @throws CompileException if a function cannot be compiled for its use
     * @throws IllegalArgumentException if there is no function of that name
     */
    public synchronized BpfObject object(List<FunctionUse> uses) {
        var diagnostics = new Diagnostics();
        var writer = new ProgramWriter(analysis, request, diagnostics);
        uses.forEach(writer::write);
        failOn(diagnostics);
        var resolved = writer.resolved(Optimizer.optimize(writer.finish()));
        var module = Optimizer.optimize(resolved);
        var level = request.kernel().version().isAtLeast(6, 6) ? CpuLevel.V4 : CpuLevel.V3;
        var object = Codegen.compile(module, new CodegenOptions(level), diagnostics);
        failOn(diagnostics);
        return object.orElseThrow();
    }

    private static void failOn(Diagnostics diagnostics) {
        if (diagnostics.hasErrors()) {
            throw new CompileException(diagnostics.list());
        }
    }
}
