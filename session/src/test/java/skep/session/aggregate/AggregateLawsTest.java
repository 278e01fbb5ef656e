package skep.session.aggregate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import skep.dsl.Histograms;
import skep.dsl.Type;
import skep.session.aggregate.Aggregate.Counts;

/** Merging must not depend on the order in which CPUs, runs or hosts come. */
class AggregateLawsTest {
    /** Three values of one shape. */
    record Three(Aggregate a, Aggregate b, Aggregate c) {}

    @Property(seed = "20261130", tries = 400)
    void mergingIsAssociative(@ForAll("three") Three t) {
        assertEquals(t.a().merge(t.b()).merge(t.c()), t.a().merge(t.b().merge(t.c())));
    }

    @Property(seed = "20261130", tries = 400)
    void mergingIsCommutative(@ForAll("three") Three t) {
        assertEquals(t.a().merge(t.b()), t.b().merge(t.a()));
    }

    @Property(seed = "20261130", tries = 400)
    void theEmptyValueIsNeutral(@ForAll("three") Three t) {
        assertEquals(t.a(), t.a().merge(empty(t.a())));
        assertEquals(t.a(), empty(t.a()).merge(t.a()));
    }

    @Property(seed = "20261130", tries = 200)
    void averageOfAllCpusIsTheAverageOfAllSamples(@ForAll List<Integer> one, @ForAll List<Integer> two) {
        var merged = average(one).merge(average(two));
        long total = one.stream().mapToLong(i -> i).sum()
                + two.stream().mapToLong(i -> i).sum();
        int count = one.size() + two.size();
        assertEquals(count == 0 ? 0 : total / count, merged.average());
    }

    @Property(seed = "20261130", tries = 300)
    void aQuantileIsOffByLessThanTwoPercent(@ForAll("samples") List<Long> samples) {
        var counts = new long[Histograms.log2Buckets(Histograms.SKETCH_BITS)];
        samples.forEach(sample -> counts[Histograms.log2Bucket(sample, Histograms.SKETCH_BITS)]++);
        var sorted = samples.stream().sorted().toList();
        var sketch = new Aggregate.Quantiles(List.of(1, 50, 90, 99, 999, 100), Counts.of(counts));
        int[] ranks = {
            (samples.size() + 99) / 100,
            (samples.size() + 1) / 2,
            (samples.size() * 9 + 9) / 10,
            (samples.size() * 99 + 99) / 100,
            (samples.size() * 999 + 999) / 1000,
            samples.size()
        };
        for (int i = 0; i < ranks.length; i++) {
            long exact = sorted.get(ranks[i] - 1);
            long estimate = sketch.at(sketch.levels().get(i));
            assertEquals(
                    exact,
                    estimate,
                    exact < 32 ? 0 : exact / 63.0,
                    "level " + sketch.levels().get(i));
        }
    }

    @Provide
    Arbitrary<List<Long>> samples() {
        return Arbitraries.longs().between(0, 1L << 50).list().ofMinSize(1).ofMaxSize(300);
    }

    @Property(seed = "20261130", tries = 1000)
    void everyValueLiesWithinItsLogLinearBucket(@ForAll long value) {
        var bounds = Histograms.logLinearBounds(10, 1, 8, 20);
        var counts = new long[bounds.length + 1];
        counts[Histograms.logLinearBucket(value, bounds)] = 1;
        var bucket = new Aggregate.LogLinearHistogram(10, 1, 8, 20, Counts.of(counts))
                .buckets()
                .getFirst();
        assertEquals(true, bucket.min() <= value && value <= bucket.max());
        assertEquals(value < 10, bucket.openBelow());
        assertEquals(value >= 1_000_000_000, bucket.openAbove());
    }

    @Property(seed = "20261130", tries = 1000)
    void everyValueLiesWithinItsBucket(@ForAll long value, @ForAll("bits") int bits) {
        int bucket = Histograms.log2Bucket(value, bits);
        var counts = new long[Histograms.log2Buckets(bits)];
        counts[bucket] = 1;
        var shown = new Aggregate.Log2Histogram(bits, Counts.of(counts)).buckets();
        assertEquals(1, shown.size());
        assertEquals(
                true,
                shown.getFirst().min() <= value && value <= shown.getFirst().max() || value < 0);
        assertEquals(value < 0, shown.getFirst().openBelow());
    }

    @Test
    void differentShapesCannotBeMerged() {
        assertThrows(
                IllegalArgumentException.class,
                () -> Aggregate.Log2Histogram.empty(0).merge(Aggregate.Log2Histogram.empty(1)));
        assertThrows(IllegalArgumentException.class, () -> new Aggregate.Count(1).merge(new Aggregate.Sum(1, false)));
    }

    @Test
    void theSmallestOfNothingAndMinusOneIsMinusOne() {
        var none = new Aggregate.Min(0, false, true);
        assertEquals(new Aggregate.Min(-1, true, true), none.merge(new Aggregate.Min(-1, true, true)));
    }

    @Test
    void unsignedExtremesCompareUnsigned() {
        var large = new Aggregate.Max(-1, true, false);
        assertEquals(large, large.merge(new Aggregate.Max(1, true, false)));
        assertEquals(
                -1,
                new Aggregate.Min(-1, true, true)
                        .merge(new Aggregate.Min(1, true, true))
                        .rank());
    }

    @Test
    void aSeriesKeepsTheNewestIntervals() {
        var cells = new TreeMap<Long, Aggregate.TimeSeries.Cell>();
        for (long epoch = 0; epoch < 10; epoch++) {
            cells.put(epoch, new Aggregate.TimeSeries.Cell(epoch, 1, epoch));
        }
        var series = new Aggregate.TimeSeries(100, 3, Type.SeriesKind.NONE, true, 0, cells);
        assertEquals(List.of(7L, 8L, 9L), List.copyOf(series.cells().keySet()));
    }

    @Test
    void aMedianIsFoundInTheBucketThatHoldsIt() {
        var counts = new long[Histograms.linearBuckets(0, 100, 10)];
        counts[1] = 50;
        counts[9] = 50;
        var histogram = new Aggregate.LinearHistogram(0, 100, 10, Counts.of(counts));
        assertEquals(10.0, histogram.quantile(0.5), 1e-9);
        assertEquals(85.0, histogram.quantile(0.75), 1e-9);
    }

    @Test
    void valuesOfAllCpusAreAddedUp() {
        var bytes = new byte[32];
        bytes[0] = 3; // CPU 0: count 3, total 10
        bytes[8] = 10;
        bytes[16] = 1; // CPU 1: count 1, total 2
        bytes[24] = 2;
        assertEquals(new Aggregate.Stats(4, 12, true), AggregateReader.merged(new Type.Stats(true), bytes, 16, 2, 0));
    }

    private static Aggregate.Avg average(List<Integer> samples) {
        return new Aggregate.Avg(
                samples.size(), samples.stream().mapToLong(i -> i).sum(), true);
    }

    private static Aggregate empty(Aggregate shape) {
        return switch (shape) {
            case Aggregate.Count _ -> new Aggregate.Count(0);
            case Aggregate.Sum s -> new Aggregate.Sum(0, s.signed());
            case Aggregate.Min m -> new Aggregate.Min(0, false, m.signed());
            case Aggregate.Max m -> new Aggregate.Max(0, false, m.signed());
            case Aggregate.Avg a -> new Aggregate.Avg(0, 0, a.signed());
            case Aggregate.Stats s -> new Aggregate.Stats(0, 0, s.signed());
            case Aggregate.Log2Histogram h -> Aggregate.Log2Histogram.empty(h.bits());
            case Aggregate.LinearHistogram h -> Aggregate.LinearHistogram.empty(h.min(), h.max(), h.step());
            case Aggregate.LogLinearHistogram h ->
                new Aggregate.LogLinearHistogram(
                        h.factor(),
                        h.low(),
                        h.high(),
                        h.steps(),
                        Counts.of(new long[h.counts().size()]));
            case Aggregate.Quantiles q ->
                new Aggregate.Quantiles(
                        q.levels(), Counts.of(new long[q.counts().size()]));
            case Aggregate.TimeSeries t ->
                new Aggregate.TimeSeries(
                        t.intervalNanos(), t.intervals(), t.kind(), t.signed(), t.originNanos(), new TreeMap<>());
        };
    }

    @Provide
    Arbitrary<Integer> bits() {
        return Arbitraries.integers().between(0, Histograms.MAX_LOG2_BITS);
    }

    @Provide
    Arbitrary<Three> three() {
        var longs = Arbitraries.longs();
        var flags = Arbitraries.of(true, false);
        return Arbitraries.oneOf(List.of(
                of(longs.map(n -> (Aggregate) new Aggregate.Count(n))),
                flags.flatMap(signed -> of(longs.map(n -> (Aggregate) new Aggregate.Sum(n, signed)))),
                flags.flatMap(signed -> of(Combinators.combine(longs, flags)
                        .as((n, seen) -> (Aggregate) new Aggregate.Min(n, seen, signed)))),
                flags.flatMap(signed -> of(Combinators.combine(longs, flags)
                        .as((n, seen) -> (Aggregate) new Aggregate.Max(n, seen, signed)))),
                flags.flatMap(signed -> of(Combinators.combine(longs, longs)
                        .as((n, total) -> (Aggregate) new Aggregate.Avg(n, total, signed)))),
                flags.flatMap(signed -> of(Combinators.combine(longs, longs)
                        .as((n, total) -> (Aggregate) new Aggregate.Stats(n, total, signed)))),
                bits().flatMap(bits -> of(longs.array(long[].class)
                        .ofSize(Histograms.log2Buckets(bits))
                        .map(counts -> (Aggregate) new Aggregate.Log2Histogram(bits, Counts.of(counts))))),
                of(longs.array(long[].class)
                        .ofSize(Histograms.linearBuckets(-5, 20, 7))
                        .map(counts -> (Aggregate) new Aggregate.LinearHistogram(-5, 20, 7, Counts.of(counts)))),
                of(longs.array(long[].class)
                        .ofSize(Histograms.logLinearBounds(10, 0, 1, 10).length + 1)
                        .map(counts -> (Aggregate) new Aggregate.LogLinearHistogram(10, 0, 1, 10, Counts.of(counts)))),
                of(longs.array(long[].class)
                        .ofSize(Histograms.log2Buckets(Histograms.SKETCH_BITS))
                        .map(counts -> (Aggregate) new Aggregate.Quantiles(List.of(50), Counts.of(counts)))),
                Arbitraries.of(Type.SeriesKind.values())
                        .flatMap(kind -> flags.flatMap(signed -> of(series(kind, signed))))));
    }

    private static Arbitrary<Aggregate> series(Type.SeriesKind kind, boolean signed) {
        var cell = Combinators.combine(
                        Arbitraries.longs(),
                        Arbitraries.longs().between(1, 9),
                        Arbitraries.longs().between(0, 9))
                .as(Aggregate.TimeSeries.Cell::new);
        return Arbitraries.maps(Arbitraries.longs().between(0, 12), cell)
                .ofMaxSize(6)
                .map(cells -> new Aggregate.TimeSeries(100, 5, kind, signed, 0, new TreeMap<>(cells)));
    }

    private static Arbitrary<Three> of(Arbitrary<Aggregate> one) {
        return Combinators.combine(one, one, one).as(Three::new);
    }
}
