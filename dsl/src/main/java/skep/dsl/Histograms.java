package skep.dsl;

/** The buckets of histograms: which values fall where. The code that programs run counts the same way. */
public final class Histograms {
    private Histograms() {}

    /** The most sub-bucket bits of {@code hist(n, bits)}. */
    public static final int MAX_LOG2_BITS = 5;

    /** The most buckets of {@code lhist}, the two open ones not counted. */
    public static final int MAX_LINEAR_BUCKETS = 1000;

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
