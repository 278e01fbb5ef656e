package skep.session.bcc;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.c.bcc.CTypeInfo;
import skep.session.view.Value;

/** Values of C types as values that all languages know, and back. */
final class CValues {
    private static final int WORD = 8;

    private CValues() {}

    /** The value of a type in bytes, from {@code at} on; bytes that are missing count as zero. */
    static Value read(CTypeInfo type, byte[] bytes, int at) {
        return switch (type) {
            case CTypeInfo.IntegerType i when i.sizeBytes() > WORD -> raw(bytes, at, i.sizeBytes());
            case CTypeInfo.IntegerType i ->
                new Value.Int(ValueText.number(bytes, at, i.sizeBytes(), i.signed()), i.signed());
            case CTypeInfo.BoolType _ -> new Value.Bool(ValueText.number(bytes, at, 1, false) != 0);
            case CTypeInfo.FloatType f -> raw(bytes, at, f.sizeBytes());
            case CTypeInfo.PointerType _ -> new Value.Pointer(ValueText.number(bytes, at, WORD, false));
            case CTypeInfo.EnumType e -> {
                long value = ValueText.number(bytes, at, e.sizeBytes(), e.signed());
                var name = e.constants().stream()
                        .filter(constant -> constant.value() == value)
                        .map(CTypeInfo.EnumConstant::name)
                        .findFirst();
                yield new Value.EnumValue(value, e.signed(), name);
            }
            case CTypeInfo.ArrayType a when a.isText() -> text(bytes, at, a.count());
            case CTypeInfo.ArrayType a -> {
                var elements = new ArrayList<Value>();
                for (int i = 0; i < a.count(); i++) {
                    elements.add(read(a.element(), bytes, at + i * a.element().sizeBytes()));
                }
                yield new Value.Array(elements);
            }
            case CTypeInfo.CompositeType c -> new Value.Rec(members(c, bytes, at));
            case CTypeInfo.VoidType _ -> new Value.Tuple(List.of());
        };
    }

    private static List<Value.Member> members(CTypeInfo.CompositeType composite, byte[] bytes, int at) {
        var members = new ArrayList<Value.Member>();
        for (var member : composite.members()) {
            int place = at + member.offsetBytes();
            if (member.bitSize() > 0) {
                members.add(new Value.Member(member.name(), bits(member, bytes, place)));
            } else if (member.name().isEmpty() && member.type() instanceof CTypeInfo.CompositeType inner) {
                members.addAll(members(inner, bytes, place));
            } else {
                members.add(new Value.Member(member.name(), read(member.type(), bytes, place)));
            }
        }
        return members;
    }

    private static Value bits(CTypeInfo.Member member, byte[] bytes, int at) {
        boolean signed = member.type() instanceof CTypeInfo.IntegerType i && i.signed();
        long unit = ValueText.number(bytes, at, member.type().sizeBytes(), false);
        long left = unit << (64 - member.bitOffset() - member.bitSize());
        return new Value.Int(signed ? left >> (64 - member.bitSize()) : left >>> (64 - member.bitSize()), signed);
    }

    private static Value raw(byte[] bytes, int at, int size) {
        var part = new byte[size];
        System.arraycopy(bytes, at, part, 0, Math.clamp(bytes.length - (long) at, 0, size));
        return new Value.Bytes(part);
    }

    private static Value text(byte[] bytes, int at, int size) {
        int end = at;
        while (end < at + size && end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return new Value.Text(new String(bytes, at, Math.max(0, end - at), StandardCharsets.UTF_8));
    }

    /**
     * The bytes of a value for a type: numbers for integers, text for arrays of characters, members by name or elements in
     * order for structures.
     *
     * @throws IllegalArgumentException naming the type that the value does not fit
     */
    static byte[] write(CTypeInfo type, Value value) {
        var bytes = new byte[type.sizeBytes()];
        write(type, value, bytes, 0);
        return bytes;
    }

    private static void write(CTypeInfo type, Value value, byte[] into, int at) {
        switch (type) {
            case CTypeInfo.CompositeType c -> writeComposite(c, value, into, at);
            case CTypeInfo.ArrayType a
            when a.isText() && value instanceof Value.Text(String text) ->
                copy(text.getBytes(StandardCharsets.UTF_8), into, at, a.count(), type);
            case CTypeInfo.ArrayType a
            when value instanceof Value.Bytes raw -> copy(raw.bytes(), into, at, a.sizeBytes(), type);
            case CTypeInfo.ArrayType a -> {
                var elements = elements(value).orElseThrow(() -> unfit(type, value));
                if (elements.size() > a.count()) {
                    throw new IllegalArgumentException(elements.size() + " elements for " + type.name());
                }
                for (int i = 0; i < elements.size(); i++) {
                    write(
                            a.element(),
                            elements.get(i),
                            into,
                            at + i * a.element().sizeBytes());
                }
            }
            case CTypeInfo.EnumType e
            when value instanceof Value.Text(String name) -> {
                long number = e.constants().stream()
                        .filter(constant -> constant.name().equals(name))
                        .findFirst()
                        .orElseThrow(() -> new IllegalArgumentException(e.name() + " has no constant " + name))
                        .value();
                number(number, into, at, e.sizeBytes());
            }
            case CTypeInfo.IntegerType i
            when value instanceof Value.Bytes raw -> copy(raw.bytes(), into, at, i.sizeBytes(), type);
            case CTypeInfo.FloatType f
            when value instanceof Value.Bytes raw -> copy(raw.bytes(), into, at, f.sizeBytes(), type);
            case CTypeInfo.IntegerType _,
                    CTypeInfo.EnumType _,
                    CTypeInfo.PointerType _,
                    CTypeInfo.BoolType _,
                    CTypeInfo.FloatType _ -> number(number(type, value), into, at, type.sizeBytes());
            case CTypeInfo.VoidType _ -> {}
        }
    }

    private static void writeComposite(CTypeInfo.CompositeType type, Value value, byte[] into, int at) {
        var named = value instanceof Value.Rec(List<Value.Member> members) ? members : List.<Value.Member>of();
        var elements = elements(value);
        if (named.isEmpty() && elements.isEmpty()) {
            throw unfit(type, value);
        }
        for (var member : named) {
            if (type.members().stream().noneMatch(m -> m.name().equals(member.name()))) {
                throw new IllegalArgumentException(type.name() + " has no member " + member.name());
            }
        }
        if (elements.isPresent() && elements.get().size() > type.members().size()) {
            throw new IllegalArgumentException(
                    elements.get().size() + " values for the " + type.members().size() + " members of " + type.name());
        }
        for (int i = 0; i < type.members().size(); i++) {
            var member = type.members().get(i);
            int index = i;
            var part = elements.isPresent()
                    ? elements.filter(list -> index < list.size()).map(list -> list.get(index))
                    : named.stream()
                            .filter(m -> m.name().equals(member.name()))
                            .findFirst()
                            .map(Value.Member::value);
            if (part.isPresent() && member.bitSize() > 0) {
                int size = member.type().sizeBytes();
                long unit = ValueText.number(into, at + member.offsetBytes(), size, false);
                long mask = (member.bitSize() == 64 ? -1 : (1L << member.bitSize()) - 1) << member.bitOffset();
                long bits = number(member.type(), part.get()) << member.bitOffset();
                number(unit & ~mask | bits & mask, into, at + member.offsetBytes(), size);
            } else if (part.isPresent()) {
                write(member.type(), part.get(), into, at + member.offsetBytes());
            }
        }
    }

    private static Optional<List<Value>> elements(Value value) {
        return switch (value) {
            case Value.Array(List<Value> elements) -> Optional.of(elements);
            case Value.Tuple(List<Value> elements) -> Optional.of(elements);
            default -> Optional.empty();
        };
    }

    private static long number(CTypeInfo type, Value value) {
        return switch (value) {
            case Value.Int i -> i.value();
            case Value.Bool b -> b.value() ? 1 : 0;
            case Value.Pointer p -> p.address();
            case Value.EnumValue e -> e.value();
            case Value.Named n -> n.number();
            default -> throw unfit(type, value);
        };
    }

    private static void number(long number, byte[] into, int at, int size) {
        for (int i = 0; i < size; i++) {
            into[at + i] = (byte) (i < WORD ? number >> 8 * i : number < 0 ? -1 : 0);
        }
    }

    private static void copy(byte[] from, byte[] into, int at, int size, CTypeInfo type) {
        if (from.length > size) {
            throw new IllegalArgumentException(from.length + " bytes do not fit into " + type.name());
        }
        System.arraycopy(from, 0, into, at, from.length);
    }

    private static IllegalArgumentException unfit(CTypeInfo type, Value value) {
        return new IllegalArgumentException("no value for " + type.name() + ": " + value);
    }
}
