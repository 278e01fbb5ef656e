package skep.bindings.java;

import java.util.List;
import skep.session.aggregate.Aggregate;
import skep.session.view.TextRenderer;
import skep.session.view.Value;
import skep.session.view.View;

/**
 * A histogram: how many samples fell into each bucket. An immutable value; those of the same shape add up.
 *
 * {@snippet :
 * var all = runs.stream().map(run -> run.histogram("@us")).reduce(Histogram::plus).orElseThrow();
 * System.out.printf("p99 between %.0f and %.0f%n", all.percentileBounds(99).low(), all.percentileBounds(99).high());
 * }
 */
public final class Histogram {
    private final Aggregate.Histogram histogram;

    Histogram(Aggregate.Histogram histogram) {
        this.histogram = histogram;
    }

    Aggregate.Histogram aggregate() {
        return histogram;
    }

    /**
     * A stretch of values; both ends belong to it.
     *
     * @param low smallest value, {@link Long#MIN_VALUE} if it has no lower end
     * @param high largest value, {@link Long#MAX_VALUE} if it has no upper end
     */
    public record Bucket(long low, long high, long count) {}

    /** Between which values something lies. */
    public record Bounds(double low, double high) {}

    /** From the first to the last bucket that counts something. */
    public List<Bucket> buckets() {
        return histogram.buckets().stream()
                .map(bucket -> new Bucket(
                        bucket.openBelow() ? Long.MIN_VALUE : bucket.min(),
                        bucket.openAbove() ? Long.MAX_VALUE : bucket.max(),
                        bucket.count()))
                .toList();
    }

    /** The number of samples. */
    public long samples() {
        return histogram.samples();
    }

    /**
     * An estimate of a percentile, interpolated inside its bucket; {@link #percentileBounds} says how far off it can be.
     *
     * @param percent 0 to 100
     */
    public double percentile(double percent) {
        if (!(percent >= 0 && percent <= 100)) {
            throw new IllegalArgumentException("percentile " + percent + " is not between 0 and 100");
        }
        return histogram.quantile(percent / 100);
    }

    /** The bucket that holds a percentile: the true one lies within. */
    public Bounds percentileBounds(double percent) {
        double wanted = percent / 100 * samples();
        long before = 0;
        var found = new Bounds(0, 0);
        for (var bucket : histogram.buckets()) {
            if (bucket.count() > 0) {
                found = new Bounds(
                        bucket.openBelow() ? Double.NEGATIVE_INFINITY : bucket.min(),
                        bucket.openAbove() ? Double.POSITIVE_INFINITY : bucket.max());
                before += bucket.count();
                if (before >= wanted) {
                    break;
                }
            }
        }
        return found;
    }

    public double p50() {
        return percentile(50);
    }

    public double p90() {
        return percentile(90);
    }

    public double p99() {
        return percentile(99);
    }

    /** An estimate of the mean, each sample taken at the middle of its bucket. */
    public double mean() {
        double sum = 0;
        for (var bucket : histogram.buckets()) {
            double low = bucket.openBelow() ? bucket.max() : bucket.min();
            double high = bucket.openAbove() ? bucket.min() : bucket.max();
            sum += (low + high) / 2 * bucket.count();
        }
        return samples() == 0 ? Double.NaN : sum / samples();
    }

    /**
     * Both together.
     *
     * @throws IllegalArgumentException if their buckets differ
     */
    public Histogram plus(Histogram other) {
        return new Histogram((Aggregate.Histogram) histogram.merge(other.histogram));
    }

    /** What renderers draw: a map without a key. */
    public View.MapView view() {
        return new View.MapView(
                "@", false, View.Shape.HISTOGRAM, List.of(new View.Row(List.of(), new Value.Aggregated(histogram))));
    }

    /** The terminal's picture of it. */
    @Override
    public String toString() {
        return new TextRenderer().render(view());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Histogram h && histogram.equals(h.histogram);
    }

    @Override
    public int hashCode() {
        return histogram.hashCode();
    }
}
