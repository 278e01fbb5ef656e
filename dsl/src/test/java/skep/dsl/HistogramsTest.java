package skep.dsl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** The buckets of histograms cover all numbers without gaps. */
class HistogramsTest {
    @Property(seed = "20261130", tries = 2000)
    void a_value_lies_within_its_bucket(@ForAll long value, @ForAll @IntRange(max = 5) int bits) {
        int bucket = Histograms.log2Bucket(value, bits);
        assertTrue(bucket >= 0 && bucket < Histograms.log2Buckets(bits));
        assertTrue(Histograms.log2Min(bucket, bits) <= value, "lower bound");
        assertTrue(bucket == 0 || value <= Histograms.log2Max(bucket, bits), "upper bound");
    }

    @Test
    void buckets_follow_one_another() {
        for (int bits = 0; bits <= Histograms.MAX_LOG2_BITS; bits++) {
            for (int bucket = 1; bucket + 1 < Histograms.log2Buckets(bits); bucket++) {
                assertEquals(Histograms.log2Max(bucket, bits) + 1, Histograms.log2Min(bucket + 1, bits));
                assertEquals(bucket, Histograms.log2Bucket(Histograms.log2Min(bucket, bits), bits));
            }
        }
        assertEquals(
                Histograms.log2Buckets(0) - 1, Histograms.log2Bucket(Long.MAX_VALUE, 0), "the last bucket is used");
    }

    @Test
    void linear_buckets_have_two_open_ends() {
        assertEquals(0, Histograms.linearBucket(-1, 0, 100, 10));
        assertEquals(1, Histograms.linearBucket(0, 0, 100, 10));
        assertEquals(10, Histograms.linearBucket(99, 0, 100, 10));
        assertEquals(11, Histograms.linearBucket(100, 0, 100, 10));
        assertEquals(12, Histograms.linearBuckets(0, 100, 10));
    }
}
