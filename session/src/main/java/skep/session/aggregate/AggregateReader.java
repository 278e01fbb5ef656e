package skep.session.aggregate;

import java.util.TreeMap;
import skep.dsl.Type;
import skep.session.aggregate.Aggregate.Counts;

/** Reads aggregations from the bytes of map values, as {@link Type.Aggregation} lays them out. */
public final class AggregateReader {
    private AggregateReader() {}

    /**
     * Reads and merges the values of all CPUs.
     *
     * @param bytes one value after another, each at a multiple of {@code strideBytes}
     * @param cpus how many there are
     * @param clockOriginNanos wall-clock time of the zero of the clock that time series count by
     */
    public static Aggregate merged(
            Type.Aggregation type, byte[] bytes, int strideBytes, int cpus, long clockOriginNanos) {
        var merged = read(type, bytes, 0, clockOriginNanos);
        for (int cpu = 1; cpu < cpus; cpu++) {
            merged = merged.merge(read(type, bytes, cpu * strideBytes, clockOriginNanos));
        }
        return merged;
    }

    /** Reads one value. */
    public static Aggregate read(Type.Aggregation type, byte[] bytes, int offset, long clockOriginNanos) {
        return switch (type) {
            case Type.Count c -> new Aggregate.Count(word(bytes, offset));
            case Type.Sum s -> new Aggregate.Sum(word(bytes, offset), s.signed());
            case Type.Min m -> new Aggregate.Min(word(bytes, offset), word(bytes, offset + 8) != 0, m.signed());
            case Type.Max m -> new Aggregate.Max(word(bytes, offset), word(bytes, offset + 8) != 0, m.signed());
            case Type.Avg a -> new Aggregate.Avg(word(bytes, offset), word(bytes, offset + 8), a.signed());
            case Type.Stats s -> new Aggregate.Stats(word(bytes, offset), word(bytes, offset + 8), s.signed());
            case Type.Hist h -> new Aggregate.Log2Histogram(h.bits(), counts(bytes, offset, h.sizeBytes()));
            case Type.LinearHist h ->
                new Aggregate.LinearHistogram(h.min(), h.max(), h.step(), counts(bytes, offset, h.sizeBytes()));
            case Type.LogLinearHist h ->
                new Aggregate.LogLinearHistogram(
                        h.factor(), h.low(), h.high(), h.steps(), counts(bytes, offset, h.sizeBytes()));
            case Type.Quantiles q -> new Aggregate.Quantiles(q.levels(), counts(bytes, offset, q.sizeBytes()));
            case Type.TimeSeries t -> series(t, bytes, offset, t.clockMap().isEmpty() ? clockOriginNanos : 0);
        };
    }

    private static Aggregate series(Type.TimeSeries type, byte[] bytes, int offset, long originNanos) {
        var cells = new TreeMap<Long, Aggregate.TimeSeries.Cell>();
        for (int i = 0; i < type.intervals(); i++) {
            int at = offset + i * Type.TimeSeries.ENTRY_BYTES;
            long count = word(bytes, at + 16);
            if (count != 0) {
                cells.put(
                        word(bytes, at),
                        new Aggregate.TimeSeries.Cell(word(bytes, at + 8), count, word(bytes, at + 24)));
            }
        }
        return new Aggregate.TimeSeries(
                type.intervalNanos(), type.intervals(), type.kind(), type.signed(), originNanos, cells);
    }

    private static Counts counts(byte[] bytes, int offset, int sizeBytes) {
        var counts = new long[sizeBytes / 8];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = word(bytes, offset + 8 * i);
        }
        return Counts.of(counts);
    }

    private static long word(byte[] bytes, int offset) {
        long word = 0;
        for (int i = 7; i >= 0; i--) {
            word = word << 8 | bytes[offset + i] & 0xff;
        }
        return word;
    }
}
