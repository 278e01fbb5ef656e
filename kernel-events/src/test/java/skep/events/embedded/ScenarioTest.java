package skep.events.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Scenarios: each runs, says what it is, and lets tools find what is truly wrong in it. */
class ScenarioTest {
    static Stream<String> names() {
        return Scenario.names().stream();
    }

    @ParameterizedTest
    @MethodSource("names")
    void everyScenarioRunsTheSameWayTwice(String name) {
        assertFalse(Scenario.load(name).about().isEmpty());
        var first = summary(name);
        assertEquals(first, summary(name));
        assertTrue(first.get("syscall enters") > 3, first.toString());
    }

    private static Map<String, Long> summary(String name) {
        try (var observed = new Observed("cpus=2,scenario=" + name)) {
            observed.run(300);
            return observed.kernel.groundTruth().counters();
        }
    }

    @Test
    void theLeakOfTheDriverIsFoundByItsAllocationSite() {
        var live = new HashMap<Long, String>();
        try (var observed = new Observed("scenario=memory-leak")) {
            observed.event(
                            "kmem",
                            "kmalloc",
                            (point, f) -> live.put(
                                    f.field(point, "ptr"),
                                    observed.kernel
                                            .symbols
                                            .at(f.field(point, "call_site"))
                                            .orElseThrow()
                                            .name()))
                    .event("kmem", "kfree", (point, f) -> live.remove(f.field(point, "ptr")))
                    .run(3000);
            long leaked =
                    live.values().stream().filter("ledger_get_buffer"::equals).count();
            long truth = observed.kernel.groundTruth().counters().get("kernel objects leaked");
            assertTrue(truth > 50 && leaked >= truth && leaked <= truth + 2, leaked + " found, " + truth + " leaked");
        }
    }

    @Test
    void theLeakOfTheProgramIsFoundByTracingItsLibrary() {
        var live = new HashMap<Long, Long>();
        try (var observed = new Observed("scenario=memory-leak")) {
            var libc = observed.kernel.userSpace.library("libc.so.6").symbols;
            observed.exit(libc.find("malloc").orElseThrow(), f -> live.put(f.result(), f.nanos))
                    .entry(libc.find("free").orElseThrow(), f -> live.remove(f.argument(0)))
                    .run(3000);
            long truth = observed.kernel.groundTruth().counters().get("user blocks leaked");
            assertTrue(truth > 50 && Math.abs(live.size() - truth) <= 6, live.size() + " found, " + truth + " leaked");
        }
    }

    @Test
    void waitingForTheMutexIsSeenAsItIs() {
        var asked = new HashMap<Integer, Long>();
        long[] seen = {0, 0};
        try (var observed = new Observed("scenario=lock-convoy")) {
            observed.entry("mutex_lock", f -> asked.put(f.task().tid, f.nanos))
                    .exit("mutex_lock", f -> {
                        seen[0]++;
                        seen[1] += f.nanos - asked.remove(f.task().tid);
                    })
                    .run(1000);
            var truth = observed.kernel.groundTruth().distributions().get("mutex wait");
            assertEquals(truth.count(), seen[0]);
            assertEquals(truth.mean(), (double) seen[1] / seen[0], 50.0);
            var holds = observed.kernel.groundTruth().distributions().get("mutex hold");
            assertTrue(truth.mean() > 3 * holds.mean(), "no convoy");
            // one at a time: together they cannot hold it longer than the time there was
            assertTrue(holds.sum() < 1_000_000_000L);
        }
    }

    @Test
    void parametersOfAScenarioAreOptions() {
        var options = EmbeddedOptions.parse("scenario=fork-storm,shells=1");
        assertEquals(Map.of("shells", 1L), options.parameters());
        assertEquals("embedded:scenario=fork-storm,shells=1", options.spec());
        var refusal = assertThrows(
                IllegalArgumentException.class, () -> EmbeddedOptions.parse("scenario=fork-storm,workers=1"));
        assertTrue(refusal.getMessage().contains("no option 'workers'")
                && refusal.getMessage().contains("shells="));
    }

    @Test
    void aScenarioIsReadByItsGrammar() {
        var scenario = Scenario.parse(
                "x", "about two words\n# a comment\nparam n 3\n\nservices\nprocesses $n*cpus/2 1000 hog");
        assertEquals("two words", scenario.about());
        assertEquals(Map.of("n", 3L), scenario.parameters());
        assertEquals(2, scenario.statements().size());
        assertThrows(IllegalArgumentException.class, () -> Scenario.parse("x", "proceses 1"));
    }
}
