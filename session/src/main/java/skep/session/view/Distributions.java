package skep.session.view;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import skep.dsl.Histograms;
import skep.session.aggregate.Aggregate;

/** Histograms and what is drawn of them: bars with marks at quantiles, and several over one another. */
public final class Distributions {
    private static final double[] MARKED = {0.5, 0.9, 0.99};

    private static final List<String> TIMES = List.of("ns", "µs", "ms", "s");

    private static final List<String> SIZES = List.of("bytes", "KiB", "MiB", "GiB");

    /** More buckets are hard to see. */
    private static final int MAX_BUCKETS = 48;

    private Distributions() {}

    /** The histogram in a value; a sketch of quantiles is one too. */
    public static Optional<Aggregate.Histogram> of(Value value) {
        return value instanceof Value.Aggregated a
                ? switch (a.aggregate()) {
                    case Aggregate.Histogram h -> Optional.of(h);
                    case Aggregate.Quantiles q
                    when q.divisor() == 1 ->
                        Optional.of(new Aggregate.Log2Histogram(Histograms.SKETCH_BITS, q.counts()));
                    default -> Optional.empty();
                }
                : Optional.empty();
    }

    /** The histograms of a map added up; empty if it has none. */
    public static Optional<Aggregate.Histogram> merged(View.MapView map) {
        return map.rows().stream().flatMap(row -> of(row.value()).stream()).reduce((a, b) ->
                (Aggregate.Histogram) a.merge(b));
    }

    static Picture.Panel panel(String name, Aggregate.Histogram histogram, Axis axis) {
        var bars = histogram.buckets().stream()
                .map(bucket -> new Picture.Bar(HistogramText.range(histogram, bucket), bucket.count()))
                .toList();
        return new Picture.Panel(name, bars, marks(histogram, histogram.buckets(), axis));
    }

    /** Distributions of two or more maps over one another; the buckets that any of them fills. */
    public static Picture.Overlay overlay(String title, List<String> names, List<View.MapView> maps) {
        var histograms = maps.stream()
                .map(map -> merged(map)
                        .orElseThrow(() -> new IllegalArgumentException(
                                map.name() + " holds no histogram; an overlay compares distributions")))
                .toList();
        var buckets = new TreeMap<Long, Aggregate.Bucket>();
        var labels = new TreeMap<Long, String>();
        var drawn = coarse(histograms);
        for (var histogram : drawn) {
            for (var bucket : histogram.buckets()) {
                buckets.put(place(bucket), bucket);
                labels.put(place(bucket), HistogramText.range(histogram, bucket));
            }
        }
        var axis = Axis.ofValue(maps.getFirst());
        var series = new ArrayList<Picture.Series>();
        for (int i = 0; i < histograms.size(); i++) {
            var counts = new TreeMap<Long, Long>();
            buckets.keySet().forEach(at -> counts.put(at, 0L));
            drawn.get(i).buckets().forEach(bucket -> counts.put(place(bucket), bucket.count()));
            series.add(new Picture.Series(
                    names.get(i),
                    List.copyOf(counts.values()),
                    marks(histograms.get(i), List.copyOf(buckets.values()), axis)));
        }
        return new Picture.Overlay(title, axis.text(), List.copyOf(labels.values()), series);
    }

    /** With as few divisions of each power of two that the buckets can be drawn; quantiles come from the fine ones. */
    private static List<Aggregate.Histogram> coarse(List<Aggregate.Histogram> histograms) {
        var coarse = histograms;
        while (coarse.stream().anyMatch(h -> h.buckets().size() > MAX_BUCKETS)
                && coarse.stream().allMatch(h -> h instanceof Aggregate.Log2Histogram l && l.bits() > 0)) {
            coarse = coarse.stream()
                    .map(h -> halved((Aggregate.Log2Histogram) h))
                    .toList();
        }
        return coarse;
    }

    private static Aggregate.Histogram halved(Aggregate.Log2Histogram fine) {
        int bits = fine.bits() - 1;
        var counts = new long[Histograms.log2Buckets(bits)];
        for (int i = fine.counts().first(); i <= fine.counts().last(); i++) {
            // All negative values are in the first bucket.
            int to = i == 0 ? 0 : Histograms.log2Bucket(Histograms.log2Min(i, fine.bits()), bits);
            counts[to] += fine.counts().at(i);
        }
        return new Aggregate.Log2Histogram(bits, Aggregate.Counts.of(counts));
    }

    private static long place(Aggregate.Bucket bucket) {
        return bucket.openBelow() ? Long.MIN_VALUE : bucket.min();
    }

    private static List<Picture.Mark> marks(Aggregate.Histogram histogram, List<Aggregate.Bucket> drawn, Axis axis) {
        var marks = new ArrayList<Picture.Mark>();
        for (double share : histogram.samples() == 0 ? new double[0] : MARKED) {
            double value = histogram.quantile(share);
            for (int i = 0; i < drawn.size(); i++) {
                var bucket = drawn.get(i);
                double low = bucket.openBelow() ? bucket.max() : bucket.min();
                double high = bucket.openAbove() ? bucket.min() : bucket.max() + 1.0;
                // In the bucket, or at its upper end if that is the last one.
                if (value <= high || i == drawn.size() - 1) {
                    double within = high > low ? Math.clamp((value - low) / (high - low), 0, 1) : 0.5;
                    marks.add(new Picture.Mark(
                            String.format(Locale.ROOT, "p%.0f ≈ ", share * 100) + withUnit(value, axis.unit()),
                            i + within));
                    break;
                }
            }
        }
        return marks;
    }

    /** A number as people say it: three digits or so, in the unit that keeps it short. */
    static String withUnit(double value, String unit) {
        int at = TIMES.indexOf(unit);
        double number = value;
        var shown = unit;
        while (at >= 0 && at + 1 < TIMES.size() && Math.abs(number) >= 10_000) {
            number /= 1000;
            shown = TIMES.get(++at);
        }
        at = SIZES.indexOf(unit);
        while (at >= 0 && at + 1 < SIZES.size() && Math.abs(number) >= 10_000) {
            number /= 1024;
            shown = SIZES.get(++at);
        }
        var text = Math.abs(number) >= 100 || number == Math.rint(number)
                ? String.format(Locale.ROOT, "%.0f", number)
                : String.format(Locale.ROOT, "%.1f", number);
        return shown.isEmpty() ? text : text + " " + shown;
    }
}
