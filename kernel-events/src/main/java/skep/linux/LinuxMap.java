package skep.linux;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.linux.sys.Block;
import skep.linux.sys.Errno;
import skep.target.LoadedMap;
import skep.target.TargetException;

/** A map of the kernel by its descriptor. Safe for many threads: a lock covers the blocks for a key and a value. */
final class LinuxMap implements LoadedMap {
    /** How much one batch call carries. */
    private static final int BATCH_BYTES = 1 << 20;

    private static final int MIN_BATCH_ENTRIES = 64;

    private final Host host;
    private final MapSpec spec;
    private final int fd;
    private final int keyBytes;
    private final int valueBytes;
    private final Block key;
    private final Block nextKey;
    private final Block value;

    LinuxMap(Host host, MapSpec spec, int fd, int possibleCpus) {
        this.host = host;
        this.spec = spec;
        this.fd = fd;
        this.keyBytes = spec.keySizeBytes();
        this.valueBytes = spec.perCpu() ? (spec.valueSizeBytes() + 7) / 8 * 8 * possibleCpus : spec.valueSizeBytes();
        this.key = host.syscalls().allocateShared(keyBytes);
        this.nextKey = host.syscalls().allocateShared(keyBytes);
        this.value = host.syscalls().allocateShared(valueBytes);
    }

    static LinuxMap create(Host host, MapSpec spec, LinuxKernel kernel) {
        int entries = spec.type() == MapType.PERF_EVENT_ARRAY && spec.maxEntries() == 0
                ? kernel.possibleCpus()
                : spec.maxEntries();
        long fd = host.bpf()
                .mapCreate(
                        spec.type(), spec.name(), spec.keySizeBytes(), spec.valueSizeBytes(), entries, spec.flags(), 0);
        if (Errno.isError(fd)) {
            throw new TargetException("map " + spec.name() + " (" + spec.type().kernelName() + ", key "
                    + spec.keySizeBytes() + ", value " + spec.valueSizeBytes() + " bytes, " + entries
                    + " entries) could not be created: " + Errno.name(-fd));
        }
        return new LinuxMap(host, spec, (int) fd, kernel.possibleCpus());
    }

    int fd() {
        return fd;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    private boolean isArray() {
        return spec.type() == MapType.ARRAY || spec.type() == MapType.PERCPU_ARRAY;
    }

    private long put(byte[] bytes) {
        if (bytes.length != keyBytes) {
            throw new IllegalArgumentException(
                    "map " + spec.name() + " has keys of " + keyBytes + " bytes, not " + bytes.length);
        }
        return key.putBytes(0, bytes).pushed(keyBytes);
    }

    @Override
    public synchronized Optional<byte[]> lookup(byte[] keyWanted) {
        long result = host.bpf().mapLookup(fd, put(keyWanted), value.address());
        if (result == -Errno.ENOENT) {
            return Optional.empty();
        }
        check("lookup", result);
        value.pulled(0, valueBytes);
        return Optional.of(value.getBytes(0, valueBytes));
    }

    @Override
    public synchronized void update(byte[] keyGiven, byte[] valueGiven, long flags) {
        if (valueGiven.length != valueBytes) {
            throw new IllegalArgumentException(
                    "map " + spec.name() + " has values of " + valueBytes + " bytes, not " + valueGiven.length);
        }
        value.putBytes(0, valueGiven);
        check("update", host.bpf().mapUpdate(fd, put(keyGiven), value.pushed(valueBytes), flags));
    }

    @Override
    public synchronized boolean delete(byte[] keyGone) {
        long result = host.bpf().mapDelete(fd, put(keyGone));
        if (result == -Errno.ENOENT) {
            return false;
        }
        check("delete", result);
        return true;
    }

    private void check(String operation, long result) {
        if (Errno.isError(result)) {
            throw new TargetException("map " + spec.name() + ": " + operation + " failed: " + Errno.name(-result));
        }
    }

    @Override
    public synchronized List<Entry> entries() {
        return byBatches().orElseGet(this::oneByOne);
    }

    /** All entries by batch look-ups, or empty where the map type or the kernel (before 5.6) has none. */
    private Optional<List<Entry>> byBatches() {
        switch (spec.type()) {
            case HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH, ARRAY, PERCPU_ARRAY -> {}
            default -> {
                return Optional.empty();
            }
        }
        int entryBytes = keyBytes + valueBytes;
        int count = Math.max(1, Math.min(spec.maxEntries(), Math.max(MIN_BATCH_ENTRIES, BATCH_BYTES / entryBytes)));
        while (true) {
            var all = new ArrayList<Entry>();
            long result = readBatches(count, all);
            if (result == -Errno.ENOENT || result == 0) {
                return Optional.of(all);
            }
            if (result != -Errno.ENOSPC || count >= spec.maxEntries()) {
                return Optional.empty();
            }
            // A bucket of the hash table held more than the whole batch.
            count = Math.min(spec.maxEntries(), count * 4);
        }
    }

    private long readBatches(int count, List<Entry> all) {
        int cursorBytes = Math.max(8, keyBytes);
        try (var cursor = host.syscalls().allocate(2L * cursorBytes);
                var keys = host.syscalls().allocate((long) count * keyBytes);
                var values = host.syscalls().allocate((long) count * valueBytes)) {
            long in = 0;
            int turn = 0;
            while (true) {
                long out = cursor.address() + (long) turn * cursorBytes;
                var batch = host.bpf().mapLookupBatch(fd, in, out, keys.address(), values.address(), count);
                if (batch.result() != 0 && batch.result() != -Errno.ENOENT) {
                    return batch.result();
                }
                int got = Math.min(batch.count(), count);
                keys.pulled(0, (long) got * keyBytes);
                values.pulled(0, (long) got * valueBytes);
                for (int i = 0; i < got; i++) {
                    all.add(new Entry(
                            keys.getBytes((long) i * keyBytes, keyBytes),
                            values.getBytes((long) i * valueBytes, valueBytes)));
                }
                if (batch.result() == -Errno.ENOENT || isArray() && all.size() >= spec.maxEntries()) {
                    return -Errno.ENOENT;
                }
                in = out;
                turn ^= 1;
            }
        }
    }

    /** A deleted key restarts the walk, so that keys may come twice; twice the entries bound it. */
    private List<Entry> oneByOne() {
        var all = new ArrayList<Entry>();
        var seen = new HashSet<ByteBuffer>();
        long at = 0;
        for (long steps = 0; steps < 2L * spec.maxEntries(); steps++) {
            if (Errno.isError(host.bpf().mapNextKey(fd, at, nextKey.address()))) {
                break;
            }
            nextKey.pulled(0, keyBytes);
            var bytes = nextKey.getBytes(0, keyBytes);
            at = put(bytes);
            if (host.bpf().mapLookup(fd, at, value.address()) == 0 && seen.add(ByteBuffer.wrap(bytes))) {
                value.pulled(0, valueBytes);
                all.add(new Entry(bytes, value.getBytes(0, valueBytes)));
            }
        }
        return all;
    }

    @Override
    public synchronized void clear() {
        if (isArray()) {
            zero();
            return;
        }
        for (var entry : entries()) {
            delete(entry.key());
        }
    }

    private void zero() {
        var zeros = new byte[valueBytes];
        var index = new byte[keyBytes];
        for (int i = 0; i < spec.maxEntries(); i++) {
            Arrays.fill(index, (byte) 0);
            ByteBuffer.wrap(index).order(java.nio.ByteOrder.LITTLE_ENDIAN).putInt(i);
            update(index, zeros, 0);
        }
    }
}
