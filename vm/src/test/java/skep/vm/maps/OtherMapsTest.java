package skep.vm.maps;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.vm.Memory;

class OtherMapsTest {
    private final MapFixture at = new MapFixture();

    @AfterEach
    void close() {
        at.close();
    }

    private void key(int prefix, int... octets) {
        Memory.putInt(at.key, prefix);
        for (int i = 0; i < 4; i++) {
            Memory.putByte(at.key + 4 + i, (byte) octets[i]);
        }
    }

    private int route(BpfMap map, int value, int prefix, int... octets) {
        key(prefix, octets);
        Memory.putLong(at.value, value);
        return map.update(at.key, at.value, 0, 0);
    }

    private long find(BpfMap map, int prefix, int... octets) {
        key(prefix, octets);
        long value = map.lookup(at.key, 0);
        return value == 0 ? -1 : Memory.getLong(value);
    }

    @Test
    void theLongestPrefixThatFitsIsFound() {
        var map = at.map(MapType.LPM_TRIE, 8, 8, 100, MapFlags.NO_PREALLOC);
        route(map, 1, 0, 0, 0, 0, 0);
        route(map, 2, 8, 10, 0, 0, 0);
        route(map, 3, 16, 10, 1, 0, 0);
        route(map, 4, 24, 10, 1, 2, 0);
        route(map, 5, 32, 10, 1, 2, 3);
        assertEquals(5, find(map, 32, 10, 1, 2, 3));
        assertEquals(4, find(map, 32, 10, 1, 2, 4));
        assertEquals(3, find(map, 32, 10, 1, 9, 4));
        assertEquals(2, find(map, 32, 10, 9, 9, 4));
        assertEquals(1, find(map, 32, 11, 1, 2, 3));
        assertEquals(3, find(map, 20, 10, 1, 2, 3));
        key(24, 10, 1, 2, 99);
        assertEquals(0, map.delete(at.key));
        assertEquals(-2, map.delete(at.key));
        assertEquals(3, find(map, 32, 10, 1, 2, 4));
        key(33, 10, 1, 2, 99);
        assertEquals(-22, map.delete(at.key));
    }

    @Test
    void aFullTrieTakesNoMorePrefixes() {
        var map = at.map(MapType.LPM_TRIE, 8, 8, 2, MapFlags.NO_PREALLOC);
        assertEquals(0, route(map, 1, 8, 10, 0, 0, 0));
        assertEquals(0, route(map, 2, 8, 11, 0, 0, 0));
        assertEquals(-28, route(map, 3, 8, 12, 0, 0, 0));
        assertEquals(-28, route(map, 3, 7, 10, 0, 0, 0), "where a node only joins two others");
        assertEquals(0, route(map, 4, 8, 11, 0, 0, 0), "one that is there");
        key(8, 10, 0, 0, 0);
        assertEquals(0, map.delete(at.key));
        assertEquals(0, route(map, 3, 8, 12, 0, 0, 0));
    }

    @Test
    void triesAnswerLikeAListOfPrefixes() {
        var map = at.map(MapType.LPM_TRIE, 8, 8, 5000, MapFlags.NO_PREALLOC);
        var random = new Random(7);
        var prefixes = new ArrayList<int[]>();
        for (int round = 0; round < 4000; round++) {
            int address = random.nextInt() & 0xff03_00c0;
            int prefix = random.nextInt(33);
            int mask = prefix == 0 ? 0 : -1 << 32 - prefix;
            int masked = address & mask;
            int[] octets = {address >>> 24, address >>> 16 & 255, address >>> 8 & 255, address & 255};
            if (random.nextInt(3) > 0) {
                prefixes.removeIf(p -> p[0] == prefix && p[1] == masked);
                int result = route(map, round, prefix, octets);
                if (result == 0) {
                    prefixes.add(new int[] {prefix, masked, round});
                }
                assertEquals(0, result);
            } else {
                key(prefix, octets);
                boolean there = prefixes.removeIf(p -> p[0] == prefix && p[1] == masked);
                assertEquals(there ? 0 : -2, map.delete(at.key));
            }
            int probe = random.nextInt() & 0xff03_00c0;
            long expected = prefixes.stream()
                    .filter(p -> p[0] == 0 || (probe ^ p[1]) >>> 32 - p[0] == 0)
                    .max(java.util.Comparator.comparingInt(p -> p[0]))
                    .map(p -> (long) p[2])
                    .orElse(-1L);
            assertEquals(expected, find(map, 32, probe >>> 24, probe >>> 16 & 255, probe >>> 8 & 255, probe & 255));
        }
        try (var user = new UserMap(map)) {
            assertEquals(prefixes.size(), user.entries().size());
            int steps = 0;
            for (var key = user.nextKey(Optional.empty()); key.isPresent(); key = user.nextKey(key)) {
                steps++;
            }
            assertEquals(prefixes.size(), steps);
        }
    }

    /** Writers work at neighbouring prefixes and below each other; what each did last is what there is in the end. */
    @Test
    void writersOfATrieDoNotLoseEachOthersPrefixes() throws InterruptedException {
        var map = at.map(MapType.LPM_TRIE, 8, 8, 5000, MapFlags.NO_PREALLOC);
        route(map, 77, 8, 10, 0, 0, 0);
        int writers = 4;
        var live = new ArrayList<java.util.Map<Integer, Integer>>();
        var threads = new ArrayList<Thread>();
        var failures = new java.util.concurrent.ConcurrentLinkedQueue<String>();
        for (int w = 0; w < writers; w++) {
            int writer = w;
            var mine = new java.util.HashMap<Integer, Integer>();
            live.add(mine);
            threads.add(Thread.ofPlatform().start(() -> {
                var random = new Random(writer);
                try (var room = Memory.allocate(24, 8)) {
                    for (int round = 0; round < 3_000; round++) {
                        // The writer is in the last two bits of the prefix.
                        int prefix = 10 + random.nextInt(6);
                        int bits = random.nextInt(1 << prefix - 10) << 2 | writer;
                        int address = 10 << 24 | bits << 32 - prefix;
                        Memory.putInt(room.address(), prefix);
                        Memory.putInt(room.address() + 4, Integer.reverseBytes(address));
                        Memory.putLong(room.address() + 8, round);
                        int id = prefix << 24 | bits;
                        boolean removes = random.nextInt(3) == 0;
                        int result = removes
                                ? map.delete(room.address())
                                : map.update(room.address(), room.address() + 8, 0, 0);
                        int expected = removes && mine.remove(id) == null ? -2 : 0;
                        if (!removes) {
                            mine.put(id, round);
                        }
                        if (result != expected && failures.size() < 20) {
                            failures.add("writer " + writer + " round " + round + ": " + result);
                        }
                        Memory.putInt(room.address(), 9);
                        Memory.putInt(room.address() + 4, Integer.reverseBytes(10 << 24));
                        long found = map.lookup(room.address(), 0);
                        if (found == 0 || Memory.getLong(found) != 77) {
                            failures.add("the prefix that stays was not found");
                        }
                    }
                }
            }));
        }
        for (var thread : threads) {
            thread.join();
        }
        assertEquals(List.of(), List.copyOf(failures));
        int expected = 1;
        for (var mine : live) {
            expected += mine.size();
            mine.forEach((id, round) -> {
                int prefix = id >>> 24;
                int address = 10 << 24 | (id & 0xff_ffff) << 32 - prefix;
                assertEquals(
                        (long) round,
                        find(map, prefix, address >>> 24, address >>> 16 & 255, address >>> 8 & 255, address & 255));
            });
        }
        try (var user = new UserMap(map)) {
            assertEquals(expected, user.entries().size());
        }
    }

    @Test
    void queuesAndStacksKeepTheirOrders() {
        for (var type : List.of(MapType.QUEUE, MapType.STACK)) {
            var map = at.map(type, 0, 8, 3);
            assertEquals(-2, map.pop(at.value));
            for (int i = 1; i <= 3; i++) {
                Memory.putLong(at.value, i);
                assertEquals(0, map.push(at.value, 0));
            }
            Memory.putLong(at.value, 4);
            assertEquals(-7, map.push(at.value, 0));
            assertEquals(0, map.push(at.value, MapFlags.EXIST), "the oldest makes room");
            assertEquals(-22, map.push(at.value, MapFlags.NOEXIST));
            var order = new ArrayList<Long>();
            while (map.peek(at.value) == 0) {
                assertEquals(0, map.pop(at.value));
                order.add(Memory.getLong(at.value));
            }
            assertEquals(type == MapType.QUEUE ? List.of(2L, 3L, 4L) : List.of(4L, 3L, 2L), order);
            assertEquals(0, Memory.getLong(at.value), "an empty one gives zeros");
        }
    }

    @Test
    void bloomFiltersNeverForget() {
        var map = at.map(MapType.BLOOM_FILTER, 0, 8, 1000);
        int wrong = 0;
        for (int i = 0; i < 1000; i++) {
            Memory.putLong(at.value, i);
            assertEquals(0, map.push(at.value, 0));
        }
        for (int i = 0; i < 1000; i++) {
            Memory.putLong(at.value, i);
            assertEquals(0, map.peek(at.value));
            Memory.putLong(at.value, i + 1_000_000L);
            wrong += map.peek(at.value) == 0 ? 1 : 0;
        }
        assertTrue(wrong < 60, wrong + " false positives of 1000");
    }

    @Test
    void mapsOfMapsHoldReferences() {
        for (var type : List.of(MapType.ARRAY_OF_MAPS, MapType.HASH_OF_MAPS)) {
            var inner = at.machine.createMap(MapRequest.of(new MapSpec("in", MapType.ARRAY, 4, 8, 2, 0)));
            var odd = at.machine.createMap(MapRequest.of(new MapSpec("odd", MapType.ARRAY, 4, 4, 2, 0)));
            var spec = new MapSpec("outer", type, 4, 4, 4, 0);
            assertThrows(MapException.class, () -> at.machine.createMap(MapRequest.of(spec)));
            var outer = at.machine.createMap(MapRequest.of(spec).withInner(inner.spec()));
            Memory.putInt(at.key, 1);
            assertEquals(0, outer.lookup(at.key, 0));
            Memory.putInt(at.value, odd.id());
            assertEquals(-22, outer.updateUser(at.key, at.value, 0));
            Memory.putInt(at.value, inner.id());
            assertEquals(0, outer.updateUser(at.key, at.value, 0));
            at.machine.releaseMap(inner.id());
            assertEquals(inner.handle(), outer.lookup(at.key, 0));
            assertTrue(at.machine.map(inner.handle()).isPresent(), "the outer map keeps it");
            assertEquals(0, outer.readUser(at.key, at.value, 0));
            assertEquals(inner.id(), Memory.getInt(at.value));
            assertEquals(0, outer.deleteUser(at.key));
            assertTrue(at.machine.map(inner.handle()).isEmpty());
            assertEquals(-2, outer.deleteUser(at.key));
            at.machine.releaseMap(odd.id());
            at.machine.releaseMap(outer.id());
        }
        assertEquals(0, at.machine.chargedBytes());
    }

    @Test
    void localStorageIsMadeWhenAskedFor() {
        var map = at.map(MapType.TASK_STORAGE, 4, 8, 0, MapFlags.NO_PREALLOC);
        Memory.putLong(at.key, 0xffff_8880_0000_1000L);
        assertEquals(0, map.storage(at.key, 0, false, 0));
        long value = map.storage(at.key, 0, true, 0);
        assertEquals(0, Memory.getLong(value));
        Memory.putLong(value, 5);
        assertEquals(value, map.storage(at.key, 0, true, 0));
        assertEquals(0, map.deleteStorage(at.key));
        assertEquals(-2, map.deleteStorage(at.key));
    }
}
