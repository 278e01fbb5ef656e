package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the language has that bpftrace lacks, on the embedded kernel from the command line. */
class BeyondThePeersTest {
    private static MainTest.Result run(String program, String... more) {
        var args = new java.util.ArrayList<>(
                java.util.List.of("--target", "embedded:speed=max", "--duration", "300ms", "-q", "-e", program));
        args.addAll(java.util.List.of(more));
        return MainTest.skep("", args.toArray(String[]::new));
    }

    private static void assertMatches(String pattern, String text) {
        assertTrue(Pattern.compile(pattern, Pattern.DOTALL).matcher(text).find(), text);
    }

    @Test
    void quantilesComeFromASketch() {
        var result = run("begin { for ($i : 1..1001) { @q = quantiles($i); @p[1] = p99($i); } exit(); }");
        assertEquals(0, result.status(), result.err());
        assertMatches("@p\\[1\\]: 9(7|8|9)\\d\n", result.out());
        assertMatches("@q: count 1000, p50 (49|50)\\d, p90 (89|9[01])\\d, p99 9(7|8|9)\\d\n", result.out());
    }

    @Test
    void logLinearHistogramsStepWithinPowers() {
        var result =
                run("begin { @ = llhist(5, 10, 1, 2, 10); @ = llhist(37, 10, 1, 2, 10); @ = llhist(950, 10, 1, 2, 10);"
                        + " @ = llhist(1000, 10, 1, 2, 10); exit(); }");
        assertEquals(0, result.status(), result.err());
        assertMatches(
                "\\(\\.\\.\\., 10\\) +1 .*\\[30, 40\\) +1 .*\\[900, 1000\\) +1 .*\\[1000, \\.\\.\\.\\) +1 ",
                result.out());
    }

    @Test
    void clearingTakesEffectInOrder() {
        var result = run("begin { @c[1] = count(); @c[2] = count(); @s = 3; print(@c); clear(@c); clear(@s);"
                + " @c[2] = count(); printf(\"%d %d %d %d\\n\", len(@c), has_key(@c, 1), has_key(@c, 2), @s);"
                + " for ($kv : @c) { print($kv) } @s++; exit(); }");
        assertEquals(0, result.status(), result.err());
        assertEquals("@c[1]: 1\n@c[2]: 1\n1 0 1 0\n(2, 1)\n\n@c[2]: 1\n@s: 1\n", result.out());
    }

    @Test
    void storedStacksKnowTheirLength() {
        var result = run("kprobe:vfs_read { $s = kstack(3); @ = len($s); @k = kstack(2); @l = len(@k); exit(); }");
        assertEquals(0, result.status(), result.err());
        assertMatches("@: 3\n@k: (.*\n)+@l: 2\n", result.out());
    }

    @Test
    void mapsStandSideBySide() {
        var result = run("begin { @a[1] = count(); @a[2] = count(); @a[2] = count(); @b[2] = sum(7);"
                + " printa(@a, @b, \"sort=@a descending percent\"); exit(); }");
        assertEquals(0, result.status(), result.err());
        assertMatches("2 +2 +66.7 +7 +100.0\n1 +1 +33.3", result.out());
    }

    @Test
    void stacksBecomeAFlameGraph(@TempDir Path folder) throws IOException {
        var file = folder.resolve("st.svg");
        var result = run(
                "kprobe:vfs_read { @st[kstack] = count(); } end { print(@st, flame, \"" + file + "\"); clear(@st); }");
        assertEquals(0, result.status(), result.err());
        assertTrue(Files.readString(file).contains("<title>vfs_read: "));
    }

    @Test
    void mapsAreExportedAtTheEnd(@TempDir Path folder) throws IOException {
        var result = run(
                "kprobe:vfs_read { @n[comm] = count(); }",
                "--export",
                folder + "/n.csv",
                "--export",
                "json:" + folder + "/n");
        assertEquals(0, result.status(), result.err());
        assertTrue(Files.readString(folder.resolve("n.csv")).startsWith("key,@n\n"));
        assertTrue(Files.readString(folder.resolve("n")).startsWith("{\"type\": \"map\", \"data\": {\"@n\": {"));
    }

    @Test
    void speculationsAreShownOnlyWhenCommitted() {
        var result = run(
                "begin { $a = speculation(); $b = speculation(); { speculate($a); printf(\"a1\\n\"); printf(\"a2\\n\"); }"
                        + " { speculate($b); printf(\"b\\n\"); } printf(\"now\\n\"); commit($a); discard($b);"
                        + " speculate(99); printf(\"never\\n\"); exit(); }");
        assertEquals(0, result.status(), result.err());
        assertEquals("now\na1\na2\n\n", result.out());
    }

    @Test
    void quotientsHaveAFractionInUserSpace() {
        assertEquals(
                "2.50 0.3333 0.0\n\n",
                run("begin { @n = count(); @s = sum(5); printf(\"%.2f %.4f %.1f\\n\", @s / 2, @n / 3, 5 / (@n - 1)); clear(@n); clear(@s); exit(); }")
                        .out());
    }

    @Test
    void threadLocalVariablesAreNotAmongTheResults() {
        var result = MainTest.skep(
                "",
                "--target",
                "embedded:speed=max",
                "--duration",
                "300ms",
                "-e",
                "kprobe:vfs_read { self->t = nsecs; } kretprobe:vfs_read /self->t/ { @ = count(); self->t = 0; }");
        assertEquals(0, result.status(), result.err());
        assertTrue(result.err().startsWith("Attached 2 probes"), result.err());
        assertMatches("^\n@: [0-9]+\n$", result.out());
        var stage = MainTest.skep("", "--target", "embedded", "-d", "ast", "-e", "begin { self->t = 1; }");
        assertMatches("at: tracepoint:sched:sched_process_exit", stage.out());
    }

    @Test
    void headersOfTheCommandLineStandBeforeTheScript(@TempDir Path folder) throws IOException {
        var header = Files.writeString(folder.resolve("x.h"), "#define X 42\n");
        var result = run("begin { print(X); exit(); }", "--include", header.toString());
        assertEquals("42\n\n", result.out(), result.err());
    }

    @Test
    void mapsAreShownAgainAndAgain() {
        var result = run("kprobe:vfs_read { @ = count(); }", "--watch", "50ms");
        assertEquals(0, result.status(), result.err());
        assertMatches("\n@: [0-9]+\n$", result.out());
    }

    @Test
    void whatDoesNotFitIsToldWithItsPlace() {
        var result = run("begin { @a = count(); print(@a, heatmap); }");
        assertEquals(1, result.status());
        assertMatches(
                "stdin:1:23-41: ERROR: heatmap does not fit @a, which is of type count_t\n.*HINT: ", result.err());
        assertMatches(
                "'flam' is no form.*HINT: ",
                run("begin { @a = count(); print(@a, flam); }").err());
        assertMatches(
                "no column '@x'.*HINT: columns: key, @a",
                run("begin { @a = count(); printa(@a, \"sort=@x\"); }").err());
    }
}
