package skep.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each tool prints what its folder says, on the embedded kernel. */
class PortedToolsTest {
    static final Path TOOLS = Path.of(System.getProperty("skep.root", ".."), "tools-ported");

    static List<String> names() throws IOException {
        return ToolFolder.all(TOOLS).stream().map(ToolFolder::name).toList();
    }

    @ParameterizedTest
    @MethodSource("names")
    void printsWhatItsFolderSays(String name) throws IOException {
        var tool = ToolFolder.read(TOOLS.resolve(name));
        var output = tool.run();
        assertEquals(Optional.empty(), tool.expectation().mismatch(output), output);
    }

    @ParameterizedTest
    @MethodSource("names")
    void saysHowItComparesWithTheOriginal(String name) throws IOException {
        var readme = Files.readString(TOOLS.resolve(name).resolve("README.md"));
        assertTrue(readme.startsWith("# " + name + "\n"), readme);
    }

    @Test
    void anExpectationIsMetOnlyByItsShape() {
        var shape = new Expectation(List.of("HEAD", "\\d+ x", "...", "end"));
        assertEquals(Optional.empty(), shape.mismatch("HEAD\n1 x\nanything\nend\n"));
        assertTrue(shape.mismatch("HEAD\nx\nend\n").isPresent());
        assertTrue(shape.mismatch("HEAD\n1 x\nmore\n").isPresent());
        assertTrue(shape.mismatch("HEAD\n1 x\nend\nmore\n").isPresent());
    }
}
