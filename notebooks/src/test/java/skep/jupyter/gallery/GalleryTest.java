package skep.jupyter.gallery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import skep.bindings.java.Histogram;
import skep.bindings.java.Trace;
import skep.bindings.java.TraceMap;
import skep.bindings.java.Variables;
import skep.jupyter.Page;
import skep.jupyter.cell.NotebookKernel;
import skep.jupyter.protocol.Kernel;
import tools.jackson.databind.json.JsonMapper;

/**
 * Every notebook of the gallery runs from its first cell to its last, and what the cells find is what happened in the embedded
 * kernel, by its own account. With {@code -Dskep.gallery=1} all that the cells show is printed, to be read.
 */
@Timeout(600)
class GalleryTest {
    private static final Path GALLERY = Path.of(System.getProperty("skep.root", ".."), "notebooks", "gallery");

    private static final Pattern TRUTH = Pattern.compile("(?m)^(.+?) +(\\d+)$");

    @AfterEach
    void forgetVariables() {
        Variables.shared().values().clear();
    }

    static List<Path> notebooks() throws IOException {
        try (Stream<Path> files = Files.list(GALLERY)) {
            return files.filter(file -> file.toString().endsWith(".ipynb"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void thereAreEight() throws IOException {
        assertEquals(8, notebooks().size());
    }

    /**
     * What one cell came to.
     *
     * @param shown its texts, from top to bottom
     * @param maps of the trace that it ran; empty if it ran none
     * @param truth the kernel's own account of that trace
     */
    private record Found(String code, List<String> shown, Map<String, TraceMap> maps, Map<String, Long> truth) {
        TraceMap map(String name) {
            var map = maps.get(name);
            assertTrue(map != null && map.size() > 0, () -> "nothing in " + name + " of\n" + code + "\n" + shown);
            return map;
        }

        long number(String name) {
            return map(name).entries().getFirst().asLong();
        }

        long sum(String name) {
            return map(name).stream().mapToLong(TraceMap.Entry::asLong).sum();
        }

        /** All histograms of a map as one. */
        Histogram histogram(String name) {
            return map(name).stream()
                    .map(TraceMap.Entry::asHistogram)
                    .reduce(Histogram::plus)
                    .orElseThrow();
        }

        long truth(String name) {
            var value = truth.get(name);
            assertTrue(value != null, () -> "no " + name + " in " + truth);
            return value;
        }
    }

    private static Found having(List<Found> cells, String map) {
        return all(cells, map).getFirst();
    }

    private static List<Found> all(List<Found> cells, String map) {
        var found = cells.stream().filter(cell -> cell.maps.containsKey(map)).toList();
        assertFalse(found.isEmpty(), () -> "no cell has made " + map);
        return found;
    }

    private static String text(List<Found> cells) {
        return String.join("\n", cells.stream().flatMap(cell -> cell.shown.stream()).toList());
    }

    /** The same but for what was under way when the trace began or ended. */
    private static void near(long truth, long found, long underWay, String what) {
        assertTrue(Math.abs(truth - found) <= underWay, what + ": " + found + " found, " + truth + " in truth");
    }

    /** A histogram in microseconds and a distribution of the kernel in nanoseconds: as near as their buckets allow. */
    private static void sameLatency(Found cell, String map, String distribution, long underWay) {
        var found = cell.histogram(map);
        near(cell.truth(distribution + ": samples"), found.samples(), underWay, distribution);
        for (int percent : List.of(50, 99)) {
            var bounds = found.percentileBounds(percent);
            long least = cell.truth(distribution + ": p" + percent + " ns, at least");
            assertTrue(
                    bounds.low() * 1000 <= 2 * least && least <= (bounds.high() + 1) * 1000,
                    () -> distribution + ": p" + percent + " within " + bounds + " us found, within " + least
                            + " ns and its double in truth");
        }
    }

    @ParameterizedTest
    @MethodSource("notebooks")
    void runsToItsEnd(Path file) throws IOException {
        var cells = run(file);
        assertTrue(cells.size() > 3, cells.toString());
        switch (file.getFileName().toString()) {
            case "1-first-steps.ipynb" -> firstSteps(cells);
            case "2-slow-disk.ipynb" -> slowDisk(cells);
            case "3-noisy-neighbour.ipynb" -> noisyNeighbour(cells);
            case "4-memory-leak.ipynb" -> memoryLeak(cells);
            case "5-tcp-retransmissions.ipynb" -> retransmissions(cells);
            case "6-off-cpu.ipynb" -> offCpu(cells);
            case "7-porting-a-tool.ipynb" -> porting(cells);
            case "8-comparing-runs.ipynb" -> comparison(cells);
            default -> throw new AssertionError("nothing is said about what " + file + " should find");
        }
    }

    private static void firstSteps(List<Found> cells) {
        assertEquals(
                having(cells, "@reads").sum("@reads"),
                having(cells, "@bytes_asked").histogram("@bytes_asked").samples());
        var timed = having(cells, "@microseconds");
        long slow = timed.histogram("@microseconds").buckets().stream()
                .filter(bucket -> bucket.low() >= 64)
                .mapToLong(Histogram.Bucket::count)
                .sum();
        near(timed.truth("page cache misses"), slow, 5, "reads that waited for the disk");
    }

    private static void slowDisk(List<Found> cells) {
        var disks = all(cells, "@disk_us");
        sameLatency(disks.getFirst(), "@disk_us", "block latency", 100);
        sameLatency(disks.getLast(), "@disk_us", "block latency", 100);
        var film = having(cells, "@film");
        near(film.truth("block latency: samples"), film.histogram("@film").samples(), 100, "requests of the film");
        assertTrue(
                film.map("@film").size() >= 20, () -> film.map("@film").size() + " frames in a second of 50 ms each");
        var queue = having(cells, "@queue_us").histogram("@queue_us");
        assertTrue(queue.percentileBounds(99).high() <= 2, () -> "the text says that nothing waits in the queue: " + queue);
        assertEquals("fio", having(cells, "@kilobytes").map("@kilobytes").entries().getLast().key());
        assertTrue(text(cells).contains("They differ"), "the two disks differ");
    }

    private static void noisyNeighbour(List<Found> cells) {
        var noisy = having(cells, "@usecs");
        sameLatency(noisy, "@usecs", "run queue latency", 50);
        var nginx = noisy.map("@usecs").stream()
                .filter(entry -> entry.key().equals("nginx"))
                .findFirst()
                .orElseThrow()
                .asHistogram();
        assertTrue(nginx.percentileBounds(25).high() <= 8 && nginx.percentileBounds(90).low() >= 1024, nginx::toString);
        assertEquals(
                "hog",
                having(cells, "@waited_us").map("@waited_us").entries().getLast().key(),
                "whom nginx waits for most");
        assertEquals("hog", having(cells, "@samples").map("@samples").entries().getLast().key());
        var quiet = all(cells, "@usecs").getLast();
        sameLatency(quiet, "@usecs", "run queue latency", 50);
        assertTrue(quiet.histogram("@usecs").percentileBounds(99).high() <= 8, "without the neighbour nothing waits");
    }

    private static void memoryLeak(List<Found> cells) {
        long earlier = 0;
        for (var run : all(cells, "@alive")) {
            long leaked = run.truth("kernel objects leaked");
            var worst = run.map("@alive").entries().getLast();
            assertTrue(worst.key().toString().contains("ledger_get_buffer"), worst::toString);
            near(leaked, worst.asLong(), 3, "objects of the careless driver");
            var old = run.map("@old").entries().getLast();
            assertEquals(worst.key(), old.key());
            assertTrue(old.asLong() < worst.asLong(), "the youngest second is not old yet");
            near(2 * earlier, leaked, Math.max(leaked / 10, earlier == 0 ? leaked : 0), "twice the time, twice the leak");
            earlier = leaked;
        }
    }

    private static void retransmissions(List<Found> cells) {
        var lossy = all(cells, "@total").getFirst();
        assertTrue(lossy.truth("retransmits") > 10, lossy::toString);
        assertEquals(lossy.truth("retransmits"), lossy.number("@total"));
        assertEquals(lossy.truth("retransmits"), lossy.sum("@again"));
        var shares = having(cells, "@sent");
        assertEquals(shares.truth("retransmits"), shares.number("@again"));
        assertTrue(shares.number("@sent") > 10 * shares.number("@again"), shares::toString);
        var times = having(cells, "@per_100ms");
        assertEquals(times.truth("retransmits"), times.histogram("@per_100ms").samples());
        var clean = all(cells, "@total").getLast();
        assertEquals(0, clean.maps.get("@total").stream().mapToLong(TraceMap.Entry::asLong).sum());
        assertEquals(0, clean.truth.getOrDefault("retransmits", 0L));
    }

    private static void offCpu(List<Found> cells) {
        var off = having(cells, "@off_cpu_us");
        var widest = off.map("@off_cpu_us").entries().getLast();
        var reason = widest.key().toString();
        assertTrue(reason.contains("mutex_lock") && reason.contains("ledger_post"), reason);
        long waited = off.truth("mutex wait: samples") * off.truth("mutex wait: mean ns") / 1000;
        near(waited, widest.asLong(), waited / 50, "microseconds of waiting for the mutex");
        sameLatency(having(cells, "@lock_us"), "@lock_us", "mutex wait", 20);
        var busiest = having(cells, "@on_cpu").map("@on_cpu").entries().getLast();
        assertFalse(busiest.key().toString().contains("mutex"), busiest::toString);
    }

    private static void porting(List<Found> cells) {
        var counted = Pattern.compile("(\\d+) reads by the tool, (\\d+) by the script").matcher(text(cells));
        assertTrue(counted.find(), text(cells));
        long script = having(cells, "@calls").map("@calls").stream()
                .filter(entry -> entry.key().equals("read"))
                .mapToLong(TraceMap.Entry::asLong)
                .sum();
        assertEquals(script, Long.parseLong(counted.group(2)));
        assertEquals(counted.group(1), counted.group(2), "the port counts what the tool counts");
        // The cells of Java and JavaScript see the same two seconds of the same kernel.
        var shares = new HashMap<String, Double>();
        var found = Pattern.compile("(?m)^(\\S+) +(\\d+\\.\\d) %$").matcher(text(cells));
        while (found.find()) {
            shares.put(found.group(1), Double.parseDouble(found.group(2)));
        }
        assertEquals(100, shares.values().stream().mapToDouble(share -> share).sum(), 1, shares::toString);
        var java = having(cells, "@bytes");
        java.map("@calls")
                .forEach(entry -> assertEquals(
                        100.0 * entry.asLong() / java.sum("@calls"), shares.get(entry.key()), 0.06, entry::toString));
    }

    private static void comparison(List<Found> cells) {
        var text = text(cells);
        assertTrue(text.contains("they differ"), text);
        // The control: two seeds of the same machine.
        var control = Pattern.compile("median ratio [\\d.]+, between ([\\d.]+) and ([\\d.]+), p = (\\S+)")
                .matcher(text);
        assertTrue(control.find(), text);
        assertTrue(Double.parseDouble(control.group(3)) > 0.01, control.group());
        assertTrue(Double.parseDouble(control.group(1)) <= 1 && 1 <= Double.parseDouble(control.group(2)), control::group);
        // Fewer readers, shorter reads.
        var ratio = Pattern.compile("median ratio ([\\d.]+), between ([\\d.]+) and ([\\d.]+)")
                .matcher(text);
        assertTrue(ratio.find() && Double.parseDouble(ratio.group(3)) < 0.8, text);
        // The medians of single samples, and those of the kernel's own buckets of 3 %.
        var single = Pattern.compile("p50 +(\\d+) us").matcher(text);
        var buckets = Pattern.compile("(?m)^p50 +([\\d.]+) +[\\d.]+ … [\\d.]+ +([\\d.]+) ").matcher(text);
        assertTrue(buckets.find(), text);
        for (int run = 1; run <= 2; run++) {
            assertTrue(single.find(), text);
            double median = Double.parseDouble(single.group(1));
            assertEquals(median, Double.parseDouble(buckets.group(run)), 0.05 * median, text);
        }
    }

    @ParameterizedTest
    @MethodSource("notebooks")
    void isStoredWithoutOutputs(Path file) throws IOException {
        var notebook = JsonMapper.shared().readTree(Files.readString(file));
        assertEquals(
                "skep",
                notebook.path("metadata").path("kernelspec").path("name").asString());
        for (var cell : notebook.path("cells")) {
            assertTrue(cell.path("outputs").isEmpty(), file + ": clear the outputs before committing");
        }
    }

    /** What the cells came to, in order. */
    private static List<Found> run(Path file) throws IOException {
        var notebook = JsonMapper.shared().readTree(Files.readString(file));
        var all = new ArrayList<Found>();
        try (var kernel = new NotebookKernel("test", "embedded:speed=max")) {
            Object last = null;
            for (var cell : notebook.path("cells")) {
                if (!cell.path("cell_type").asString().equals("code")) {
                    continue;
                }
                var code = new StringBuilder();
                cell.path("source").forEach(line -> code.append(line.asString()));
                var page = execute(kernel, code.toString());
                assertFalse(page.shown().isEmpty(), () -> "shows nothing: " + code);
                var trace = latest(code.toString());
                boolean isNew = trace != null && !trace.equals(last);
                last = trace;
                all.add(new Found(
                        code.toString(),
                        page.shown(),
                        isNew ? trace.maps() : Map.of(),
                        isNew ? truth(kernel) : Map.of()));
                if (System.getProperty("skep.gallery") != null) {
                    System.out.println("### " + code + "\n" + String.join("\n", page.shown()));
                }
            }
        }
        return all;
    }

    private static Trace latest(String code) {
        var named = Pattern.compile("--as (\\w+)").matcher(code);
        var name = named.find() ? named.group(1) : code.startsWith("%%java") || code.startsWith("%%js") ? "run" : "last";
        return Variables.shared().values().get(name) instanceof Trace trace ? trace : null;
    }

    private static Map<String, Long> truth(NotebookKernel kernel) {
        var truth = new TreeMap<String, Long>();
        var lines = TRUTH.matcher(String.join("\n", execute(kernel, "%truth").shown()));
        while (lines.find()) {
            truth.put(lines.group(1), Long.parseLong(lines.group(2)));
        }
        return truth;
    }

    private static Page execute(NotebookKernel kernel, String code) {
        var page = new Page();
        var outcome = kernel.execute(new Kernel.Request(code, 1, false, false), page);
        assertFalse(outcome instanceof Kernel.Outcome.Failed, () -> code + "\n" + outcome);
        return page;
    }
}
