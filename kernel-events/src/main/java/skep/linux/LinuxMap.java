package skep.linux;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.linux.sys.Block;
import skep.linux.sys.Bpf;
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

    static LinuxMap create(Host host, MapSpec spec, LinuxKernel kernel, ObjectTypes types) {
        int inner = spec.setup().inner().isPresent()
                ? descriptor(host, spec.setup().inner().get(), kernel, types, 0)
                : 0;
        try {
            return new LinuxMap(host, spec, descriptor(host, spec, kernel, types, inner), kernel.possibleCpus());
        } finally {
            if (inner != 0) {
                host.close(inner);
            }
        }
    }

    private static int descriptor(Host host, MapSpec spec, LinuxKernel kernel, ObjectTypes types, int inner) {
        int entries = spec.type() == MapType.PERF_EVENT_ARRAY && spec.maxEntries() == 0
                ? kernel.possibleCpus()
                : spec.maxEntries();
        var setup = spec.setup();
        boolean typed = types.isLoaded() && setup.valueTypeId() != 0;
        var bare = new Bpf.MapDetails(inner, 0, 0, 0, setup.extra());
        var details = typed
                ? new Bpf.MapDetails(inner, types.fd(), setup.keyTypeId(), setup.valueTypeId(), setup.extra())
                : bare;
        long fd = create(host, spec, entries, details);
        if (Errno.isError(fd) && typed) {
            // Many map types, and old kernels, take none.
            fd = create(host, spec, entries, bare);
        }
        if (Errno.isError(fd)) {
            throw new TargetException("map " + spec.name() + " (" + spec.type().kernelName() + ", key "
                    + spec.keySizeBytes() + ", value " + spec.valueSizeBytes() + " bytes, " + entries
                    + " entries) could not be created: " + Errno.name(-fd)
                    + (types.refusal().isEmpty() ? "" : "; the kernel refuses the object's types: " + types.refusal()));
        }
        return (int) fd;
    }

    private static long create(Host host, MapSpec spec, int entries, Bpf.MapDetails details) {
        return host.bpf()
                .mapCreate(
                        spec.type(),
                        spec.name(),
                        spec.keySizeBytes(),
                        spec.valueSizeBytes(),
                        entries,
                        spec.flags(),
                        details);
    }

    /** Puts a map or program into a map that takes descriptors. */
    void updateFd(int index, int inside) {
        update(little(index), little(inside), 0);
    }

    private static byte[] little(int number) {
        return ByteBuffer.allocate(4)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .array();
    }

    void freeze() {
        check("freeze", host.bpf().mapFreeze(fd));
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

    private byte[] checkedKey(byte[] bytes) {
        if (bytes.length != keyBytes) {
            throw new IllegalArgumentException(
                    "map " + spec.name() + " has keys of " + keyBytes + " bytes, not " + bytes.length);
        }
        return bytes;
    }

    private long put(byte[] bytes) {
        long address = key.putBytes(0, checkedKey(bytes)).pushed(keyBytes);
        // Queues, stacks and Bloom filters take no key, not even one of no bytes.
        return keyBytes == 0 ? 0 : address;
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

    @Override
    public synchronized Optional<byte[]> lookupAndDelete(byte[] keyGone) {
        long result = host.bpf().mapLookupAndDelete(fd, put(keyGone), value.address());
        if (result == -Errno.ENOENT) {
            return Optional.empty();
        }
        // Hash maps learned it with Linux 5.14.
        if (result == -Errno.ENOTSUPP || result == -Errno.EOPNOTSUPP || result == -Errno.EINVAL) {
            return LoadedMap.super.lookupAndDelete(keyGone);
        }
        check("lookup and delete", result);
        value.pulled(0, valueBytes);
        return Optional.of(value.getBytes(0, valueBytes));
    }

    @Override
    public synchronized List<Entry> takeAll() {
        return switch (spec.type()) {
            case HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH -> byBatches(true).orElseGet(LoadedMap.super::takeAll);
            default -> LoadedMap.super.takeAll();
        };
    }

    @Override
    public synchronized void updateAll(List<Entry> entries) {
        inBatches(
                entries,
                entry -> entry.key(),
                entry -> entry.value(),
                (keys, values, count) -> host.bpf().mapUpdateBatch(fd, keys, values, count),
                entry -> update(entry.key(), entry.value(), 0));
    }

    @Override
    public synchronized void deleteAll(List<byte[]> keysGone) {
        if (isArray()) {
            keysGone.forEach(this::delete);
            return;
        }
        inBatches(
                keysGone,
                gone -> gone,
                gone -> new byte[0],
                (keys, values, count) -> host.bpf().mapDeleteBatch(fd, keys, count),
                this::delete);
    }

    @FunctionalInterface
    private interface BatchCall {
        Bpf.Batch make(long keys, long values, int count);
    }

    /** Does what batches leave, or all of it where there are none, one by one. */
    private <T> void inBatches(
            List<T> items, Function<T, byte[]> keyOf, Function<T, byte[]> valueOf, BatchCall call, Consumer<T> alone) {
        int done = 0;
        int most = Math.max(MIN_BATCH_ENTRIES, BATCH_BYTES / (keyBytes + valueBytes));
        while (done < items.size() && batches()) {
            int count = Math.min(most, items.size() - done);
            try (var keys = host.syscalls().allocate((long) count * keyBytes);
                    var values = host.syscalls().allocate(Math.max(1, (long) count * valueBytes))) {
                int valuesFilled = 0;
                for (int i = 0; i < count; i++) {
                    var item = items.get(done + i);
                    keys.putBytes((long) i * keyBytes, checkedKey(keyOf.apply(item)));
                    var bytes = valueOf.apply(item);
                    values.putBytes((long) i * valueBytes, bytes);
                    valuesFilled += bytes.length;
                }
                var batch = call.make(
                        keys.pushed((long) count * keyBytes),
                        valuesFilled == 0 ? 0 : values.pushed((long) count * valueBytes),
                        count);
                if (batch.result() == 0) {
                    done += count;
                    continue;
                }
                // A count that is still what was asked for was not written: the call was refused as a whole.
                if (batch.count() < 0 || batch.count() >= count) {
                    break;
                }
                // The entry at which the kernel stopped says why when it is done alone.
                done += batch.count();
                alone.accept(items.get(done++));
            }
        }
        for (; done < items.size(); done++) {
            alone.accept(items.get(done));
        }
    }

    @Override
    public void pin(String path) {
        BpfFiles.pin(host, fd, "map " + spec.name(), path);
    }

    @Override
    public int handle() {
        return fd;
    }

    private void check(String operation, long result) {
        if (Errno.isError(result)) {
            throw new TargetException("map " + spec.name() + ": " + operation + " failed: " + Errno.name(-result));
        }
    }

    @Override
    public synchronized List<Entry> entries() {
        return byBatches(false).orElseGet(this::oneByOne);
    }

    private boolean batches() {
        return switch (spec.type()) {
            case HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH, ARRAY, PERCPU_ARRAY -> true;
            default -> false;
        };
    }

    /** All entries by batch look-ups, or empty where the map type or the kernel (before 5.6) has none. */
    private Optional<List<Entry>> byBatches(boolean taking) {
        if (!batches()) {
            return Optional.empty();
        }
        int entryBytes = keyBytes + valueBytes;
        int count = Math.max(1, Math.min(spec.maxEntries(), Math.max(MIN_BATCH_ENTRIES, BATCH_BYTES / entryBytes)));
        var all = new ArrayList<Entry>();
        while (true) {
            if (!taking) {
                all.clear();
            }
            long result = readBatches(count, all, taking);
            if (result == -Errno.ENOENT || result == 0) {
                return Optional.of(all);
            }
            if (result != -Errno.ENOSPC || count >= spec.maxEntries()) {
                if (taking) {
                    all.addAll(LoadedMap.super.takeAll());
                    return Optional.of(all);
                }
                return Optional.empty();
            }
            // A bucket of the hash table held more than the whole batch.
            count = Math.min(spec.maxEntries(), count * 4);
        }
    }

    private long readBatches(int count, List<Entry> all, boolean taking) {
        int cursorBytes = Math.max(8, keyBytes);
        try (var cursor = host.syscalls().allocate(2L * cursorBytes);
                var keys = host.syscalls().allocate((long) count * keyBytes);
                var values = host.syscalls().allocate((long) count * valueBytes)) {
            long in = 0;
            int turn = 0;
            while (true) {
                long out = cursor.address() + (long) turn * cursorBytes;
                var batch = taking
                        ? host.bpf().mapTakeBatch(fd, in, out, keys.address(), values.address(), count)
                        : host.bpf().mapLookupBatch(fd, in, out, keys.address(), values.address(), count);
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
        deleteAll(entries().stream().map(Entry::key).toList());
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
