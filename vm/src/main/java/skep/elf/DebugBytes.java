package skep.elf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/** A section of debugging information, inflated where it is compressed, with DWARF's numbers (DWARF 5, 7.6). */
final class DebugBytes {
    private static final long COMPRESSED = 0x800;
    private static final int ZLIB = 1;
    /** Against sections that only claim to be huge. */
    private static final long MAX_BYTES = 1L << 30;

    private final ByteBuffer bytes;

    private DebugBytes(ByteBuffer bytes) {
        this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A section by name; without bytes if the file has none. */
    static DebugBytes of(ElfFile file, String name) {
        return new DebugBytes(ByteBuffer.wrap(file.section(name)
                .map(section -> {
                    var raw = file.bytes(section);
                    return (section.flags() & COMPRESSED) != 0 ? inflated(raw) : raw;
                })
                .orElse(new byte[0])));
    }

    static DebugBytes of(byte[] bytes) {
        return new DebugBytes(ByteBuffer.wrap(bytes));
    }

    /** All bytes; not a copy. */
    byte[] array() {
        return bytes.array();
    }

    byte[] bytes(long count) {
        need((int) Math.min(count < 0 ? Integer.MAX_VALUE : count, Integer.MAX_VALUE));
        var some = new byte[(int) count];
        bytes.get(some);
        return some;
    }

    /** {@code Elf64_Chdr}: type 4, reserved 4, size 8, alignment 8; then the data. */
    private static byte[] inflated(byte[] raw) {
        var header = ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN);
        if (raw.length < 24 || header.getInt(0) != ZLIB || header.getLong(8) > MAX_BYTES) {
            throw new MalformedElfException("a section is compressed in a way that is not known here");
        }
        var inflater = new Inflater();
        try {
            inflater.setInput(raw, 24, raw.length - 24);
            var out = new ByteArrayOutputStream((int) header.getLong(8));
            var piece = new byte[1 << 16];
            while (!inflater.finished()) {
                int n = inflater.inflate(piece);
                if (n == 0 && (inflater.needsInput() || inflater.needsDictionary())) {
                    break;
                }
                out.write(piece, 0, n);
            }
            return out.toByteArray();
        } catch (DataFormatException damaged) {
            throw new MalformedElfException("a compressed section is damaged: " + damaged.getMessage());
        } finally {
            inflater.end();
        }
    }

    boolean isEmpty() {
        return bytes.limit() == 0;
    }

    boolean hasMore() {
        return bytes.hasRemaining();
    }

    int at() {
        return bytes.position();
    }

    void go(long offset) {
        if (offset < 0 || offset > bytes.limit()) {
            throw new MalformedElfException("debugging information points outside its section");
        }
        bytes.position((int) offset);
    }

    private void need(int count) {
        if (bytes.remaining() < count) {
            throw new MalformedElfException("debugging information is cut off");
        }
    }

    int u1() {
        need(1);
        return bytes.get() & 0xff;
    }

    int s1() {
        need(1);
        return bytes.get();
    }

    int u2() {
        need(2);
        return bytes.getShort() & 0xffff;
    }

    long u4() {
        need(4);
        return bytes.getInt() & 0xffff_ffffL;
    }

    long u8() {
        need(8);
        return bytes.getLong();
    }

    /** An offset: four bytes, or eight in the 64-bit format. */
    long offset(boolean wide) {
        return wide ? u8() : u4();
    }

    long uleb() {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            int b = u1();
            value |= shift < 64 ? (long) (b & 0x7f) << shift : 0;
            if ((b & 0x80) == 0) {
                return value;
            }
        }
    }

    long sleb() {
        long value = 0;
        int shift = 0;
        int b;
        do {
            b = u1();
            value |= shift < 64 ? (long) (b & 0x7f) << shift : 0;
            shift += 7;
        } while ((b & 0x80) != 0);
        return shift < 64 && (b & 0x40) != 0 ? value | -1L << shift : value;
    }

    void skip(long count) {
        go(at() + count);
    }

    String string() {
        int start = at();
        while (u1() != 0) {
            continue;
        }
        var text = new byte[at() - 1 - start];
        bytes.get(start, text);
        return new String(text, StandardCharsets.UTF_8);
    }

    /** The string at an offset, for references from other sections. */
    String stringAt(long offset) {
        int here = at();
        go(offset);
        var text = string();
        go(here);
        return text;
    }
}
