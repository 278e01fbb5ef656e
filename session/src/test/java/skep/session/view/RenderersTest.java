package skep.session.view;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import skep.dsl.Histograms;
import skep.dsl.Type;
import skep.session.aggregate.Aggregate;
import skep.session.aggregate.Aggregate.Counts;
import skep.session.view.View.Shape;
import skep.source.Source;

/** The two forms of output, on the same views. */
class RenderersTest {
    private static final String FULL = "@".repeat(52);
    private static final String NONE = " ".repeat(52);

    private static String text(View view) {
        return new TextRenderer().render(view);
    }

    private static String json(View view) {
        return new JsonRenderer().render(view);
    }

    private static View.Row row(Value value, Value... key) {
        return new View.Row(List.of(key), value);
    }

    private static Value count(long count) {
        return new Value.Aggregated(new Aggregate.Count(count));
    }

    private static View.MapView map(Shape shape, View.Row... rows) {
        return View.MapView.sorted("@m", rows[0].key().size() > 0, shape, List.of(rows));
    }

    private static Value log2(int bits, long... samples) {
        var counts = new long[Histograms.log2Buckets(bits)];
        Arrays.stream(samples).forEach(sample -> counts[Histograms.log2Bucket(sample, bits)]++);
        return new Value.Aggregated(new Aggregate.Log2Histogram(bits, Counts.of(counts)));
    }

    private static Value linear(long min, long max, long step, long... samples) {
        var counts = new long[Histograms.linearBuckets(min, max, step)];
        Arrays.stream(samples).forEach(sample -> counts[Histograms.linearBucket(sample, min, max, step)]++);
        return new Value.Aggregated(new Aggregate.LinearHistogram(min, max, step, Counts.of(counts)));
    }

    @Test
    void countsAreShownInAscendingOrderOfTheCount() {
        var map = map(
                Shape.NUMBER, row(count(3), Value.of("c")), row(count(1), Value.of("a")), row(count(2), Value.of("b")));
        assertEquals("@m[a]: 1\n@m[b]: 2\n@m[c]: 3\n", text(map));
        assertEquals("{\"type\": \"map\", \"data\": {\"@m\": {\"a\": 1, \"b\": 2, \"c\": 3}}}\n", json(map));
    }

    @Test
    void signedNumbersAreOrderedAsSigned() {
        var map = map(Shape.NUMBER, row(Value.of(10), Value.of("x")), row(Value.of(-5), Value.of("y")));
        assertEquals("@m[y]: -5\n@m[x]: 10\n", text(map));
    }

    @Test
    void otherValuesAreOrderedByKey() {
        var map = map(
                Shape.OTHER, row(Value.of("y"), new Value.Int(10, true)), row(Value.of("z"), new Value.Int(9, true)));
        assertEquals("@m[9]: z\n@m[10]: y\n", text(map));
    }

    @Test
    void keysOfSeveralPartsAreJoinedWithoutParentheses() {
        var map = map(Shape.OTHER, row(new Value.Tuple(List.of(Value.of(1), Value.of(2))), Value.of(1), Value.of("a")));
        assertEquals("@m[1, a]: (1, 2)\n", text(map));
        assertEquals("{\"type\": \"map\", \"data\": {\"@m\": {\"1,a\": [1,2]}}}\n", json(map));
    }

    @Test
    void topAndDivKeepTheLastRowsAndDivide() {
        var map = map(
                Shape.NUMBER,
                row(count(10), Value.of("a")),
                row(count(25), Value.of("b")),
                row(count(39), Value.of("c")));
        assertEquals("@m[b]: 25\n@m[c]: 39\n", text(map.reduced(2, 0)));
        assertEquals("@m[b]: 2\n@m[c]: 3\n", text(map.reduced(2, 10)));
        assertEquals("@m[a]: 1\n@m[b]: 2\n@m[c]: 3\n", text(map.reduced(10, 10)));
    }

    @Test
    void statisticsAreShownWholeWhateverTopAndDivSay() {
        var map = map(Shape.STATS, row(new Value.Aggregated(new Aggregate.Stats(3, -10, true)), Value.of("a")));
        assertEquals("@m[a]: count 3, average -3, total -10\n\n", text(map.reduced(1, 2)));
        assertEquals(
                "{\"type\": \"stats\", \"data\": {\"@m\": {\"a\": {\"count\": 3, \"average\": -3, \"total\": -10}}}}\n",
                json(map));
    }

    @Test
    void averagesAreOrderedAndDividedAsAverages() {
        var map = map(
                Shape.AVERAGE,
                row(new Value.Aggregated(new Aggregate.Avg(2, 60, true)), Value.of("c")),
                row(new Value.Aggregated(new Aggregate.Avg(1, 40, true)), Value.of("d")),
                row(new Value.Aggregated(new Aggregate.Avg(9, 90, true)), Value.of("a")));
        assertEquals("{\"type\": \"stats\", \"data\": {\"@m\": {\"c\": 3, \"d\": 4}}}\n", json(map.reduced(2, 10)));
    }

    @Test
    void logarithmicHistogramsShowClosedRowsBetweenTheFirstAndTheLast() {
        assertEquals(
                "@m:\n" + "[2, 4)                 1 |" + FULL + "|\n" + "[4, 8)                 0 |" + NONE + "|\n"
                        + "[8, 16)                0 |" + NONE + "|\n" + "[16, 32)               1 |" + FULL + "|\n\n",
                text(map(Shape.HISTOGRAM, row(log2(0, 3, 20)))));
    }

    @Test
    void labelsOfHistogramsUseUnitsForPowersOfTwo() {
        assertEquals(List.of("(..., 0)", "[0]", "[1]", "[2, 4)"), ranges(log2(0, -9, 0, 1, 2)));
        assertEquals(List.of("[512, 1K)", "[1K, 2K)"), ranges(log2(0, 1023, 1024)));
        assertEquals(List.of("[1M, 2M)"), ranges(log2(0, 1 << 20)));
        assertEquals(List.of("[1G, 2G)"), ranges(log2(0, 1 << 30)));
        assertEquals(List.of("[1T, 2T)"), ranges(log2(0, 1L << 40)));
        assertEquals(List.of("[4194304T, 8388608T)"), ranges(log2(0, Long.MAX_VALUE)));
        assertEquals(List.of("[1K, 1280)", "[1280, 1536)"), ranges(log2(2, 1024, 1300)));
        assertEquals(
                List.of("[(..., 1)", "[1, 6)"),
                List.of(
                        "[" + ranges(linear(1, 11, 5, 0, 1)).getFirst(),
                        ranges(linear(1, 11, 5, 0, 1)).getLast()));
        assertEquals(List.of("[4K, 5K)"), ranges(linear(0, 10240, 1024, 5000)));
        assertEquals(List.of("[0, 1000)"), ranges(linear(0, 100000, 1000, 50)));
        assertEquals(List.of("[10, ...)"), ranges(linear(0, 10, 1, 50)));
    }

    private static List<String> ranges(Value histogram) {
        var ranges = new ArrayList<String>();
        for (var line :
                text(map(Shape.HISTOGRAM, row(histogram))).lines().skip(1).toList()) {
            if (!line.isEmpty()) {
                int bar = line.indexOf('|');
                assertEquals(Math.max(16, line.lastIndexOf(')', bar) + 1) + 8 + 1, bar, line);
                assertEquals(bar + 1 + 52 + 1, line.length(), line);
                ranges.add(line.substring(0, bar - 9).stripTrailing());
            }
        }
        return ranges;
    }

    @Test
    void barsAreTruncatedToWholeColumns() {
        var line = text(map(Shape.HISTOGRAM, row(log2(0, 1, 1, 1, 2)))).lines().toList();
        assertEquals(52, line.get(1).chars().filter(c -> c == '@').count());
        assertEquals(17, line.get(2).chars().filter(c -> c == '@').count());
    }

    @Test
    void bucketsInJsonAreClosedAndOpenEndsAreLeftOut() {
        assertEquals(
                "{\"type\": \"hist\", \"data\": {\"@m\": [{\"max\": -1, \"count\": 1}, {\"min\": 0, \"max\": 0, \"count\": 1}]}}\n",
                json(map(Shape.HISTOGRAM, row(log2(0, -4, 0)))));
        assertEquals(
                "{\"type\": \"hist\", \"data\": {\"@m\": [{\"min\": 90, \"max\": 99, \"count\": 1}, {\"min\": 100, \"count\": 1}]}}\n",
                json(map(Shape.HISTOGRAM, row(linear(0, 100, 10, 95, 1000)))));
    }

    @Test
    void aDividedHistogramKeepsItsRows() {
        assertEquals(
                "@m[2]:\n[64, 128)              0 |" + NONE + "|\n\n",
                text(map(Shape.HISTOGRAM, row(log2(0, 100), Value.of(2))).reduced(0, 2)));
    }

    @Test
    void histogramsAreOrderedByTheNumberOfSamples() {
        var map = map(Shape.HISTOGRAM, row(log2(0, 5, 5), Value.of("curl")), row(log2(0, 900), Value.of("bash")));
        assertEquals(
                "{\"type\": \"hist\", \"data\": {\"@m\": {\"bash\": [{\"min\": 512, \"max\": 1023, \"count\": 1}], "
                        + "\"curl\": [{\"min\": 4, \"max\": 7, \"count\": 2}]}}}\n",
                json(map));
    }

    @Test
    void stacksStandBelowTheirMapEightSpacesIn() {
        var stack = new Value.Stack(List.of("vfs_read+0", "ksys_read+110"));
        assertEquals("@m: \n        vfs_read+0\n        ksys_read+110\n\n", text(map(Shape.OTHER, row(stack))));
        assertEquals(
                "@m[\n    vfs_read+0\n    ksys_read+110\n, 1]: 2\n",
                text(map(Shape.NUMBER, row(Value.of(2), stack, Value.of(1)))));
    }

    @Test
    void integersBeyondDoublesAreStringsInJson() {
        assertEquals("9007199254740992", JsonRenderer.value(Value.of(1L << 53)));
        assertEquals("\"9007199254740993\"", JsonRenderer.value(Value.of((1L << 53) + 1)));
        assertEquals("\"-9223372036854775808\"", JsonRenderer.value(Value.of(Long.MIN_VALUE)));
        assertEquals("\"18446744073709551615\"", JsonRenderer.value(new Value.Int(-1, false)));
    }

    @Test
    void recordsBooleansEnumerationsAndPointers() {
        var record = new Value.Rec(List.of(
                new Value.Member("a", Value.of(0)),
                new Value.Member("c", Value.of("str")),
                new Value.Member("d", new Value.Tuple(List.of(Value.of(5), Value.of(6))))));
        assertEquals("{ .a = 0, .c = str, .d = (5, 6) }", TextRenderer.text(record));
        assertEquals("{\"a\": 0, \"c\": \"str\", \"d\": [5,6]}", JsonRenderer.value(record));
        assertEquals("true", TextRenderer.text(new Value.Bool(true)));
        assertEquals("ONE", TextRenderer.text(new Value.EnumValue(1, true, Optional.of("ONE"))));
        assertEquals("-7", TextRenderer.text(new Value.EnumValue(-7, true, Optional.empty())));
        assertEquals("0x33", TextRenderer.text(new Value.Pointer(0x33)));
        assertEquals("51", JsonRenderer.value(new Value.Pointer(0x33)));
        assertEquals("[1,2]", TextRenderer.text(new Value.Array(List.of(Value.of(1), Value.of(2)))));
    }

    @Test
    void textInJsonIsEscaped() {
        assertEquals("\"a \\\"b\\\" \\n \\u0001 \\\\\"", JsonRenderer.quoted("a \"b\" \n \u0001 \\"));
    }

    @Test
    void messagesNameThePlaceInTheScript() {
        var source = new Source("stdin", "begin { warnf(\"x\"); }");
        var view = new View.Located(View.Severity.WARNING, source.span(8, 18), "x 10");
        assertEquals("stdin:1:9-19: WARNING: x 10\nbegin { warnf(\"x\"); }\n        ~~~~~~~~~~\n", text(view));
        assertEquals(
                "{\"type\": \"warnf\", \"msg\": \"x 10\", \"filename\": \"stdin\", \"line\": 1, \"col\": 9}\n",
                json(view));
    }

    @Test
    void theKernelIsNamedWhenItIsNotTheOneOfThisMachine() {
        assertEquals("Attached 1 probe\n", text(new View.Attached(1, Optional.empty())));
        assertEquals(
                "Attached 2 probes (embedded kernel, seed 1, arm64)\n",
                text(new View.Attached(2, Optional.of("embedded kernel, seed 1, arm64"))));
    }

    @Test
    void aSeriesRunsDownThePage() {
        var cells = new TreeMap<Long, Aggregate.TimeSeries.Cell>();
        for (long epoch = 1; epoch <= 4; epoch++) {
            if (epoch != 3) {
                cells.put(epoch, new Aggregate.TimeSeries.Cell(epoch - 3, 1, 0));
            }
        }
        var series = new Aggregate.TimeSeries(100_000_000, 20, Type.SeriesKind.NONE, true, 0, cells);
        var lines = SeriesText.render(series, 4).lines().toList();
        assertEquals("             -2                                                  1", lines.get(0));
        assertEquals("hh:mm:ss.ms  |" + "_".repeat(51) + "|", lines.get(1));
        assertEquals(
                ":00.100 *" + " ".repeat(33) + "." + " ".repeat(17) + "| -2",
                lines.get(2).substring(5));
        assertEquals(":00.300 |" + " ".repeat(51) + "| -", lines.get(4).substring(5));
        assertEquals(
                ":00.400 |" + " ".repeat(33) + "." + " ".repeat(17) + "* 1",
                lines.get(5).substring(5));
        assertEquals("             v" + "_".repeat(51) + "v", lines.get(6));
    }
}
