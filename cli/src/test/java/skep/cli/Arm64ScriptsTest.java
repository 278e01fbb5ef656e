package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import skep.vm.Backend;

/** Whole scripts print the same whether their programs are A64 code under the emulator or interpreted. */
class Arm64ScriptsTest {
    /** One script a line: what maps, stacks, strings, loops, timers and typed loads need. */
    private static final String SCRIPTS = "arm64-scripts.bt.txt";

    static Stream<String> scripts() throws IOException {
        try (var in = Arm64ScriptsTest.class.getResourceAsStream(SCRIPTS)) {
            var text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return text.lines().filter(line -> !line.isBlank()).toList().stream();
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("scripts")
    void aScriptPrintsTheSame(String script) {
        compare(script, "200ms");
    }

    @Test
    void aFewScriptsPrintTheSame() throws IOException {
        scripts().limit(3).forEach(script -> compare(script, "20ms"));
    }

    private static void compare(String script, String duration) {
        Backend.named("arm64").unavailableReason().ifPresent(reason -> Assumptions.abort(reason));
        assertEquals(run("interp", script, duration), run("arm64", script, duration), script);
    }

    private static String run(String backend, String script, String duration) {
        var bytes = new ByteArrayOutputStream();
        var out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        var arguments =
                List.of("--target", "embedded:seed=3", "--duration", duration, "--backend", backend, "-e", script);
        int status = Main.run(arguments, InputStream.nullInputStream(), out, out);
        return status + "\n" + bytes.toString(StandardCharsets.UTF_8);
    }
}
