package skep.bindings.java;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.jspecify.annotations.Nullable;
import skep.session.aggregate.Aggregate;
import skep.session.view.Distributions;
import skep.session.view.Picture;
import skep.session.view.Pictures;
import skep.session.view.TextRenderer;
import skep.session.view.Value;
import skep.session.view.View;

/**
 * What differs between two maps of the same script, run before and after a change: distributions as an overlay with a table of
 * quantiles, stacks as a differential flame graph, counts as a table. Intervals are of 95 %.
 *
 * <p>Of a histogram only the buckets are known: within a bucket samples are taken to be evenly spread. {@code quantiles()} in
 * the script instead of {@code hist()} makes buckets of 3 %.
 */
public final class Comparison {
    private static final double[] SHARES = {0.5, 0.9, 0.95, 0.99};

    private static final double CONFIDENCE = 0.95;

    /** Two-sided. */
    private static final double Z = new NormalDistribution().inverseCumulativeProbability((1 + CONFIDENCE) / 2);

    private static final int DRAWS = 2_000;

    /** Drawing is random but the same each time. */
    private static final long SEED = 42;

    /** Below it the approximation says nothing but that it is small. */
    private static final double LEAST_P = 1e-15;

    private static final String NONE = "–";

    private Comparison() {}

    /**
     * A quantile of two distributions.
     *
     * @param percent 50 for the median
     * @param ratio the second over the first
     */
    public record Quantile(
            double percent, Statistics.Interval first, Statistics.Interval second, Statistics.Interval ratio) {}

    /**
     * Two distributions.
     *
     * @param p how likely so great a shift would be if both were one distribution (Mann-Whitney, from the buckets)
     * @param greater how likely it is that a sample of the second is greater than one of the first, ties counted half
     */
    public record Shift(long first, long second, List<Quantile> quantiles, double p, double greater) {
        public Shift {
            quantiles = List.copyOf(quantiles);
        }

        /** In one sentence. */
        public String verdict() {
            var pairs = String.format(
                    Locale.ROOT,
                    "the second is greater in %.0f %% of all pairs (Mann-Whitney p %s)",
                    100 * greater,
                    p < LEAST_P ? "< " + LEAST_P : String.format(Locale.ROOT, "= %.2g", p));
            return (p < 1 - CONFIDENCE ? "They differ: " : "No difference seen: ") + pairs;
        }
    }

    /** Compares two histograms of the same shape. */
    public static Shift of(Histogram first, Histogram second) {
        return of(histogram(first.view()), histogram(second.view()));
    }

    private static Aggregate.Histogram histogram(View.MapView map) {
        return Distributions.merged(map)
                .orElseThrow(() -> new IllegalArgumentException(map.name() + " holds no histogram"));
    }

    private static Shift of(Aggregate.Histogram first, Aggregate.Histogram second) {
        if (first.samples() == 0 || second.samples() == 0) {
            throw new IllegalArgumentException("a histogram without samples has nothing to compare");
        }
        var quantiles = new ArrayList<Quantile>();
        var random = new Random(SEED);
        for (double share : SHARES) {
            var ratios = new double[DRAWS];
            for (int i = 0; i < DRAWS; i++) {
                double below = drawn(first, share, random);
                ratios[i] = below == 0 ? Double.NaN : drawn(second, share, random) / below;
            }
            double base = first.quantile(share);
            quantiles.add(new Quantile(
                    share * 100,
                    interval(first, share),
                    interval(second, share),
                    between(base == 0 ? Double.NaN : second.quantile(share) / base, ratios)));
        }
        return shift(first, second, quantiles);
    }

    /** By the ranks between which the quantile lies: binomial, normally approximated; right for any distribution. */
    private static Statistics.Interval interval(Aggregate.Histogram histogram, double share) {
        double error = Z * Math.sqrt(share * (1 - share) / histogram.samples());
        return new Statistics.Interval(
                histogram.quantile(share),
                histogram.quantile(Math.max(0, share - error)),
                histogram.quantile(Math.min(1, share + error)),
                CONFIDENCE);
    }

    private static double drawn(Aggregate.Histogram histogram, double share, Random random) {
        double error = Math.sqrt(share * (1 - share) / histogram.samples());
        return histogram.quantile(Math.clamp(share + error * random.nextGaussian(), 0, 1));
    }

    private static Statistics.Interval between(double estimate, double[] drawn) {
        var sorted = java.util.Arrays.stream(drawn)
                .filter(number -> !Double.isNaN(number))
                .sorted()
                .toArray();
        return sorted.length == 0
                ? new Statistics.Interval(estimate, Double.NaN, Double.NaN, CONFIDENCE)
                : new Statistics.Interval(
                        estimate,
                        sorted[(int) ((1 - CONFIDENCE) / 2 * (sorted.length - 1))],
                        sorted[(int) ((1 + CONFIDENCE) / 2 * (sorted.length - 1))],
                        CONFIDENCE);
    }

    /** Mann-Whitney with ties: all samples of a bucket are equal. */
    private static Shift shift(Aggregate.Histogram first, Aggregate.Histogram second, List<Quantile> quantiles) {
        var counts = new TreeMap<Long, double[]>();
        first.buckets()
                .forEach(bucket -> counts.computeIfAbsent(place(bucket), _ -> new double[2])[0] += bucket.count());
        second.buckets()
                .forEach(bucket -> counts.computeIfAbsent(place(bucket), _ -> new double[2])[1] += bucket.count());
        double a = first.samples();
        double b = second.samples();
        double below = 0;
        double greater = 0;
        double ties = 0;
        for (var pair : counts.values()) {
            greater += pair[1] * (below + pair[0] / 2);
            below += pair[0];
            double both = pair[0] + pair[1];
            ties += both * both * both - both;
        }
        double n = a + b;
        double variance = a * b / 12 * (n + 1 - ties / (n * Math.max(1, n - 1)));
        double z = variance <= 0 ? 0 : (greater - a * b / 2) / Math.sqrt(variance);
        return new Shift(
                first.samples(),
                second.samples(),
                quantiles,
                2 * new NormalDistribution().cumulativeProbability(-Math.abs(z)),
                greater / (a * b));
    }

    private static long place(Aggregate.Bucket bucket) {
        return bucket.openBelow() ? Long.MIN_VALUE : bucket.min();
    }

    // --- pictures -----------------------------------------------------------------------------------------------

    /**
     * The pictures that show how two maps differ.
     *
     * @param firstName what the first run is called, {@code before} for example
     * @throws IllegalArgumentException if the maps cannot be compared; the message says why
     */
    static List<Picture> pictures(View.MapView first, View.MapView second, String firstName, String secondName) {
        var title = first.name() + ": " + firstName + " → " + secondName;
        if (hasStacks(first) || hasStacks(second)) {
            return List.of(Pictures.difference(first, second).titled(title));
        }
        if (first.rows().isEmpty() || second.rows().isEmpty()) {
            throw new IllegalArgumentException(
                    (first.rows().isEmpty() ? firstName : secondName) + " has nothing in " + first.name());
        }
        return switch (first.shape()) {
            case HISTOGRAM, QUANTILES -> {
                try {
                    var shift = of(histogram(first), histogram(second));
                    yield List.of(
                            Distributions.overlay(
                                    title + ". " + shift.verdict(),
                                    List.of(firstName, secondName),
                                    List.of(first, second)),
                            table(shift, title, firstName, secondName));
                } catch (IllegalArgumentException e) {
                    throw new IllegalArgumentException(title + ": " + e.getMessage());
                }
            }
            case SERIES ->
                throw new IllegalArgumentException(first.name() + " is a time series: two runs have no common time");
            case NUMBER, AVERAGE, STATS, OTHER -> List.of(numbers(first, second, title, firstName, secondName));
        };
    }

    private static boolean hasStacks(View.MapView map) {
        return map.rows().stream().anyMatch(row -> row.key().stream().anyMatch(Value.Stack.class::isInstance));
    }

    private static Picture.Table table(Shift shift, String title, String firstName, String secondName) {
        var columns = List.of(
                new Picture.Column("quantile", false),
                new Picture.Column(firstName, true),
                new Picture.Column("95 % interval", true),
                new Picture.Column(secondName, true),
                new Picture.Column("95 % interval", true),
                new Picture.Column(secondName + " / " + firstName, true),
                new Picture.Column("95 % interval", true));
        var rows = new ArrayList<List<Picture.Cell>>();
        rows.add(List.of(
                Picture.Cell.of("samples"),
                number(shift.first()),
                Picture.Cell.of(""),
                number(shift.second()),
                Picture.Cell.of(""),
                number((double) shift.second() / shift.first()),
                Picture.Cell.of("")));
        for (var quantile : shift.quantiles()) {
            rows.add(List.of(
                    Picture.Cell.of(String.format(Locale.ROOT, "p%.0f", quantile.percent())),
                    number(quantile.first().estimate()),
                    range(quantile.first()),
                    number(quantile.second().estimate()),
                    range(quantile.second()),
                    number(quantile.ratio().estimate()),
                    range(quantile.ratio())));
        }
        return new Picture.Table(title, columns, rows);
    }

    private static Picture.Table numbers(
            View.MapView first, View.MapView second, String title, String firstName, String secondName) {
        var columns = List.of(
                new Picture.Column("key", false),
                new Picture.Column(firstName, true),
                new Picture.Column(secondName, true),
                new Picture.Column(secondName + " / " + firstName, true),
                new Picture.Column("95 % interval", true));
        var before = byKey(first);
        var after = byKey(second);
        var keys = new LinkedHashSet<>(after.keySet());
        keys.addAll(before.keySet());
        var rows = new ArrayList<List<Picture.Cell>>();
        for (var key : keys) {
            double a =
                    Optional.ofNullable(before.get(key)).map(Comparison::plain).orElse(0.0);
            double b =
                    Optional.ofNullable(after.get(key)).map(Comparison::plain).orElse(0.0);
            boolean counted = a > 0 && b > 0 && isCount(after.get(key));
            // Counts of independent events are Poisson distributed; the logarithm of their ratio is nearly normal.
            double error = Z * Math.sqrt(1 / a + 1 / b);
            rows.add(List.of(
                    Picture.Cell.of(key),
                    number(a),
                    number(b),
                    a == 0 ? Picture.Cell.of(NONE) : number(b / a),
                    counted
                            ? range(new Statistics.Interval(
                                    b / a, b / a * Math.exp(-error), b / a * Math.exp(error), CONFIDENCE))
                            : Picture.Cell.of(NONE)));
        }
        rows.sort(java.util.Comparator.comparingDouble(
                row -> -Math.abs(row.get(2).number() - row.get(1).number())));
        return new Picture.Table(title, columns, rows);
    }

    private static Map<String, Value> byKey(View.MapView map) {
        var values = new LinkedHashMap<String, Value>();
        for (var row : map.rows().reversed()) {
            var key =
                    String.join(", ", row.key().stream().map(TextRenderer::text).toList());
            values.put(key, row.value());
        }
        return values;
    }

    private static boolean isCount(@Nullable Value value) {
        return value instanceof Value.Aggregated a && a.aggregate() instanceof Aggregate.Count;
    }

    private static double plain(Value value) {
        var java = Values.toJava(value);
        return java instanceof Number number
                ? number.doubleValue()
                : value instanceof Value.Aggregated a ? a.aggregate().rank() : Double.NaN;
    }

    private static Picture.Cell number(double number) {
        return new Picture.Cell(text(number), number);
    }

    private static Picture.Cell range(Statistics.Interval interval) {
        return Picture.Cell.of(
                Double.isNaN(interval.low()) ? NONE : text(interval.low()) + " … " + text(interval.high()));
    }

    private static String text(double number) {
        return Double.isNaN(number)
                ? NONE
                : number == Math.rint(number) || Math.abs(number) >= 1000
                        ? String.format(Locale.ROOT, "%.0f", number)
                        : String.format(Locale.ROOT, Math.abs(number) >= 10 ? "%.1f" : "%.2f", number);
    }
}
