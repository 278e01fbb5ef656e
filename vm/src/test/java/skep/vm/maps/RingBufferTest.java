package skep.vm.maps;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import skep.isa.kernel.MapType;
import skep.target.OutputReader;
import skep.vm.Memory;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class RingBufferTest {
    private final MapFixture at = new MapFixture();
    private final RingBuffer ring = (RingBuffer) at.map(MapType.RINGBUF, 0, 0, 4096);

    @AfterEach
    void close() {
        at.close();
    }

    private static List<Long> drain(OutputReader reader) {
        var words = new ArrayList<Long>();
        reader.poll(0, record -> words.add(record.get(ValueLayout.JAVA_LONG_UNALIGNED, 0)));
        return words;
    }

    private long reserve(long word) {
        long data = ring.reserve(16, 0);
        assertNotEquals(0, data);
        Memory.putLong(data, word);
        return data;
    }

    @Test
    void recordsComeOutInTheOrderOfTheirReservation() {
        try (var reader = ring.openReader()) {
            long first = reserve(1);
            long second = reserve(2);
            long third = reserve(3);
            ring.commit(third, 0, false);
            ring.commit(second, 0, true);
            assertEquals(List.of(), drain(reader), "the first is still busy");
            ring.commit(first, 0, false);
            assertEquals(List.of(1L, 3L), drain(reader));
            assertEquals(0, ring.query(0));
            assertEquals(72, ring.query(3));
        }
    }

    @Test
    void aFullRingLosesAndCounts() {
        for (int i = 0; i < 170; i++) {
            ring.commit(reserve(i), 0, false);
        }
        assertEquals(0, ring.reserve(16, 0), "170 records of 24 bytes leave 16");
        assertEquals(-11, ring.output(at.value, 16, 0));
        assertEquals(2, ring.droppedRecords());
        assertEquals(0, ring.reserve(4096, 0));
        assertEquals(0, ring.reserve(8, 1), "reserving takes no flags");
        assertEquals(-22, ring.output(at.value, 8, 8));
        try (var reader = ring.openReader()) {
            assertEquals(170, drain(reader).size());
            assertEquals(0, ring.output(at.value, 16, 0));
        }
    }

    @Test
    void recordsWrapAroundTheEndInOnePiece() {
        try (var reader = ring.openReader()) {
            for (int round = 0; round < 2000; round++) {
                int size = 8 + round * 13 % 900;
                long data = ring.reserve(size, 0);
                assertNotEquals(0, data, "round " + round);
                assertTrue(at.machine.addressSpace().contains(data, size, true));
                Memory.fill(data, size, (byte) round);
                Memory.putLong(data, round);
                ring.commit(data, 0, false);
                int expected = round;
                reader.poll(0, record -> {
                    assertEquals(size, record.byteSize());
                    assertEquals(expected, record.get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
                    if (size > 8) {
                        assertEquals((byte) expected, record.get(ValueLayout.JAVA_BYTE, size - 1));
                    }
                    return true;
                });
            }
            assertEquals(0, ring.droppedRecords());
        }
    }

    @Test
    void aReaderThatStopsFindsTheRestLater() {
        try (var reader = ring.openReader()) {
            for (int i = 0; i < 5; i++) {
                ring.commit(reserve(i), 0, false);
            }
            assertEquals(2, reader.poll(0, record -> record.get(ValueLayout.JAVA_LONG_UNALIGNED, 0) < 1));
            assertEquals(List.of(2L, 3L, 4L), drain(reader));
        }
    }

    @Test
    void aMapThatGoesSendsItsReaderAway() throws InterruptedException {
        var gone = (RingBuffer) at.map(MapType.RINGBUF, 0, 0, 4096);
        var reader = gone.openReader();
        var waiting = Thread.ofPlatform().start(() -> reader.poll(-1, record -> true));
        while (waiting.getState() != Thread.State.WAITING && waiting.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        at.machine.releaseMap(gone.id());
        waiting.join();
        assertEquals(0, reader.poll(-1, record -> true));

        var other = (RingBuffer) at.map(MapType.RINGBUF, 0, 0, 4096);
        for (int i = 0; i < 3; i++) {
            other.commit(other.reserve(8, 0), 0, false);
        }
        int seen = other.openReader().poll(0, record -> {
            at.machine.releaseMap(other.id());
            return true;
        });
        assertEquals(1, seen, "nothing is read of freed memory");
    }

    @Test
    void thereIsOneReader() {
        try (var _ = ring.openReader()) {
            assertThrows(MapException.class, ring::openReader);
        }
        ring.openReader().close();
    }

    @Test
    void aWaitingReaderIsWokenByARecordAndFromOutside() throws InterruptedException {
        try (var reader = ring.openReader()) {
            var seen = new ArrayList<Long>();
            var waiting = Thread.ofPlatform().start(() -> {
                reader.poll(-1, record -> seen.add(record.get(ValueLayout.JAVA_LONG_UNALIGNED, 0)));
                reader.poll(-1, record -> true);
            });
            while (waiting.getState() != Thread.State.WAITING && waiting.getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }
            ring.commit(reserve(5), 0, false);
            while (seen.isEmpty()) {
                Thread.onSpinWait();
            }
            reader.wakeUp();
            waiting.join();
            assertEquals(List.of(5L), seen);
            long start = System.nanoTime();
            assertEquals(0, reader.poll(20, record -> true));
            assertTrue(System.nanoTime() - start >= 19_000_000);
        }
    }

    @Test
    void manyProducersLoseNothingThatFits() throws InterruptedException {
        var large = (RingBuffer) at.map(MapType.RINGBUF, 0, 0, 1 << 16);
        var threads = new ArrayList<Thread>();
        int each = 20_000;
        for (int t = 0; t < 3; t++) {
            int thread = t;
            threads.add(Thread.ofPlatform().start(() -> {
                for (int i = 0; i < each; i++) {
                    long data = large.reserve(8 + i % 40, 0);
                    while (data == 0) {
                        Thread.yield();
                        data = large.reserve(8 + i % 40, 0);
                    }
                    Memory.putLong(data, (long) thread << 32 | i);
                    large.commit(data, 0, false);
                }
            }));
        }
        var next = new int[3];
        try (var reader = large.openReader()) {
            for (int total = 0; total < 3 * each; ) {
                total += reader.poll(1000, record -> {
                    long word = record.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
                    assertEquals(next[(int) (word >>> 32)]++, (int) word);
                    return true;
                });
            }
        }
        for (var thread : threads) {
            thread.join();
        }
    }

    @Test
    void perfBuffersBelongToCpus() {
        var array = (PerfEventArray) at.map(MapType.PERF_EVENT_ARRAY, 4, 4, MapFixture.CPUS);
        assertEquals(-2, array.output(PerfEventArray.CURRENT_CPU, at.value, 8, 1), "nobody listens");
        try (var reader = array.openReader(4096)) {
            Memory.putLong(at.value, 77);
            assertEquals(0, array.output(PerfEventArray.CURRENT_CPU, at.value, 8, 1));
            assertEquals(0, array.output(2, at.value, 8, 2));
            assertEquals(-95, array.output(2, at.value, 8, 1));
            assertEquals(-7, array.output(9, at.value, 8, 1));
            assertEquals(List.of(77L, 77L), drain(reader));
            for (int i = 0; i < 255; i++) {
                array.output(0, at.value, 8, 0);
            }
            array.output(0, at.value, 8, 0);
            assertEquals(-28, array.output(0, at.value, 8, 0));
            assertEquals(1, array.droppedRecords());
        }
    }
}
