package skep.vm.inspect;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import skep.btf.Btf;
import skep.btf.BtfType;

/** Keys and values in the notation of C initialisers, by their types. */
final class TypedText {
    /** Elements shown of an array, and depth of structures. */
    private static final int MAX_ELEMENTS = 64;

    private static final int MAX_DEPTH = 8;

    private final Btf types;
    private final ByteBuffer bytes;

    private TypedText(Btf types, byte[] bytes) {
        this.types = types;
        this.bytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** For example {@code {pid: 7, comm: "cat"}}; hexadecimal digits without a type. */
    static String of(Btf types, int typeId, byte[] bytes) {
        return typeId == 0 ? HexFormat.of().formatHex(bytes) : new TypedText(types, bytes).text(typeId, 0, 0);
    }

    private String text(int typeId, long offset, int depth) {
        if (depth > MAX_DEPTH) {
            return "...";
        }
        return switch (types.resolved(typeId)) {
            case BtfType.Int integer -> number(offset, integer.sizeBytes(), integer.isSigned());
            case BtfType.Enumeration enumeration -> constant(enumeration, offset);
            case BtfType.Pointer _ -> "0x" + Long.toHexString(word(offset, 8));
            case BtfType.Array array -> array(array, offset, depth);
            case BtfType.Composite composite -> {
                var parts = new ArrayList<String>();
                for (var member : composite.members()) {
                    var value = member.bitFieldBits() != 0
                            ? bits(member)
                            : text(member.typeId(), offset + member.offsetBits() / 8, depth + 1);
                    parts.add(member.name().isEmpty() ? value : member.name() + ": " + value);
                }
                yield "{" + String.join(", ", parts) + "}";
            }
            default -> "?";
        };
    }

    private long word(long offset, int sizeBytes) {
        long value = 0;
        for (int i = Math.min(sizeBytes, 8) - 1; i >= 0; i--) {
            value = value << 8 | byteAt(offset + i);
        }
        return value;
    }

    private int byteAt(long offset) {
        return offset >= 0 && offset < bytes.capacity() ? bytes.get((int) offset) & 0xff : 0;
    }

    private String number(long offset, int sizeBytes, boolean signed) {
        long value = word(offset, sizeBytes);
        int unused = 64 - 8 * Math.min(8, sizeBytes);
        return signed ? Long.toString(value << unused >> unused) : Long.toUnsignedString(value);
    }

    private String bits(BtfType.Member member) {
        long value = word(member.offsetBits() / 8, 8) >>> member.offsetBits() % 8;
        return Long.toUnsignedString(value & (1L << member.bitFieldBits()) - 1);
    }

    private String constant(BtfType.Enumeration enumeration, long offset) {
        long value = word(offset, enumeration.sizeBytes());
        for (var known : enumeration.values()) {
            int unused = 64 - 8 * enumeration.sizeBytes();
            if (known.value() << unused == value << unused) {
                return known.name();
            }
        }
        return Long.toString(value);
    }

    private String array(BtfType.Array array, long offset, int depth) {
        if (types.resolved(array.elementId()) instanceof BtfType.Int element && element.sizeBytes() == 1) {
            var text = new StringBuilder();
            for (int i = 0; i < array.count() && byteAt(offset + i) != 0; i++) {
                text.append((char) byteAt(offset + i));
            }
            if (text.chars().allMatch(c -> c >= ' ' && c < 127)) {
                return InventoryText.quoted(
                        new String(text.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.ISO_8859_1));
            }
        }
        var parts = new ArrayList<String>();
        long elementBytes = types.sizeBytes(array.elementId());
        for (int i = 0; i < Math.min(array.count(), MAX_ELEMENTS); i++) {
            parts.add(text(array.elementId(), offset + i * elementBytes, depth + 1));
        }
        return "[" + String.join(", ", parts) + (array.count() > MAX_ELEMENTS ? ", ..." : "") + "]";
    }
}
