package skep.bindings.python;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import skep.session.Targets;

/** Each relation of the rules agrees with what the kernel did, and with nothing else. */
class ParityCheckTest {
    private static final String KERNEL = "embedded:arch=x86-64,speed=max,seed=7,scenario=mixed";

    /** A check that has watched a tenth of a second of the kernel's time. */
    private static ParityCheck watched(String relation, String pattern, String places, String key) {
        var check = new ParityCheck(ParityCheck.Rule.parse(relation, pattern, places, key));
        try (var target = Targets.open(KERNEL)) {
            assertEquals(Optional.empty(), check.watch(target));
            target.start(Optional.of(Duration.ofMillis(100)));
            ended(target);
        }
        return check;
    }

    private static void ended(skep.target.Target target) {
        long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
        while (!target.ended()) {
            assertTrue(System.nanoTime() - deadline < 0, "the kernel does not come to its end");
            Thread.onSpinWait();
        }
    }

    private record Row(long count, String key) {}

    private static List<Row> rows(ParityCheck check) {
        return check.account()
                .lines()
                .map(line -> line.split("\t", -1))
                .map(cells -> new Row(Long.parseLong(cells[0]), cells[1]))
                .toList();
    }

    private static void agrees(ParityCheck check, String output) {
        var verdict = check.verdict(output);
        assertTrue(verdict.startsWith("yes"), verdict);
    }

    private static void differs(ParityCheck check, String output) {
        var verdict = check.verdict(output);
        assertTrue(verdict.startsWith("no"), verdict);
    }

    @Test
    void linesAreHappeningsAndNearlyAllOfThem() {
        var check = watched("lines", "^read (\\d+) (\\d+)$", "return:vfs_read", "pid result");
        var lines = new ArrayList<String>();
        rows(check).forEach(row -> {
            for (int i = 0; i < row.count(); i++) {
                lines.add("read " + row.key());
            }
        });
        assertTrue(lines.size() > 20, lines.size() + " reads");
        agrees(check, String.join("\n", lines));
        differs(check, String.join("\n", lines) + "\nread 99999 1");
        differs(check, String.join("\n", lines.subList(0, lines.size() / 2)));
        differs(check, "");
    }

    @Test
    void someLinesMayBeMissingButNoneTooMany() {
        var check = watched("some", "^(\\d+)$", "entry:vfs_read", "pid");
        var row = rows(check).getFirst();
        agrees(check, row.key());
        differs(check, (row.key() + "\n").repeat((int) row.count() + 1));
    }

    @Test
    void aSumIsTheNumberOfHappenings() {
        var check = watched("sum", "reads (\\d+)", "entry:vfs_read", "");
        long count = rows(check).getFirst().count();
        agrees(check, "reads " + count / 2 + "\nreads " + (count - count / 2));
        differs(check, "reads " + count * 11 / 10);
    }

    @Test
    void aTableHasEachKeyWithItsNumber() {
        var check = watched("table", "^(\\w+) (\\d+)$", "entry:vfs_read entry:vfs_write", "place 1");
        var table = new StringBuilder();
        rows(check)
                .forEach(row ->
                        table.append(row.key()).append(' ').append(row.count()).append('\n'));
        agrees(check, table.toString());
        differs(check, table.toString().replace("vfs_read", "vfs_open"));
    }

    @Test
    void aHistogramHasEachBucket() {
        var check = watched("log2", "", "return:vfs_read", "elapsed");
        var histogram = new StringBuilder();
        var wrong = new StringBuilder();
        for (var row : rows(check)) {
            long low = Long.parseLong(row.key());
            histogram.append(bucket(low, row.count()));
            wrong.append(bucket(low == 0 ? 2 : 2 * low, row.count()));
        }
        agrees(check, histogram.toString());
        differs(check, wrong.toString());
    }

    private static String bucket(long low, long count) {
        return String.format("%10d -> %-10d : %-8d |****|%n", low, low == 0 ? 1 : 2 * low - 1, count);
    }

    @Test
    void aPairIsTheTimeBetweenTwoPlaces() {
        var between = watched("log2", "", "entry:vfs_read{tid}=>return:vfs_read{tid}", "elapsed");
        var inside = watched("log2", "", "return:vfs_read", "elapsed");
        assertEquals(inside.account(), between.account());
    }

    @Test
    void everyRuleNamesAPlaceThatTheKernelHas() throws IOException {
        var rules = new ParityRules();
        assertTrue(rules.size() > 70, rules.size() + " rules");
        try (var target = Targets.open(KERNEL)) {
            for (var tool : rules.tools()) {
                assertEquals(Optional.empty(), rules.of(tool).orElseThrow().watch(target), tool);
            }
        }
        assertFalse(rules.of("no such tool").isPresent());
    }
}
