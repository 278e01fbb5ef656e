package skep.jupyter.cell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import skep.jupyter.Page;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Cells as a user writes them, on the embedded kernel. */
@Timeout(300)
class NotebookKernelTest {
    private static final NotebookKernel KERNEL = new NotebookKernel("test", "embedded:speed=max");

    private static final String SCRIPT = """
            kprobe:vfs_read { @start[tid] = nsecs; @calls[comm] = count(); @stacks[kstack] = count(); }
            kretprobe:vfs_read /@start[tid]/ { @us = hist((nsecs - @start[tid]) / 1000); delete(@start, tid); }
            tracepoint:sched:sched_switch { @on[cpu, nsecs] = args.next_comm; @busy[cpu] = tseries(1, 20ms, 20, "sum"); }
            end { clear(@start); }""";

    @TempDir
    Path folder;

    @BeforeAll
    static void traceTwice() {
        run("%%skep --as before --duration 200ms --target embedded:seed=1,speed=max\n" + SCRIPT);
        run("%%skep --as after --duration 200ms --target embedded:seed=1,scenario=cold-cache,speed=max\n" + SCRIPT);
    }

    @AfterAll
    static void close() {
        KERNEL.close();
    }

    private static Page run(String code) {
        var page = new Page();
        var outcome = KERNEL.execute(new Kernel.Request(code, 1, false, false), page);
        assertInstanceOf(Kernel.Outcome.Done.class, outcome, () -> code + "\n" + outcome);
        return page;
    }

    private static String fails(String code) {
        var outcome = KERNEL.execute(new Kernel.Request(code, 1, false, false), new Page());
        return assertInstanceOf(Kernel.Outcome.Failed.class, outcome, code).value();
    }

    private static String text(Page page) {
        return String.join("\n", page.shown());
    }

    @Test
    void everyPictureThatStaysIsThereAsTextAndPngAndMarksTheEmbeddedKernel() {
        for (var form : List.of("before.us", "before.calls", "before.stacks", "before.busy", "before.on lanes")) {
            var bundle = run("%show " + form).bundles().getFirst();
            assertTrue(bundle.data().containsKey(MimeBundle.PNG), form);
            assertTrue(bundle.data().containsKey(MimeBundle.PLAIN), form);
            var drawn = bundle.data().getOrDefault(MimeBundle.SVG, bundle.data().getOrDefault(MimeBundle.HTML, ""));
            assertTrue(drawn.contains("embedded kernel"), form + ": " + drawn);
        }
    }

    @Test
    void aRunIsComparedMapByMap() {
        var page = run("%compare before after");
        var text = text(page);
        assertTrue(text.contains("@us: before → after"), text);
        assertTrue(text.contains("p99"), text);
        assertTrue(text.contains("Mann-Whitney") || svg(page).contains("Mann-Whitney"), text);
        assertTrue(svg(page).contains("orange: a greater share than before"), "a differential flame graph");
        assertTrue(text.contains("after / before"), text);
    }

    private static String svg(Page page) {
        return page.bundles().toString();
    }

    @Test
    void namesThatDoNotExistAndFormsThatDoNotFitAreSaidSo() {
        assertTrue(fails("%show nothing").contains("there is no variable nothing; there are"));
        assertTrue(fails("%show before.nothing").contains("there is no map @nothing in before; there are @"));
        assertTrue(fails("%show before.us pie").contains("there are histogram, heatmap"));
        assertTrue(fails("%show before.calls lanes").contains("lanes want @m[lane, nsecs]"));
        assertTrue(fails("%show").contains("%show NAME"));
        assertTrue(fails("%show before.us table sort=@us upwards").contains("no setting 'upwards'"));
        assertTrue(fails("%compare before").contains("two names"));
        assertTrue(fails("%compare before.us after.calls").contains("holds no histogram"));
        assertTrue(fails("%%skep --as 1x\nbegin { }").contains("a name is letters"));
        assertTrue(fails("%%skep -p x\nbegin { }").contains("no process id"));
        assertTrue(fails("%duration soon").contains("is no time"));
        assertTrue(fails("%target mars").contains("there is no target mars"));
        assertTrue(fails("%nothing").contains("%lsmagic"));
        assertTrue(fails("%%cobol\nDISPLAY").contains("there are %%"));
    }

    @Test
    void tablesAreSortedAndHaveRowsOfPercentiles() {
        var table = run("%show before.calls table sort=@calls descending percentiles")
                .bundles()
                .getFirst();
        assertTrue(
                table.data().get(MimeBundle.PLAIN).contains("\np99 "),
                table.data().get(MimeBundle.PLAIN));
        assertTrue(table.data().get(MimeBundle.HTML).contains("<td align=\"left\">p50</td>"));
    }

    @Test
    void aTraceInTheBackgroundDrawsItselfBelowItsCellUntilItIsStopped() throws InterruptedException {
        var page = run("%%skep --background --as t --target embedded\nkprobe:vfs_read { @n[comm] = count(); }");
        while (!text(page).contains("@n[")) {
            Thread.sleep(50);
        }
        assertTrue(text(page).contains("tracing"), text(page));
        assertTrue(text(run("%vars")).contains("trace, running, with @n"));
        assertTrue(text(run("%show t.n")).contains("@n"), "its maps can be read meanwhile");
        assertTrue(text(run("%%java\n((Trace) shared(\"t\")).map(\"@n\").size() > 0"))
                .contains("true"));
        run("%stop t");
        assertTrue(text(page).contains("stopped"), text(page));
        assertTrue(text(run("%show n")).contains("@n"), "its maps are variables");
        assertTrue(fails("%stop nothing").contains("there is no trace nothing; there are "));
    }

    @Test
    void aTraceOfJavaDrawsItselfInItsCellToo() {
        var page = run("""
                %%java
                var t = start("kprobe:vfs_read { @n[comm] = count(); }");
                while (!t.mapNames().contains("@n") || t.map("@n").size() == 0) Thread.sleep(20);
                t.stop().await();
                7""");
        assertTrue(text(page).contains("stopped · 1 probe"), text(page));
        assertTrue(text(page).contains("@n["), text(page));
        assertTrue(text(page).endsWith("7"), text(page));
    }

    @Test
    void exportsAreFilesOfTheNamedForm() throws Exception {
        assertTrue(text(run("%export before.us " + folder.resolve("us.csv"))).startsWith("wrote "));
        assertTrue(Files.readString(folder.resolve("us.csv")).startsWith("@us,min,max,count\n"));
        run("%export before.us " + folder.resolve("us.json"));
        assertEquals(
                "hist",
                JsonMapper.shared()
                        .readTree(Files.readString(folder.resolve("us.json")))
                        .path("type")
                        .asString());
        run("%export before.stacks folded:" + folder.resolve("stacks.txt"));
        assertTrue(Files.readString(folder.resolve("stacks.txt")).lines().allMatch(line -> line.matches(".*;.* \\d+")));
        run("%export before.stacks " + folder.resolve("stacks.pb"));
        isAProfile(Files.readAllBytes(folder.resolve("stacks.pb")), "vfs_read");
        run("%export before.busy trace:" + folder.resolve("busy.json"));
        areTraceEvents(Files.readString(folder.resolve("busy.json")), "C");
        run("%export before.on trace:" + folder.resolve("on.json"));
        areTraceEvents(Files.readString(folder.resolve("on.json")), "X");
        run("%export before " + folder.resolve("all.html"));
        assertTrue(Files.readString(folder.resolve("all.html")).contains("<svg"));
    }

    /** As Chrome and Perfetto read it: a list of events, each with a phase, and what its phase wants. */
    private static void areTraceEvents(String text, String mostly) {
        var events = JsonMapper.shared().readTree(text).path("traceEvents");
        int wanted = 0;
        for (var event : events) {
            assertTrue(event.path("name").isString() && event.path("pid").isInt(), event::toString);
            var phase = event.path("ph").asString();
            wanted += phase.equals(mostly) ? 1 : 0;
            assertTrue(
                    switch (phase) {
                        case "M" -> event.path("args").path("name").isString();
                        case "X" -> event.path("ts").asDouble(-1) >= 0 && event.path("dur").asDouble(-1) >= 0;
                        case "C" ->
                            event.path("ts").asDouble(-1) >= 0
                                    && event.path("args").isObject()
                                    && event.path("args").valueStream().allMatch(JsonNode::isNumber);
                        default -> event.path("ts").isNumber();
                    },
                    event::toString);
        }
        assertTrue(wanted > 3, text);
    }

    /** The fields of a protocol buffer message by their numbers: varints as they are, messages and strings as buffers. */
    private static Map<Integer, List<Object>> message(ByteBuffer bytes) {
        var fields = new TreeMap<Integer, List<Object>>();
        while (bytes.hasRemaining()) {
            long tag = varint(bytes);
            Object value;
            if ((tag & 7) == 2) {
                int length = (int) varint(bytes);
                value = bytes.slice(bytes.position(), length);
                bytes.position(bytes.position() + length);
            } else {
                assertEquals(0, tag & 7, "only varints and buffers are used");
                value = varint(bytes);
            }
            fields.computeIfAbsent((int) (tag >>> 3), _ -> new ArrayList<>()).add(value);
        }
        return fields;
    }

    private static long varint(ByteBuffer bytes) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte b = bytes.get();
            value |= (long) (b & 0x7f) << shift;
            if (b >= 0) {
                return value;
            }
        }
    }

    private static List<Long> packed(Object buffer) {
        var bytes = ((ByteBuffer) buffer).duplicate();
        var values = new ArrayList<Long>();
        while (bytes.hasRemaining()) {
            values.add(varint(bytes));
        }
        return values;
    }

    /** As pprof reads it: samples of known locations, locations of known functions, functions of known names. */
    private static void isAProfile(byte[] bytes, String function) {
        var profile = message(ByteBuffer.wrap(bytes));
        var strings = profile.get(6).stream()
                .map(text -> StandardCharsets.UTF_8.decode((ByteBuffer) text).toString())
                .toList();
        assertEquals("", strings.getFirst());
        assertEquals(1, profile.get(1).size(), "one map, one type of value");
        var functions = new HashMap<Long, String>();
        for (var one : profile.get(5)) {
            var fields = message((ByteBuffer) one);
            functions.put((Long) fields.get(1).getFirst(), strings.get(((Long) fields.get(2).getFirst()).intValue()));
        }
        var locations = new HashMap<Long, String>();
        for (var one : profile.get(4)) {
            var fields = message((ByteBuffer) one);
            var line = message((ByteBuffer) fields.get(4).getFirst());
            locations.put((Long) fields.get(1).getFirst(), functions.get((Long) line.get(1).getFirst()));
        }
        assertTrue(locations.values().stream().anyMatch(name -> name.startsWith(function)), locations::toString);
        for (var sample : profile.get(2)) {
            var fields = message((ByteBuffer) sample);
            assertTrue(locations.keySet().containsAll(packed(fields.get(1).getFirst())), "a location that is not there");
            var values = packed(fields.get(2).getFirst());
            assertTrue(values.size() == 1 && values.getFirst() > 0, values::toString);
        }
    }

    @Test
    void exportsThatCannotBeAreSaidSo() {
        assertTrue(fails("%export before.us " + folder.resolve("us.doc")).contains("what form"));
        assertTrue(fails("%export before " + folder.resolve("x.png")).contains("holds one picture"));
        assertTrue(fails("%export before.us /nowhere/us.csv").contains("no such folder"));
        assertTrue(fails("%export before.us folded:" + folder.resolve("us.txt"))
                .contains("nothing that folded could hold"));
        assertTrue(fails("%export before.us").contains("%export NAME FILE"));
        assertFalse(Files.exists(folder.resolve("x.png")));
    }

    @Test
    void variablesTellWhatTheyHold() {
        var text = text(run("%vars"));
        assertTrue(text.matches("(?s).*after +trace, ended, with .*@calls.*"), text);
        assertTrue(text.matches("(?s).*us +map @us, histogram, 1 entry.*"), text);
    }

    @Test
    void wordsAreExplained() {
        assertTrue(inspect("kprobe:vfs_read { printf(\"\"); }", 20).contains("prints formatted text"));
        assertTrue(inspect("tracepoint:sched:sched_switch { @[args.next_comm] = count(); }", 42)
                .contains("next_comm"));
        assertTrue(inspect("tracepoint:sched:sched_switch { }", 5).contains("prev_pid"));
        assertTrue(inspect("kprobe:f { print(@us); }", 19).contains("histogram, 1 entry"));
        assertTrue(inspect("kprobe:vfs_read { hist(", 23).contains("hist("));
        assertTrue(KERNEL.inspect("kprobe:f { $x }", 13, 0).isEmpty());
    }

    private static String inspect(String code, int cursor) {
        return KERNEL.inspect(code, cursor, 0).orElseThrow().data().get(MimeBundle.PLAIN);
    }

    @Test
    void errorsHaveACaret() {
        var outcome = (Kernel.Outcome.Failed)
                KERNEL.execute(new Kernel.Request("kprobe:vfs_read { nosuch(); }", 1, false, false), new Page());
        var text = String.join("\n", outcome.traceback());
        assertTrue(text.contains("~~~~"), text);
        assertTrue(text.contains("\u001b["), "coloured");
    }

    @Test
    void aChartOfJavaIsShownAndSoIsOneOfXChart() {
        var drawn = run("""
                %%java
                var run = trace("kprobe:vfs_read { @b = hist(arg2); @c[comm] = count(); }", 0.2);
                Chart.histogram(run.map("@b")).and(Chart.table("descending percentiles", run.map("@c")))""");
        assertEquals(5, drawn.bundles().size(), drawn.shown().toString());
        var chart = run("""
                %%java
                import org.knowm.xchart.*;
                var mine = new XYChartBuilder().width(400).height(300).title("mine").xAxisTitle("x").yAxisTitle("µs").build();
                mine.addSeries("a", new double[] {1, 2, 3}, new double[] {3, 1, 2});
                mine""").bundles().getFirst();
        assertTrue(chart.data().get(MimeBundle.SVG).contains("<svg"));
        assertTrue(chart.data().containsKey(MimeBundle.PNG));
        assertTrue(chart.data().get(MimeBundle.PLAIN).startsWith("mine (1 series"));
    }
}
