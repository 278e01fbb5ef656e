package skep.events.embedded;

/** A stream of pseudo-random numbers (SplitMix64): the same seed and label give the same stream on every machine. */
final class Rng {
    private long state;

    Rng(long seed, String label) {
        long hash = seed * 0x9e37_79b9_7f4a_7c15L;
        for (int i = 0; i < label.length(); i++) {
            hash = mix(hash ^ label.charAt(i));
        }
        state = hash;
    }

    long next() {
        state += 0x9e37_79b9_7f4a_7c15L;
        return mix(state);
    }

    private static long mix(long z) {
        z = (z ^ z >>> 30) * 0xbf58_476d_1ce4_e5b9L;
        z = (z ^ z >>> 27) * 0x94d0_49bb_1331_11ebL;
        return z ^ z >>> 31;
    }

    /** Uniform in {@code [0, bound)}; a bound of 0 or 1 gives 0. */
    int below(int bound) {
        return (int) ((next() >>> 32) * bound >>> 32);
    }

    /** Uniform in {@code [low, high]}. */
    long between(long low, long high) {
        return high <= low ? low : low + Long.remainderUnsigned(next(), high - low + 1);
    }

    /** True once in {@code n} calls, on average. */
    boolean oneIn(int n) {
        return below(n) == 0;
    }

    /** Exponentially distributed with this mean, at most twenty times it: arrivals of independent customers. */
    long exponential(long mean) {
        double unit = ((next() >>> 11) + 1) * 0x1.0p-53;
        return Math.min(20 * mean, (long) (-mean * StrictMath.log(unit)));
    }

    /**
     * A right-skewed cost around {@code typical}: most values lie close above it, about one in sixteen is up to four
     * times as much, one in 256 up to sixteen times.
     */
    long skewed(long typical) {
        long bits = next();
        long value = typical + (typical * (bits & 0xff) >>> 9);
        if ((bits >>> 8 & 0xf) == 0) {
            value += typical * (bits >>> 12 & 0xff) * 3 >>> 8;
            if ((bits >>> 20 & 0xf) == 0) {
                value += typical * (bits >>> 24 & 0xff) * 12 >>> 8;
            }
        }
        return value;
    }
}
