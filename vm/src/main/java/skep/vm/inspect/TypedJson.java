package skep.vm.inspect;

import java.util.ArrayList;
import java.util.Arrays;
import skep.btf.Btf;
import skep.btf.BtfType;
import skep.target.Inventory.EntryTypes;
import skep.target.LoadedMap;

/** Keys and values by their types as JSON, laid out as bpftool 7 lays them out. */
final class TypedJson {
    private static final int MAX_DEPTH = 16;

    private final Btf types;
    private final byte[] bytes;
    /** In text that is not meant for programs, addresses and single characters have no quotes. */
    private final boolean plain;

    private TypedJson(Btf types, byte[] bytes, boolean plain) {
        this.types = types;
        this.bytes = bytes;
        this.plain = plain;
    }

    /** The members {@code key} and {@code value} (or {@code values}) of an entry. */
    static String entry(EntryTypes types, LoadedMap.Entry entry, int valueBytes, boolean perCpu, boolean plain) {
        // Maps of global data have keys without a type, which tell nothing.
        var key = types.keyId() == 0 ? "" : "\"key\":" + of(types.types(), types.keyId(), entry.key(), plain) + ",";
        if (!perCpu) {
            return key + "\"value\":" + of(types.types(), types.valueId(), entry.value(), plain);
        }
        int padded = valueBytes + 7 & ~7;
        var values = new ArrayList<String>();
        for (int cpu = 0; (cpu + 1) * padded <= entry.value().length; cpu++) {
            var one = Arrays.copyOfRange(entry.value(), cpu * padded, cpu * padded + valueBytes);
            values.add("{\"cpu\":" + cpu + ",\"value\":" + of(types.types(), types.valueId(), one, plain) + "}");
        }
        return key + "\"values\":[" + String.join(",", values) + "]";
    }

    private static String of(Btf types, int typeId, byte[] bytes, boolean plain) {
        if (typeId != 0) {
            return new TypedJson(types, bytes, plain).text(typeId, 0, 0);
        }
        var items = new ArrayList<String>();
        for (byte one : bytes) {
            items.add("\"0x%02x\"".formatted(one));
        }
        return "[" + String.join(",", items) + "]";
    }

    private String text(int typeId, long offset, int depth) {
        if (depth > MAX_DEPTH) {
            return "null";
        }
        return switch (types.resolved(typeId)) {
            case BtfType.Int integer -> integer(integer, offset);
            case BtfType.Enumeration enumeration -> constant(enumeration, offset);
            case BtfType.Pointer _ -> address(word(offset, 8));
            case BtfType.Array array -> array(array, offset, depth);
            case BtfType.Composite composite -> composite(composite, offset, depth);
            case BtfType.DataSection section -> variables(section, depth);
            case BtfType.Float number ->
                number.sizeBytes() == 4
                        ? Float.toString(Float.intBitsToFloat((int) word(offset, 4)))
                        : Double.toString(Double.longBitsToDouble(word(offset, 8)));
            default -> "\"(invalid)\"";
        };
    }

    private String variables(BtfType.DataSection section, int depth) {
        var variables = new ArrayList<String>();
        for (var slot : section.variables()) {
            if (types.type(slot.typeId()) instanceof BtfType.Variable variable) {
                variables.add("{" + InventoryText.quoted(variable.name()) + ":"
                        + text(variable.typeId(), slot.offsetBytes(), depth + 1) + "}");
            }
        }
        return "{" + InventoryText.quoted(section.name()) + ":[" + String.join(",", variables) + "]}";
    }

    private String address(long value) {
        var hex = value == 0 ? plain ? "(nil)" : "0x0" : "0x" + Long.toHexString(value);
        return plain ? hex : InventoryText.quoted(hex);
    }

    private String composite(BtfType.Composite composite, long offset, int depth) {
        var members = new ArrayList<String>();
        for (var member : composite.members()) {
            long at = offset + member.offsetBits() / 8;
            var value = member.bitFieldBits() != 0 ? bits(member, at) : text(member.typeId(), at, depth + 1);
            // A nameless union or structure is a member of its own.
            var name = member.name().isEmpty()
                    ? types.resolved(member.typeId()) instanceof BtfType.Union ? "(union)" : "(struct)"
                    : member.name();
            members.add(InventoryText.quoted(name) + ":" + value);
        }
        return "{" + String.join(",", members) + "}";
    }

    private String bits(BtfType.Member member, long at) {
        long value = word(at, 8) >>> member.offsetBits() % 8 & (1L << member.bitFieldBits()) - 1;
        var hex = "0x" + Long.toHexString(value);
        return plain ? hex : InventoryText.quoted(hex);
    }

    private String integer(BtfType.Int integer, long offset) {
        int size = integer.sizeBytes();
        if (size > 8) {
            var hex = "0x" + Long.toHexString(word(offset + 8, 8)) + "%016x".formatted(word(offset, 8));
            return plain ? hex : InventoryText.quoted(hex);
        }
        long value = word(offset, size);
        int unused = 64 - 8 * size;
        return switch (integer.encoding()) {
            case BOOL -> value != 0 ? "true" : "false";
            case CHAR, SIGNED_CHAR -> character((int) value);
            case SIGNED ->
                size == 1 && integer.name().equals("char")
                        ? character((int) value)
                        : Long.toString(value << unused >> unused);
            case UNSIGNED ->
                size == 1 && integer.name().endsWith("char") ? character((int) value) : Long.toUnsignedString(value);
        };
    }

    private String character(int value) {
        boolean printable = value >= ' ' && value < 127;
        if (plain) {
            return printable ? "'" + (char) value + "'" : "0x%02x".formatted(value);
        }
        return printable ? InventoryText.quoted(String.valueOf((char) value)) : "\"0x%02x\"".formatted(value);
    }

    private String constant(BtfType.Enumeration enumeration, long offset) {
        long value = word(offset, enumeration.sizeBytes());
        int unused = 64 - 8 * enumeration.sizeBytes();
        return enumeration.values().stream()
                .filter(known -> known.value() << unused == value << unused)
                .findFirst()
                .map(known -> InventoryText.quoted(known.name()))
                .orElse(Long.toString(value << unused >> unused));
    }

    private String array(BtfType.Array array, long offset, int depth) {
        if (types.resolved(array.elementId()) instanceof BtfType.Int element
                && element.sizeBytes() == 1
                && element.name().equals("char")) {
            var text = string(offset, array.count());
            if (!text.isEmpty()) {
                return InventoryText.quoted(text);
            }
        }
        var items = new ArrayList<String>();
        long elementBytes = types.sizeBytes(array.elementId());
        for (long i = 0; i < array.count() && offset + i * elementBytes < bytes.length; i++) {
            items.add(text(array.elementId(), offset + i * elementBytes, depth + 1));
        }
        return "[" + String.join(",", items) + "]";
    }

    /** Printable characters up to a zero, behind which there is nothing else; otherwise empty. */
    private String string(long offset, long count) {
        var text = new StringBuilder();
        boolean ended = false;
        for (long i = 0; i < count; i++) {
            int c = (int) word(offset + i, 1);
            if (ended && c != 0 || !ended && c != 0 && (c < ' ' || c > 126)) {
                return "";
            }
            ended |= c == 0;
            if (!ended) {
                text.append((char) c);
            }
        }
        return ended ? text.toString() : "";
    }

    private long word(long offset, int sizeBytes) {
        long value = 0;
        for (int i = Math.min(sizeBytes, 8) - 1; i >= 0; i--) {
            long at = offset + i;
            value = value << 8 | (at >= 0 && at < bytes.length ? bytes[(int) at] & 0xff : 0);
        }
        return value;
    }
}
