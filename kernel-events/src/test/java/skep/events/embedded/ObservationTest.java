package skep.events.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.target.AttachException;
import skep.target.Happening;

/** The model tells what happens in it, and its time can be held. */
class ObservationTest {
    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - deadline < 0, "waited two minutes");
            Thread.onSpinWait();
        }
    }

    private static EmbeddedTarget target() {
        return new EmbeddedTarget(EmbeddedOptions.parse("speed=max,seed=7"));
    }

    private static List<Happening> happenings(EmbeddedTarget target, ProbeSpec place) {
        var list = new ArrayList<Happening>();
        assertTrue(target.observe(place, list::add).isPresent());
        target.start(Optional.of(Duration.ofMillis(100)));
        await(target::ended);
        return list;
    }

    @Test
    void aTracepointIsToldAsOftenAsTheKernelCountsIt() {
        try (var target = target()) {
            var calls = happenings(target, ProbeSpec.tracepoint("raw_syscalls", "sys_enter"));
            assertEquals(target.groundTruth().get("syscall enters"), calls.size());
            assertTrue(
                    calls.getFirst().values().containsKey("id"),
                    calls.getFirst().toString());
        }
    }

    @Test
    void aFunctionsReturnIsToldWithItsArgumentsResultAndTime() {
        try (var target = target()) {
            var reads = happenings(target, ProbeSpec.of(ProbeKind.KRETPROBE, "vfs_read"));
            assertTrue(reads.size() > 10, reads.size() + " reads");
            for (var read : reads) {
                assertTrue(read.elapsedNanos() > 0, read.toString());
                long count = Long.parseLong(read.values().get("count"));
                assertTrue(Long.parseLong(read.values().get("result")) <= count, read.toString());
                assertTrue(Integer.parseInt(read.values().get("pid")) > 0, read.toString());
            }
        }
    }

    @Test
    void aFieldThatIsNamedLikeTheTasksOwnIsToldBesideIt() {
        try (var target = target()) {
            var wakeups = happenings(target, ProbeSpec.tracepoint("sched", "sched_wakeup"));
            assertTrue(
                    wakeups.getFirst().values().containsKey("_pid"),
                    wakeups.getFirst().toString());
            assertTrue(wakeups.stream()
                    .anyMatch(wakeup ->
                            !wakeup.values().get("comm").equals(wakeup.values().get("_comm"))));
        }
    }

    @Test
    void anUnknownPlaceIsRefused() {
        try (var target = target()) {
            var place = ProbeSpec.of(ProbeKind.KPROBE, "no_such_function");
            assertThrows(AttachException.class, () -> target.observe(place, _ -> {}));
        }
    }

    @Test
    void heldTimeStandsUntilALaterMomentIsNamed() {
        try (var target = target()) {
            long begin = target.monotonicNanos();
            target.holdAt(begin + 10_000_000);
            target.start(Optional.of(Duration.ofMillis(50)));
            await(() -> target.monotonicNanos() == begin + 10_000_000);
            target.holdAt(begin + 30_000_000);
            await(() -> target.monotonicNanos() == begin + 30_000_000);
            target.holdAt(Long.MAX_VALUE);
            await(target::ended);
            assertEquals(begin + 50_000_000, target.monotonicNanos());
        }
    }
}
