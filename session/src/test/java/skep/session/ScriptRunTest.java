package skep.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import skep.dsl.Action;
import skep.dsl.CompiledScript;
import skep.dsl.Format;
import skep.dsl.MapView;
import skep.dsl.RuntimeFault;
import skep.dsl.ScriptConfig;
import skep.dsl.ScriptProgram;
import skep.dsl.ScriptProgram.Role;
import skep.dsl.Type;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.object.BpfObject;
import skep.isa.object.MapSpec;
import skep.session.view.TextRenderer;
import skep.session.view.View;
import skep.source.Source;
import skep.source.Span;

/** The order of things in a script's life, on a target whose programs are lambdas. */
@Timeout(120)
class ScriptRunTest {
    private static final Source SOURCE = new Source("stdin", "kprobe:vfs_read { @c[arg0] = count(); } // more text");
    private static final Span SPAN = SOURCE.span(0, 39);

    private final FakeTarget target = new FakeTarget();
    private final List<View> views = new ArrayList<>();
    private final List<Action> actions = new ArrayList<>();
    private final List<RuntimeFault> faults = new ArrayList<>();
    private ScriptConfig config = ScriptConfig.DEFAULT;

    private static byte[] record(int action, long... words) {
        var bytes = ByteBuffer.allocate(8 + 8 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(action).putInt(0);
        for (long word : words) {
            bytes.putLong(word);
        }
        return bytes.array();
    }

    private static byte[] words(long... words) {
        return java.util.Arrays.copyOfRange(record(0, words), 8, 8 + 8 * words.length);
    }

    private int action(Action action) {
        actions.add(action);
        return actions.size() - 1;
    }

    private static ScriptProgram program(String name, Role role, ProbeSpec probe) {
        return new ScriptProgram(name, role, List.of(probe), List.of(probe.displayName()), SPAN);
    }

    private ScriptRun run(SessionOptions options) {
        var programs = List.of(
                program("begin", Role.BEGIN, ProbeSpec.of(ProbeKind.BEGIN, "")),
                program("read", Role.PROBE, ProbeSpec.of(ProbeKind.KPROBE, "vfs_read")),
                program("end", Role.END, ProbeSpec.of(ProbeKind.END, "")));
        var maps = List.of(
                new MapView(
                        "@c", "c", Optional.of(Type.UINT64), new Type.Count(), MapView.Storage.HASH, true, true, SPAN),
                new MapView("@s", "s", Optional.empty(), Type.INT64, MapView.Storage.SCALAR, false, true, SPAN));
        var object = new BpfObject(
                List.of(),
                List.of(
                        new MapSpec("c", MapType.PERCPU_HASH, 8, 8, 100, 0),
                        new MapSpec("s", MapType.ARRAY, 4, 16, 1, 0),
                        new MapSpec(CompiledScript.COUNTERS_MAP, MapType.ARRAY, 4, 16, 1, 0),
                        new MapSpec(CompiledScript.EVENTS_MAP, MapType.RINGBUF, 0, 0, 4096, 0)));
        var script = new CompiledScript(object, programs, maps, actions, faults, true, true, false, config);
        return new ScriptRun(target, SOURCE, script, options.command().map(target::spawn), options, views::add);
    }

    private String text() {
        var out = new StringBuilder();
        var renderer = new TextRenderer();
        views.forEach(view -> out.append(renderer.render(view)));
        return out.toString();
    }

    @Test
    void beginRunsBeforeTheProbesAreAttachedAndEndAfterTheyAreDetached() {
        run(SessionOptions.DEFAULT).run();
        assertEquals(
                List.of(
                        "load",
                        "run begin",
                        "attach kprobe:vfs_read",
                        "start",
                        "detach kprobe:vfs_read",
                        "run end",
                        "close ring buffer",
                        "close object"),
                target.journal);
    }

    @Test
    void mapsArePrintedAtTheEndWithTheCpusAddedUp() {
        target.events = () -> {
            target.map("c").update(words(7), words(2, 3), 0);
            target.map("c").update(words(8), words(1, 0), 0);
            target.map("s").update(new byte[4], words(-4, 1), 0);
        };
        run(SessionOptions.DEFAULT).run();
        assertEquals("Attached 3 probes (a fake kernel)\n\n@c[8]: 1\n@c[7]: 5\n@s: -4\n", text());
    }

    @Test
    void aScalarThatWasNeverSetIsNotPrinted() {
        target.events = () -> target.map("s").update(new byte[4], words(0, 0), 0);
        run(SessionOptions.DEFAULT).run();
        assertFalse(text().contains("@s"));
    }

    @Test
    void nothingIsPrintedAtTheEndWhenTheScriptSaysSo() {
        config = new ScriptConfig(false, "..", 1, 1, 1, 1, true, true, "error");
        target.events = () -> target.map("c").update(words(7), words(2, 3), 0);
        run(SessionOptions.DEFAULT).run();
        assertFalse(text().contains("@c"));
    }

    @Test
    void exitEndsTheScriptWithItsStatusAndLaterRecordsAreNotShown() {
        var argument = new Action.Argument(Type.INT64, 8);
        int exit = action(new Action.Exit(Optional.of(argument), SPAN));
        int print = action(new Action.Print(Action.Channel.PRINTF, Format.parse("got %d\n"), List.of(argument), SPAN));
        target.endless = true;
        target.events = () -> {
            target.submit(record(print, 1));
            target.submit(record(exit, 3));
            target.submit(record(print, 2));
        };
        target.programs.put("end", () -> target.submit(record(print, 9)));
        assertEquals(3, run(SessionOptions.DEFAULT).run());
        assertEquals("Attached 3 probes (a fake kernel)\ngot 1\ngot 9\n\n", text());
    }

    @Test
    void exitInBeginAttachesTheProbesButDoesNotWaitForEvents() {
        int exit = action(new Action.Exit(Optional.empty(), SPAN));
        target.endless = true;
        target.programs.put("begin", () -> target.submit(record(exit)));
        assertEquals(0, run(SessionOptions.DEFAULT).run());
        assertTrue(target.journal.contains("attach kprobe:vfs_read"));
        assertFalse(target.journal.contains("start"));
    }

    @Test
    void stoppingFromAnotherThreadRunsEndAndPrintsMaps() throws InterruptedException {
        target.endless = true;
        var running = run(SessionOptions.DEFAULT);
        var polled = new CountDownLatch(1);
        target.events = () -> {
            target.map("c").update(words(7), words(2, 3), 0);
            polled.countDown();
        };
        var thread = new Thread(running::run);
        thread.start();
        polled.await();
        running.stop();
        thread.join();
        assertTrue(target.journal.contains("run end"));
        assertTrue(text().endsWith("@c[7]: 5\n"), text());
    }

    @Test
    void mapsCanBeReadWhileTheScriptRuns() throws InterruptedException {
        target.endless = true;
        var running = run(SessionOptions.DEFAULT);
        var polled = new CountDownLatch(1);
        target.events = () -> {
            target.map("c").update(words(7), words(2, 3), 0);
            polled.countDown();
        };
        var thread = new Thread(running::run);
        thread.start();
        polled.await();
        assertEquals("@c[7]: 5\n", new TextRenderer().render(running.maps().getFirst()));
        running.stop();
        thread.join();
        assertEquals(List.of(), running.maps());
    }

    @Test
    void theCommandStartsOnceAllProbesAreAttachedAndEndsTheSession() {
        target.endless = true;
        target.childEndsAfterPolls = 2;
        run(SessionOptions.DEFAULT.withCommand("ls")).run();
        var journal = target.journal;
        assertEquals("spawn ls", journal.getFirst());
        assertTrue(journal.indexOf("child starts") > journal.indexOf("attach kprobe:vfs_read"));
        assertEquals("child closed", journal.getLast());
    }

    @Test
    void lostRecordsAndFaultsAreReportedOnceEach() {
        faults.add(new RuntimeFault(1, RuntimeFault.Kind.DIVIDE_BY_ZERO, "", SOURCE.span(18, 26)));
        target.events = () -> target.map(CompiledScript.COUNTERS_MAP).update(new byte[4], words(12, 3), 0);
        run(SessionOptions.DEFAULT).run();
        assertTrue(text().contains("Lost 12 events\n"), text());
        assertTrue(text().contains("stdin:1:19-27: WARNING: Divide or modulo by 0 detected."), text());
        assertTrue(text().contains("(3 times)\n"), text());
        assertEquals(1, views.stream().filter(View.LostEvents.class::isInstance).count());
    }

    @Test
    void aRefusedProbeIsToldWithItsPlaceAndNothingStaysOpen() {
        target.refused = "kprobe:vfs_read";
        var failure = assertThrows(
                ScriptException.class, () -> run(SessionOptions.DEFAULT).run());
        assertEquals(
                "stdin:1:1-16: ERROR: this kernel is built without kprobes\n" + SOURCE.text() + "\n~~~~~~~~~~~~~~~\n"
                        + "HINT: use a tracepoint",
                failure.getMessage());
        assertEquals("close object", target.journal.getLast());
    }

    @Test
    void aMissingProbeMayBeAWarning() {
        config = new ScriptConfig(true, "..", 1, 1, 1, 1, true, true, "warn");
        target.refused = "kprobe:vfs_read";
        run(SessionOptions.DEFAULT).run();
        assertTrue(text().startsWith("WARNING: this kernel is built without kprobes\n"), text());
    }

    @Test
    void clearAndZeroTakeEffectInOrder() {
        int clear = action(new Action.ClearMap("@c", Optional.empty(), SPAN));
        int zero = action(new Action.ZeroMap("@c", SPAN));
        int print = action(new Action.PrintMap("@c", 0, 0, SPAN));
        target.events = () -> {
            target.map("c").update(words(7), words(2, 3), 0);
            target.submit(record(print));
            target.submit(record(zero));
            target.submit(record(print));
            target.submit(record(clear));
            target.submit(record(print));
        };
        run(SessionOptions.DEFAULT).run();
        assertEquals("Attached 3 probes (a fake kernel)\n@c[7]: 5\n@c[7]: 0\n\n", text());
    }
}
