package skep.arm64.exec;

import java.util.TreeMap;

/** Which parts of the memory for code are free. */
final class CodeSpace {
    /** Programs never share a cache line. */
    private static final int LINE_BYTES = 64;

    private final long capacityBytes;
    /** Free ranges, address → size; no two adjoin. */
    private final TreeMap<Long, Long> free = new TreeMap<>();

    CodeSpace(long address, long sizeBytes) {
        this.capacityBytes = sizeBytes;
        free.put(address, sizeBytes);
    }

    /** The lowest place that is large enough. */
    long take(long sizeBytes) {
        long size = rounded(sizeBytes);
        for (var range : free.entrySet()) {
            if (range.getValue() >= size) {
                long address = range.getKey();
                long left = range.getValue() - size;
                free.remove(address);
                if (left > 0) {
                    free.put(address + size, left);
                }
                return address;
            }
        }
        throw new OutOfMemoryError("code of the ARM64 backend: " + (capacityBytes >> 20) + " MiB are used up");
    }

    void give(long address, long sizeBytes) {
        long from = address;
        long size = rounded(sizeBytes);
        var before = free.lowerEntry(address);
        if (before != null && before.getKey() + before.getValue() == address) {
            from = before.getKey();
            size += before.getValue();
            free.remove(from);
        }
        var after = free.remove(address + rounded(sizeBytes));
        free.put(from, size + (after == null ? 0 : after));
    }

    private static long rounded(long sizeBytes) {
        return (sizeBytes + LINE_BYTES - 1) & -LINE_BYTES;
    }
}
