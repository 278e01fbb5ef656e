package skep.jupyter.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import skep.jupyter.Page;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;

/** Cells of Python, JavaScript, Java and C beside those of the tracing language. */
@Timeout(300)
class LanguagesTest {
    private static final NotebookKernel KERNEL = new NotebookKernel("test", "embedded:speed=max");

    private static final String PROGRAM = """
            BPF_HASH(calls, u32, u64);
            BPF_HISTOGRAM(sizes);
            int kprobe__vfs_read(struct pt_regs *ctx, struct file *file, char *buffer, size_t count) {
                u32 pid = bpf_get_current_pid_tgid() >> 32;
                calls.increment(pid);
                sizes.increment(bpf_log2l(count));
                return 0;
            }
            """;

    private static final java.util.concurrent.ExecutorService CELLS =
            java.util.concurrent.Executors.newSingleThreadExecutor();

    @AfterAll
    static void close() {
        KERNEL.close();
        CELLS.shutdownNow();
    }

    /** Cells run on one thread, as the protocol has it. */
    private static CompletableFuture<Kernel.Outcome> begin(String code, Page page) {
        return CompletableFuture.supplyAsync(
                () -> KERNEL.execute(new Kernel.Request(code, 1, false, true), page), CELLS);
    }

    private static Kernel.Outcome outcome(String code, Page page) {
        return begin(code, page).join();
    }

    private static Page run(String code) {
        var page = new Page();
        var outcome = outcome(code, page);
        assertInstanceOf(Kernel.Outcome.Done.class, outcome, () -> code + "\n" + outcome);
        return page;
    }

    private static String text(String code) {
        return String.join("", run(code).shown()).strip();
    }

    private static Kernel.Outcome.Failed fails(String code) {
        return assertInstanceOf(
                Kernel.Outcome.Failed.class,
                KERNEL.execute(new Kernel.Request(code, 1, false, false), new Page()),
                code);
    }

    private static List<String> completed(String code) {
        return KERNEL.complete(code, code.length()).matches();
    }

    @Test
    void whatOneLanguageDefinesTheOthersSeeByReference() {
        run("%%skep --duration 200ms\nkprobe:vfs_read { @reads[comm] = count(); }");
        assertEquals("True", text("%%py\ntotal = sum(reads.values())\nbox = [total]\ntotal > 0"));
        assertEquals("true", text("%%js\nbox[0] === total"));
        text("%%js\nbox[0] = 42");
        assertEquals("[42]", text("%%py\nbox"));
        assertEquals("true", text("%%java\n((Number) total).longValue() > 0"));
        run("%%java\nvar answer = 43L");
        assertEquals("43", text("%%py\nanswer"));
        assertTrue(text("%vars").contains("total"));
    }

    @Test
    void aTraceWithoutADurationGoesOnBehindThePythonCell() throws InterruptedException {
        var page = run("%%py\nt = trace('kprobe:vfs_read { @n = count(); }', target='embedded')");
        while (!page.shown().toString().contains("@n: ")) {
            Thread.sleep(50);
        }
        assertTrue(
                page.shown().toString().contains("tracing · 1 probe"),
                page.shown().toString());
        assertEquals("True", text("%%py\nt.stop()\nt.wait()\nt['@n'].value > 0"));
        assertTrue(
                page.shown().toString().contains("stopped · 1 probe"),
                page.shown().toString());
    }

    @Test
    void aTraceWithADurationDrawsItselfAndReturnsItsResults() {
        var page = run(
                "%%js\nconst j = trace('kprobe:vfs_read { @h = hist(arg2); }', {duration: 0.2}); j.histogram('@h').samples > 0");
        assertTrue(page.bundles().stream().anyMatch(bundle -> bundle.data().containsKey(MimeBundle.SVG)));
        assertEquals("true", page.shown().getLast());
    }

    @Test
    void chartsOfGuestsAreDrawn() {
        run(
                "%%py\nc = trace('kprobe:vfs_read { @h[elapsed / 20ms] = hist(arg2); @c[comm] = count(); }', duration=0.2)");
        var heat = run("%%py\ncharts.heatmap(c['@h'])").bundles().getFirst();
        assertTrue(heat.data().get(MimeBundle.SVG).contains("time (s)"));
        assertEquals(2, run("%%py\ndisplay(c['@h'], c['@c'])").bundles().size());
        assertTrue(run("%%js\ncharts.table(c.map('@c'), 'percentiles')")
                .shown()
                .toString()
                .contains("p99"));
        assertTrue(run("%%py\nc['@c'].frame()").bundles().getFirst().data().containsKey(MimeBundle.HTML));
        assertTrue(fails("%%py\ncharts.heatmap(1)").value().contains("is no map of a trace"));
    }

    @Test
    void aCellAsksTheUser() {
        var page = new Page() {
            @Override
            public Optional<String> input(String prompt, boolean password) {
                return Optional.of(prompt + (password ? "secret" : "plain"));
            }
        };
        var code = "%%py\nimport getpass\nprint(input('name? '), getpass.getpass('word? '))";
        assertInstanceOf(Kernel.Outcome.Done.class, outcome(code, page));
        assertEquals("name? plain word? secret\n", String.join("", page.shown()));
        assertTrue(fails("%%py\ninput('x')").value().contains("nobody can be asked here"));
    }

    @Test
    void errorsOfGuestsNameTheirPlace() {
        var failed = fails("%%py\nx = 1\nraise ValueError('no ½')");
        assertEquals("ValueError", failed.name());
        assertTrue(String.join("\n", failed.traceback()).contains("cell:3"), failed.toString());
        assertEquals("SyntaxError", fails("%%py\nx = (").name());
        assertEquals("TypeError", fails("%%js\nnull.x").name());
        assertTrue(fails("%%py\nraise SystemExit(3)").value().contains("a cell cannot end the kernel"));
        assertTrue(fails("%%py\ntrace('kprobe:vfs_read { nosuch(); }')").value().contains("nosuch"));
    }

    @Test
    void stopEndsAnEndlessPythonCellAndTheNextOneRuns() throws Exception {
        run("%%py\nstarted = True");
        var page = new Page();
        var running = begin("%%py\nprint('begun')\nwhile True: pass", page);
        while (!page.shown().toString().contains("begun")) {
            Thread.sleep(20);
        }
        assertTrue(completed("%%py\nstart").contains("started"), "completion is answered meanwhile");
        KERNEL.interrupt();
        assertInstanceOf(Kernel.Outcome.Failed.class, running.get(200, TimeUnit.SECONDS));
        assertEquals("2", text("%%py\n1 + 1"));
    }

    @Test
    void stopEndsATraceOfACellAndItsResultsStand() throws Exception {
        var page = new Page();
        var running =
                begin("%%py\ns = trace('kprobe:vfs_read { @n = count(); }', duration=600, target='embedded')", page);
        while (!page.shown().toString().contains("@n: ")) {
            Thread.sleep(50);
        }
        KERNEL.interrupt();
        running.get(200, TimeUnit.SECONDS);
        assertTrue(page.shown().toString().contains("@n: "), page.shown().toString());
        assertTrue(page.shown().toString().contains("stopped"), page.shown().toString());
    }

    @Test
    void languagesCompleteAndExplainTheirNames() {
        run("%%py\nimport math\ndef double(number):\n    'Twice as much.'\n    return 2 * number");
        assertTrue(
                completed("%%py\nmath.sq").contains("sqrt"),
                completed("%%py\nmath.sq").toString());
        assertTrue(completed("%%py\nimp").contains("import"));
        assertTrue(KERNEL.inspect("%%py\ndouble(", 12, 0)
                .orElseThrow()
                .data()
                .get(MimeBundle.PLAIN)
                .contains("Twice"));
        run("%%js\nvar lengthy = {deepMember: 1}");
        assertTrue(completed("%%js\nlengthy.de").contains("deepMember"));
        assertTrue(completed("%%js\nleng").contains("lengthy"));
        assertTrue(completed("%%bpf-c\nint tally; bpf_get_current_c").contains("bpf_get_current_comm"));
        assertTrue(completed("%%bpf-c\nint tally; tal").contains("tally"));
        run("%%java\nvar longName = 1");
        assertTrue(completed("%%java\nlongN").contains("longName"));
    }

    @Test
    void aConsoleIsToldWhetherACellIsComplete() {
        assertInstanceOf(Kernel.Completeness.Complete.class, KERNEL.isComplete("%%py\nx = 1"));
        assertEquals(new Kernel.Completeness.Incomplete("    "), KERNEL.isComplete("%%py\nif x:"));
        assertInstanceOf(Kernel.Completeness.Incomplete.class, KERNEL.isComplete("%%py\nf(1,"));
        assertInstanceOf(Kernel.Completeness.Incomplete.class, KERNEL.isComplete("%%js\nfunction f() {"));
        assertInstanceOf(Kernel.Completeness.Invalid.class, KERNEL.isComplete("%%js\n}"));
        assertInstanceOf(Kernel.Completeness.Incomplete.class, KERNEL.isComplete("%%bpf-c\nint f() {"));
    }

    @Test
    void aProgramInCIsAttachedItsTablesAreDrawnAndOthersReadThem() {
        var page = run("%%bpf-c --as prog --duration 200ms\n" + PROGRAM);
        var shown = page.shown().toString();
        assertTrue(shown.contains("calls["), shown);
        assertTrue(shown.contains("@@"), shown);
        assertTrue(shown.contains("embedded kernel"), shown);
        assertEquals("True", text("%%py\nsum(row[1] for row in prog.table('calls').rows()) > 0"));
        var failed = fails("%%bpf-c\nint kprobe__vfs_read(void *ctx) { return nosuch(); }");
        assertTrue(String.join("\n", failed.traceback()).contains("nosuch"), failed.toString());
        assertTrue(fails("%%bpf-c --duration soon\n" + PROGRAM).value().contains("write 500ms"));
        assertTrue(fails("%%bpf-c --loud\n" + PROGRAM).value().contains("not --loud"));
    }
}
