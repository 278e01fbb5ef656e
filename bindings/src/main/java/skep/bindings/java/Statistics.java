package skep.bindings.java;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.stat.StatUtils;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;
import org.apache.commons.math3.stat.inference.KolmogorovSmirnovTest;
import org.apache.commons.math3.stat.inference.MannWhitneyUTest;
import org.apache.commons.math3.stat.regression.SimpleRegression;

/**
 * What samples of a trace say, and whether two runs differ. Samples are in any unit; results are in the same. Nothing here
 * assumes that they are normally distributed unless it says so.
 */
public final class Statistics {
    /** Resamplings of a bootstrap. */
    private static final int RESAMPLINGS = 2_000;

    /** Resampling is random but the same each time. */
    private static final long SEED = 42;

    /** A stretch shorter than this has no mean worth comparing. */
    private static final int SHORTEST_STRETCH = 5;

    private Statistics() {}

    /** An estimate and where the truth lies at the given confidence. */
    public record Interval(double estimate, double low, double high, double confidence) {}

    /**
     * A percentile of samples, interpolated between neighbours.
     *
     * @param percent above 0, up to 100
     */
    public static double percentile(double[] samples, double percent) {
        needs(samples, 1);
        return new Percentile().evaluate(samples, percent);
    }

    /** The mean, with an interval by Student's t: right for means of many samples. */
    public static Interval mean(double[] samples, double confidence) {
        needs(samples, 2);
        double mean = StatUtils.mean(samples);
        double error = Math.sqrt(StatUtils.variance(samples) / samples.length)
                * new TDistribution(samples.length - 1).inverseCumulativeProbability((1 + confidence) / 2);
        return new Interval(mean, mean - error, mean + error, confidence);
    }

    /** A percentile, with an interval by bootstrap: right for any distribution. */
    public static Interval percentileInterval(double[] samples, double percent, double confidence) {
        needs(samples, 2);
        var random = new Random(SEED);
        var estimates = new double[RESAMPLINGS];
        for (int i = 0; i < RESAMPLINGS; i++) {
            estimates[i] = percentile(resampled(samples, random), percent);
        }
        return interval(percentile(samples, percent), estimates, confidence);
    }

    private static double[] resampled(double[] samples, Random random) {
        var drawn = new double[samples.length];
        for (int i = 0; i < drawn.length; i++) {
            drawn[i] = samples[random.nextInt(samples.length)];
        }
        return drawn;
    }

    private static Interval interval(double estimate, double[] estimates, double confidence) {
        Arrays.sort(estimates);
        double tail = (1 - confidence) / 2 * 100;
        return new Interval(
                estimate,
                new Percentile().evaluate(estimates, Math.max(tail, 1e-9)),
                new Percentile().evaluate(estimates, 100 - tail),
                confidence);
    }

    /**
     * How two runs differ.
     *
     * @param medianRatio the median of the second over that of the first, with its interval by bootstrap
     * @param mannWhitneyP how likely so great a shift would be if both came from one distribution
     * @param kolmogorovSmirnovP the same for a difference of any shape
     */
    public record Comparison(
            double[] percents,
            double[] first,
            double[] second,
            Interval medianRatio,
            double mannWhitneyP,
            double kolmogorovSmirnovP) {
        /** Whether the two differ at the given level of error, by both tests corrected for there being two. */
        public boolean differs(double level) {
            return Math.min(mannWhitneyP, kolmogorovSmirnovP) < level / 2;
        }
    }

    /** Compares two runs sample by sample. */
    public static Comparison compare(double[] first, double[] second) {
        needs(first, SHORTEST_STRETCH);
        needs(second, SHORTEST_STRETCH);
        var percents = new double[] {50, 90, 95, 99, 100};
        var random = new Random(SEED);
        var ratios = new double[RESAMPLINGS];
        for (int i = 0; i < RESAMPLINGS; i++) {
            ratios[i] = percentile(resampled(second, random), 50) / percentile(resampled(first, random), 50);
        }
        return new Comparison(
                percents,
                Arrays.stream(percents)
                        .map(percent -> percentile(first, percent))
                        .toArray(),
                Arrays.stream(percents)
                        .map(percent -> percentile(second, percent))
                        .toArray(),
                interval(percentile(second, 50) / percentile(first, 50), ratios, 0.95),
                new MannWhitneyUTest().mannWhitneyUTest(first, second),
                new KolmogorovSmirnovTest().kolmogorovSmirnovTest(first, second));
    }

    /** A straight line through points: {@code y = intercept + slope x}. */
    public record Line(double slope, double intercept, double slopeError, double rSquared) {}

    /** The line of least squares. */
    public static Line regression(double[] x, double[] y) {
        if (x.length != y.length) {
            throw new IllegalArgumentException(x.length + " x for " + y.length + " y");
        }
        needs(x, 3);
        var regression = new SimpleRegression();
        for (int i = 0; i < x.length; i++) {
            regression.addData(x[i], y[i]);
        }
        return new Line(
                regression.getSlope(), regression.getIntercept(), regression.getSlopeStdErr(), regression.getRSquare());
    }

    /**
     * Where the level of a series changes: indexes of the first sample after each change, ascending. Binary segmentation on
     * ranks (outliers do not count for more than others), each cut tested by Mann-Whitney.
     *
     * @param level of error for each cut, for example 0.001
     */
    public static List<Integer> changePoints(double[] series, double level) {
        var cuts = new ArrayList<Integer>();
        split(series, 0, series.length, level, cuts);
        cuts.sort(null);
        return List.copyOf(cuts);
    }

    private static void split(double[] series, int from, int to, double level, List<Integer> cuts) {
        int best = bestCut(series, from, to);
        if (best < 0) {
            return;
        }
        double p = new MannWhitneyUTest()
                .mannWhitneyUTest(Arrays.copyOfRange(series, from, best), Arrays.copyOfRange(series, best, to));
        // The cut was chosen among many: Bonferroni.
        if (p * (to - from) < level) {
            cuts.add(best);
            split(series, from, best, level, cuts);
            split(series, best, to, level, cuts);
        }
    }

    /** The cut between the two stretches whose mean ranks differ most, weighted by their lengths; -1 if too short. */
    private static int bestCut(double[] series, int from, int to) {
        int n = to - from;
        if (n < 2 * SHORTEST_STRETCH) {
            return -1;
        }
        var ranks = ranks(Arrays.copyOfRange(series, from, to));
        double total = Arrays.stream(ranks).sum();
        double left = 0;
        double bestGain = -1;
        int best = -1;
        for (int i = 1; i < n; i++) {
            left += ranks[i - 1];
            double difference = left / i - (total - left) / (n - i);
            double gain = difference * difference * i * (n - i);
            if (i >= SHORTEST_STRETCH && n - i >= SHORTEST_STRETCH && gain > bestGain) {
                bestGain = gain;
                best = from + i;
            }
        }
        return best;
    }

    private static double[] ranks(double[] values) {
        var sorted = values.clone();
        Arrays.sort(sorted);
        var ranks = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            int low = Arrays.binarySearch(sorted, values[i]);
            int high = low;
            while (low > 0 && sorted[low - 1] == values[i]) {
                low--;
            }
            while (high < sorted.length - 1 && sorted[high + 1] == values[i]) {
                high++;
            }
            ranks[i] = (low + high) / 2.0;
        }
        return ranks;
    }

    private static void needs(double[] samples, int count) {
        if (samples.length < count) {
            throw new IllegalArgumentException("needs " + count + " samples; there are " + samples.length);
        }
    }
}
