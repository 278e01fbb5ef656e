package skep.events.embedded;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Simulated memory: pages that are mapped or not. A mapped page that nobody wrote reads as zeros and takes no room.
 * Little-endian. The table of pages is a hash table with open addressing.
 */
final class SparseMemory {
    static final int PAGE_BYTES = 4096;
    private static final byte[] ZEROS = new byte[PAGE_BYTES];
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private long[] numbers = new long[1 << 12];
    private @Nullable byte[][] pages = new byte[1 << 12][];
    private int used;

    void map(long address, long lengthBytes) {
        for (long page = address >>> 12; page <= address + lengthBytes - 1 >>> 12; page++) {
            if (find(page) == null) {
                put(page, ZEROS);
            }
        }
    }

    void unmap(long address, long lengthBytes) {
        for (long page = address >>> 12; page <= address + lengthBytes - 1 >>> 12; page++) {
            remove(page);
        }
    }

    boolean mapped(long address) {
        return find(address >>> 12) != null;
    }

    private static int slot(long number, int mask) {
        return (int) (number * 0x9e37_79b9_7f4a_7c15L >>> 40) & mask;
    }

    private byte @Nullable [] find(long number) {
        int mask = numbers.length - 1;
        for (int i = slot(number, mask); pages[i] != null; i = i + 1 & mask) {
            if (numbers[i] == number) {
                return pages[i];
            }
        }
        return null;
    }

    private void put(long number, byte[] page) {
        if (2 * used >= numbers.length) {
            grow();
        }
        int mask = numbers.length - 1;
        int i = slot(number, mask);
        while (pages[i] != null && numbers[i] != number) {
            i = i + 1 & mask;
        }
        used += pages[i] == null ? 1 : 0;
        numbers[i] = number;
        pages[i] = page;
    }

    private void grow() {
        var oldNumbers = numbers;
        var oldPages = pages;
        numbers = new long[2 * oldNumbers.length];
        pages = Arrays.copyOf(new byte[0][], numbers.length);
        used = 0;
        for (int i = 0; i < oldNumbers.length; i++) {
            var page = oldPages[i];
            if (page != null) {
                put(oldNumbers[i], page);
            }
        }
    }

    private void remove(long number) {
        int mask = numbers.length - 1;
        int i = slot(number, mask);
        while (pages[i] != null && numbers[i] != number) {
            i = i + 1 & mask;
        }
        if (pages[i] == null) {
            return;
        }
        pages[i] = null;
        used--;
        // what comes behind may have been pushed there by the removed one
        for (int j = i + 1 & mask; pages[j] != null; j = j + 1 & mask) {
            var moved = pages[j];
            pages[j] = null;
            used--;
            put(numbers[j], moved);
        }
    }

    /** Copies out; false if a byte of the range is not mapped, and nothing has been copied then. */
    boolean read(long address, byte[] into, int length) {
        if (length <= 0) {
            return length == 0;
        }
        long last = address + length - 1 >>> 12;
        for (long number = address >>> 12; number <= last; number++) {
            if (find(number) == null) {
                return false;
            }
        }
        int done = 0;
        while (done < length) {
            int off = (int) (address + done) & PAGE_BYTES - 1;
            int part = Math.min(length - done, PAGE_BYTES - off);
            var page = find(address + done >>> 12);
            System.arraycopy(page == null ? ZEROS : page, off, into, done, part);
            done += part;
        }
        return true;
    }

    private byte[] writable(long address) {
        long number = address >>> 12;
        var page = find(number);
        if (page == null) {
            throw new IllegalStateException("the model writes to 0x" + Long.toHexString(address) + ", not mapped");
        }
        if (page == ZEROS) {
            page = new byte[PAGE_BYTES];
            put(number, page);
        }
        return page;
    }

    void putLong(long address, long value) {
        int off = (int) address & PAGE_BYTES - 1;
        if (off <= PAGE_BYTES - 8) {
            LONG.set(writable(address), off, value);
        } else {
            put(address, value, 8);
        }
    }

    void putInt(long address, int value) {
        int off = (int) address & PAGE_BYTES - 1;
        if (off <= PAGE_BYTES - 4) {
            INT.set(writable(address), off, value);
        } else {
            put(address, value, 4);
        }
    }

    /** Writes the low bytes of a value. */
    void put(long address, long value, int sizeBytes) {
        for (int i = 0; i < sizeBytes; i++) {
            writable(address + i)[(int) (address + i) & PAGE_BYTES - 1] = (byte) (value >>> 8 * i);
        }
    }

    void putBytes(long address, byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            writable(address + i)[(int) (address + i) & PAGE_BYTES - 1] = bytes[i];
        }
    }
}
