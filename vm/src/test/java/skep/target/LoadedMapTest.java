package skep.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;

/** What every map does with the few operations that targets provide. */
class LoadedMapTest {
    /** A map of single bytes, which refuses updates as the kernel does. */
    private static final class Bytes implements LoadedMap {
        private final Map<Byte, Byte> entries = new HashMap<>(Map.of((byte) 1, (byte) 10));
        private boolean broken;

        @Override
        public MapSpec spec() {
            return new MapSpec("bytes", MapType.HASH, 1, 1, 1, 0);
        }

        @Override
        public Optional<byte[]> lookup(byte[] key) {
            return Optional.ofNullable(entries.get(key[0])).map(value -> new byte[] {value});
        }

        @Override
        public void update(byte[] key, byte[] value, long flags) {
            if (broken || flags == 2 && !entries.containsKey(key[0])) {
                throw new TargetException("map bytes: update failed");
            }
            entries.put(key[0], value[0]);
        }

        @Override
        public boolean delete(byte[] key) {
            return entries.remove(key[0]) != null;
        }

        @Override
        public List<Entry> entries() {
            return entries.entrySet().stream()
                    .map(e -> new Entry(new byte[] {e.getKey()}, new byte[] {e.getValue()}))
                    .toList();
        }

        @Override
        public void clear() {
            entries.clear();
        }
    }

    @Test
    void replacingBringsNoEntryBack() {
        var map = new Bytes();
        assertTrue(map.replace(new byte[] {1}, new byte[] {7}));
        assertArrayEquals(new byte[] {7}, map.lookup(new byte[] {1}).orElseThrow());
        map.delete(new byte[] {1});
        assertFalse(map.replace(new byte[] {1}, new byte[] {7}));
        assertTrue(map.entries().isEmpty());
    }

    @Test
    void otherFailuresOfReplacingAreTold() {
        var map = new Bytes();
        map.broken = true;
        assertThrows(TargetException.class, () -> map.replace(new byte[] {1}, new byte[] {7}));
    }
}
