package skep.events.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import skep.isa.kernel.Arch;

/** Signals: a handler runs in its process and ends with a call of the kernel; without one the default comes true. */
class SignalLawsTest {
    @ParameterizedTest
    @EnumSource(Arch.class)
    void everyHandlerRunsForADeliveredSignalAndReturnsThroughTheKernel(Arch arch) {
        var inHandler = new HashMap<Integer, String>();
        var delivered = new HashMap<Integer, Long>();
        var handlers = new HashSet<String>();
        long[] seen = {0, 0, 0};
        try (var observed = new Observed("scenario=desktop,arch=" + (arch == Arch.ARM64 ? "arm64" : "x86-64"))) {
            var kernel = observed.kernel;
            kernel.processes.all();
            for (var path : new String[] {"/usr/sbin/admin", "/usr/bin/bash"}) {
                for (var name : new String[] {"on_usr1", "sigchld_handler"}) {
                    kernel.userSpace.image(path).symbols.find(name).ifPresent(routine -> {
                        observed.entry(routine, f -> {
                            seen[1]++;
                            handlers.add(name);
                            assertNull(inHandler.put(f.task().tid, name), "a handler interrupts itself");
                            assertEquals(delivered.remove(f.task().tid), routine.address);
                            assertEquals(name.equals("on_usr1") ? Signals.SIGUSR1 : Signals.SIGCHLD, f.argument(0));
                        });
                    });
                }
            }
            observed.event("signal", "signal_deliver", (point, f) -> {
                        if (f.field(point, "sa_handler") != 0) {
                            seen[0]++;
                            delivered.put(f.task().tid, f.field(point, "sa_handler"));
                        }
                    })
                    .event("syscalls", "sys_enter_rt_sigreturn", (point, f) -> {
                        seen[2]++;
                        assertTrue(inHandler.remove(f.task().tid) != null, "sigreturn without a handler");
                    })
                    .run(6000);
            var truth = kernel.groundTruth().counters();
            assertEquals(truth.get("signal handlers run"), seen[1] + delivered.size());
            assertEquals(seen[0], seen[1] + delivered.size());
            assertEquals(seen[1], seen[2] + inHandler.size());
            assertEquals(2, handlers.size(), handlers.toString());
            assertTrue(seen[1] > 20, seen[1] + " handlers");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"desktop", "mixed"})
    void aProcessWithoutAHandlerEndsByTheSignalAndItsParentIsTold(String scenario) {
        var terminated = new HashSet<Integer>();
        var ended = new ArrayList<Integer>();
        long[] told = {0};
        try (var observed = new Observed("scenario=" + scenario)) {
            observed.event("signal", "signal_generate", (point, f) -> {
                        if (f.field(point, "sig") == Signals.SIGTERM) {
                            assertEquals(0, f.field(point, "result"));
                            terminated.add((int) f.field(point, "pid"));
                        }
                        told[0] += f.field(point, "sig") == Signals.SIGCHLD ? 1 : 0;
                    })
                    .event("sched", "sched_process_exit", (point, f) -> {
                        if (terminated.remove((int) f.field(point, "pid"))) {
                            ended.add(f.task().tid);
                            assertEquals(Signals.SIGTERM, f.task().process.exitCode & 0x7f);
                        }
                    })
                    .run(8000);
            var truth = observed.kernel.groundTruth().counters();
            assertTrue(ended.size() >= 3, ended.size() + " ended by a signal");
            assertTrue(terminated.size() <= 1, "still there: " + terminated);
            assertEquals(truth.get("tasks ended by signals"), (long) ended.size());
            assertTrue(told[0] > 20, "parents are told " + told[0] + " times");
        }
    }

    /** The master of the web server waits for its workers; its handler wants interrupted calls to go on. */
    @org.junit.jupiter.api.Test
    void anInterruptedCallIsMadeAgainAfterTheHandler() {
        long[] seen = {0, 0, 0};
        try (var observed = new Observed("scenario=mixed")) {
            var server = observed.kernel.processes.named("nginx");
            var handler = observed.kernel
                    .userSpace
                    .image("/usr/sbin/nginx")
                    .symbols
                    .find("ngx_signal_handler")
                    .orElseThrow();
            observed.entry(handler, f -> {
                        assertEquals(server, f.task());
                        seen[0]++;
                    })
                    .event("syscalls", "sys_exit_wait4", (point, f) -> {
                        if (f.task() == server) {
                            assertEquals(-Signals.ERESTARTSYS, f.field(point, "ret"));
                            seen[1]++;
                        }
                    })
                    .event("syscalls", "sys_enter_wait4", (point, f) -> seen[2] += f.task() == server ? 1 : 0)
                    .run(8000);
        }
        assertTrue(seen[0] > 2, seen[0] + " handlers");
        assertTrue(seen[1] >= seen[0], seen[1] + " interrupted calls, " + seen[0] + " handlers");
        assertTrue(seen[2] == seen[1] + 1 || seen[2] == seen[1], seen[2] + " calls, " + seen[1] + " interrupted");
    }
}
