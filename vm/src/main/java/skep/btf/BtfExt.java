package skep.btf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the section {@code .BTF.ext} says of a program's instructions. Offsets are bytes from the start of the ELF
 * section that each record belongs to.
 *
 * <pre>
 *  header | func_info | line_info | core_relo
 *           each: record size, then blocks of (section name, count, records)
 * </pre>
 */
public record BtfExt(List<FunctionInfo> functions, List<LineInfo> lines, List<CoreRelocation> relocations) {
    public static final BtfExt EMPTY = new BtfExt(List.of(), List.of(), List.of());

    private static final int SHORT_HEADER_BYTES = 24;
    private static final int HEADER_BYTES = 32;
    private static final int FUNCTION_BYTES = 8;
    private static final int LINE_BYTES = 16;
    private static final int RELOCATION_BYTES = 16;

    public BtfExt {
        functions = List.copyOf(functions);
        lines = List.copyOf(lines);
        relocations = List.copyOf(relocations);
    }

    /** A function begins here; {@code typeId} is its FUNC. */
    public record FunctionInfo(String section, int offsetBytes, int typeId) {}

    /** A source line begins here; {@code text} is the line as written. */
    public record LineInfo(String section, int offsetBytes, String file, String text, int line, int column) {}

    /**
     * An instruction's immediate or offset depends on a layout of the target kernel.
     *
     * @param typeId root type, in the program's BTF
     * @param access indices into the type, as in {@code 0:1:2}; for enumerations the index of the constant
     */
    public record CoreRelocation(String section, int offsetBytes, int typeId, String access, Kind kind) {
        /** What is asked ({@code enum bpf_core_relo_kind}), in the order of the numbers. */
        public enum Kind {
            FIELD_BYTE_OFFSET,
            FIELD_BYTE_SIZE,
            FIELD_EXISTS,
            FIELD_SIGNED,
            FIELD_LSHIFT_U64,
            FIELD_RSHIFT_U64,
            TYPE_ID_LOCAL,
            TYPE_ID_TARGET,
            TYPE_EXISTS,
            TYPE_SIZE,
            ENUMVAL_EXISTS,
            ENUMVAL_VALUE,
            TYPE_MATCHES
        }
    }

    /**
     * Reads a section whose strings and types are those of {@code btf}.
     *
     * @throws BtfException if it is malformed
     */
    public static BtfExt parse(byte[] bytes, Btf btf) {
        try {
            var buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            if (bytes.length < SHORT_HEADER_BYTES || (buffer.getShort(0) & 0xffff) != Btf.MAGIC) {
                throw new BtfException(".BTF.ext has no header of its own");
            }
            int headerBytes = buffer.getInt(4);
            var functions = new ArrayList<FunctionInfo>();
            blocks(
                    buffer,
                    btf,
                    headerBytes,
                    8,
                    FUNCTION_BYTES,
                    (section, at) ->
                            functions.add(new FunctionInfo(section, buffer.getInt(at), buffer.getInt(at + 4))));
            var lines = new ArrayList<LineInfo>();
            blocks(buffer, btf, headerBytes, 16, LINE_BYTES, (section, at) -> {
                int place = buffer.getInt(at + 12);
                lines.add(new LineInfo(
                        section,
                        buffer.getInt(at),
                        btf.string(buffer.getInt(at + 4)),
                        btf.string(buffer.getInt(at + 8)),
                        place >>> 10,
                        place & 0x3ff));
            });
            var relocations = new ArrayList<CoreRelocation>();
            if (headerBytes >= HEADER_BYTES) {
                blocks(buffer, btf, headerBytes, 24, RELOCATION_BYTES, (section, at) -> {
                    relocations.add(new CoreRelocation(
                            section,
                            buffer.getInt(at),
                            buffer.getInt(at + 4),
                            btf.string(buffer.getInt(at + 8)),
                            relocationKind(buffer.getInt(at + 12))));
                });
            }
            return new BtfExt(functions, lines, relocations);
        } catch (IndexOutOfBoundsException _) {
            throw new BtfException(".BTF.ext is truncated");
        }
    }

    private static CoreRelocation.Kind relocationKind(int number) {
        var kinds = CoreRelocation.Kind.values();
        if (number < 0 || number >= kinds.length) {
            throw new BtfException("CO-RE relocation of unknown kind " + number);
        }
        return kinds[number];
    }

    private interface RecordReader {
        void read(String section, int at);
    }

    private static void blocks(
            ByteBuffer buffer, Btf btf, int headerBytes, int field, int leastBytes, RecordReader reader) {
        long from = Integer.toUnsignedLong(headerBytes) + Integer.toUnsignedLong(buffer.getInt(field));
        long length = Integer.toUnsignedLong(buffer.getInt(field + 4));
        if (length == 0) {
            return;
        }
        if (from + length > buffer.capacity()) {
            throw new BtfException("a part of .BTF.ext lies outside it: " + length + " bytes at " + from);
        }
        int recordBytes = buffer.getInt((int) from);
        if (recordBytes < leastBytes || recordBytes % 4 != 0) {
            throw new BtfException(".BTF.ext has records of " + recordBytes + " bytes");
        }
        long at = from + 4;
        while (at < from + length) {
            var section = btf.string(buffer.getInt((int) at));
            long count = Integer.toUnsignedLong(buffer.getInt((int) at + 4));
            at += 8;
            if (at + count * recordBytes > from + length) {
                throw new BtfException("a block of .BTF.ext for " + section + " is truncated");
            }
            for (long i = 0; i < count; i++, at += recordBytes) {
                reader.read(section, (int) at);
            }
        }
    }

    /** The bytes of the section; strings are added to {@code strings}, which writes the {@code .BTF} beside it. */
    public byte[] toBytes(BtfBuilder strings) {
        var parts = List.of(
                part(
                        FUNCTION_BYTES,
                        functions,
                        FunctionInfo::section,
                        strings,
                        (f, out) -> out.putInt(f.offsetBytes()).putInt(f.typeId())),
                part(
                        LINE_BYTES,
                        lines,
                        LineInfo::section,
                        strings,
                        (l, out) -> out.putInt(l.offsetBytes())
                                .putInt(strings.string(l.file()))
                                .putInt(strings.string(l.text()))
                                .putInt(l.line() << 10 | Math.min(l.column(), 0x3ff))),
                part(
                        RELOCATION_BYTES,
                        relocations,
                        CoreRelocation::section,
                        strings,
                        (r, out) -> out.putInt(r.offsetBytes())
                                .putInt(r.typeId())
                                .putInt(strings.string(r.access()))
                                .putInt(r.kind().ordinal())));
        var out = ByteBuffer.allocate(
                        HEADER_BYTES + parts.stream().mapToInt(p -> p.length).sum())
                .order(ByteOrder.LITTLE_ENDIAN);
        out.putShort((short) Btf.MAGIC).put((byte) 1).put((byte) 0).putInt(HEADER_BYTES);
        int offset = 0;
        for (var part : parts) {
            out.putInt(offset).putInt(part.length);
            offset += part.length;
        }
        parts.forEach(out::put);
        return out.array();
    }

    private static <T> byte[] part(
            int recordBytes,
            List<T> records,
            java.util.function.Function<T, String> sectionOf,
            BtfBuilder strings,
            java.util.function.BiConsumer<T, ByteBuffer> writer) {
        if (records.isEmpty()) {
            return new byte[0];
        }
        var sections = records.stream().map(sectionOf).distinct().toList();
        var out = ByteBuffer.allocate(4 + 8 * sections.size() + recordBytes * records.size())
                .order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(recordBytes);
        for (var section : sections) {
            var own = records.stream()
                    .filter(r -> sectionOf.apply(r).equals(section))
                    .toList();
            out.putInt(strings.string(section)).putInt(own.size());
            own.forEach(r -> writer.accept(r, out));
        }
        return out.array();
    }

    /** The line that the instruction at an offset of a section belongs to. */
    public Optional<LineInfo> lineAt(String section, int offsetBytes) {
        return lines.stream()
                .filter(l -> l.section().equals(section) && l.offsetBytes() <= offsetBytes)
                .reduce((_, later) -> later);
    }
}
