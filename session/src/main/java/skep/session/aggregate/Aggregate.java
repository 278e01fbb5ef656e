package skep.session.aggregate;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import skep.dsl.Histograms;
import skep.dsl.Type;

/**
 * An aggregation's value. Immutable; {@link #merge} adds two of the same shape and is associative and commutative, with
 * the value of no samples as neutral element. Integers wrap at 64 bits as they do in the programs that count.
 */
public sealed interface Aggregate {
    /** Whether no sample was added, as far as the value can tell. */
    boolean isEmpty();

    /**
     * This and another of the same shape.
     *
     * @throws IllegalArgumentException if the shapes differ
     */
    Aggregate merge(Aggregate other);

    /** What entries of a map are ordered by: the value, of histograms the number of samples. */
    long rank();

    /** Whether {@link #rank} and the values are signed. */
    default boolean signed() {
        return false;
    }

    /** Divided by a number: counts and values, rounded towards zero. */
    Aggregate dividedBy(long divisor);

    /** A number of samples. */
    record Count(long count) implements Aggregate {
        @Override
        public boolean isEmpty() {
            return count == 0;
        }

        @Override
        public Count merge(Aggregate other) {
            return other instanceof Count o ? new Count(count + o.count) : wrongShape(this, other);
        }

        @Override
        public long rank() {
            return count;
        }

        @Override
        public Count dividedBy(long divisor) {
            return new Count(divide(count, divisor, false));
        }
    }

    /** A sum of values. */
    record Sum(long total, boolean signed) implements Aggregate {
        @Override
        public boolean isEmpty() {
            return total == 0;
        }

        @Override
        public Sum merge(Aggregate other) {
            return other instanceof Sum o && o.signed == signed
                    ? new Sum(total + o.total, signed)
                    : wrongShape(this, other);
        }

        @Override
        public long rank() {
            return total;
        }

        @Override
        public Sum dividedBy(long divisor) {
            return new Sum(divide(total, divisor, signed), signed);
        }
    }

    /** The smallest value; {@code value} is 0 while none was seen. */
    record Min(long value, boolean seen, boolean signed) implements Aggregate {
        public Min {
            value = seen ? value : 0;
        }

        @Override
        public boolean isEmpty() {
            return !seen;
        }

        @Override
        public Min merge(Aggregate other) {
            if (!(other instanceof Min o) || o.signed != signed) {
                return wrongShape(this, other);
            }
            if (!seen || !o.seen) {
                return seen ? this : o;
            }
            return compare(value, o.value, signed) <= 0 ? this : o;
        }

        @Override
        public long rank() {
            return value;
        }

        @Override
        public Min dividedBy(long divisor) {
            return new Min(divide(value, divisor, signed), seen, signed);
        }
    }

    /** The largest value; {@code value} is 0 while none was seen. */
    record Max(long value, boolean seen, boolean signed) implements Aggregate {
        public Max {
            value = seen ? value : 0;
        }

        @Override
        public boolean isEmpty() {
            return !seen;
        }

        @Override
        public Max merge(Aggregate other) {
            if (!(other instanceof Max o) || o.signed != signed) {
                return wrongShape(this, other);
            }
            if (!seen || !o.seen) {
                return seen ? this : o;
            }
            return compare(value, o.value, signed) >= 0 ? this : o;
        }

        @Override
        public long rank() {
            return value;
        }

        @Override
        public Max dividedBy(long divisor) {
            return new Max(divide(value, divisor, signed), seen, signed);
        }
    }

    /** Count and total; shown as their quotient. */
    record Avg(long count, long total, boolean signed) implements Aggregate {
        @Override
        public boolean isEmpty() {
            return count == 0;
        }

        @Override
        public Avg merge(Aggregate other) {
            return other instanceof Avg o && o.signed == signed
                    ? new Avg(count + o.count, total + o.total, signed)
                    : wrongShape(this, other);
        }

        /** The average rounded towards zero; 0 without samples. */
        public long average() {
            return count == 0 ? 0 : divide(total, count, signed);
        }

        /** The average with its fraction. */
        public double exactAverage() {
            return count == 0 ? 0 : toDouble(total, signed) / toDouble(count, false);
        }

        @Override
        public long rank() {
            return average();
        }

        @Override
        public Avg dividedBy(long divisor) {
            return new Avg(count == 0 ? 0 : 1, divide(average(), divisor, signed), signed);
        }
    }

    /** Count and total; shown as both and their quotient. */
    record Stats(long count, long total, boolean signed) implements Aggregate {
        @Override
        public boolean isEmpty() {
            return count == 0;
        }

        @Override
        public Stats merge(Aggregate other) {
            return other instanceof Stats o && o.signed == signed
                    ? new Stats(count + o.count, total + o.total, signed)
                    : wrongShape(this, other);
        }

        /** The average rounded towards zero; 0 without samples. */
        public long average() {
            return count == 0 ? 0 : divide(total, count, signed);
        }

        @Override
        public long rank() {
            return average();
        }

        /** Statistics are shown whole: there is no number to divide. */
        @Override
        public Stats dividedBy(long divisor) {
            return this;
        }
    }

    /** A histogram of either kind, as its readers see it. */
    sealed interface Histogram extends Aggregate {
        /** The buckets from the first to the last that counts something; empty ones between are kept. */
        List<Bucket> buckets();

        /** The number of samples. */
        long samples();

        @Override
        default boolean isEmpty() {
            return samples() == 0;
        }

        @Override
        default long rank() {
            return samples();
        }

        /** The smallest interval of buckets that holds the given share of the samples: an estimate of a quantile. */
        default double quantile(double share) {
            long before = 0;
            double wanted = share * samples();
            var last = new Bucket(0, 0, false, false, 0);
            for (var bucket : buckets()) {
                last = bucket;
                if (before + bucket.count() >= wanted && bucket.count() > 0) {
                    double low = bucket.openBelow() ? bucket.max() : bucket.min();
                    double high = bucket.openAbove() ? bucket.min() : bucket.max() + 1.0;
                    return low + (high - low) * (wanted - before) / bucket.count();
                }
                before += bucket.count();
            }
            return last.openAbove() ? last.min() : last.max();
        }
    }

    /**
     * A stretch of values and how many fell into it; both ends belong to it.
     *
     * @param openBelow whether it also holds everything below {@code max}; {@code min} says nothing then
     * @param openAbove whether it also holds everything above {@code min}; {@code max} says nothing then
     */
    record Bucket(long min, long max, boolean openBelow, boolean openAbove, long count) {}

    /** Counts by power of two, each power divided into 2^bits buckets. */
    record Log2Histogram(int bits, Counts counts) implements Histogram {
        public Log2Histogram {
            if (counts.size() != Histograms.log2Buckets(bits)) {
                throw new IllegalArgumentException(counts.size() + " buckets for " + bits + " bits");
            }
        }

        /** Without samples. */
        public static Log2Histogram empty(int bits) {
            return new Log2Histogram(bits, Counts.of(new long[Histograms.log2Buckets(bits)]));
        }

        @Override
        public List<Bucket> buckets() {
            var buckets = new ArrayList<Bucket>();
            for (int i = counts.first(); i <= counts.last(); i++) {
                buckets.add(new Bucket(
                        Histograms.log2Min(i, bits), Histograms.log2Max(i, bits), i == 0, false, counts.at(i)));
            }
            return buckets;
        }

        @Override
        public long samples() {
            return counts.total();
        }

        @Override
        public Log2Histogram merge(Aggregate other) {
            return other instanceof Log2Histogram o && o.bits == bits
                    ? new Log2Histogram(bits, counts.plus(o.counts))
                    : wrongShape(this, other);
        }

        @Override
        public Log2Histogram dividedBy(long divisor) {
            return new Log2Histogram(bits, counts.dividedBy(divisor));
        }
    }

    /** Counts by steps of equal width, and one bucket on either side. */
    record LinearHistogram(long min, long max, long step, Counts counts) implements Histogram {
        public LinearHistogram {
            if (counts.size() != Histograms.linearBuckets(min, max, step)) {
                throw new IllegalArgumentException(
                        counts.size() + " buckets for " + min + " to " + max + " by " + step);
            }
        }

        /** Without samples. */
        public static LinearHistogram empty(long min, long max, long step) {
            return new LinearHistogram(min, max, step, Counts.of(new long[Histograms.linearBuckets(min, max, step)]));
        }

        @Override
        public List<Bucket> buckets() {
            var buckets = new ArrayList<Bucket>();
            for (int i = counts.first(); i <= counts.last(); i++) {
                if (i == 0) {
                    buckets.add(new Bucket(Long.MIN_VALUE, min - 1, true, false, counts.at(i)));
                } else if (i == counts.size() - 1) {
                    buckets.add(new Bucket(max, Long.MAX_VALUE, false, true, counts.at(i)));
                } else {
                    long from = min + (i - 1) * step;
                    buckets.add(new Bucket(from, from + step - 1, false, false, counts.at(i)));
                }
            }
            return buckets;
        }

        @Override
        public long samples() {
            return counts.total();
        }

        @Override
        public LinearHistogram merge(Aggregate other) {
            return other instanceof LinearHistogram o && o.min == min && o.max == max && o.step == step
                    ? new LinearHistogram(min, max, step, counts.plus(o.counts))
                    : wrongShape(this, other);
        }

        @Override
        public LinearHistogram dividedBy(long divisor) {
            return new LinearHistogram(min, max, step, counts.dividedBy(divisor));
        }
    }

    /** Counts by powers of a factor, each divided into equal steps, and one bucket on either side. */
    record LogLinearHistogram(int factor, int low, int high, int steps, Counts counts) implements Histogram {
        public LogLinearHistogram {
            int buckets = Histograms.logLinearBounds(factor, low, high, steps).length + 1;
            if (counts.size() != buckets) {
                throw new IllegalArgumentException(counts.size() + " buckets where there are " + buckets);
            }
        }

        @Override
        public List<Bucket> buckets() {
            var bounds = Histograms.logLinearBounds(factor, low, high, steps);
            var buckets = new ArrayList<Bucket>();
            for (int i = counts.first(); i <= counts.last(); i++) {
                if (i == 0) {
                    buckets.add(new Bucket(Long.MIN_VALUE, bounds[0] - 1, true, false, counts.at(i)));
                } else if (i == bounds.length) {
                    buckets.add(new Bucket(bounds[i - 1], Long.MAX_VALUE, false, true, counts.at(i)));
                } else {
                    buckets.add(new Bucket(bounds[i - 1], bounds[i] - 1, false, false, counts.at(i)));
                }
            }
            return buckets;
        }

        @Override
        public long samples() {
            return counts.total();
        }

        @Override
        public LogLinearHistogram merge(Aggregate other) {
            return other instanceof LogLinearHistogram o
                            && o.factor == factor
                            && o.low == low
                            && o.high == high
                            && o.steps == steps
                    ? new LogLinearHistogram(factor, low, high, steps, counts.plus(o.counts))
                    : wrongShape(this, other);
        }

        @Override
        public LogLinearHistogram dividedBy(long divisor) {
            return new LogLinearHistogram(factor, low, high, steps, counts.dividedBy(divisor));
        }
    }

    /**
     * A sketch of a distribution, and which quantiles of it are shown. The sketch is a logarithmic histogram with
     * {@link Histograms#SKETCH_BITS} bits: a quantile is off by at most 1/64 of its value (1.6 %), and exact below 32.
     * Sketches of the same levels merge without losing anything more.
     */
    record Quantiles(List<Integer> levels, Counts counts, long divisor) implements Aggregate {
        public Quantiles {
            levels = List.copyOf(levels);
        }

        public Quantiles(List<Integer> levels, Counts counts) {
            this(levels, counts, 1);
        }

        /** {@code p50} for 50, {@code p999} for 99.9 %, {@code max} for 100. */
        public static String name(int level) {
            return level == 100 ? "max" : "p" + level;
        }

        private static double share(int level) {
            double share = level / 100.0;
            for (long limit = 100; level > limit; limit *= 10) {
                share = level / (limit * 10.0);
            }
            return share;
        }

        public long samples() {
            return counts.total();
        }

        /** The estimate for a level: the middle of the bucket that holds it. 0 without samples. */
        public long at(int level) {
            long wanted = Math.max(1, (long) Math.ceil(share(level) * samples()));
            long seen = 0;
            for (int i = counts.first(); i <= counts.last(); i++) {
                seen += counts.at(i);
                if (seen >= wanted) {
                    // All negative values are in one bucket: all that is known is that they are below zero.
                    long min = Histograms.log2Min(i, Histograms.SKETCH_BITS);
                    long max = Histograms.log2Max(i, Histograms.SKETCH_BITS);
                    return i == 0 ? -1 : divide(min + (max - min) / 2, divisor, true);
                }
            }
            return 0;
        }

        @Override
        public boolean isEmpty() {
            return samples() == 0;
        }

        @Override
        public Quantiles merge(Aggregate other) {
            return other instanceof Quantiles o && o.levels.equals(levels) && o.divisor == divisor
                    ? new Quantiles(levels, counts.plus(o.counts), divisor)
                    : wrongShape(this, other);
        }

        /** Rows are ordered by the last level shown. */
        @Override
        public long rank() {
            return at(levels.getLast());
        }

        @Override
        public boolean signed() {
            return true;
        }

        /** The quantiles are divided, not the number of samples. */
        @Override
        public Quantiles dividedBy(long by) {
            return by == 0 ? this : new Quantiles(levels, counts, divisor * by);
        }
    }

    /** An immutable row of counters, and which of them a picture shows. */
    final class Counts {
        private final long[] values;
        private final int first;
        private final int last;

        private Counts(long[] values, int first, int last) {
            this.values = values;
            this.first = first;
            this.last = last;
        }

        /** A copy of these counters; shown from the first to the last that counts something. */
        public static Counts of(long... values) {
            return shownByContent(values.clone());
        }

        private static Counts shownByContent(long[] values) {
            int first = 0;
            while (first < values.length && values[first] == 0) {
                first++;
            }
            int last = values.length - 1;
            while (last >= 0 && values[last] == 0) {
                last--;
            }
            return new Counts(values, first, last);
        }

        public int size() {
            return values.length;
        }

        public long at(int index) {
            return values[index];
        }

        public long total() {
            long total = 0;
            for (long value : values) {
                total += value;
            }
            return total;
        }

        public int first() {
            return first;
        }

        public int last() {
            return last;
        }

        Counts plus(Counts other) {
            var sum = values.clone();
            for (int i = 0; i < sum.length; i++) {
                sum[i] += other.values[i];
            }
            return shownByContent(sum);
        }

        // A row stays in the picture even if its quotient is zero, as bpftrace has it.
        Counts dividedBy(long divisor) {
            var quotients = values.clone();
            for (int i = 0; i < quotients.length; i++) {
                quotients[i] = divide(quotients[i], divisor, false);
            }
            return new Counts(quotients, first, last);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Counts c && Arrays.equals(values, c.values);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(values);
        }

        @Override
        public String toString() {
            return Arrays.toString(values);
        }
    }

    /**
     * Values by interval of time, the newest {@code intervals} of them.
     *
     * @param originNanos the wall-clock time of epoch 0, in ns since 1970
     * @param cells by epoch, which is the time divided by the interval
     */
    record TimeSeries(
            long intervalNanos,
            int intervals,
            Type.SeriesKind kind,
            boolean signed,
            long originNanos,
            TreeMap<Long, Cell> cells)
            implements Aggregate {
        public TimeSeries {
            cells = new TreeMap<>(cells);
            while (!cells.isEmpty() && cells.lastKey() - cells.firstKey() >= intervals) {
                cells.pollFirstEntry();
            }
        }

        /**
         * An interval's value.
         *
         * @param value the last value, sum, smallest or largest, as the series keeps; of averages the sum
         * @param count number of samples
         * @param timeNanos when the last sample was added
         */
        public record Cell(long value, long count, long timeNanos) {}

        @Override
        public boolean isEmpty() {
            return cells.isEmpty();
        }

        /** What is shown for a cell. */
        public long shown(Cell cell) {
            return kind == Type.SeriesKind.AVG && cell.count() != 0
                    ? divide(cell.value(), cell.count(), signed)
                    : cell.value();
        }

        @Override
        public TimeSeries merge(Aggregate other) {
            if (!(other instanceof TimeSeries o)
                    || o.intervalNanos != intervalNanos
                    || o.intervals != intervals
                    || o.kind != kind
                    || o.signed != signed) {
                return wrongShape(this, other);
            }
            var merged = new TreeMap<>(cells);
            o.cells.forEach((epoch, cell) -> merged.merge(epoch, cell, this::mergeCells));
            return new TimeSeries(intervalNanos, intervals, kind, signed, originNanos, merged);
        }

        private Cell mergeCells(Cell a, Cell b) {
            long value = switch (kind) {
                case NONE -> laterOf(a, b).value();
                case AVG, SUM -> a.value() + b.value();
                case MIN -> compare(a.value(), b.value(), signed) <= 0 ? a.value() : b.value();
                case MAX -> compare(a.value(), b.value(), signed) >= 0 ? a.value() : b.value();
            };
            return new Cell(value, a.count() + b.count(), Math.max(a.timeNanos(), b.timeNanos()));
        }

        // Two samples of the same nanosecond are told apart by their value, so that the order of merging cannot matter.
        private static Cell laterOf(Cell a, Cell b) {
            if (a.timeNanos() != b.timeNanos()) {
                return a.timeNanos() > b.timeNanos() ? a : b;
            }
            return a.value() >= b.value() ? a : b;
        }

        @Override
        public long rank() {
            return cells.isEmpty() ? 0 : shown(cells.lastEntry().getValue());
        }

        @Override
        public TimeSeries dividedBy(long divisor) {
            return this;
        }
    }

    /** Division rounded towards zero; by zero it gives the dividend, since a picture is better than none. */
    static long divide(long dividend, long divisor, boolean signed) {
        if (divisor == 0) {
            return dividend;
        }
        return signed ? dividend / divisor : Long.divideUnsigned(dividend, divisor);
    }

    /** Order of two numbers. */
    static int compare(long a, long b, boolean signed) {
        return signed ? Long.compare(a, b) : Long.compareUnsigned(a, b);
    }

    private static double toDouble(long value, boolean signed) {
        return signed || value >= 0 ? value : new BigInteger(Long.toUnsignedString(value)).doubleValue();
    }

    private static <T> T wrongShape(Aggregate one, Aggregate other) {
        throw new IllegalArgumentException("cannot merge " + one + " with " + other);
    }
}
