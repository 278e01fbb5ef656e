package skep.btf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes BTF: {@link #add} types, then {@link #toBytes} or {@link #build}. Ids are given in order, so that a type may
 * refer to one that is added later. Not thread-safe.
 */
public final class BtfBuilder {
    /** Elements a type can have ({@code BTF_MAX_VLEN}). */
    private static final int MAX_ELEMENTS = 0xffff;

    private final Optional<Btf> base;
    private final List<BtfType> types = new ArrayList<>();
    private final Map<String, Integer> stringOffsets = new HashMap<>();
    private final StringBytes strings = new StringBytes();

    public BtfBuilder() {
        this(Optional.empty());
    }

    private BtfBuilder(Optional<Btf> base) {
        this.base = base;
        if (base.isEmpty()) {
            string("");
        } else {
            stringOffsets.put("", 0);
        }
    }

    /** A builder whose ids and strings continue those of a kernel's BTF. */
    public static BtfBuilder split(Btf base) {
        return new BtfBuilder(Optional.of(base));
    }

    /** A builder that begins with a copy of all own types of {@code btf}. */
    public static BtfBuilder copyOf(Btf btf) {
        var builder = new BtfBuilder(btf.base());
        for (int id = btf.firstId(); id < btf.endId(); id++) {
            builder.add(btf.type(id));
        }
        return builder;
    }

    /** Appends a type and returns its id. */
    public int add(BtfType type) {
        types.add(type);
        return nextId() - 1;
    }

    /** The id that the next type will have. */
    public int nextId() {
        return base.map(Btf::endId).orElse(1) + types.size();
    }

    /** The offset of a string in the string section, adding it if it is new. */
    public int string(String text) {
        return stringOffsets.computeIfAbsent(text, strings::append);
    }

    public Btf build() {
        var bytes = toBytes();
        return base.map(b -> Btf.parseSplit(bytes, b)).orElseGet(() -> Btf.parse(bytes));
    }

    /** The whole BTF, little-endian. */
    public byte[] toBytes() {
        var words = new Words();
        types.forEach(type -> write(type, words));
        var stringBytes = strings.toBytes();
        var out = ByteBuffer.allocate(Btf.HEADER_BYTES + 4 * words.count + stringBytes.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        out.putShort((short) Btf.MAGIC).put((byte) 1).put((byte) 0).putInt(Btf.HEADER_BYTES);
        out.putInt(0).putInt(4 * words.count).putInt(4 * words.count).putInt(stringBytes.length);
        for (int i = 0; i < words.count; i++) {
            out.putInt(words.values[i]);
        }
        return out.put(stringBytes).array();
    }

    /** The base's types and strings with these behind them, as one BTF without a base; the base's bytes stay as they are. */
    public byte[] toBytesWithBase() {
        if (base.isEmpty()) {
            return toBytes();
        }
        var first = base.get().bytes();
        var second = toBytes();
        var types = new java.io.ByteArrayOutputStream();
        var texts = new java.io.ByteArrayOutputStream();
        for (var bytes : List.of(first, second)) {
            var head = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            int headerBytes = head.getInt(4);
            types.write(bytes, headerBytes + head.getInt(8), head.getInt(12));
            texts.write(bytes, headerBytes + head.getInt(16), head.getInt(20));
        }
        var out = ByteBuffer.allocate(Btf.HEADER_BYTES + types.size() + texts.size())
                .order(ByteOrder.LITTLE_ENDIAN);
        out.putShort((short) Btf.MAGIC).put((byte) 1).put((byte) 0).putInt(Btf.HEADER_BYTES);
        out.putInt(0).putInt(types.size()).putInt(types.size()).putInt(texts.size());
        return out.put(types.toByteArray()).put(texts.toByteArray()).array();
    }

    private void write(BtfType type, Words out) {
        switch (type) {
            case BtfType.Void _ -> throw new BtfException("void is no type to write: it is id 0");
            case BtfType.Int integer -> {
                head(out, integer, 0, false, integer.sizeBytes());
                out.put(integer.encoding().number() << 24 | integer.offsetBits() << 16 | integer.bits());
            }
            case BtfType.Pointer pointer -> head(out, pointer, 0, false, pointer.typeId());
            case BtfType.Array array -> {
                head(out, array, 0, false, 0);
                out.put(array.elementId());
                out.put(array.indexId());
                out.put(array.count());
            }
            case BtfType.Composite composite -> {
                boolean bitFields = composite.members().stream().anyMatch(m -> m.bitFieldBits() != 0);
                head(out, composite, composite.members().size(), bitFields, (int) composite.sizeBytes());
                for (var member : composite.members()) {
                    out.put(string(member.name()));
                    out.put(member.typeId());
                    out.put((int) member.offsetBits() | member.bitFieldBits() << 24);
                }
            }
            case BtfType.Enumeration enumeration -> {
                head(out, enumeration, enumeration.values().size(), enumeration.signed(), enumeration.sizeBytes());
                for (var value : enumeration.values()) {
                    out.put(string(value.name()));
                    out.put((int) value.value());
                    if (enumeration.wide()) {
                        out.put((int) (value.value() >> 32));
                    }
                }
            }
            case BtfType.Forward forward -> head(out, forward, 0, forward.union(), 0);
            case BtfType.Typedef typedef -> head(out, typedef, 0, false, typedef.typeId());
            case BtfType.Qualified qualified -> head(out, qualified, 0, false, qualified.typeId());
            case BtfType.Function function ->
                head(out, function, function.linkage().ordinal(), false, function.protoId());
            case BtfType.Prototype prototype -> {
                head(out, prototype, prototype.parameters().size(), false, prototype.returnId());
                for (var parameter : prototype.parameters()) {
                    out.put(string(parameter.name()));
                    out.put(parameter.typeId());
                }
            }
            case BtfType.Variable variable -> {
                head(out, variable, 0, false, variable.typeId());
                out.put(variable.linkage().ordinal());
            }
            case BtfType.DataSection section -> {
                head(out, section, section.variables().size(), false, (int) section.sizeBytes());
                for (var slot : section.variables()) {
                    out.put(slot.typeId());
                    out.put((int) slot.offsetBytes());
                    out.put((int) slot.sizeBytes());
                }
            }
            case BtfType.Float number -> head(out, number, 0, false, number.sizeBytes());
            case BtfType.DeclTag tag -> {
                head(out, tag, 0, false, tag.typeId());
                out.put(tag.component());
            }
            case BtfType.TypeTag tag -> head(out, tag, 0, false, tag.typeId());
        }
    }

    private void head(Words out, BtfType type, int elements, boolean flag, int third) {
        if (elements > MAX_ELEMENTS) {
            throw new BtfException(type.name() + " has " + elements + " elements, at most " + MAX_ELEMENTS + " fit");
        }
        out.put(string(type.name()));
        out.put((flag ? 1 << 31 : 0) | type.kind().number() << 24 | elements);
        out.put(third);
    }

    /** A growing list of words. */
    private static final class Words {
        private int[] values = new int[256];
        private int count;

        void put(int word) {
            if (count == values.length) {
                values = java.util.Arrays.copyOf(values, 2 * count);
            }
            values[count++] = word;
        }
    }

    /** The string section. */
    private final class StringBytes {
        private final java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();

        int append(String text) {
            int offset = base.map(Btf::stringBytes).orElse(0) + bytes.size();
            bytes.writeBytes(text.getBytes(StandardCharsets.UTF_8));
            bytes.write(0);
            return offset;
        }

        byte[] toBytes() {
            return bytes.toByteArray();
        }
    }
}
