package skep.linux.sys;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Memory in the process that makes system calls. Stores go to a local segment; {@link #pushed} makes them visible to the
 * kernel before the next call and {@link #pulled} fetches what the kernel wrote. Where the calling process is this one,
 * both cost nothing. Not thread-safe; has one owner, who closes it.
 */
public interface Block extends AutoCloseable {
    /** The local bytes. */
    MemorySegment segment();

    /** Where the block is in the calling process. */
    long address();

    /** Makes the first {@code bytes} visible to the kernel; returns {@link #address}. */
    long pushed(long bytes);

    /** Fetches {@code bytes} at {@code offset} as the kernel left them; returns {@link #segment}. */
    MemorySegment pulled(long offset, long bytes);

    @Override
    void close();

    default long sizeBytes() {
        return segment().byteSize();
    }

    default Block clear(long bytes) {
        segment().asSlice(0, bytes).fill((byte) 0);
        return this;
    }

    default Block putInt(long offset, int value) {
        segment().set(ValueLayout.JAVA_INT_UNALIGNED, offset, value);
        return this;
    }

    default Block putLong(long offset, long value) {
        segment().set(ValueLayout.JAVA_LONG_UNALIGNED, offset, value);
        return this;
    }

    default Block putBytes(long offset, byte[] bytes) {
        MemorySegment.copy(bytes, 0, segment(), ValueLayout.JAVA_BYTE, offset, bytes.length);
        return this;
    }

    /** Puts a string with its zero byte; returns the offset behind it. */
    default long putString(long offset, String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        putBytes(offset, bytes);
        segment().set(ValueLayout.JAVA_BYTE, offset + bytes.length, (byte) 0);
        return offset + bytes.length + 1;
    }

    default int getInt(long offset) {
        return segment().get(ValueLayout.JAVA_INT_UNALIGNED, offset);
    }

    default long getLong(long offset) {
        return segment().get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
    }

    default byte[] getBytes(long offset, int length) {
        var bytes = new byte[length];
        MemorySegment.copy(segment(), ValueLayout.JAVA_BYTE, offset, bytes, 0, length);
        return bytes;
    }

    /** The string at an offset, up to its zero byte or {@code limit}. */
    default String getString(long offset, int limit) {
        var bytes = getBytes(offset, limit);
        int end = 0;
        while (end < limit && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }
}
