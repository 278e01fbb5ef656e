package skep.bindings.java;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class SnippetsTest {
    private final StringBuilder printed = new StringBuilder();
    private final Snippets snippets = new Snippets(printed::append, printed::append);

    @AfterEach
    void close() {
        snippets.close();
        Variables.shared().values().clear();
    }

    private Object value(String text) {
        var result = snippets.run(text);
        return assertInstanceOf(Snippets.Result.Value.class, result, result.toString())
                .value()
                .orElseThrow();
    }

    @Test
    void theLastExpressionIsTheValueAndOutputIsCaught() {
        assertEquals(42, value("int x = 40;\nSystem.out.print(\"hi\");\nx + 2"));
        assertEquals("hi", printed.toString());
        assertEquals(
                Optional.empty(),
                assertInstanceOf(Snippets.Result.Value.class, snippets.run("void f() {}"))
                        .value());
    }

    @Test
    void aTraceIsOneLineAway() {
        assertTrue((Long) value("trace(\"kprobe:vfs_read { @ = count(); }\", 0.3).number(\"@\")") > 0);
    }

    @Test
    void variablesAreSharedByReference() {
        var list = new java.util.ArrayList<Object>(List.of(1L));
        Variables.shared().put("fromPython", list);
        assertSame(list, value("fromPython.add(2L);\nvar mine = new int[] {7};\nfromPython"));
        assertEquals(List.of(1L, 2L), list);
        assertEquals(7, ((int[]) Variables.shared().get("mine"))[0]);
    }

    @Test
    void aCompileErrorShowsItsPlace() {
        var failed = assertInstanceOf(Snippets.Result.Failed.class, snippets.run("int a = 1;\nint b = nosuch + a;"));
        assertEquals("CompileError", failed.kind());
        assertTrue(
                failed.lines().get(1).contains("int b = nosuch + a;"),
                failed.lines().toString());
        assertEquals("~~~~~~", failed.lines().get(failed.lines().size() - 1).strip());
    }

    @Test
    void anExceptionShowsItsNameAndMessage() {
        var failed = assertInstanceOf(
                Snippets.Result.Failed.class, snippets.run("throw new IllegalStateException(\"as asked\");"));
        assertEquals("IllegalStateException", failed.kind());
        assertEquals("as asked", failed.message());
    }

    @Test
    void stopEndsATraceWhichKeepsItsResults() throws InterruptedException {
        var stopper = Thread.ofVirtual().start(() -> {
            try {
                while (!printed.toString().contains("go")) {
                    Thread.sleep(20);
                }
                snippets.stop();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Shell.setTarget("embedded");
        try {
            snippets.run("var t = skep().trace(\"kprobe:vfs_read { @ = count(); }\");"
                    + " t.on(\"attached\", e -> System.out.println(\"go\")).run();");
        } finally {
            Shell.setTarget("embedded:speed=max");
        }
        stopper.join();
        assertTrue((Boolean) value("t.ended()"));
        assertTrue((Long) value("t.number(\"@\")") >= 0);
    }

    @Test
    void aMapThatNothingWasWrittenToIsThereAndEmpty() {
        assertEquals(
                0L,
                value("var none = skep().trace(\"kprobe:vfs_read /0/ { @never[pid] = count(); @ = sum(1); }\")"
                        + ".run(java.time.Duration.ofMillis(50));\n"
                        + "none.map(\"@never\").entries().size() + none.number(\"@\")"));
    }

    @Test
    void completionAndDocumentationKnowSkep() {
        assertTrue(snippets.complete("Skep.emb", 8).words().contains("embedded()"));
        assertTrue(snippets.document("Skep.embedded(", 14, false).getFirst().contains("Skep"));
    }
}
