package skep.vm.maps;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.object.MapSpec;
import skep.target.LoadedMap;
import skep.target.TargetException;
import skep.vm.Memory;

/**
 * A map as user space sees it: bytes and exceptions. Safe from any thread, one operation at a time; closing frees the
 * room in which keys and values are passed, not the map.
 */
public final class UserMap implements LoadedMap, AutoCloseable {
    private final BpfMap map;
    private final int keyBytes;
    private final int valueBytes;
    private final Memory.Block room;
    private final long keyRoom;
    private final long nextRoom;
    private final long valueRoom;
    private boolean closed;

    public UserMap(BpfMap map) {
        this.map = map;
        this.keyBytes = map.spec().keySizeBytes();
        this.valueBytes = map.userValueBytes();
        int keyPadded = ValueShape.pad(keyBytes);
        this.room = Memory.allocate(2L * keyPadded + ValueShape.pad(valueBytes), 8);
        this.keyRoom = room.address();
        this.nextRoom = keyRoom + keyPadded;
        this.valueRoom = nextRoom + keyPadded;
    }

    public BpfMap map() {
        return map;
    }

    @Override
    public MapSpec spec() {
        return map.spec();
    }

    @Override
    public synchronized Optional<byte[]> lookup(byte[] key) {
        passKey(key);
        int result = map.readUser(keyAddress(), valueRoom, 0);
        if (result == Errno.ENOENT.negated()) {
            return Optional.empty();
        }
        expectDone("lookup", result);
        return Optional.of(Memory.bytes(valueRoom, valueBytes));
    }

    @Override
    public synchronized void update(byte[] key, byte[] value, long flags) {
        passKey(key);
        if (value.length != valueBytes) {
            throw new IllegalArgumentException(
                    "a value of map " + spec().name() + " is " + valueBytes + " bytes, not " + value.length);
        }
        expectDone("update", map.frozen() ? Errno.EPERM.negated() : 0);
        Memory.copy(value, 0, valueRoom, valueBytes);
        expectDone("update", map.updateUser(keyAddress(), valueRoom, flags));
    }

    @Override
    public synchronized boolean delete(byte[] key) {
        passKey(key);
        expectDone("delete", map.frozen() ? Errno.EPERM.negated() : 0);
        int result = map.deleteUser(keyAddress());
        if (result == Errno.ENOENT.negated()) {
            return false;
        }
        expectDone("delete", result);
        return true;
    }

    @Override
    public synchronized Optional<byte[]> lookupAndDelete(byte[] key) {
        passKey(key);
        int result = map.takeUser(keyAddress(), valueRoom);
        if (result == Errno.ENOENT.negated()) {
            return Optional.empty();
        }
        expectDone("lookup and delete", result);
        return Optional.of(Memory.bytes(valueRoom, valueBytes));
    }

    @Override
    public int handle() {
        return map.id();
    }

    /** The key after this one; the first without one or if it is not there. */
    public synchronized Optional<byte[]> nextKey(Optional<byte[]> key) {
        checkOpen();
        key.ifPresent(this::passKey);
        int result = map.nextKey(key.isPresent() ? keyRoom : 0, nextRoom);
        if (result == Errno.ENOENT.negated()) {
            return Optional.empty();
        }
        expectDone("get next key", result);
        return Optional.of(Memory.bytes(nextRoom, keyBytes));
    }

    @Override
    public synchronized List<Entry> entries() {
        checkOpen();
        var entries = new ArrayList<Entry>();
        map.walkKeys(
                key -> {
                    if (map.readUser(key, valueRoom, 0) == 0) {
                        entries.add(new Entry(Memory.bytes(key, keyBytes), Memory.bytes(valueRoom, valueBytes)));
                    }
                },
                keyRoom);
        return entries;
    }

    @Override
    public synchronized void clear() {
        checkOpen();
        expectDone("clear", map.frozen() ? Errno.EPERM.negated() : 0);
        switch (spec().type()) {
            case ARRAY, PERCPU_ARRAY -> {
                Memory.fill(valueRoom, valueBytes, (byte) 0);
                map.walkKeys(key -> map.updateUser(key, valueRoom, MapFlags.ANY), keyRoom);
            }
            default -> {
                var keys = new ArrayList<byte[]>();
                map.walkKeys(key -> keys.add(Memory.bytes(key, keyBytes)), keyRoom);
                for (var key : keys) {
                    Memory.copy(key, 0, keyRoom, keyBytes);
                    map.deleteUser(keyRoom);
                }
            }
        }
    }

    private void passKey(byte[] key) {
        checkOpen();
        if (key.length != keyBytes) {
            throw new IllegalArgumentException(
                    "a key of map " + spec().name() + " is " + keyBytes + " bytes, not " + key.length);
        }
        Memory.copy(key, 0, keyRoom, keyBytes);
    }

    private long keyAddress() {
        return keyBytes == 0 ? 0 : keyRoom;
    }

    private void expectDone(String what, int result) {
        if (result != 0) {
            throw new TargetException("map " + spec().name() + ": " + what + ": " + Errno.describe(-result));
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new TargetException("map " + spec().name() + " is closed");
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            room.close();
        }
    }
}
