package skep.c.bcc;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.c.check.Types;
import skep.source.Diagnostic;
import skep.source.Diagnostics;

/**
 * The compiler of BCC's C: one pure function.
 *
 * <pre>
 * var program = BccCompiler.compile(BccRequest.of(text, kernel));
 * var object = program.object(List.of(FunctionUse.of("kprobe__vfs_read", ProgramType.KPROBE)));
 * </pre>
 */
public final class BccCompiler {
    private BccCompiler() {}

    /**
     * Compiles a program as far as can be without knowing how its functions will be attached; all of them are checked.
     *
     * @throws CompileException with the mistakes of the source
     */
    public static BccProgram compile(BccRequest request) {
        var diagnostics = new Diagnostics();
        var analysis = new Analysis(request, diagnostics);
        analysis.read();
        failOn(diagnostics);
        var checker = new ProgramWriter(analysis, request, diagnostics);
        analysis.entries.values().forEach(f -> checker.check(f, true));
        analysis.inner.values().forEach(f -> checker.check(f, false));
        failOn(diagnostics);
        return new BccProgram(request, analysis, tables(analysis), functions(analysis), warnings(diagnostics));
    }

    private static void failOn(Diagnostics diagnostics) {
        if (diagnostics.hasErrors()) {
            throw new CompileException(diagnostics.list().stream()
                    .filter(d -> d.severity() == Diagnostic.Severity.ERROR)
                    .toList());
        }
    }

    /** A program's own macros may replace those of the header library without a word. */
    private static List<Diagnostic> warnings(Diagnostics diagnostics) {
        return diagnostics.list().stream()
                .filter(d -> !d.code().equals("macro-redefined"))
                .toList();
    }

    private static List<BccTable> tables(Analysis analysis) {
        var reader = new CTypeReader(analysis.types);
        var tables = new ArrayList<BccTable>();
        for (var table : analysis.dialect.tables().values()) {
            Optional<CTypeInfo> event = Optional.ofNullable(
                            analysis.dialect.events().get(table.name()))
                    .map(reader::read);
            tables.add(new BccTable(
                    table.name(),
                    table.type(),
                    reader.read(table.key()),
                    reader.read(table.leaf()),
                    table.maxEntries(),
                    table.flags(),
                    event,
                    table.innerMap(),
                    table.pinnedPath(),
                    table.visibility(),
                    table.histogram(),
                    table.span()));
        }
        return tables;
    }

    private static List<BccFunction> functions(Analysis analysis) {
        var functions = new ArrayList<BccFunction>();
        for (var f : analysis.entries.values()) {
            int result = analysis.types.layout.idOf(f.type().result());
            functions.add(new BccFunction(
                    f.name(),
                    AttachHints.of(f),
                    f.type().parameters().size(),
                    result == Types.VOID ? 0 : (int) analysis.types.size(result),
                    f.span()));
        }
        return functions;
    }
}
