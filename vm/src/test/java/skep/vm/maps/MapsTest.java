package skep.vm.maps;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.vm.Memory;

class MapsTest {
    private final MapFixture at = new MapFixture();

    @AfterEach
    void close() {
        at.close();
    }

    @ParameterizedTest
    @CsvSource({
        "HASH, 0, 8, 1, 0, EINVAL",
        "HASH, 8, 0, 1, 0, EINVAL",
        "HASH, 8, 8, 0, 0, EINVAL",
        "HASH, 4194304, 8, 1, 0, E2BIG",
        "LRU_HASH, 8, 8, 1, 1, ENOTSUPP",
        "PERCPU_HASH, 8, 40000, 1, 0, E2BIG",
        "ARRAY, 8, 8, 1, 0, EINVAL",
        "ARRAY, 4, 8, 0, 0, EINVAL",
        "RINGBUF, 0, 0, 4095, 0, EINVAL",
        "RINGBUF, 0, 0, 12288, 0, EINVAL",
        "RINGBUF, 4, 0, 4096, 0, EINVAL",
        "STACK_TRACE, 4, 12, 1, 0, EINVAL",
        "STACK_TRACE, 4, 1024, 1, 0, EINVAL",
        "PROG_ARRAY, 4, 8, 1, 0, EINVAL",
        "QUEUE, 4, 8, 1, 0, EINVAL",
        "LPM_TRIE, 8, 8, 1, 0, EINVAL",
        "ARENA, 0, 0, 1, 0, EOPNOTSUPP",
        "UNSPEC, 0, 0, 0, 0, EINVAL",
    })
    void creationIsRefusedAsTheKernelDoes(MapType type, int key, int value, int entries, int flags, Errno errno) {
        var refusal = assertThrows(MapException.class, () -> at.map(type, key, value, entries, flags));
        assertEquals(errno, refusal.errno());
    }

    @ParameterizedTest
    @EnumSource(
            value = MapType.class,
            names = {"HASH", "LRU_HASH", "PERCPU_HASH", "LRU_PERCPU_HASH"})
    void keyedMapsCreateReplaceAndDelete(MapType type) {
        var map = at.map(type, 8, 8, 3);
        assertEquals(-1, at.get(map, 7));
        assertEquals(-2, at.put(map, 7, 1, MapFlags.EXIST));
        assertEquals(0, at.put(map, 7, 1, MapFlags.NOEXIST));
        assertEquals(-17, at.put(map, 7, 2, MapFlags.NOEXIST));
        assertEquals(0, at.put(map, 7, 2, MapFlags.EXIST));
        assertEquals(-22, at.put(map, 7, 2, 3));
        assertEquals(2, at.get(map, 7));
        assertEquals(0, at.put(map, 7, 3, MapFlags.ANY));
        assertEquals(3, at.get(map, 7));
        assertEquals(0, at.remove(map, 7));
        assertEquals(-2, at.remove(map, 7));
        assertEquals(-1, at.get(map, 7));
    }

    @Test
    void aFullHashRefusesNewKeysButReplacesOldOnes() {
        var map = at.map(MapType.HASH, 8, 8, 3);
        for (int key = 0; key < 3; key++) {
            assertEquals(0, at.put(map, key, key, 0));
        }
        assertEquals(-7, at.put(map, 3, 3, 0));
        for (int round = 0; round < 1000; round++) {
            assertEquals(0, at.put(map, 1, round, 0));
        }
        assertEquals(999, at.get(map, 1));
        assertEquals(0, at.remove(map, 0));
        assertEquals(0, at.put(map, 3, 3, 0));
        assertEquals(-7, at.put(map, 0, 3, 0));
    }

    @ParameterizedTest
    @EnumSource(
            value = MapType.class,
            names = {"LRU_HASH", "LRU_PERCPU_HASH"})
    void aFullLruHashDropsWhatWasNotUsed(MapType type) {
        var map = at.map(type, 8, 8, 100);
        for (int key = 0; key < 100; key++) {
            assertEquals(0, at.put(map, key, key, 0));
        }
        for (int key = 0; key < 50; key++) {
            assertEquals(key, at.get(map, key));
        }
        for (int key = 100; key < 150; key++) {
            assertEquals(0, at.put(map, key, key, 0));
        }
        for (int key = 0; key < 50; key++) {
            assertEquals(key, at.get(map, key), "used");
        }
        for (int key = 50; key < 100; key++) {
            assertEquals(-1, at.get(map, key), "not used");
        }
        var size = new AtomicInteger();
        map.walkKeys(_ -> size.incrementAndGet(), at.key);
        assertEquals(100, size.get());
    }

    @Test
    void keysOfAnyLengthAreComparedWhole() {
        for (int bytes : new int[] {1, 3, 4, 7, 8, 9, 16, 31, 512}) {
            var map = at.map(MapType.HASH, bytes, 4, 600);
            for (int flip = 0; flip < bytes; flip++) {
                Memory.fill(at.key, bytes, (byte) 0);
                Memory.putByte(at.key + flip, (byte) 1);
                Memory.putInt(at.value, flip);
                assertEquals(0, map.update(at.key, at.value, MapFlags.NOEXIST, 0), bytes + "/" + flip);
            }
            for (int flip = 0; flip < bytes; flip++) {
                Memory.fill(at.key, bytes, (byte) 0);
                Memory.putByte(at.key + flip, (byte) 1);
                assertEquals(flip, Memory.getInt(map.lookup(at.key, 0)));
            }
        }
    }

    @Test
    void valuesStayWhereTheyAre() {
        var map = at.map(MapType.HASH, 8, 8, 100_000);
        at.put(map, 1, 42, 0);
        Memory.putLong(at.key, 1);
        long address = map.lookup(at.key, 0);
        for (int key = 2; key < 50_000; key++) {
            assertEquals(0, at.put(map, key, key, 0));
        }
        Memory.putLong(at.key, 1);
        assertEquals(address, map.lookup(at.key, 0));
        assertTrue(at.machine.addressSpace().contains(address, 8, true));
        assertEquals(49_999, at.get(map, 49_999));
        assertTrue(at.machine.chargedBytes() >= 50_000 * 40L);
    }

    @Test
    void walkingVisitsEveryKeyOnce() {
        var map = at.map(MapType.HASH, 8, 8, 5000);
        for (int key = 0; key < 5000; key++) {
            at.put(map, key * 7919L, key, 0);
        }
        var seen = new HashSet<Long>();
        long next = at.value + 512;
        int result = map.nextKey(0, next);
        while (result == 0) {
            assertTrue(seen.add(Memory.getLong(next)));
            Memory.putLong(at.key, Memory.getLong(next));
            result = map.nextKey(at.key, next);
        }
        assertEquals(-2, result);
        assertEquals(5000, seen.size());
    }

    @Test
    void arraysHaveAllElementsAndNoOthers() {
        var map = at.map(MapType.ARRAY, 4, 12, 3);
        assertEquals(0, at.get(map, 2));
        assertEquals(-1, at.get(map, 3));
        assertEquals(0, at.put(map, 2, 9, 0));
        assertEquals(9, at.get(map, 2));
        assertEquals(-7, at.put(map, 3, 9, 0));
        assertEquals(-17, at.put(map, 2, 9, MapFlags.NOEXIST));
        assertEquals(-22, at.remove(map, 2));
        var layout = map.arrayLayout().orElseThrow();
        assertEquals(16, layout.strideBytes());
        assertEquals(map.directValueAddress(0).orElseThrow() + 32, layout.base() + 2 * 16);
        assertTrue(map.directValueAddress(48).isEmpty());
    }

    @ParameterizedTest
    @EnumSource(
            value = MapType.class,
            names = {"PERCPU_HASH", "PERCPU_ARRAY", "LRU_PERCPU_HASH"})
    void everyCpuHasAValueOfItsOwnAndUserSpaceSeesAll(MapType type) {
        var map = at.map(type, 4, 8, 10);
        for (int cpu = 0; cpu < MapFixture.CPUS; cpu++) {
            Memory.putInt(at.key, 3);
            Memory.putLong(at.value, 100 + cpu);
            assertEquals(0, map.update(at.key, at.value, 0, cpu));
            assertEquals(100 + cpu, Memory.getLong(map.lookup(at.key, cpu)));
        }
        assertNotEquals(map.lookup(at.key, 0), map.lookup(at.key, 1));
        assertEquals(map.lookup(at.key, 1), map.lookupPerCpu(at.key, 1));
        assertEquals(0, map.lookupPerCpu(at.key, MapFixture.CPUS));
        try (var user = new UserMap(map)) {
            var values = user.lookup(MapFixture.int4(3)).orElseThrow();
            assertArrayEquals(MapFixture.bytes(100, 101, 102, 103), values);
            user.update(MapFixture.int4(4), MapFixture.bytes(1, 2, 3, 4), 0);
            Memory.putInt(at.key, 4);
            assertEquals(3, Memory.getLong(map.lookup(at.key, 2)));
        }
    }

    @Test
    void userSpaceSeesBytesAndErrors() {
        try (var user = new UserMap(at.map(MapType.HASH, 8, 8, 1))) {
            assertEquals(Optional.empty(), user.lookup(MapFixture.bytes(1)));
            user.update(MapFixture.bytes(1), MapFixture.bytes(10), 0);
            var full = assertThrows(
                    skep.target.TargetException.class, () -> user.update(MapFixture.bytes(2), MapFixture.bytes(10), 0));
            assertEquals("map m: update: E2BIG (Argument list too long)", full.getMessage());
            assertThrows(IllegalArgumentException.class, () -> user.lookup(new byte[4]));
            assertEquals(1, user.entries().size());
            assertTrue(user.delete(MapFixture.bytes(1)));
            assertFalse(user.delete(MapFixture.bytes(1)));
            user.update(MapFixture.bytes(2), MapFixture.bytes(10), 0);
            user.clear();
            assertEquals(List.of(), user.entries());
        }
    }

    @Test
    void manyCpusShareAHashWithoutLosingAnything() throws InterruptedException {
        var map = at.map(MapType.HASH, 8, 8, 4096);
        var failures = new AtomicInteger();
        var threads = new ArrayList<Thread>();
        for (int t = 0; t < 4; t++) {
            int thread = t;
            threads.add(Thread.ofPlatform().start(() -> {
                try (var room = Memory.allocate(16, 8)) {
                    for (int round = 0; round < 20_000; round++) {
                        // Every thread has keys of its own, in buckets that all share.
                        long key = (round % 512) * 4 + thread;
                        Memory.putLong(room.address(), key);
                        Memory.putLong(room.address() + 8, key * 3);
                        if (map.update(room.address(), room.address() + 8, 0, 0) != 0) {
                            failures.incrementAndGet();
                        }
                        long found = map.lookup(room.address(), 0);
                        if (found == 0 || Memory.getLong(found) != key * 3) {
                            failures.incrementAndGet();
                        }
                        if (round % 3 == 0 && map.delete(room.address()) != 0) {
                            failures.incrementAndGet();
                        }
                    }
                }
            }));
        }
        for (var thread : threads) {
            thread.join();
        }
        assertEquals(0, failures.get());
        try (var user = new UserMap(map)) {
            for (var entry : user.entries()) {
                assertEquals(MapFixture.word(entry.key(), 0) * 3, MapFixture.word(entry.value(), 0));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = MapType.class,
            names = {"LRU_HASH", "LRU_PERCPU_HASH"})
    void manyCpusShareAnLruHashThatIsTooSmallForThem(MapType type) throws InterruptedException {
        final int entries = 64;
        var map = at.map(type, 8, 8, entries);
        var failures = new AtomicInteger();
        var threads = new ArrayList<Thread>();
        for (int t = 0; t < 4; t++) {
            int cpu = t % at.machine.possibleCpus();
            int thread = t;
            threads.add(Thread.ofPlatform().start(() -> {
                var random = new java.util.Random(thread);
                try (var room = Memory.allocate(16, 8)) {
                    for (int round = 0; round < 20_000; round++) {
                        long key = random.nextInt(4 * entries);
                        Memory.putLong(room.address(), key);
                        Memory.putLong(room.address() + 8, key * 3);
                        if (map.update(room.address(), room.address() + 8, 0, cpu) != 0) {
                            failures.incrementAndGet();
                        }
                        map.lookup(room.address(), cpu);
                        if (round % 5 == 0) {
                            map.delete(room.address());
                        }
                    }
                }
            }));
        }
        for (var thread : threads) {
            thread.join();
        }
        assertEquals(0, failures.get(), "there is always something to drop");
        var keys = new java.util.HashSet<Long>();
        try (var user = new UserMap(map)) {
            for (var entry : user.entries()) {
                long key = MapFixture.word(entry.key(), 0);
                assertTrue(keys.add(key), "a key is there once: " + key);
                for (int cpu = 0; cpu < entry.value().length / 8; cpu++) {
                    long value = MapFixture.word(entry.value(), cpu);
                    assertTrue(value == 3 * key || value == 0 && entry.value().length > 8, key + " has " + value);
                }
            }
        }
        assertTrue(keys.size() <= entries && keys.size() >= entries / 2, keys.size() + " keys");
        for (long key = 1000; key < 1000 + entries; key++) {
            assertEquals(0, at.put(map, key, key, 0), "no element was lost");
        }
    }

    @Test
    void stacksAreKnownByTheirFrames() {
        var map = (StackTraceMap) at.map(MapType.STACK_TRACE, 4, 80, 1024);
        int first = map.store(new long[] {1, 2, 3}, 3, 0);
        assertTrue(first >= 0);
        assertEquals(first, map.store(new long[] {1, 2, 3}, 3, 0));
        int other = map.store(new long[] {1, 2, 4}, 3, 0);
        assertNotEquals(first, other);
        try (var user = new UserMap(map)) {
            var frames = user.lookup(MapFixture.int4(first)).orElseThrow();
            assertEquals(3, MapFixture.word(frames, 2));
            assertEquals(0, MapFixture.word(frames, 3));
            assertEquals(2, user.entries().size());
            assertTrue(user.delete(MapFixture.int4(first)));
            assertEquals(1, user.entries().size());
        }
        var tiny = (StackTraceMap) at.map(MapType.STACK_TRACE, 4, 80, 1);
        assertEquals(0, tiny.store(new long[] {1}, 1, 0));
        assertEquals(-17, tiny.store(new long[] {2}, 1, 0));
        assertEquals(0, tiny.store(new long[] {2}, 1, StackTraceMap.REUSE_ID));
    }

    @Test
    void memoryIsBoundedAndGivenBack() {
        try (var small = new skep.vm.Machine(new skep.vm.Machine.Config(1, 1 << 20, Optional.empty()))) {
            var spec = new skep.isa.object.MapSpec("big", MapType.ARRAY, 4, 8, 1 << 20, 0);
            var refusal = assertThrows(MapException.class, () -> small.createMap(MapRequest.of(spec)));
            assertEquals(Errno.ENOMEM, refusal.errno());
            assertEquals(0, small.chargedBytes());
            var map = small.createMap(MapRequest.of(new skep.isa.object.MapSpec("ok", MapType.ARRAY, 4, 8, 1000, 0)));
            assertTrue(small.chargedBytes() >= 8000);
            small.releaseMap(map.id());
            assertEquals(0, small.chargedBytes());
        }
    }
}
