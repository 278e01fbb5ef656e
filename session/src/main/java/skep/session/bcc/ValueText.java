package skep.session.bcc;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import skep.c.bcc.CTypeInfo;

/** A value of a C type as text: {@code {pid: 5, comm: "sh"}}. */
final class ValueText {
    private ValueText() {}

    static String of(CTypeInfo type, byte[] bytes, int at) {
        return switch (type) {
            case CTypeInfo.IntegerType i
            when i.sizeBytes() == 16 ->
                "0x%016x%016x".formatted(number(bytes, at + 8, 8, false), number(bytes, at, 8, false));
            case CTypeInfo.IntegerType i -> integer(number(bytes, at, i.sizeBytes(), i.signed()), i.signed());
            case CTypeInfo.BoolType b -> number(bytes, at, 1, false) != 0 ? "true" : "false";
            case CTypeInfo.FloatType f -> Double.toString(Double.longBitsToDouble(number(bytes, at, 8, false)));
            case CTypeInfo.PointerType p -> "0x" + Long.toHexString(number(bytes, at, 8, false));
            case CTypeInfo.EnumType e -> {
                long value = number(bytes, at, e.sizeBytes(), e.signed());
                yield e.constants().stream()
                        .filter(c -> c.value() == value)
                        .map(CTypeInfo.EnumConstant::name)
                        .findFirst()
                        .orElse(Long.toString(value));
            }
            case CTypeInfo.ArrayType a when a.isText() -> text(bytes, at, a.count());
            case CTypeInfo.ArrayType a -> {
                var list = new ArrayList<String>();
                for (int i = 0; i < a.count(); i++) {
                    list.add(of(a.element(), bytes, at + i * a.element().sizeBytes()));
                }
                yield list.toString();
            }
            case CTypeInfo.CompositeType c -> composite(c, bytes, at);
            case CTypeInfo.VoidType v -> "";
        };
    }

    private static String integer(long value, boolean signed) {
        return signed ? Long.toString(value) : Long.toUnsignedString(value);
    }

    private static String text(byte[] bytes, int at, int size) {
        int end = at;
        while (end < at + size && end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return '"' + new String(bytes, at, Math.max(0, end - at), StandardCharsets.UTF_8) + '"';
    }

    private static String composite(CTypeInfo.CompositeType c, byte[] bytes, int at) {
        var list = new ArrayList<String>();
        for (var m : c.members()) {
            String value;
            if (m.bitSize() > 0) {
                boolean signed = m.type() instanceof CTypeInfo.IntegerType i && i.signed();
                long unit = number(bytes, at + m.offsetBytes(), m.type().sizeBytes(), false);
                long left = unit << (64 - m.bitOffset() - m.bitSize());
                value = integer(signed ? left >> (64 - m.bitSize()) : left >>> (64 - m.bitSize()), signed);
            } else {
                value = of(m.type(), bytes, at + m.offsetBytes());
            }
            list.add(m.name().isEmpty() ? value : m.name() + ": " + value);
        }
        return "{" + String.join(", ", list) + "}";
    }

    /** A little-endian number; bytes that are missing count as zero. */
    static long number(byte[] bytes, int at, int size, boolean signed) {
        long value = 0;
        for (int i = Math.min(size, 8) - 1; i >= 0; i--) {
            value = value << 8 | (at + i < bytes.length ? bytes[at + i] & 0xff : 0);
        }
        int spare = 64 - 8 * Math.min(size, 8);
        return signed ? value << spare >> spare : value;
    }
}
