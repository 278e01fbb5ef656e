package skep.session.bcc;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import skep.c.bcc.CTypeInfo;

/**
 * Takes the fields of a structure out of a record: integers as {@code long} (unsigned ones of eight bytes as they are in
 * memory), text up to its end as a string of one character a byte, everything else as all its bytes in such a string. Made
 * once for a table; a record that is too short has zeros.
 */
public final class RecordDecoder {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private final int sizeBytes;
    private final Field[] fields;

    private enum Shape {
        SIGNED_1,
        UNSIGNED_1,
        SIGNED_2,
        UNSIGNED_2,
        SIGNED_4,
        UNSIGNED_4,
        WORD,
        TEXT,
        BYTES
    }

    private record Field(String name, Shape shape, int off, int size, boolean unsignedWord) {}

    private RecordDecoder(int sizeBytes, List<Field> fields) {
        this.sizeBytes = sizeBytes;
        this.fields = fields.toArray(Field[]::new);
    }

    /** The decoder of a structure's members; bit-fields and anonymous members make it undecodable here: then empty. */
    static java.util.Optional<RecordDecoder> of(CTypeInfo type) {
        if (!(type instanceof CTypeInfo.CompositeType composite) || composite.union()) {
            return java.util.Optional.empty();
        }
        var fields = new ArrayList<Field>();
        for (var member : composite.members()) {
            if (member.bitSize() != 0 || member.name().isEmpty()) {
                return java.util.Optional.empty();
            }
            fields.add(field(member));
        }
        return java.util.Optional.of(new RecordDecoder(composite.sizeBytes(), fields));
    }

    private static Field field(CTypeInfo.Member member) {
        int size = member.type().sizeBytes();
        var shape = switch (member.type()) {
            case CTypeInfo.IntegerType i when i.character() -> Shape.BYTES;
            case CTypeInfo.IntegerType i -> integer(size, i.signed());
            case CTypeInfo.EnumType e -> integer(size, e.signed());
            case CTypeInfo.PointerType _ -> Shape.WORD;
            case CTypeInfo.BoolType _ -> Shape.BYTES;
            case CTypeInfo.ArrayType a -> a.isText() ? Shape.TEXT : Shape.BYTES;
            case CTypeInfo.FloatType _, CTypeInfo.CompositeType _, CTypeInfo.VoidType _ -> Shape.BYTES;
        };
        boolean unsigned = !(member.type() instanceof CTypeInfo.IntegerType i && i.signed());
        return new Field(member.name(), shape, member.offsetBytes(), size, shape == Shape.WORD && unsigned);
    }

    private static Shape integer(int size, boolean signed) {
        return switch (size) {
            case 1 -> signed ? Shape.SIGNED_1 : Shape.UNSIGNED_1;
            case 2 -> signed ? Shape.SIGNED_2 : Shape.UNSIGNED_2;
            case 4 -> signed ? Shape.SIGNED_4 : Shape.UNSIGNED_4;
            case 8 -> Shape.WORD;
            default -> Shape.BYTES;
        };
    }

    /** For each field: its name, and {@code n} number, {@code u} number to be read unsigned, {@code t} text, {@code b} bytes. */
    String plan() {
        var text = new StringBuilder("(");
        for (var field : fields) {
            char kind = switch (field.shape) {
                case TEXT -> 't';
                case BYTES -> 'b';
                default -> field.unsignedWord ? 'u' : 'n';
            };
            text.append('(')
                    .append(TypeText.quoted(field.name))
                    .append(",'")
                    .append(kind)
                    .append("'),");
        }
        return text.append(')').toString();
    }

    int fieldCount() {
        return fields.length;
    }

    /** Puts the fields behind what stands in the first {@code from} places. */
    void decode(MemorySegment given, Object[] into, int from) {
        var record = given.byteSize() >= sizeBytes ? given : padded(given);
        for (int i = 0; i < fields.length; i++) {
            into[from + i] = value(record, fields[i]);
        }
    }

    private MemorySegment padded(MemorySegment given) {
        var bytes = new byte[sizeBytes];
        MemorySegment.copy(given, ValueLayout.JAVA_BYTE, 0, bytes, 0, (int) given.byteSize());
        return MemorySegment.ofArray(bytes);
    }

    private static Object value(MemorySegment record, Field field) {
        int at = field.off;
        return switch (field.shape) {
            case SIGNED_1 -> (long) record.get(ValueLayout.JAVA_BYTE, at);
            case UNSIGNED_1 -> record.get(ValueLayout.JAVA_BYTE, at) & 0xffL;
            case SIGNED_2 -> (long) record.get(SHORT, at);
            case UNSIGNED_2 -> record.get(SHORT, at) & 0xffffL;
            case SIGNED_4 -> (long) record.get(INT, at);
            case UNSIGNED_4 -> record.get(INT, at) & 0xffff_ffffL;
            case WORD -> record.get(LONG, at);
            case TEXT -> text(record, at, field.size);
            case BYTES -> bytes(record, at, field.size);
        };
    }

    private static String text(MemorySegment record, int at, int size) {
        int length = 0;
        while (length < size && record.get(ValueLayout.JAVA_BYTE, at + (long) length) != 0) {
            length++;
        }
        return bytes(record, at, length);
    }

    static String bytes(MemorySegment record, long at, int length) {
        var bytes = new byte[length];
        MemorySegment.copy(record, ValueLayout.JAVA_BYTE, at, bytes, 0, length);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
