package skep.dsl.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import skep.dsl.LanguageReference;

/** The reference in the documents is what the compiler's tables say. */
class LanguageReferenceTest {
    private static final Path FILE = Path.of(System.getProperty("skep.root", "."), "docs/language.md");

    @Test
    void every_function_of_the_compiler_has_a_row() {
        var rows = LanguageReference.words().stream()
                .map(LanguageReference.Word::name)
                .collect(Collectors.toSet());
        var missing = new HashSet<String>();
        CallChecker.names().filter(n -> !rows.contains(n)).forEach(missing::add);
        assertTrue(missing.isEmpty(), () -> "no row for " + missing);
    }

    @Test
    void the_document_is_generated_from_the_rows() throws IOException {
        if (Boolean.getBoolean("skep.rewrite")) {
            Files.writeString(FILE, LanguageReference.markdown());
        }
        assertEquals(LanguageReference.markdown(), Files.readString(FILE));
    }
}
