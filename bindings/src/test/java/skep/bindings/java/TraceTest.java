package skep.bindings.java;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import skep.session.ScriptException;

@Timeout(300)
class TraceTest {
    private static final Duration HALF_A_SECOND = Duration.ofMillis(500);

    @Test
    void aTraceGathersMapsAndHistograms() {
        try (var skep = Skep.embedded();
                var trace = skep.trace("kprobe:vfs_read { @n = count(); @by[comm] = count(); @size = hist(arg2); }")) {
            trace.run(HALF_A_SECOND);
            assertTrue(trace.number("@n") > 0);
            assertEquals(
                    trace.number("n"),
                    trace.map("@by").stream().mapToLong(TraceMap.Entry::asLong).sum());
            var sizes = trace.histogram("@size");
            assertEquals(trace.number("@n"), sizes.samples());
            assertTrue(sizes.p50() <= sizes.p99());
            var bounds = sizes.percentileBounds(50);
            assertTrue(bounds.low() <= sizes.p50() && sizes.p50() <= bounds.high() + 1, bounds + " " + sizes.p50());
            assertEquals(2 * sizes.samples(), sizes.plus(sizes).samples());
            assertEquals(sizes.p90(), sizes.plus(sizes).p90());
        }
    }

    @Test
    void keysAreFoundByTheirParts() {
        try (var skep = Skep.embedded();
                var trace = skep.script("begin { @[1, \"a\"] = 5; @one[7] = 8; exit(); }")
                        .run()) {
            assertEquals(5L, trace.map("@").get(1, "a").orElseThrow());
            assertEquals(8L, trace.map("@one").asMap().get(7L));
            var missing = assertThrows(NoSuchElementException.class, () -> trace.map("@two"));
            assertTrue(missing.getMessage().contains("@one"), missing.getMessage());
        }
    }

    @Test
    void eventsStreamInOrderWithoutLossHoweverSmallTheQueue() {
        try (var skep = Skep.embedded();
                var trace = skep.script("begin { $i = 0; while ($i < 500) { print($i); $i++; } exit(); }")
                        .events(Loss.WAIT, 4)
                        .prepare();
                var events = trace.events()) {
            trace.start();
            var numbers = events.filter(event -> event.kind().equals("print"))
                    .map(event -> event.value().orElseThrow())
                    .toList();
            assertEquals(500, numbers.size());
            assertEquals(List.of(0L, 1L, 499L), List.of(numbers.get(0), numbers.get(1), numbers.get(499)));
            assertEquals(0, trace.dropped());
        }
    }

    @Test
    void aReaderOfThePresentLosesThePastAndIsTold() {
        try (var skep = Skep.embedded();
                var trace = skep.script("begin { $i = 0; while ($i < 100) { print($i); $i++; } exit(); }")
                        .events(Loss.DROP_OLDEST, 10)
                        .run();
                var events = trace.events()) {
            var left = events.toList();
            assertEquals(10, left.size());
            assertEquals(99L, left.getLast().value().orElseThrow());
            assertTrue(trace.dropped() >= 90, "dropped " + trace.dropped());
        }
    }

    @Test
    void listenersHearTheKindTheyAskFor() {
        var heard = new AtomicInteger();
        try (var skep = Skep.embedded();
                var trace = skep.trace("begin { printf(\"a\"); print(1); printf(\"b\"); exit(); }")) {
            trace.on("printf", _ -> heard.incrementAndGet()).run();
            assertEquals(2, heard.get());
            assertEquals("a1\nb", trace.output());
        }
    }

    @Test
    void aBackgroundTraceIsReadWhileItRunsAndStops() throws InterruptedException {
        try (var skep = Skep.open("embedded");
                var trace = skep.script("kprobe:vfs_read { @n = count(); } end { printf(\"bye\"); }")
                        .start()) {
            long seen = 0;
            while (seen == 0) {
                Thread.sleep(20);
                seen = trace.mapNames().contains("@n") ? trace.number("@n") : 0;
            }
            assertEquals(0, trace.stop().await());
            assertTrue(trace.number("@n") >= seen);
            assertEquals("bye", trace.output());
        }
    }

    @Test
    void aScriptThatIsWrongSaysWhereBeforeItRuns() {
        try (var skep = Skep.embedded()) {
            var failure = assertThrows(ScriptException.class, () -> skep.trace("kprobe:vfs_read { nosuch(); }"));
            assertTrue(failure.getMessage().contains("nosuch"), failure.getMessage());
            assertTrue(failure.getMessage().contains("script:1:"), failure.getMessage());
        }
    }

    @Test
    void aTraceRunsOnce() {
        try (var skep = Skep.embedded();
                var trace = skep.trace("begin { exit(); }")) {
            trace.run();
            assertThrows(IllegalStateException.class, trace::run);
        }
    }

    @Test
    void aCommandBoundsTheTrace() {
        try (var skep = Skep.embedded();
                var trace = skep.script("tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @ = count(); }")
                        .command("cat /etc/passwd")
                        .run()) {
            assertTrue(trace.number("@") > 0);
        }
    }
}
