package skep.events.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What memory, disks and static probes of the model obey, seen by tools and compared with the ground truth. */
class MemoryLawsTest {
    @Test
    void everyPageIsFreedOnceAndReclaimIsWhatTheKernelCounts() {
        var live = new HashSet<Long>();
        long[] seen = {0, 0, 0, 0};
        try (var observed = new Observed("scenario=memory-pressure")) {
            observed.event(
                            "kmem",
                            "mm_page_alloc",
                            (point, f) -> assertTrue(live.add(f.field(point, "pfn")), "allocated twice"))
                    .event("kmem", "mm_page_free", (point, f) -> live.remove(f.field(point, "pfn")))
                    .event("vmscan", "mm_vmscan_direct_reclaim_end", (point, f) -> {
                        seen[0]++;
                        seen[1] += f.field(point, "nr_reclaimed");
                    })
                    .entry("oom_kill_process", f -> seen[2]++)
                    .event("compaction", "mm_compaction_end", (point, f) -> seen[3]++)
                    .run(900);
            var truth = observed.kernel.groundTruth().counters();
            assertEquals(truth.get("direct reclaims"), seen[0]);
            assertEquals(truth.get("pages reclaimed directly"), seen[1]);
            assertEquals(truth.get("oom kills"), seen[2]);
            assertEquals(truth.get("compactions"), seen[3]);
            assertTrue(seen[0] > 20 && seen[2] > 0 && seen[3] > 2, truth.toString());
            assertTrue(observed.kernel.pages.freePages() >= 0, "more is allocated than there is");
        }
    }

    @Test
    void theVictimOfTheKillerIsTheLargestProcessAndDies() {
        var victims = new HashMap<Integer, String>();
        Set<Integer> ended = new HashSet<>();
        try (var observed = new Observed("scenario=memory-pressure")) {
            var types = observed.kernel.types;
            var chosen = types.field("oom_control", "chosen");
            var pid = types.field("task_struct", "pid");
            observed.entry("oom_kill_process", f -> {
                        long victim = read(observed, f.argument(0) + chosen.offBytes(), 8);
                        int number = (int) read(observed, victim + pid.offBytes(), 4);
                        var task = observed.kernel.processes.find(number);
                        victims.put(number, task == null ? "" : task.name());
                    })
                    .event("sched", "sched_process_exit", (point, f) -> ended.add((int) f.field(point, "pid")))
                    .run(1500);
        }
        assertTrue(victims.size() > 1, victims.toString());
        victims.values().forEach(name -> assertEquals("memhog", name));
        victims.keySet().removeAll(ended);
        assertTrue(victims.size() <= 1, victims + " live on");
    }

    private static long read(Observed observed, long address, int bytes) {
        var into = new byte[8];
        assertTrue(new EmbeddedServices(observed.kernel, 0).readKernel(address, into, bytes));
        return java.nio.ByteBuffer.wrap(into)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    @Test
    void littlesLawHoldsForTheRotatingDisk() {
        long[] area = {0, 0, 0, 0};
        try (var observed = new Observed("scenario=disk-saturated,rotating=1")) {
            // the integral of requests in flight over time is the sum of their latencies
            observed.raw("block_io_start", f -> {
                        area[0] += area[2] * (f.nanos - area[3]);
                        area[3] = f.nanos;
                        area[2]++;
                        area[1]++;
                    })
                    .raw("block_io_done", f -> {
                        area[0] += area[2] * (f.nanos - area[3]);
                        area[3] = f.nanos;
                        area[2]--;
                    })
                    .run(200);
            area[0] = 0;
            area[1] = 0;
            var latency = observed.kernel.disk.latency;
            long before = latency.sum();
            observed.run(10_000);
            double sum = latency.sum() - before;
            assertEquals(1, area[0] / sum, 0.1, "requests in flight times time is not the sum of latencies");
            assertTrue(latency.mean() > 20_000_000, "an arm cannot serve " + area[1] + " requests any faster");
        }
    }

    @Test
    void adjacentRequestsOfTheRotatingDiskAreMerged() {
        long[] merged = {0};
        try (var observed = new Observed("scenario=disk-saturated,rotating=1,readers=8")) {
            observed.event("block", "block_bio_backmerge", (point, f) -> merged[0]++)
                    .run(3000);
            assertEquals(observed.kernel.groundTruth().counters().getOrDefault("bios merged", 0L), merged[0]);
        }
    }

    @Test
    void queriesOfTheDatabaseServerAreSeenByItsStaticProbes() {
        long[] seen = {0, 0};
        try (var observed = new Observed("scenario=runtimes")) {
            var image = observed.kernel.userSpace.find("/usr/sbin/mysqld").orElseThrow();
            for (var probe : image.probes()) {
                int index =
                        probe.name().equals("query__start") ? 0 : probe.name().equals("query__done") ? 1 : -1;
                if (index >= 0) {
                    probe.attached =
                            Attachment.with(probe.attached, new Attachment((cpu, context) -> seen[index]++, -1));
                }
            }
            observed.run(2000);
            long truth = observed.kernel.groundTruth().counters().get("mysql queries");
            assertEquals(truth, seen[0]);
            assertTrue(seen[0] - seen[1] <= 16 && seen[1] > 100, seen[0] + " begun, " + seen[1] + " done");
            assertEquals(
                    seen[1],
                    observed.kernel
                            .groundTruth()
                            .distributions()
                            .get("mysql query")
                            .count());
        }
    }

    @Test
    void aProcessOfAContainerHasAnotherNumberAndNamespaceThere() {
        try (var observed = new Observed("")) {
            var inside = observed.kernel.processes.all().values().stream()
                    .filter(task -> task.process.container != null)
                    .findFirst()
                    .orElseThrow();
            var files = observed.kernel.files;
            var path = "/proc/" + inside.tid;
            assertTrue(new String(files.read(path + "/cgroup").orElseThrow()).contains("/docker-"));
            assertNotEquals(files.link("/proc/" + 701 + "/ns/pid"), files.link(path + "/ns/pid"));
            assertTrue(new String(files.read(path + "/status").orElseThrow())
                    .contains("NSpid:\t" + inside.tid + "\t" + inside.process.innerPid));
        }
    }
}
