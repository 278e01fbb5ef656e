package skep.session;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import skep.dsl.Type;
import skep.session.aggregate.AggregateReader;
import skep.session.view.Strftime;
import skep.session.view.Value;
import skep.target.LoadedMap;

/** Reads values of the language from bytes, as {@link Type} lays them out, and looks up what printing them needs. */
final class ValueReader {
    private final Symbols symbols;
    private final Function<String, LoadedMap> maps;
    private final String truncationTrailer;

    /**
     * @param maps gives the stack-trace maps that stacks refer to
     * @param truncationTrailer what follows a string that filled its field
     */
    ValueReader(Symbols symbols, Function<String, LoadedMap> maps, String truncationTrailer) {
        this.symbols = symbols;
        this.maps = maps;
        this.truncationTrailer = truncationTrailer;
    }

    /** The parts of a key: the elements of a tuple, or the one value. */
    List<Value> key(Type type, byte[] bytes) {
        return read(type, bytes, 0) instanceof Value.Tuple tuple ? tuple.elements() : List.of(read(type, bytes, 0));
    }

    Value read(Type type, byte[] bytes, int offset) {
        return switch (type) {
            case Type.Void _ -> new Value.Text("");
            case Type.Int i -> new Value.Int(integer(bytes, offset, i.sizeBytes(), i.signed()), i.signed());
            case Type.Bool _ -> new Value.Bool(bytes[offset] != 0);
            case Type.Str s -> string(bytes, offset, s);
            case Type.Buffer b -> {
                int length = Math.clamp(word(bytes, offset, 4), 0, b.capacityBytes());
                yield new Value.Bytes(Arrays.copyOfRange(bytes, offset + 4, offset + 4 + length));
            }
            case Type.Tuple t -> {
                var elements = new ArrayList<Value>();
                var layout = Type.Layout.of(t.elements());
                for (int i = 0; i < t.elements().size(); i++) {
                    elements.add(read(
                            t.elements().get(i),
                            bytes,
                            offset + layout.offsets().get(i)));
                }
                yield new Value.Tuple(elements);
            }
            case Type.Rec r -> {
                var members = new ArrayList<Value.Member>();
                for (int i = 0; i < r.members().size(); i++) {
                    var member = r.members().get(i);
                    members.add(new Value.Member(member.name(), read(member.type(), bytes, offset + r.offsetOf(i))));
                }
                yield new Value.Rec(members);
            }
            case Type.Array a -> array(a, bytes, offset);
            case Type.Pointer _ -> new Value.Pointer(word(bytes, offset, 8));
            case Type.Struct s -> new Value.Rec(fields(s, bytes, offset));
            case Type.Enum e -> {
                long number = integer(bytes, offset, e.sizeBytes(), e.signed());
                yield new Value.EnumValue(
                        number, e.signed(), Optional.ofNullable(e.names().get(number)));
            }
            case Type.KernelStack k ->
                symbols.kernelStack(maps.apply(k.map()), word(bytes, offset, 8), k.mode(), k.depth());
            case Type.UserStack u when u.unwound() -> symbols.unwoundStack(word(bytes, offset, 8), u.mode(), u.depth());
            case Type.UserStack u ->
                symbols.userStack(
                        maps.apply(u.map()),
                        word(bytes, offset, 8),
                        (int) word(bytes, offset + 8, 4),
                        u.mode(),
                        u.depth());
            case Type.Symbolic s -> symbolic(s.symbols(), word(bytes, offset, 8));
            case Type.UserSymbol _ -> symbols.userSymbol((int) word(bytes, offset + 8, 4), word(bytes, offset, 8));
            case Type.Inet _ -> new Value.Text(Inet.text((int) word(bytes, offset, 4), bytes, offset + 4));
            case Type.MacAddress _ -> mac(bytes, offset);
            case Type.CgroupPath c -> symbols.cgroup(word(bytes, offset, 8), c.hierarchyGlob());
            case Type.Timestamp t ->
                new Value.Text(Strftime.format(t.format(), wallNanos(t.clock(), word(bytes, offset, 8))));
            case Type.Aggregation a ->
                new Value.Aggregated(AggregateReader.read(a, bytes, offset, symbols.clockOriginNanos()));
        };
    }

    private long wallNanos(Type.Clock clock, long nanos) {
        return switch (clock) {
            case BOOT, MONOTONIC -> symbols.wallNanos(nanos);
            // TAI counts from 1970 itself; its lead over UTC is known to the kernel only where a time daemon set it.
            case TAI, SW_TAI -> nanos;
        };
    }

    private Value symbolic(Type.Symbols kind, long number) {
        return switch (kind) {
            case KERNEL_SYMBOL -> symbols.kernelSymbol(number);
            case USER_NAME -> symbols.userName(number);
            case ERROR_TEXT -> new Value.Named(number, Names.error(number));
            case SIGNAL_NAME -> new Value.Named(number, Names.signal(number));
            case SYSCALL_NAME -> new Value.Named(number, symbols.syscall(number));
        };
    }

    private Value string(byte[] bytes, int offset, Type.Str type) {
        int size = type.sizeBytes();
        int length = 0;
        while (length < size && bytes[offset + length] != 0) {
            length++;
        }
        var text = new String(bytes, offset, length, StandardCharsets.UTF_8);
        return new Value.Text(length == size && size > 0 && !type.field() ? text + truncationTrailer : text);
    }

    private Value array(Type.Array type, byte[] bytes, int offset) {
        var elements = new ArrayList<Value>();
        for (int i = 0; i < type.length(); i++) {
            elements.add(read(type.element(), bytes, offset + i * type.element().sizeBytes()));
        }
        return new Value.Array(elements);
    }

    private List<Value.Member> fields(Type.Struct struct, byte[] bytes, int offset) {
        var members = new ArrayList<Value.Member>();
        for (var field : struct.fields().list()) {
            int at = offset + field.offsetBytes();
            if (field.bitWidth() > 0) {
                long unit = word(bytes, at, Math.min(field.type().sizeBytes(), bytes.length - at));
                boolean signed = field.type().isSigned();
                int left = 64 - field.bitOffset() - field.bitWidth();
                long value = signed ? unit << left >> 64 - field.bitWidth() : unit << left >>> 64 - field.bitWidth();
                members.add(new Value.Member(field.name(), new Value.Int(value, signed)));
            } else if (at + field.type().sizeBytes() <= bytes.length) {
                members.add(new Value.Member(field.name(), read(field.type(), bytes, at)));
            }
        }
        return members;
    }

    private static Value mac(byte[] bytes, int offset) {
        var out = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            out.append(i == 0 ? "" : ":").append(String.format("%02X", bytes[offset + i]));
        }
        return new Value.Text(out.toString());
    }

    private static long integer(byte[] bytes, int offset, int size, boolean signed) {
        long word = word(bytes, offset, size);
        int shift = 64 - 8 * size;
        return signed ? word << shift >> shift : word;
    }

    /** A little-endian unsigned integer of up to eight bytes. */
    static long word(byte[] bytes, int offset, int size) {
        long word = 0;
        for (int i = size - 1; i >= 0; i--) {
            word = word << 8 | bytes[offset + i] & 0xff;
        }
        return word;
    }
}
