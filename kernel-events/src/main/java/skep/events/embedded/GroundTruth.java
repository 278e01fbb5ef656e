package skep.events.embedded;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What truly happened inside the kernel, counted where it happens and not by probes: tests and notebooks compare it with
 * what tools saw.
 */
public final class GroundTruth {
    private final Map<String, Long> counters = new TreeMap<>();
    private final Map<String, Distribution> distributions = new TreeMap<>();

    long switches;
    long toIdle;
    long wakeups;
    long wakeupsOnCpu;
    long migrations;
    long forks;
    long exits;
    long syscallEnters;
    long syscallExits;
    long bytesRead;
    long bytesWritten;
    long datagramsSent;
    long datagramsReceived;
    long overheadNanos;

    final Distribution runQueueLatency = distribution("run queue latency");

    /** An object that is allocated now. The site is 0 for objects that existed before the clock started. */
    public record LiveObject(long address, String cache, long allocatedNanos, long site, int tid) {}

    GroundTruth() {}

    Distribution distribution(String name) {
        return distributions.computeIfAbsent(name, n -> new Distribution());
    }

    void count(String name, long delta) {
        counters.merge(name, delta, Long::sum);
    }

    /** Named counters: switches, wakeups, system calls, and what scenarios count. */
    public Map<String, Long> counters() {
        var all = new TreeMap<>(counters);
        all.put("context switches", switches);
        all.put("switches to idle", toIdle);
        all.put("wakeups", wakeups);
        all.put("wakeups on cpu", wakeupsOnCpu);
        all.put("migrations", migrations);
        all.put("forks", forks);
        all.put("exits", exits);
        all.put("syscall enters", syscallEnters);
        all.put("syscall exits", syscallExits);
        all.put("bytes read", bytesRead);
        all.put("bytes written", bytesWritten);
        all.put("datagrams sent", datagramsSent);
        all.put("datagrams received", datagramsReceived);
        if (overheadNanos > 0) {
            all.put("nanoseconds of tracing", overheadNanos);
        }
        return all;
    }

    /** Named distributions in nanoseconds or bytes: run-queue latency, latency of block requests, … */
    public Map<String, Distribution> distributions() {
        return Map.copyOf(distributions);
    }

    /**
     * The counters, and of each distribution how many samples it has, their mean and greatest, and the powers of two that
     * half and 99 % of them reach: as integers, for whoever compares them with what a tool has seen.
     */
    public Map<String, Long> summary() {
        var all = new TreeMap<>(counters());
        distributions.forEach((name, distribution) -> {
            if (distribution.count() > 0) {
                all.put(name + ": samples", distribution.count());
                all.put(name + ": mean ns", Math.round(distribution.mean()));
                all.put(name + ": p50 ns, at least", distribution.quantileAtLeast(0.5));
                all.put(name + ": p99 ns, at least", distribution.quantileAtLeast(0.99));
                all.put(name + ": longest ns", distribution.max());
            }
        });
        return all;
    }

    /** A distribution in powers of two, with its exact count and sum. */
    public static final class Distribution {
        private final long[] buckets = new long[65];
        private long count;
        private long sum;
        private long max;

        void add(long value) {
            buckets[value <= 0 ? 0 : 64 - Long.numberOfLeadingZeros(value)]++;
            count++;
            sum += value;
            max = Math.max(max, value);
        }

        public long count() {
            return count;
        }

        public long sum() {
            return sum;
        }

        public long max() {
            return max;
        }

        public double mean() {
            return count == 0 ? 0 : (double) sum / count;
        }

        /**
         * The power of two that a share of the samples reach; the quantile is less than its double. 0 without samples.
         *
         * @param share 0.5 for the median
         */
        public long quantileAtLeast(double share) {
            long left = (long) Math.ceil(share * count);
            for (int i = 0; i < buckets.length; i++) {
                left -= buckets[i];
                if (left <= 0 && count > 0) {
                    return bounds(i).getFirst();
                }
            }
            return 0;
        }

        /** Counts by power of two: bucket 0 for values up to 0, bucket n for {@code [2^(n-1), 2^n)}. */
        public Map<Integer, Long> buckets() {
            var filled = new HashMap<Integer, Long>();
            for (int i = 0; i < buckets.length; i++) {
                if (buckets[i] > 0) {
                    filled.put(i, buckets[i]);
                }
            }
            return filled;
        }

        /** Values that lie in this power of two. */
        public List<Long> bounds(int bucket) {
            var bounds = new ArrayList<Long>();
            bounds.add(bucket == 0 ? 0 : 1L << bucket - 1);
            bounds.add(bucket == 0 ? 1 : 1L << bucket);
            return bounds;
        }
    }
}
