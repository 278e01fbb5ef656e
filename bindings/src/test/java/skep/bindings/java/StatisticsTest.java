package skep.bindings.java;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StatisticsTest {
    private static double[] latencies(long seed, double scale, int count) {
        var random = new Random(seed);
        return IntStream.range(0, count)
                .mapToDouble(_ -> scale * Math.exp(random.nextGaussian()))
                .toArray();
    }

    @Test
    void aMeanAndAPercentileComeWithTheirIntervals() {
        var samples = latencies(1, 100, 2000);
        var mean = Statistics.mean(samples, 0.95);
        // The mean of exp(N(0,1)) is exp(1/2); its median is 1.
        assertTrue(mean.low() < 100 * Math.exp(0.5) && 100 * Math.exp(0.5) < mean.high(), mean.toString());
        var median = Statistics.percentileInterval(samples, 50, 0.95);
        assertTrue(median.low() < 100 && 100 < median.high(), median.toString());
        assertTrue(median.low() < median.estimate() && median.estimate() < median.high());
    }

    @Test
    void twoRunsOfTheSameDoNotDifferAndASlowerOneDoes() {
        var first = latencies(1, 100, 500);
        assertFalse(Statistics.compare(first, latencies(2, 100, 500)).differs(0.01));
        var slower = Statistics.compare(first, latencies(3, 130, 500));
        assertTrue(slower.differs(0.01));
        assertTrue(
                slower.medianRatio().low() > 1 && slower.medianRatio().high() < 1.7,
                slower.medianRatio().toString());
    }

    @Test
    void aLineIsFoundThroughItsPoints() {
        var line = Statistics.regression(new double[] {1, 2, 3, 4}, new double[] {5, 7, 9, 11});
        assertEquals(2, line.slope(), 1e-9);
        assertEquals(3, line.intercept(), 1e-9);
        assertEquals(1, line.rSquared(), 1e-9);
    }

    @Test
    void changePointsAreFoundWhereTheLevelChangesAndNowhereElse() {
        var random = new Random(5);
        var series = IntStream.range(0, 300)
                .mapToDouble(i -> (i < 100 ? 10 : i < 220 ? 14 : 9) + random.nextGaussian())
                .toArray();
        var cuts = Statistics.changePoints(series, 0.001);
        assertEquals(2, cuts.size(), cuts.toString());
        assertTrue(Math.abs(cuts.get(0) - 100) <= 3 && Math.abs(cuts.get(1) - 220) <= 3, cuts.toString());
        var flat =
                IntStream.range(0, 300).mapToDouble(_ -> random.nextGaussian()).toArray();
        assertEquals(List.of(), Statistics.changePoints(flat, 0.001));
    }

    @Test
    void tooFewSamplesAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> Statistics.percentile(new double[0], 50));
        assertThrows(IllegalArgumentException.class, () -> Statistics.mean(new double[1], 0.95));
        assertThrows(
                IllegalArgumentException.class, () -> Statistics.regression(new double[] {1, 2, 3}, new double[] {1}));
    }
}
