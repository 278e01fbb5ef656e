package skep.dsl;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import skep.isa.kernel.Arch;
import skep.source.Source;

/**
 * Case files: a script, and what the stages make of it. Sections are {@code ast}, {@code typed}, {@code ir}, {@code asm},
 * {@code object} and {@code errors}; a case has those that it is about. {@code -Dskep.rewrite=true} writes what the compiler
 * says now.
 */
class CaseTest {
    private static final String MARK = "=== ";

    @TestFactory
    Stream<DynamicTest> every_case_file_agrees_with_the_compiler() throws IOException {
        var files = new ArrayList<Path>();
        try (var entries = Files.list(cases())) {
            entries.filter(p -> p.toString().endsWith(".case")).sorted().forEach(files::add);
        }
        return files.stream().map(f -> DynamicTest.dynamicTest(f.getFileName().toString(), () -> check(f)));
    }

    private static Path cases() {
        return Path.of(System.getProperty("skep.root", "."), "dsl/src/test/resources/cases");
    }

    private static void check(Path file) throws IOException {
        var text = Files.readString(file);
        var sections = sections(text);
        var actual = new LinkedHashMap<String, String>();
        var source = sections.get("source");
        var stages = EnumSet.noneOf(CompileOptions.Stage.class);
        for (var stage : CompileOptions.Stage.values()) {
            if (sections.containsKey(name(stage))) {
                stages.add(stage);
            }
        }
        boolean arm = sections.get("").contains("arm64");
        var kernel = arm ? new FakeKernel(Arch.ARM64, java.util.Optional.empty()) : FakeKernel.X86;
        var result = Compiler.compile(new Source("stdin", source), kernel, options(stages));
        for (var name : sections.keySet()) {
            actual.put(
                    name,
                    switch (name) {
                        case "" -> sections.get("");
                        case "source" -> source;
                        case "errors" -> errors(result);
                        default -> {
                            var stage = CompileOptions.Stage.valueOf(name.toUpperCase(Locale.ROOT));
                            yield result.stages().getOrDefault(stage, "(not reached)\n" + errors(result));
                        }
                    });
        }
        if (Boolean.getBoolean("skep.rewrite")) {
            Files.writeString(file, written(actual));
            return;
        }
        for (var name : sections.keySet()) {
            assertEquals(sections.get(name).strip(), actual.get(name).strip(), file.getFileName() + ", " + name);
        }
        if (!sections.containsKey("errors")) {
            assertEquals("", errors(result), file.getFileName() + " must compile");
        }
    }

    private static CompileOptions options(Set<CompileOptions.Stage> stages) {
        return new CompileOptions(
                List.of("10", "text"),
                Map.of(),
                OptionalInt.of(1234),
                OptionalInt.empty(),
                Map.of(),
                true,
                0,
                List.of(),
                stages,
                false,
                false,
                true);
    }

    private static String name(CompileOptions.Stage stage) {
        return stage.name().toLowerCase(Locale.ROOT);
    }

    private static String errors(CompileResult result) {
        var out = new StringBuilder();
        result.diagnostics().forEach(d -> out.append(d.render()));
        return out.toString();
    }

    private static Map<String, String> sections(String text) {
        var sections = new LinkedHashMap<String, String>();
        var name = "";
        var body = new StringBuilder();
        for (var line : text.split("\n", -1)) {
            if (line.startsWith(MARK)) {
                sections.put(name, body.toString());
                name = line.substring(MARK.length()).strip();
                body.setLength(0);
            } else {
                body.append(line).append('\n');
            }
        }
        sections.put(name, body.toString());
        return sections.entrySet().stream()
                .collect(
                        LinkedHashMap::new,
                        (map, e) -> map.put(e.getKey(), e.getValue().strip() + "\n"),
                        LinkedHashMap::putAll);
    }

    private static String written(Map<String, String> sections) {
        var out = new StringBuilder();
        sections.forEach((name, body) -> {
            if (!name.isEmpty()) {
                out.append(MARK).append(name).append('\n');
            }
            out.append(body.strip()).append('\n');
        });
        return out.toString();
    }
}
