package skep.session.view;

import skep.session.aggregate.Aggregate;

/**
 * Histograms as rows of a picture:
 *
 * <pre>
 * [4, 8)                 2 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |
 *  range, 16 wide   count, 8      52 columns for the largest count
 * </pre>
 */
final class HistogramText {
    private static final int RANGE_WIDTH = 16;
    private static final int COUNT_WIDTH = 8;
    private static final int BAR_COLUMNS = 52;
    private static final String UNITS = "KMGT";

    private HistogramText() {}

    static String log2(Aggregate.Log2Histogram histogram) {
        return rows(histogram, 0);
    }

    static String logLinear(Aggregate.LogLinearHistogram histogram) {
        return rows(histogram, 0);
    }

    /** The range of a bucket as it stands before its bar. */
    static String range(Aggregate.Histogram histogram, Aggregate.Bucket bucket) {
        return range(bucket, histogram instanceof Aggregate.LinearHistogram linear ? linear.step() : 0);
    }

    static String linear(Aggregate.LinearHistogram histogram) {
        return rows(histogram, histogram.step());
    }

    /** The rows; {@code step} is the width of a linear histogram's buckets, 0 for a logarithmic one. */
    private static String rows(Aggregate.Histogram histogram, long step) {
        var buckets = histogram.buckets();
        long largest = 0;
        for (var bucket : buckets) {
            largest = Math.max(largest, bucket.count());
        }
        var out = new StringBuilder();
        int width = RANGE_WIDTH;
        if (histogram instanceof Aggregate.LogLinearHistogram) {
            // Bounds without units grow long; the other two keep the width that people's eyes and scripts expect.
            for (var bucket : buckets) {
                width = Math.max(width, range(bucket, step).length());
            }
        }
        for (var bucket : buckets) {
            pad(out, range(bucket, step), width, false);
            pad(out, Long.toString(bucket.count()), COUNT_WIDTH, true);
            int columns = largest == 0 ? 0 : (int) (bucket.count() / (double) largest * BAR_COLUMNS);
            out.append(" |").repeat('@', columns).repeat(' ', BAR_COLUMNS - columns);
            out.append("|\n");
        }
        return out.toString();
    }

    private static String range(Aggregate.Bucket bucket, long step) {
        if (bucket.openBelow()) {
            return "(..., " + label(bucket.max() + 1, step) + ")";
        }
        if (bucket.openAbove()) {
            return "[" + label(bucket.min(), step) + ", ...)";
        }
        if (step == 0 && bucket.min() == bucket.max()) {
            return "[" + label(bucket.min(), step) + "]";
        }
        return "[" + label(bucket.min(), step) + ", " + label(bucket.max() + 1, step) + ")";
    }

    /**
     * A bound. Units are powers of 1,024: of a logarithmic bound the largest that divides it, of a linear one the largest
     * that divides the step. The bound above the last logarithmic bucket is 2^63: it is read as unsigned.
     */
    private static String label(long bound, long step) {
        if (bound == 0) {
            return "0";
        }
        int unit = 0;
        if (step == 0) {
            while (unit < UNITS.length() && bound > 0 | bound == Long.MIN_VALUE && divides(unit + 1, bound)) {
                unit++;
            }
        } else {
            while (unit < UNITS.length() && divides(unit + 1, step) && divides(unit + 1, bound)) {
                unit++;
            }
        }
        long number = bound == Long.MIN_VALUE ? bound >>> 10 * unit : bound >> 10 * unit;
        return unit == 0 ? Long.toString(bound) : number + UNITS.substring(unit - 1, unit);
    }

    private static boolean divides(int unit, long number) {
        return Long.numberOfTrailingZeros(number) >= 10 * unit;
    }

    private static void pad(StringBuilder out, String text, int width, boolean right) {
        int missing = Math.max(0, width - text.length());
        if (right) {
            out.repeat(' ', missing).append(text);
        } else {
            out.append(text).repeat(' ', missing);
        }
    }
}
