package skep.ir;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import skep.ir.codegen.AsmPrinter;
import skep.ir.codegen.Codegen;
import skep.ir.codegen.CodegenOptions;
import skep.ir.codegen.CpuLevel;
import skep.ir.pass.Optimizer;
import skep.source.Diagnostic;
import skep.source.Diagnostics;
import skep.source.Source;

/**
 * The files of {@code cases}: sections {@code === ir} (what goes in), {@code === passes} (the module after them),
 * {@code === asm} or {@code === error} (what code generation says). A first line {@code # cpu v4} raises the CPU level,
 * {@code # no scratch} keeps values on the stack. With {@code -Dskep.rewrite=true} the expectations are
 * rewritten.
 */
class CaseTest {
    private static final Path CASES =
            Path.of(System.getProperty("skep.root", "..")).resolve("compiler/src/test/resources/cases");

    @TestFactory
    Stream<DynamicTest> each_case_comes_out_as_written() throws IOException {
        try (var files = Files.list(CASES)) {
            return files
                    .filter(f -> f.toString().endsWith(".case"))
                    .sorted()
                    .map(f -> DynamicTest.dynamicTest(f.getFileName().toString(), () -> check(f)))
                    .toList()
                    .stream();
        }
    }

    private static void check(Path file) throws IOException {
        var before = Files.readString(file);
        var after = run(before, file.getFileName().toString());
        if (Boolean.getBoolean("skep.rewrite")) {
            Files.writeString(file, after);
        }
        assertEquals(before, after);
    }

    private static String run(String text, String name) {
        var sections = sections(text);
        var head = sections.get("");
        var ir = sections.get("ir");
        var out = new StringBuilder(head).append("=== ir\n").append(ir);
        var module = Optimizer.optimize(IrParser.parse(new Source(name, ir)));
        out.append("=== passes\n").append(IrPrinter.print(module));
        var cpu = head.contains("cpu v4") ? CpuLevel.V4 : CpuLevel.V3;
        var diagnostics = new Diagnostics();
        var object = Codegen.compile(module, new CodegenOptions(cpu, !head.contains("no scratch")), diagnostics);
        if (object.isPresent()) {
            out.append("=== asm\n").append(AsmPrinter.asm(object.get()));
        } else {
            out.append("=== error\n");
            diagnostics.list().stream().map(Diagnostic::render).forEach(out::append);
        }
        return out.toString();
    }

    private static Map<String, String> sections(String text) {
        Map<String, String> sections = new LinkedHashMap<>();
        var name = "";
        var body = new StringBuilder();
        for (var line : text.lines().toList()) {
            if (line.startsWith("=== ")) {
                sections.put(name, body.toString());
                name = line.substring(4);
                body.setLength(0);
            } else {
                body.append(line).append('\n');
            }
        }
        sections.put(name, body.toString());
        return sections;
    }
}
