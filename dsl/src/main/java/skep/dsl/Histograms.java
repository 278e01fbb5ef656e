package skep.dsl;

/** The buckets of histograms: which values fall where. The code that programs run counts the same way. */
public final class Histograms {
    private Histograms() {}

    /** The most sub-bucket bits of {@code hist(n, bits)}. */
    public static final int MAX_LOG2_BITS = 5;

    /** The most buckets of {@code lhist}, the two open ones not counted. */
    public static final int MAX_LINEAR_BUCKETS = 1000;

    /**
     * Sub-bucket bits of the sketch that quantiles are taken from. A bucket is 1/32 of its power of two wide, so its middle is
     * off by at most 1/64 of the value: 1.6 %. Values below 32 are exact.
     */
    public static final int SKETCH_BITS = 5;

    /** The most bounds of {@code llhist}. */
    public static final int MAX_LOG_LINEAR_BOUNDS = 1000;

    /**
     * The bounds of a log-linear histogram: from each power of {@code factor} to the next in steps of the next power divided
     * by {@code steps}, at least 1.
     */
    public static long[] logLinearBounds(int factor, int low, int high, int steps) {
        var bounds = new long[MAX_LOG_LINEAR_BOUNDS + 1];
        int count = 0;
        long power = power(factor, low);
        for (int magnitude = low; magnitude <= high; magnitude++) {
            long next = power * factor;
            long step = Math.max(1, next / steps);
            for (long bound = power; bound < next && count < bounds.length; bound += step) {
                bounds[count++] = bound;
            }
            power = next;
        }
        if (count < bounds.length) {
            bounds[count++] = power;
        }
        return java.util.Arrays.copyOf(bounds, count);
    }

    /** The bucket of a value in a log-linear histogram: 0 below all bounds, the number of bounds above them. */
    public static int logLinearBucket(long value, long[] bounds) {
        int at = java.util.Arrays.binarySearch(bounds, value);
        return at >= 0 ? at + 1 : -at - 1;
    }

    /** {@code base^exponent}; beyond 2^62 it stays there. */
    public static long power(long base, int exponent) {
        long power = 1;
        for (int i = 0; i < exponent; i++) {
            if (power > (1L << 62) / base) {
                return 1L << 62;
            }
            power *= base;
        }
        return power;
    }

    /**
     * Number of buckets of a logarithmic histogram: bucket 0 holds negative values; then 0 to 2^bits - 1 have one
     * bucket each; then each power of two up to 2^62 has 2^bits buckets.
     */
    public static int log2Buckets(int bits) {
        return 1 + (1 << bits) + (63 - bits << bits);
    }

    /** The bucket of a value. */
    public static int log2Bucket(long value, int bits) {
        if (value < 0) {
            return 0;
        }
        if (value < 1L << bits) {
            return 1 + (int) value;
        }
        int power = 63 - Long.numberOfLeadingZeros(value);
        int sub = (int) (value >>> power - bits) & (1 << bits) - 1;
        return 1 + (1 << bits) + (power - bits << bits) + sub;
    }

    /** The smallest value of a bucket; {@link Long#MIN_VALUE} for bucket 0. */
    public static long log2Min(int bucket, int bits) {
        if (bucket == 0) {
            return Long.MIN_VALUE;
        }
        int index = bucket - 1;
        if (index < 1 << bits) {
            return index;
        }
        int rest = index - (1 << bits);
        int power = (rest >> bits) + bits;
        long sub = rest & (1 << bits) - 1;
        return (1L << power) + (sub << power - bits);
    }

    /** The largest value of a bucket. */
    public static long log2Max(int bucket, int bits) {
        return bucket + 1 < log2Buckets(bits) ? log2Min(bucket + 1, bits) - 1 : Long.MAX_VALUE;
    }

    /** Number of buckets of a linear histogram: one below {@code min}, the steps, one at and above {@code max}. */
    public static int linearBuckets(long min, long max, long step) {
        return (int) ((max - min + step - 1) / step) + 2;
    }

    /** The bucket of a value in a linear histogram. */
    public static int linearBucket(long value, long min, long max, long step) {
        if (value < min) {
            return 0;
        }
        return value >= max ? linearBuckets(min, max, step) - 1 : (int) ((value - min) / step) + 1;
    }
}
