package skep.bindings.polyglot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import skep.bindings.java.Trace;
import skep.bindings.java.TraceMap;
import skep.bindings.java.Variables;
import skep.bindings.polyglot.PolyglotSession.Language;
import skep.bindings.polyglot.PolyglotSession.Outcome;
import skep.truffle.interop.Guests;

/** One session for all cases, as its start takes seconds. */
@Timeout(300)
class PolyglotSessionTest {
    private static final ByteArrayOutputStream OUT = new ByteArrayOutputStream();
    private static PolyglotSession session;

    @BeforeAll
    static void open() {
        session = new PolyglotSession("embedded:speed=max", false, OUT, OUT);
        session.setDuration(Optional.of(Duration.ofMillis(300)));
    }

    @AfterAll
    static void close() {
        session.close();
        Variables.shared().values().clear();
    }

    @AfterEach
    void forgetOutput() {
        OUT.reset();
    }

    private static String run(Language language, String text) {
        return switch (session.run(language, "cell", text)) {
            case Outcome.Done done -> done.text();
            case Outcome.Failed failed -> failed.kind() + ": " + String.join("\n", failed.lines());
            case Outcome.Exit exit -> "exit " + exit.status();
        };
    }

    private static String out() {
        return OUT.toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatOneLanguageDefinesTheOthersSee() {
        assertEquals("", run(Language.PYTHON, "numbers = [1, 2]\nanswer = 42\nword = 'eel'\nbig = 2 ** 63"));
        assertEquals("42 eel 2", run(Language.JS, "`${answer} ${word} ${numbers.length}`"));
        assertEquals("", run(Language.JS, "numbers.push(3); var twice = x => 2 * x; let half = 0.5; undefined"));
        assertEquals("'[1, 2, 3]'", run(Language.PYTHON, "str(numbers)"));
        assertEquals("84", run(Language.PYTHON, "twice(answer)"));
        assertEquals("0.5", run(Language.PYTHON, "half"));
        assertEquals("43", run(Language.JAVA, "answer + 1"));
        assertEquals("", run(Language.JAVA, "var list = new ArrayList<Object>(List.of(\"a\"));"));
        assertEquals("", run(Language.PYTHON, "list.append('b')"));
        assertEquals("", run(Language.JS, "list.push('c'); undefined"));
        assertEquals("[a, b, c]", run(Language.JAVA, "list"));
        assertEquals("9223372036854775808", run(Language.JS, "String(big)"));
    }

    @Test
    void mapsOfAScriptAreVariablesOfAllLanguages() {
        assertEquals("", run(Language.SKEP, "kprobe:vfs_read { @n = count(); @by[comm] = count(); @h = hist(arg2); }"));
        assertTrue(out().contains("@n: "), out());
        assertInstanceOf(TraceMap.class, Variables.shared().get("by"));
        assertInstanceOf(Trace.class, Variables.shared().get("last"));
        var sum = run(Language.PYTHON, "sum(by.values())");
        assertEquals(sum, run(Language.JS, "String([...by.values()].reduce((a, b) => a + b, 0))"));
        assertEquals(sum, run(Language.JAVA, "by.stream().mapToLong(TraceMap.Entry::asLong).sum()"));
        assertEquals(sum, run(Language.JS, "String(last.histogram('@h').samples)"));
        assertEquals(sum, run(Language.PYTHON, "last.histogram('@h').samples"));
        assertEquals(sum, run(Language.JAVA, "last.histogram(\"@h\").samples()"));
    }

    @Test
    void aTraceOfOneLanguageIsReadWhileItRunsFromAnother() throws InterruptedException {
        assertEquals(
                "", run(Language.PYTHON, "running = start('kprobe:vfs_read { @n = count(); }', target='embedded')"));
        while (!run(Language.JS, "running.mapNames.includes('@n') && running.value('@n') > 0")
                .equals("true")) {
            Thread.sleep(20);
        }
        assertTrue(Long.parseLong(run(Language.JAVA, "running.number(\"@n\")")) > 0);
        assertEquals("", run(Language.JS, "running.stop(); running.wait(); undefined"));
        assertEquals("True", run(Language.PYTHON, "running.ended"));
        assertTrue(Long.parseLong(run(Language.JAVA, "running.number(\"@n\")")) > 0);
    }

    @Test
    void callbacksMayBeInAnyLanguage() {
        var script = "'begin { print(1); print(2); exit(); }'";
        assertEquals("", run(Language.PYTHON, "seen = []\ndef heard(e):\n    seen.append(e.value)"));
        assertEquals("", run(Language.JS, "new Trace(" + script + ").on('print', e => heard(e)).run(); undefined"));
        assertEquals("[1, 2]", run(Language.PYTHON, "[int(x) for x in seen]"));
        assertEquals("", run(Language.JS, "var hits = []; var hear = e => hits.push(e.value); undefined"));
        assertEquals(
                "",
                run(Language.PYTHON, "import skep\nt = skep.prepare(" + script + ").on('print', hear).run()\nNone"));
        assertEquals("2", run(Language.JS, "hits.length"));
        assertEquals("", run(Language.JAVA, """
                var got = new ArrayList<Object>();
                java.util.function.Function<Object, Object> listen = e -> got.add(e);
                """));
    }

    @Test
    void errorsNameTheirPlace() {
        assertTrue(run(Language.SKEP, "begin {\n nosuch(1); }").contains("cell:2:"), "skep");
        assertTrue(run(Language.PYTHON, "x = 1\nx.y").startsWith("AttributeError: "), "python");
        assertTrue(run(Language.JS, "\nnosuch").contains("cell:2"), run(Language.JS, "\nnosuch"));
        assertTrue(run(Language.JAVA, "nosuch").startsWith("CompileError"), "java");
        assertTrue(run(Language.BPF, "int f(void *ctx) {\n return nosuch; }").contains(":2"), "bpf-c");
    }

    @Test
    void whatTheyPrintGoesToTheSession() {
        assertEquals("", run(Language.PYTHON, "import sys\nprint('from python')\nprint('complaint', file=sys.stderr)"));
        assertEquals("", run(Language.JS, "console.log('from js')"));
        assertEquals("", run(Language.JAVA, "System.out.println(\"from java\");"));
        assertEquals("from python\ncomplaint\nfrom js\nfrom java\n", out());
    }

    @Test
    void pythonHasFramesOfWhatWasTraced() {
        assertEquals("", run(Language.PYTHON, """
                import skep
                with skep.trace('begin { @[1, "a"] = 5; @[2, "b"] = 7; @h = lhist(5, 0, 10, 1); exit(); }') as t:
                    frame = t['@'].frame('id', 'name')
                    shown = [frame.columns, frame['value'], frame.to_csv(), t['@h'].samples, dict(t['@'])]
                events = skep.start('begin { $i = 0; while ($i < 4) { print(($i % 2, $i)); $i++; } exit(); }').frame('odd', 'n')
                """));
        assertEquals(
                "[['id', 'name', 'value'], [5, 7], 'id,name,value\\n1,a,5\\n2,b,7\\n', 1, {(1, 'a'): 5, (2, 'b'): 7}]",
                run(Language.PYTHON, "shown"));
        assertEquals(
                "{'odd': [0, 1], 'n': [2, 4], 'most': [2.0, 3.0]}",
                run(Language.PYTHON, "events.groupby('odd').agg(n='sum', most=('n', 'p100')).to_dict()"));
        assertEquals("1.5", run(Language.PYTHON, "events.percentile(50, 'n')"));
        assertEquals("[4, 1.5, 0, 3]", run(Language.PYTHON, "[events.describe()['n'][i] for i in (0, 1, 3, 7)]"));
        assertEquals("{'odd': 1, 'n': 3}", run(Language.PYTHON, "events.where(lambda row: row['n'] > 2)[0]"));
    }

    @Test
    void aFrameBecomesOneOfPandasWherePandasIsThere() {
        var without = run(Language.PYTHON, "import skep\nskep.Frame({'a': [1]}).to_pandas()");
        assertTrue(without.contains("pandas cannot be imported by this Python"), without);
        // Its C extensions are not built for GraalPy here; what is asked of it is one constructor.
        assertEquals("{'pid': [1, 2], 'comm': ['a', 'b']}", run(Language.PYTHON, """
                import sys, types
                sys.modules['pandas'] = types.SimpleNamespace(DataFrame=lambda columns: ('frame', columns))
                made = skep.Frame({'pid': [1, 2], 'comm': ['a', 'b']}).to_pandas()
                del sys.modules['pandas']
                made[1]"""));
    }

    @Test
    void whatAFrameWritesPandasReads(@TempDir Path folder) throws Exception {
        var python = "/usr/bin/python3";
        Assumptions.assumeTrue(
                Files.exists(Path.of("/usr/lib/python3/dist-packages/pandas")), "python3-pandas is not installed");
        var file = folder.resolve("frame.csv");
        assertEquals(
                "",
                run(
                        Language.PYTHON,
                        "import skep\nskep.Frame({'pid': [1, 2], 'comm': ['a,b', 'c\"d'], 'us': [0.5, 2.0]}).to_csv('"
                                + file + "')\nNone"));
        var process = new ProcessBuilder(
                        python,
                        "-c",
                        "import pandas, sys; f = pandas.read_csv(sys.argv[1]);"
                                + " print(list(f.columns), f['us'].sum(), list(f['comm']), f['pid'].dtype)",
                        file.toString())
                .redirectErrorStream(true)
                .start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals("['pid', 'comm', 'us'] 2.5 ['a,b', 'c\"d'] int64\n", said);
    }

    @Test
    void pythonIsToldWhatIsWrongAndWhere() {
        assertEquals("(1, 9, 'ERROR')", run(Language.PYTHON, """
                import skep
                try:
                    skep.trace('begin { nosuch(); }')
                except skep.SkepError as wrong:
                    found = wrong.diagnostics[0]
                (found.line, found.column, found.severity)"""));
        assertTrue(run(Language.PYTHON, "skep.trace('begin { }', durations=1)").contains("durations"));
        assertTrue(run(Language.PYTHON, "skep.trace('begin { @a = 1; exit(); }')['@b']")
                .startsWith("KeyError"));
    }

    @Test
    void aProgramInCIsAVariable() {
        run(Language.BPF, "BPF_ARRAY(a, u64, 4);\nint f(void *ctx) { return 0; }");
        assertEquals("a", run(Language.JS, "program.tables[0]"));
        assertEquals("7", run(Language.PYTHON, "a = program.table('a')\na[1] = 7\na[1]"));
    }

    @Test
    void whatRunsIsStopped() throws Exception {
        for (var endless : new String[] {"while True: pass", "import time\ntime.sleep(600)"}) {
            assertEquals("Interrupted: stopped", stopped(Language.PYTHON, "print('begun')\n" + endless, false));
        }
        assertEquals("Interrupted: stopped", stopped(Language.JS, "console.log('begun'); while (true);", false));
        var trace = "console.log('begun'); trace('kprobe:vfs_read { @ = count(); }', {target: 'embedded'}).ended";
        assertEquals("true", stopped(Language.JS, trace, true));
        assertEquals("3", run(Language.JS, "1 + 2"));
    }

    /** @param waits whether it is to be stopped only when it waits for a trace */
    private static String stopped(Language language, String text, boolean waits) throws Exception {
        OUT.reset();
        var running = new FutureTask<>(() -> run(language, text));
        // No thread of the common pool: it forgets its thread locals from task to task, and Truffle with them.
        var thread = Thread.ofPlatform().daemon().start(running);
        while (!out().contains("begun") || waits && !Guests.isWaiting(thread)) {
            Thread.sleep(20);
        }
        session.stop();
        return running.get(200, TimeUnit.SECONDS);
    }
}
