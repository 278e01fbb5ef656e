package skep.vm.maps;

import java.util.Comparator;
import java.util.List;
import skep.vm.Memory;
import skep.vm.verifier.SpecialField;

/**
 * How values are copied: special fields (locks, timers, kernel pointers) keep out of it.
 *
 * @param sizeBytes as declared
 * @param fields sorted by offset
 */
record ValueShape(int sizeBytes, List<SpecialField> fields) {
    /** Up to here words are copied one by one. */
    private static final int MAX_WORDS_BYTES = 64;

    ValueShape {
        fields = fields.stream()
                .sorted(Comparator.comparingInt(SpecialField::offBytes))
                .toList();
    }

    static ValueShape of(MapRequest request) {
        return new ValueShape(request.spec().valueSizeBytes(), request.fields());
    }

    /** Room that a value takes. */
    int paddedBytes() {
        return pad(sizeBytes);
    }

    static int pad(int bytes) {
        return (int) (bytes + 7L & ~7);
    }

    /** Fills a fresh element: special fields become zero. */
    void init(long from, long to) {
        copy(from, to);
        for (var field : fields) {
            Memory.fill(to + field.offBytes(), field.sizeBytes(), (byte) 0);
        }
    }

    /** Overwrites a live value: its special fields stay as they are. */
    void copy(long from, long to) {
        if (fields.isEmpty()) {
            copyBytes(from, to, sizeBytes);
            return;
        }
        int at = 0;
        for (var field : fields) {
            copyBytes(from + at, to + at, field.offBytes() - at);
            at = field.offBytes() + field.sizeBytes();
        }
        copyBytes(from + at, to + at, sizeBytes - at);
    }

    /** Copies for user space, which sees zeros in place of special fields. */
    void read(long from, long to, boolean locked) {
        int lock = locked ? lockOffset() : -1;
        if (lock >= 0) {
            SpinLock.lock(from + lock);
        }
        init(from, to);
        if (lock >= 0) {
            SpinLock.unlock(from + lock);
        }
    }

    /** Overwrites a live value while holding its lock. */
    void copyLocked(long from, long to) {
        int lock = lockOffset();
        SpinLock.lock(to + lock);
        copy(from, to);
        SpinLock.unlock(to + lock);
    }

    /** Where a value's spin lock is, or -1. */
    int lockOffset() {
        for (var field : fields) {
            if (field.kind() == SpecialField.Kind.SPIN_LOCK) {
                return field.offBytes();
            }
        }
        return -1;
    }

    /** Most values are one or two words: those go without a call into the JDK's copying. */
    static void copyBytes(long from, long to, int bytes) {
        switch (bytes) {
            case 0 -> {}
            case 4 -> Memory.putInt(to, Memory.getInt(from));
            case 8 -> Memory.putLong(to, Memory.getLong(from));
            case 16 -> {
                Memory.putLong(to, Memory.getLong(from));
                Memory.putLong(to + 8, Memory.getLong(from + 8));
            }
            default -> copyMore(from, to, bytes);
        }
    }

    private static void copyMore(long from, long to, int bytes) {
        if (bytes > MAX_WORDS_BYTES || bytes % 4 != 0) {
            Memory.copy(from, to, bytes);
            return;
        }
        int at = 0;
        for (; at + 8 <= bytes; at += 8) {
            Memory.putLong(to + at, Memory.getLong(from + at));
        }
        if (at < bytes) {
            Memory.putInt(to + at, Memory.getInt(from + at));
        }
    }
}
