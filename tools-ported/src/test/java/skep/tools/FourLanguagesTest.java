package skep.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import skep.bindings.java.Shell;
import skep.bindings.java.Variables;
import skep.bindings.js.JsHost;
import skep.bindings.polyglot.PolyglotSession;
import skep.bindings.polyglot.PolyglotSession.Language;
import skep.bindings.polyglot.PolyglotSession.Outcome;

/** Six tools print the same in the tracing language, Python, JavaScript and Java, on the embedded kernel. */
@Timeout(300)
class FourLanguagesTest {
    private static final List<String> TOOLS =
            List.of("opensnoop", "biolatency", "runqlat", "tcplife", "memleak", "execsnoop");
    private static final String TARGET = "embedded:speed=max,seed=7";
    private static final String SECONDS = "1";
    private static final ByteArrayOutputStream OUT = new ByteArrayOutputStream();

    /** One for all, as Python takes seconds to start. */
    private static PolyglotSession session;

    static Stream<Arguments> cases() {
        return TOOLS.stream().flatMap(tool -> Stream.of("py", "mjs", "jsh").map(kind -> Arguments.of(tool, kind)));
    }

    @BeforeAll
    static void open() {
        session = new PolyglotSession(TARGET, false, OUT, OUT);
    }

    @AfterAll
    static void close() {
        session.close();
        Variables.shared().values().clear();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void printsWhatTheScriptPrints(String tool, String kind) throws IOException {
        var folder = ToolFolder.read(PortedToolsTest.TOOLS.resolve(tool));
        assertEquals(TARGET, folder.target());
        var file = PortedToolsTest.TOOLS.resolve(tool).resolve(tool + "." + kind);
        var expected = lines(folder.run());
        assertTrue(expected.size() > 3, expected.toString());
        assertEquals(String.join("\n", expected), String.join("\n", lines(output(file, kind))));
    }

    private static List<String> lines(String output) {
        return output.lines()
                .map(String::stripTrailing)
                .filter(line -> !line.isEmpty())
                .toList();
    }

    private static String output(Path file, String kind) throws IOException {
        OUT.reset();
        switch (kind) {
            case "py" -> {
                ran(session.run(Language.PYTHON, "argv", "import sys; sys.argv = ['" + file + "', '" + SECONDS + "']"));
                ran(session.run(Language.PYTHON, file.toString(), Files.readString(file)));
            }
            case "mjs" -> {
                try (var host = new JsHost(TARGET, List.of(SECONDS), true, OUT, OUT)) {
                    host.run(file);
                }
            }
            default -> {
                Shell.setArguments(List.of(SECONDS));
                var text = Files.readString(file).replace("/exit\n", "");
                ran(session.run(Language.JAVA, file.toString(), text));
            }
        }
        return OUT.toString(StandardCharsets.UTF_8);
    }

    private static void ran(Outcome outcome) {
        assertInstanceOf(Outcome.Done.class, outcome, outcome::toString);
    }
}
