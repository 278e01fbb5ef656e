package skep.vm.maps;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.vm.Machine;
import skep.vm.Memory;

/** A machine with four CPUs, and room for keys and values. */
final class MapFixture implements AutoCloseable {
    static final int CPUS = 4;

    final Machine machine = new Machine(Machine.Config.ofCpus(CPUS));
    private final Memory.Block room = Memory.allocate(4096, 8);
    final long key = room.address();
    final long value = room.address() + 1024;

    BpfMap map(MapType type, int keyBytes, int valueBytes, int entries, int flags) {
        return machine.createMap(MapRequest.of(new MapSpec("m", type, keyBytes, valueBytes, entries, flags)));
    }

    BpfMap map(MapType type, int keyBytes, int valueBytes, int entries) {
        return map(type, keyBytes, valueBytes, entries, 0);
    }

    int put(BpfMap map, long k, long v, long flags) {
        Memory.putLong(key, k);
        Memory.putLong(value, v);
        return map.update(key, value, flags, 0);
    }

    /** The value of a key, or -1. */
    long get(BpfMap map, long k) {
        Memory.putLong(key, k);
        long at = map.lookup(key, 0);
        return at == 0 ? -1 : Memory.getLong(at);
    }

    int remove(BpfMap map, long k) {
        Memory.putLong(key, k);
        return map.delete(key);
    }

    static byte[] bytes(long... words) {
        var buffer = ByteBuffer.allocate(8 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        for (var word : words) {
            buffer.putLong(word);
        }
        return buffer.array();
    }

    static byte[] int4(int word) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(word)
                .array();
    }

    static long word(byte[] bytes, int index) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(8 * index);
    }

    @Override
    public void close() {
        room.close();
        machine.close();
    }
}
