package skep.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.events.embedded.EmbeddedOptions;
import skep.events.embedded.EmbeddedTarget;
import skep.events.embedded.GroundTruth;
import skep.session.view.TextRenderer;

/**
 * What each tool shows of a scenario is what truly happened in it. A tool that counts entries of functions may see those few
 * that were entered and not yet counted when the time was over: one a task at the most, and a task a CPU.
 */
class GroundTruthTest {
    private static final Pattern BUCKET =
            Pattern.compile("\\[(\\d+[KMGT]?)(?:, (\\d+[KMGT]?)\\))?\\]?\\s+(\\d+) \\|.*");
    private static final int UNDER_WAY = 64;

    /** What a tool printed, and what happened. */
    private record Run(List<String> lines, GroundTruth truth) {
        long counter(String name) {
            return truth.counters().getOrDefault(name, 0L);
        }

        /** The number of a map without a key, or the sum of those of one with keys. */
        long value(String map) {
            var pattern = Pattern.compile(Pattern.quote(map) + "(?:\\[.*\\])?: (\\d+)");
            return lines.stream()
                    .map(pattern::matcher)
                    .filter(java.util.regex.Matcher::matches)
                    .mapToLong(m -> Long.parseLong(m.group(1)))
                    .sum();
        }

        /** The buckets of a histogram: lower bound, upper bound, count. */
        List<long[]> histogram(String map) {
            var buckets = new ArrayList<long[]>();
            boolean inside = false;
            for (var line : lines) {
                if (line.startsWith("@")) {
                    inside = line.startsWith(map + ":") || line.startsWith(map + "[");
                } else if (inside) {
                    var bucket = BUCKET.matcher(line);
                    if (bucket.matches()) {
                        long low = number(bucket.group(1));
                        long high = bucket.group(2) == null ? low + 1 : number(bucket.group(2));
                        buckets.add(new long[] {low, high, Long.parseLong(bucket.group(3))});
                    }
                }
            }
            return buckets;
        }

        long total(String map) {
            return histogram(map).stream().mapToLong(b -> b[2]).sum();
        }

        /** What all values of a histogram together are at least, and at most. */
        long[] bounds(String map) {
            var buckets = histogram(map);
            return new long[] {
                buckets.stream().mapToLong(b -> b[0] * b[2]).sum(),
                buckets.stream().mapToLong(b -> b[1] * b[2]).sum()
            };
        }

        private static long number(String text) {
            int unit = "KMGT".indexOf(text.charAt(text.length() - 1));
            return unit < 0
                    ? Long.parseLong(text)
                    : Long.parseLong(text.substring(0, text.length() - 1)) << 10 * (unit + 1);
        }
    }

    private static Run run(String tool, String options, Duration duration) throws IOException {
        var folder = ToolFolder.read(PortedToolsTest.TOOLS.resolve(tool));
        folder = new ToolFolder(tool, folder.script(), "embedded", duration, folder.expectation());
        var out = new StringBuilder();
        var renderer = new TextRenderer();
        try (var target = new EmbeddedTarget(EmbeddedOptions.parse("speed=max," + options))) {
            folder.run(target, view -> {
                if (!renderer.isForStandardError(view)) {
                    out.append(renderer.render(view));
                }
            });
            return new Run(
                    out.toString().lines().filter(line -> !line.isBlank()).toList(),
                    target.model().groundTruth());
        }
    }

    private static Run run(String tool, String scenario) throws IOException {
        return run(tool, "scenario=" + scenario, Duration.ofMillis(600));
    }

    private static void within(long seen, long truth, long slack, Run run) {
        assertTrue(
                Math.abs(seen - truth) <= slack,
                () -> "the tool saw " + seen + ", the truth is " + truth + "\n" + String.join("\n", run.lines));
    }

    @ParameterizedTest
    @CsvSource({
        "syscount, idle, @all, syscall enters, 0",
        "syscount, mixed, @all, syscall enters, 0",
        "exitsnoop, fork-storm, @ended, exits, 0",
        "tcpretrans, network-loss, @again, retransmits, 0",
        "cachestat, cold-cache, @added, pages added to the cache, 64",
    })
    void countsAreTheTruth(String tool, String scenario, String map, String truth, long slack) throws IOException {
        var run = run(tool, scenario);
        assertTrue(run.counter(truth) > 3, run.truth.counters().toString());
        within(run.value(map), run.counter(truth), slack, run);
    }

    @Test
    void everyMissOfTheColdCacheBringsAPage() throws IOException {
        var run = run("cachestat", "cold-cache");
        assertTrue(run.counter("page cache misses") > 10);
        assertTrue(run.value("@added") + UNDER_WAY >= run.counter("page cache misses"));
    }

    @ParameterizedTest
    @CsvSource({"kernel-build", "fork-storm"})
    void programsExecutedAreListed(String scenario) throws IOException {
        var run = run("execsnoop", scenario);
        long listed = run.lines.size() - 1L;
        assertTrue(listed > 10);
        within(listed, run.counter("programs executed"), UNDER_WAY, run);
    }

    @Test
    void filesOpenedAreListed() throws IOException {
        var run = run("opensnoop", "web-server");
        long listed = run.lines.stream()
                .skip(1)
                .filter(line -> !line.contains("  -1 "))
                .count();
        assertTrue(listed > 20);
        within(listed, run.counter("files opened"), UNDER_WAY, run);
    }

    @Test
    void latenciesOfTheSaturatedDiskAreTheTruth() throws IOException {
        var run = run("biolatency", "scenario=disk-saturated,rotating=1,readers=16", Duration.ofSeconds(4));
        var truth = run.truth.distributions().get("block latency");
        assertTrue(truth.count() > 100);
        within(run.total("@usecs"), truth.count(), UNDER_WAY, run);
        // the tool's begins when the device gets the request, and the truth's when it is made
        assertTrue(run.bounds("@usecs")[0] <= truth.sum() / 1000);
    }

    @Test
    void requestsOfTheDatabaseAreListed() throws IOException {
        var run = run("biosnoop", "database");
        long listed = run.lines.size() - 1L;
        assertTrue(listed > 20);
        within(listed, run.truth.distributions().get("block latency").count(), UNDER_WAY, run);
    }

    @Test
    void waitingForACpuBesideNoisyNeighboursIsTheTruth() throws IOException {
        var run = run("runqlat", "scenario=noisy-neighbour,cpus=2", Duration.ofSeconds(2));
        var truth = run.truth.runQueueLatency();
        assertTrue(truth.count() > 500);
        within(run.total("@usecs"), truth.count(), UNDER_WAY, run);
        assertTrue(run.bounds("@usecs")[0] <= truth.sum() / 1000 * 1.1
                && run.bounds("@usecs")[1] >= truth.sum() / 1000 * 0.9);
        // Little's law: how long queues were, over time, is how long tasks waited in them
        long area = 0;
        for (Map.Entry<Integer, Long> length : run.truth.runQueueNanos().entrySet()) {
            area += length.getKey() * length.getValue();
        }
        assertEquals(1, (double) area / truth.sum(), 0.1);
    }

    @Test
    void theSiteOfTheLeakHoldsWhatWasLeaked() throws IOException {
        var run = run("memleak", "memory-leak");
        var site = run.lines.stream()
                .filter(line -> line.startsWith("@allocations") && line.contains("ledger_get_buffer"))
                .findFirst()
                .orElseThrow();
        long left = Long.parseLong(site.substring(site.lastIndexOf(' ') + 1));
        assertTrue(run.counter("kernel objects leaked") > 10);
        within(left, run.counter("kernel objects leaked"), 4, run);
    }

    @Test
    void connectionsThatEndedAreListedWithWhatTheyCarried() throws IOException {
        var run = run("tcplife", "scenario=web-server", Duration.ofSeconds(2));
        long listed = run.lines.size() - 1L;
        // those of which it did not see the beginning, it does not list
        assertTrue(listed > 50 && listed <= run.counter("connections closed"));
        within(listed, run.counter("connections closed"), UNDER_WAY, run);
        long kilobytes = run.lines.stream()
                .skip(1)
                .mapToLong(line -> Long.parseLong(line.strip().split("\\s+")[6]))
                .sum();
        assertTrue(kilobytes * 1024 <= run.counter("tcp bytes acknowledged"));
        assertTrue((kilobytes + listed + 1000) * 1024 >= run.counter("tcp bytes acknowledged"));
    }

    @Test
    void sizesOfWritesAddUpToTheBytesWritten() throws IOException {
        var run = run("vfs-size", "database");
        var bounds = run.bounds("@write_bytes");
        long written = run.counter("bytes written");
        assertTrue(written > 100_000);
        assertTrue(bounds[0] <= written + UNDER_WAY * 65_536L && bounds[1] >= written, bounds[1] + " of " + written);
        within(run.total("@read_bytes"), run.counter("reads"), UNDER_WAY, run);
    }

    @Test
    void readsAndOpensOfEachSecondAddUp() throws IOException {
        var run = run("vfsstat", "scenario=idle", Duration.ofMillis(3001));
        long reads = 0;
        long opens = 0;
        for (var line : run.lines.subList(1, run.lines.size())) {
            var words = line.strip().split("\\s+");
            reads += Long.parseLong(words[1]);
            opens += Long.parseLong(words[3]);
        }
        // the interval's own millisecond is not in the last line
        assertTrue(reads > 3);
        within(reads, run.counter("reads"), UNDER_WAY, run);
        within(opens, run.counter("files opened"), UNDER_WAY, run);
    }

    @ParameterizedTest
    @CsvSource({"softirqs, soft interrupts", "hardirqs, hard interrupts"})
    void interruptsAreAllTimed(String tool, String truth) throws IOException {
        var run = run(tool, "network-loss");
        long seen = tool.equals("softirqs")
                ? run.total("@ns")
                : run.lines.stream()
                        .filter(line -> line.startsWith("@ns["))
                        .mapToLong(line -> Long.parseLong(line.replaceAll(".*count (\\d+).*", "$1")))
                        .sum();
        assertTrue(seen > 100);
        within(seen, run.counter(truth), UNDER_WAY, run);
    }
}
