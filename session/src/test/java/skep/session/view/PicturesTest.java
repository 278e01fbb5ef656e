package skep.session.view;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import skep.dsl.Histograms;
import skep.dsl.Type;
import skep.session.aggregate.Aggregate;
import skep.session.aggregate.Aggregate.Counts;
import skep.session.view.View.Shape;

/** Maps as pictures, pictures in every form. */
class PicturesTest {
    private static View.Row row(Value value, Value... key) {
        return new View.Row(List.of(key), value);
    }

    private static Value count(long count) {
        return new Value.Aggregated(new Aggregate.Count(count));
    }

    private static Value hist(long... samples) {
        var counts = new long[Histograms.log2Buckets(0)];
        Arrays.stream(samples).forEach(sample -> counts[Histograms.log2Bucket(sample, 0)]++);
        return new Value.Aggregated(new Aggregate.Log2Histogram(0, Counts.of(counts)));
    }

    private static Value quantiles(long... samples) {
        var counts = new long[Histograms.log2Buckets(Histograms.SKETCH_BITS)];
        Arrays.stream(samples).forEach(sample -> counts[Histograms.log2Bucket(sample, Histograms.SKETCH_BITS)]++);
        return new Value.Aggregated(new Aggregate.Quantiles(List.of(50, 99), Counts.of(counts)));
    }

    private static final View.MapView CALLS = View.MapView.sorted(
            "@calls", true, Shape.NUMBER, List.of(row(count(30), Value.of("a")), row(count(10), Value.of("b"))));

    private static final View.MapView LATENCY =
            View.MapView.sorted("@lat", true, Shape.QUANTILES, List.of(row(quantiles(10, 20, 30), Value.of("a"))));

    private static final View.MapView STACKS = View.MapView.sorted(
            "@st",
            true,
            Shape.NUMBER,
            List.of(
                    row(count(3), Value.of("sh"), new Value.Stack(List.of("read+12", "main+0x1f"))),
                    row(count(1), Value.of("sh"), new Value.Stack(List.of("write+4", "main+0x2f")))));

    private static final View.MapView HEAT = View.MapView.sorted(
            "@h", true, Shape.HISTOGRAM, List.of(row(hist(1, 2, 2), Value.of(4)), row(hist(9), Value.of(6))));

    private static View.MapView series() {
        var cells = new TreeMap<Long, Aggregate.TimeSeries.Cell>();
        cells.put(1L, new Aggregate.TimeSeries.Cell(5, 1, 0));
        cells.put(3L, new Aggregate.TimeSeries.Cell(9, 1, 0));
        var series = new Aggregate.TimeSeries(1_000_000_000L, 10, Type.SeriesKind.SUM, true, 0, cells);
        return View.MapView.sorted(
                "@t", true, Shape.SERIES, List.of(row(new Value.Aggregated(series), Value.of("x<&>\u0001"))));
    }

    private static List<Picture> pictures() {
        return List.of(
                Pictures.table(List.of(CALLS, LATENCY), Pictures.Arrangement.PLAIN),
                Pictures.bars(HEAT),
                Pictures.heatMap(HEAT),
                Pictures.flameGraph(STACKS),
                Pictures.difference(STACKS, STACKS),
                Pictures.timeline(series()),
                Pictures.heatMap(series()),
                Pictures.lanes(SWITCHES),
                Distributions.overlay("@us: before → after", List.of("before", "after"), List.of(FAST, SLOW)));
    }

    private static final View.MapView SWITCHES = View.MapView.sorted(
            "@on",
            true,
            Shape.OTHER,
            List.of(
                    row(Value.of("nginx"), Value.of(0), Value.of(1_000_000)),
                    row(Value.of("swapper/0"), Value.of(0), Value.of(3_000_000)),
                    row(Value.of("postgres"), Value.of(1), Value.of(2_000_000)),
                    row(Value.of("nginx"), Value.of(1), Value.of(5_000_000))));

    private static final View.MapView FAST =
            View.MapView.sorted("@us", false, Shape.HISTOGRAM, List.of(row(hist(1, 2, 2, 3, 5))));

    private static final View.MapView SLOW =
            View.MapView.sorted("@us", false, Shape.HISTOGRAM, List.of(row(hist(4, 9, 9, 17, 40))));

    @Test
    void anOverlayGivesEachDistributionAsShares() {
        var overlay = Distributions.overlay("t", List.of("before", "after"), List.of(FAST, SLOW));
        assertEquals("µs", overlay.axis());
        assertEquals(List.of("[1]", "[2, 4)", "[4, 8)", "[8, 16)", "[16, 32)", "[32, 64)"), overlay.buckets());
        assertEquals(0.6, overlay.series().getFirst().share(1));
        assertEquals(List.of(0L, 0L, 1L, 2L, 1L, 1L), overlay.series().getLast().counts());
        var fast = FAST.rows().getFirst().value();
        assertEquals(5, Distributions.of(fast).orElseThrow().samples());
        assertEquals(
                "p50 ≈ 3 µs", overlay.series().getFirst().marks().getFirst().text());
    }

    @Test
    void lanesLastUntilTheNextInTheSameLane() {
        var lanes = Pictures.lanes(SWITCHES);
        assertEquals(
                List.of("0", "1"),
                lanes.lanes().stream().map(Picture.Lane::name).toList());
        assertEquals(
                List.of(
                        new Picture.Stretch(1_000_000, 3_000_000, "nginx"),
                        new Picture.Stretch(3_000_000, 5_000_000, "idle")),
                lanes.lanes().getFirst().stretches());
        var trace = text(Export.TRACE, lanes);
        assertTrue(trace.contains("\"ph\": \"X\", \"pid\": 2, \"tid\": 1, \"ts\": 1000.000, \"dur\": 2000.000"), trace);
        var wrong = org.junit.jupiter.api.Assertions.assertThrows(
                IllegalArgumentException.class, () -> Pictures.lanes(CALLS));
        assertTrue(wrong.getMessage().contains("@calls"), wrong.getMessage());
    }

    @Test
    void lanesMayHaveTheirDurations() {
        var lanes = Pictures.lanes(View.MapView.sorted(
                "@io",
                true,
                Shape.NUMBER,
                List.of(row(Value.of(500), Value.of("sda"), Value.of(1000), Value.of("read")))));
        assertEquals(
                List.of(new Picture.Stretch(1000, 1500, "read")),
                lanes.lanes().getFirst().stretches());
    }

    @Test
    void axesSayWhatTheScriptMeasures() {
        var labels = new View.Labels("elapsed / 100ms", "(nsecs - @s[tid]) / 1000", "");
        var map = Pictures.heatMap(HEAT.labelled(labels));
        assertEquals("time (s)", map.across());
        assertEquals("(nsecs - @s[tid]) / 1000 (µs)", map.upwards());
        assertEquals(List.of("0.4", "0.5", "0.6"), map.columns());
    }

    @Test
    void histogramsHaveTheirQuantilesMarkedAndAPanelForEachKey() {
        var bars = Pictures.bars(HEAT);
        assertEquals(
                List.of("4", "6"),
                bars.panels().stream().map(Picture.Panel::name).toList());
        assertEquals(3, bars.panels().getFirst().marks().size());
        assertTrue(SvgRenderer.render(bars).contains("p99 ≈ "));
    }

    @Test
    void quantilesAreSaidInAUnitThatKeepsThemShort() {
        assertEquals("83.5 ms", Distributions.withUnit(83_547, "µs"));
        assertEquals("310 µs", Distributions.withUnit(310, "µs"));
        assertEquals("127 KiB", Distributions.withUnit(130_122, "bytes"));
        assertEquals("0.5", Distributions.withUnit(0.5, ""));
    }

    @Test
    void rowsOfPercentilesStandBelowATable() {
        var how = new Pictures.Arrangement(0, "", false, 1, 1, true, true);
        assertEquals("""
                key  @calls     %
                b        10  25.0
                a        30  75.0
                p50      10
                p90      30
                p99      30
                max      30

                """, PictureText.render(Pictures.table(List.of(CALLS), how)));
    }

    @Test
    void aNoteSaysWhereTheNumbersComeFrom() {
        assertTrue(SvgRenderer.render(Pictures.bars(FAST), "embedded kernel").contains(">embedded kernel</text>"));
        assertFalse(SvgRenderer.render(Pictures.bars(FAST)).contains("embedded"));
    }

    @Test
    void severalMapsAreColumnsOfOneTable() {
        assertEquals("""
                key  @calls  @lat.count  @lat.p50  @lat.p99
                b        10
                a        30           3        20        30

                """, PictureText.render(Pictures.table(List.of(CALLS, LATENCY), Pictures.Arrangement.PLAIN)));
    }

    /** As when a map is read while its entries are deleted and made again. */
    @Test
    void aKeyThatCameTwiceIsOneRowWithItsLaterNumber() {
        var twice = new View.MapView(
                "@n", true, Shape.NUMBER, List.of(row(count(1), Value.of("a")), row(count(2), Value.of("a"))));
        assertEquals("""
                key  @n
                a     2

                """, PictureText.render(Pictures.table(List.of(twice), Pictures.Arrangement.PLAIN)));
    }

    @Test
    void aTableIsSortedCutAndScaled() {
        var how = new Pictures.Arrangement(1, "@calls", true, 1, 2, true);
        assertEquals("""
                key  @calls      %
                a     15.00  100.0

                """, PictureText.render(Pictures.table(List.of(CALLS), how)));
    }

    /** With {@code -Dskep.pictures=FOLDER} they are written there, to be looked at. */
    @Test
    void theyCanBeLookedAt() throws Exception {
        var folder = System.getProperty("skep.pictures");
        if (folder != null) {
            int i = 0;
            for (var picture : pictures()) {
                var file = java.nio.file.Path.of(
                        folder, i++ + "-" + picture.getClass().getSimpleName());
                java.nio.file.Files.writeString(
                        java.nio.file.Path.of(file + ".svg"), SvgRenderer.render(picture, "embedded kernel"));
                java.nio.file.Files.write(
                        java.nio.file.Path.of(file + ".png"), PngRenderer.render(picture, "embedded kernel"));
            }
        }
    }

    @Test
    void theBestPictureFollowsFromTheValues() {
        assertTrue(Pictures.of(STACKS) instanceof Picture.FlameGraph);
        assertTrue(Pictures.of(HEAT) instanceof Picture.HeatMap);
        assertTrue(Pictures.of(series()) instanceof Picture.Timeline);
        assertTrue(Pictures.of(CALLS) instanceof Picture.Table);
    }

    @Test
    void heatMapsHaveTheColumnsWithoutSamplesToo() {
        var map = Pictures.heatMap(HEAT);
        assertEquals(List.of("4", "5", "6"), map.columns());
        assertEquals(List.of("[1]", "[2, 4)", "[8, 16)"), map.rows());
        assertEquals(List.of(List.of(1L, 2L, 0L), List.of(0L, 0L, 0L), List.of(0L, 0L, 1L)), map.counts());
    }

    @Test
    void flameGraphsJoinWhatDiffersInOffsetsOnly() {
        var root = Pictures.flameGraph(STACKS).root();
        assertEquals(4, root.value());
        var main = root.callees().getFirst().callees().getFirst();
        assertEquals("main", main.name());
        assertEquals(
                List.of("read", "write"),
                main.callees().stream().map(Picture.Frame::name).toList());
    }

    @Test
    void everySvgIsWellFormedAndSelfContained() throws Exception {
        for (var picture : pictures()) {
            var svg = SvgRenderer.render(picture);
            var document = DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
            assertEquals("svg", document.getDocumentElement().getTagName());
            assertFalse(svg.replace("http://www.w3.org/2000/svg", "").contains("http"), picture.title());
            assertTrue(svg.contains("prefers-color-scheme:dark"));
            assertEquals(svg, SvgRenderer.render(picture), "the same every time");
        }
        assertTrue(SvgRenderer.render(Pictures.heatMap(HEAT)).contains("<title>4, [2, 4): 2</title>"));
    }

    @Test
    void everyPictureIsAPngToo() throws Exception {
        for (var picture : pictures()) {
            byte[] png = PngRenderer.render(picture);
            assertArrayEquals(new byte[] {(byte) 0x89, 'P', 'N', 'G'}, Arrays.copyOf(png, 4));
            assertTrue(ImageIO.read(new ByteArrayInputStream(png)).getWidth() > 100);
        }
    }

    @Test
    void everyPictureHasTextAndJson() {
        for (var picture : pictures()) {
            assertTrue(PictureText.render(picture).endsWith("\n\n"), picture.title());
            assertTrue(new JsonRenderer().render(picture).startsWith("{\"type\": \""), picture.title());
        }
        assertEquals(
                "{\"type\": \"heat_map\", \"data\": {\"title\": \"@h\", \"columns\": [\"4\", \"5\", \"6\"], \"rows\": "
                        + "[\"[1]\", \"[2, 4)\", \"[8, 16)\"], \"counts\": [[1, 2, 0], [0, 0, 0], [0, 0, 1]]}}\n",
                new JsonRenderer().render(Pictures.heatMap(HEAT)));
    }

    @Test
    void exportsAreWhatOtherProgramsRead() {
        assertEquals("sh;main;write 1\nsh;main;read 3\n", text(Export.FOLDED, STACKS));
        assertEquals("key,@calls\nb,10\na,30\n", text(Export.CSV, CALLS));
        assertEquals("@h,min,max,count\n6,8,15,1\n4,1,1,1\n4,2,3,2\n", text(Export.CSV, HEAT));
        assertTrue(text(Export.TRACE, series()).contains("\"ph\": \"C\", \"pid\": 1, \"ts\": 3000000.000"));
        // string_table holds the names of the frames; its first entry is empty.
        var profile = new String(Export.PPROF.write(List.of(STACKS)), StandardCharsets.ISO_8859_1);
        assertTrue(profile.contains("main") && profile.contains("read"), profile);
        assertEquals(Export.PPROF, Export.ofFile("x.pb").orElseThrow());
        assertTrue(Export.ofFile("x.unknown").isEmpty());
    }

    private static String text(Export form, View view) {
        return new String(form.write(List.of(view)), StandardCharsets.UTF_8);
    }
}
