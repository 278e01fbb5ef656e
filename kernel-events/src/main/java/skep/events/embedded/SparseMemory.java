package skep.events.embedded;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.HashMap;

/**
 * Simulated memory: pages that are mapped or not. A mapped page that nobody wrote reads as zeros and takes no room.
 * Little-endian.
 */
final class SparseMemory {
    static final int PAGE_BYTES = 4096;
    private static final byte[] ZEROS = new byte[PAGE_BYTES];
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final HashMap<Long, byte[]> pages = new HashMap<>();
    private long lastNumber = -1;
    private byte[] lastPage = ZEROS;

    void map(long address, long lengthBytes) {
        for (long page = address >>> 12; page <= address + lengthBytes - 1 >>> 12; page++) {
            pages.putIfAbsent(page, ZEROS);
        }
    }

    void unmap(long address, long lengthBytes) {
        for (long page = address >>> 12; page <= address + lengthBytes - 1 >>> 12; page++) {
            pages.remove(page);
        }
        lastNumber = -1;
    }

    boolean mapped(long address) {
        return pages.containsKey(address >>> 12);
    }

    /** Copies out; false if a byte of the range is not mapped, and nothing has been copied then. */
    boolean read(long address, byte[] into, int length) {
        if (length <= 0) {
            return length == 0;
        }
        long first = address >>> 12;
        long last = address + length - 1 >>> 12;
        for (long page = first; page <= last; page++) {
            if (!pages.containsKey(page)) {
                return false;
            }
        }
        int done = 0;
        while (done < length) {
            int off = (int) (address + done) & PAGE_BYTES - 1;
            int part = Math.min(length - done, PAGE_BYTES - off);
            System.arraycopy(pages.getOrDefault(address + done >>> 12, ZEROS), off, into, done, part);
            done += part;
        }
        return true;
    }

    private byte[] writable(long address) {
        long number = address >>> 12;
        if (number == lastNumber) {
            return lastPage;
        }
        var page = pages.get(number);
        if (page == null) {
            throw new IllegalStateException("the model writes to 0x" + Long.toHexString(address) + ", not mapped");
        }
        if (page == ZEROS) {
            page = new byte[PAGE_BYTES];
            pages.put(number, page);
        }
        lastNumber = number;
        lastPage = page;
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
