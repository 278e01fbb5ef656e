package skep.dsl;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import skep.dsl.parse.Parser;
import skep.source.Diagnostic;
import skep.source.Diagnostics;
import skep.source.Source;

/** The compiler against what others say of programs: which compile, and which are refused. */
class LanguageDataTest {
    private static final Path DATA = Path.of(System.getProperty("skep.root", "."), "../shared/data/tracing-language");

    private static final FakeKernel KERNEL = FakeKernel.withLiveTypes();

    private static List<String> lines(String file) throws IOException {
        var path = DATA.resolve(file);
        Assumptions.assumeTrue(Files.exists(path), path + " is not here");
        return Files.readAllLines(path);
    }

    static CompileOptions options(boolean unsafe) {
        return new CompileOptions(
                List.of("1", "hello"),
                Map.of(),
                OptionalInt.of(1),
                OptionalInt.empty(),
                Map.of(),
                unsafe,
                0,
                List.of(),
                Set.of(),
                false,
                false,
                true);
    }

    /** What is wrong with a program, or an empty string. */
    static String verdict(String program, CompileOptions options) {
        try {
            var result = Compiler.compile(new Source("stdin", program), KERNEL, options);
            return result.diagnostics().stream()
                    .filter(d -> d.severity() == Diagnostic.Severity.ERROR)
                    .findFirst()
                    .map(d -> d.span() + " " + d.message())
                    .orElse("");
        } catch (RuntimeException | StackOverflowError | AssertionError bug) {
            var at = bug.getStackTrace().length > 0 ? bug.getStackTrace()[0].toString() : "";
            return "BUG " + bug + " " + at;
        }
    }

    @Test
    void one_liners_of_the_documents_compile() throws IOException {
        int ran = 0;
        var failed = new ArrayList<String>();
        for (var line : lines("oneliners.txt")) {
            ran++;
            var problem = verdict(line.replace("\\n", "\n"), options(true));
            if (!problem.isEmpty()) {
                failed.add(line + "\n    " + problem);
            }
        }
        report("one-liners", ran, failed);
        assertTrue(failed.stream().noneMatch(f -> f.contains("BUG ")), "no program may break the compiler");
        assertTrue(ran - failed.size() >= 200, failed.size() + " of " + ran + " fail");
    }

    @Test
    void verdicts_agree_with_the_unit_cases() throws IOException {
        int ran = 0;
        var failed = new ArrayList<String>();
        var byFile = new TreeMap<String, int[]>();
        for (var line : lines("unit_cases.jsonl")) {
            var row = Json.object(line);
            var level = Json.string(row, "level");
            var program = Json.string(row, "program");
            if (level.equals("pass:utils") || !program.contains("{") && !level.equals("expr-fragment")) {
                continue;
            }
            ran++;
            var counts = byFile.computeIfAbsent(Json.string(row, "file"), _ -> new int[2]);
            counts[1]++;
            boolean wantsError = Json.string(row, "expect").equals("error");
            var problem = problem(
                    level, program, wantsError, !Json.string(row, "error").contains("unsafe"));
            if (wantsError == problem.isEmpty() || problem.startsWith("BUG ")) {
                failed.add((wantsError ? "must fail: " : "must pass: ") + program.replace("\n", "\\n") + "\n    "
                        + (problem.isEmpty() ? "no error; expected " + Json.string(row, "error") : problem));
            } else {
                counts[0]++;
            }
        }
        report("unit cases", ran, failed);
        byFile.forEach((file, counts) -> System.out.println("  " + file + ": " + counts[0] + " of " + counts[1]));
        assertTrue(failed.stream().noneMatch(f -> f.contains("BUG ")), "no program may break the compiler");
        assertTrue((ran - failed.size()) * 100 >= ran * 90, failed.size() + " of " + ran + " fail");
    }

    private static String problem(String level, String program, boolean wantsError, boolean unsafe) {
        if (level.equals("parse") && !wantsError) {
            var diagnostics = new Diagnostics();
            Parser.parse(new Source("stdin", program), diagnostics);
            return diagnostics.list().stream()
                    .findFirst()
                    .map(Diagnostic::message)
                    .orElse("");
        }
        if (level.equals("expr-fragment")) {
            var text = program.strip();
            var body = text.startsWith("if") || text.startsWith("{") ? text : "_ = " + text + ";";
            return verdict("begin { let $x = 1; " + body + " }", options(unsafe));
        }
        return verdict(program, options(unsafe));
    }

    private static void report(String what, int ran, List<String> failed) throws IOException {
        System.out.println(what + ": " + (ran - failed.size()) + " of " + ran + " pass");
        var out = Path.of(System.getProperty("skep.root", "."), "dsl/target", what.replace(' ', '-') + "-failed.txt");
        Files.createDirectories(out.getParent());
        Files.write(out, failed);
        var causes = new HashMap<String, Integer>();
        failed.forEach(f -> causes.merge(f.contains("BUG ") ? "bug" : "other", 1, Integer::sum));
    }
}
