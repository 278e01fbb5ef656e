package skep.jupyter.gallery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import skep.jupyter.Page;
import skep.jupyter.cell.NotebookKernel;
import skep.jupyter.protocol.Kernel;
import tools.jackson.databind.json.JsonMapper;

/** Every notebook of the gallery runs from its first cell to its last, and what the cells find is what happened. */
@Timeout(600)
class GalleryTest {
    private static final Path GALLERY = Path.of(System.getProperty("skep.root", ".."), "notebooks", "gallery");

    static List<Path> notebooks() throws IOException {
        try (Stream<Path> files = Files.list(GALLERY)) {
            return files.filter(file -> file.toString().endsWith(".ipynb"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void thereAreEight() throws IOException {
        assertEquals(8, notebooks().size());
    }

    @ParameterizedTest
    @MethodSource("notebooks")
    void runsToItsEnd(Path file) throws IOException {
        var shown = run(file);
        assertTrue(shown.size() > 3, shown.toString());
        switch (file.getFileName().toString()) {
            case "4-memory-leak.ipynb" -> assertTrue(shown.toString().contains("__alloc_skb"), shown.toString());
            case "5-tcp-retransmissions.ipynb" ->
                assertEquals(number(shown, "@total: (\\d+)"), number(shown, "retransmits +(\\d+)"), shown.toString());
            case "8-comparing-runs.ipynb" -> assertTrue(shown.toString().contains("they differ"), shown.toString());
            default -> {}
        }
    }

    @ParameterizedTest
    @MethodSource("notebooks")
    void isStoredWithoutOutputs(Path file) throws IOException {
        var notebook = JsonMapper.shared().readTree(Files.readString(file));
        assertEquals(
                "skep",
                notebook.path("metadata").path("kernelspec").path("name").asString());
        for (var cell : notebook.path("cells")) {
            assertTrue(cell.path("outputs").isEmpty(), file + ": clear the outputs before committing");
        }
    }

    private static long number(List<String> shown, String pattern) {
        return shown.stream()
                .map(Pattern.compile(pattern)::matcher)
                .filter(java.util.regex.Matcher::find)
                .mapToLong(match -> Long.parseLong(match.group(1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError(pattern + " in " + shown));
    }

    /** What the cells have shown, as text, in order. */
    private static List<String> run(Path file) throws IOException {
        var notebook = JsonMapper.shared().readTree(Files.readString(file));
        var all = new ArrayList<String>();
        try (var kernel = new NotebookKernel("test", "embedded:speed=max")) {
            int count = 0;
            for (var cell : notebook.path("cells")) {
                if (!cell.path("cell_type").asString().equals("code")) {
                    continue;
                }
                var code = new StringBuilder();
                cell.path("source").forEach(line -> code.append(line.asString()));
                var page = new Page();
                var outcome = kernel.execute(new Kernel.Request(code.toString(), ++count, false, false), page);
                assertFalse(outcome instanceof Kernel.Outcome.Failed, () -> code + "\n" + outcome);
                assertFalse(page.shown().isEmpty(), () -> "shows nothing: " + code);
                all.addAll(page.shown());
            }
        }
        return all;
    }
}
