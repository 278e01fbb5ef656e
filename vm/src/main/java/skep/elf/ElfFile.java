package skep.elf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A 64-bit little-endian ELF file (System V ABI, chapters 4 and 5). Headers are read at once, everything else when it is
 * asked for. Immutable and safe for any thread if its source is.
 */
public final class ElfFile {
    public static final int TYPE_RELOCATABLE = 1;
    public static final int TYPE_EXECUTABLE = 2;
    public static final int TYPE_SHARED = 3;

    public static final int MACHINE_X86_64 = 62;
    public static final int MACHINE_ARM64 = 183;
    public static final int MACHINE_BPF = 247;

    public static final int SECTION_SYMTAB = 2;
    public static final int SECTION_NOTE = 7;
    public static final int SECTION_NOBITS = 8;
    public static final int SECTION_DYNSYM = 11;

    public static final int SEGMENT_LOAD = 1;
    private static final int SEGMENT_NOTE = 4;

    private static final int HEADER_BYTES = 64;
    private static final int SECTION_BYTES = 64;
    private static final int SEGMENT_BYTES = 56;
    private static final int NOTE_GNU_BUILD_ID = 3;

    /** Bounds against sizes that only damaged files have. */
    private static final long MAX_SECTION_BYTES = 1L << 30;

    private static final int MAX_HEADERS = 1 << 16;

    /** Where the bytes come from. */
    @FunctionalInterface
    public interface Source {
        /** Reads bytes at an offset of the file; fewer at its end. */
        byte[] read(long offset, int length);
    }

    /** A section; {@code offset} is in the file, {@code link} and {@code info} mean what the type makes of them. */
    public record Section(
            int index,
            String name,
            int type,
            long flags,
            long address,
            long offset,
            long sizeBytes,
            int link,
            int info,
            long entryBytes) {
        public boolean hasCode() {
            return (flags & 4) != 0;
        }
    }

    /** A part of the file that is mapped when it runs. */
    public record Segment(int type, int flags, long offset, long address, long fileBytes, long memoryBytes) {
        public boolean isExecutable() {
            return (flags & 1) != 0;
        }
    }

    /** A note: an owner, a type of that owner's choosing, and its contents. */
    public record Note(String owner, int type, byte[] content) {}

    private final Source source;
    private final int type;
    private final int machine;
    private final long entry;
    private final List<Section> sections;
    private final List<Segment> segments;

    private ElfFile(Source source, int type, int machine, long entry, List<Section> sections, List<Segment> segments) {
        this.source = source;
        this.type = type;
        this.machine = machine;
        this.entry = entry;
        this.sections = List.copyOf(sections);
        this.segments = List.copyOf(segments);
    }

    public static ElfFile of(byte[] bytes) {
        return read((offset, length) -> {
            int from = Math.clamp(offset, 0, bytes.length);
            int to = (int) Math.min(bytes.length, from + (long) Math.max(0, length));
            return java.util.Arrays.copyOfRange(bytes, from, to);
        });
    }

    /**
     * Reads the headers.
     *
     * @throws MalformedElfException if they are none, damaged, 32-bit or big-endian
     */
    public static ElfFile read(Source source) {
        var header = exactly(source, 0, HEADER_BYTES);
        if (header.getInt(0) != 0x464c_457f) {
            throw new MalformedElfException("no ELF file: it does not begin with 7f 45 4c 46");
        }
        if (header.get(4) != 2 || header.get(5) != 1) {
            throw new MalformedElfException("not a 64-bit little-endian ELF file");
        }
        var segments = segments(source, header);
        var sections = sections(source, header);
        return new ElfFile(
                source, header.getShort(16), header.getShort(18) & 0xffff, header.getLong(24), sections, segments);
    }

    private static ByteBuffer exactly(Source source, long offset, long length) {
        if (offset < 0 || length < 0 || length > MAX_SECTION_BYTES) {
            throw new MalformedElfException("a part of " + length + " bytes at offset " + offset);
        }
        var bytes = source.read(offset, (int) length);
        if (bytes.length != length) {
            throw new MalformedElfException("the file ends at " + (offset + bytes.length) + ", within a part of "
                    + length + " bytes at offset " + offset);
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static List<Segment> segments(Source source, ByteBuffer header) {
        int count = header.getShort(56) & 0xffff;
        var segments = new ArrayList<Segment>(count);
        if (count == 0) {
            return segments;
        }
        int stride = stride(header.getShort(54), SEGMENT_BYTES);
        var table = exactly(source, header.getLong(32), (long) count * stride);
        for (int at = 0; at < count * stride; at += stride) {
            segments.add(new Segment(
                    table.getInt(at),
                    table.getInt(at + 4),
                    table.getLong(at + 8),
                    table.getLong(at + 16),
                    table.getLong(at + 32),
                    table.getLong(at + 40)));
        }
        return segments;
    }

    private static int stride(short entryBytes, int least) {
        int stride = entryBytes & 0xffff;
        if (stride < least) {
            throw new MalformedElfException("header entries of " + stride + " bytes");
        }
        return stride;
    }

    private static List<Section> sections(Source source, ByteBuffer header) {
        var sections = new ArrayList<Section>();
        long offset = header.getLong(40);
        if (offset == 0) {
            return sections;
        }
        int stride = stride(header.getShort(58), SECTION_BYTES);
        int count = header.getShort(60) & 0xffff;
        int names = header.getShort(62) & 0xffff;
        if (count == 0 || names == 0xffff) {
            // More sections than the header can count: section 0 has the numbers.
            var first = exactly(source, offset, SECTION_BYTES);
            count = count == 0 ? (int) Math.min(first.getLong(32), MAX_HEADERS) : count;
            names = names == 0xffff ? first.getInt(40) : names;
        }
        var table = exactly(source, offset, (long) count * stride);
        var text = new byte[0];
        if (names >= 0 && names < count) {
            int at = names * stride;
            text = exactly(source, table.getLong(at + 24), table.getLong(at + 32))
                    .array();
        }
        for (int i = 0; i < count; i++) {
            int at = i * stride;
            sections.add(new Section(
                    i,
                    string(text, table.getInt(at)),
                    table.getInt(at + 4),
                    table.getLong(at + 8),
                    table.getLong(at + 16),
                    table.getLong(at + 24),
                    table.getLong(at + 32),
                    table.getInt(at + 40),
                    table.getInt(at + 44),
                    table.getLong(at + 56)));
        }
        return sections;
    }

    /** The zero-terminated string at an offset of a string table; empty outside it. */
    static String string(byte[] table, int offset) {
        if (offset < 0 || offset >= table.length) {
            return "";
        }
        int end = offset;
        while (end < table.length && table[end] != 0) {
            end++;
        }
        return new String(table, offset, end - offset, StandardCharsets.UTF_8);
    }

    /** One of {@code TYPE_…}, or another. */
    public int type() {
        return type;
    }

    /** One of {@code MACHINE_…}, or another. */
    public int machine() {
        return machine;
    }

    public long entryAddress() {
        return entry;
    }

    public List<Section> sections() {
        return sections;
    }

    public List<Segment> segments() {
        return segments;
    }

    public Optional<Section> section(String name) {
        return sections.stream().filter(s -> s.name().equals(name)).findFirst();
    }

    /** The bytes of a section; none for one without contents. */
    public byte[] bytes(Section section) {
        return section.type() == SECTION_NOBITS
                ? new byte[0]
                : exactly(source, section.offset(), section.sizeBytes()).array();
    }

    /** The symbols of {@code .symtab} and {@code .dynsym}, each once. */
    public SymbolTable symbols() {
        var tables = new ArrayList<SymbolTable.Raw>();
        for (var section : sections) {
            boolean symbols = section.type() == SECTION_SYMTAB || section.type() == SECTION_DYNSYM;
            if (symbols && section.link() > 0 && section.link() < sections.size()) {
                tables.add(new SymbolTable.Raw(bytes(section), bytes(sections.get(section.link()))));
            }
        }
        return SymbolTable.of(tables);
    }

    /** All notes of note sections, or of note segments where there are no sections. */
    public List<Note> notes() {
        var notes = new ArrayList<Note>();
        for (var section : sections) {
            if (section.type() == SECTION_NOTE) {
                notes(bytes(section), notes);
            }
        }
        if (sections.isEmpty()) {
            for (var segment : segments) {
                if (segment.type() == SEGMENT_NOTE) {
                    notes(exactly(source, segment.offset(), segment.fileBytes()).array(), notes);
                }
            }
        }
        return notes;
    }

    private static void notes(byte[] bytes, List<Note> notes) {
        var in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (in.remaining() >= 12) {
            int nameBytes = in.getInt();
            int contentBytes = in.getInt();
            int noteType = in.getInt();
            long padded = padded(nameBytes) + padded(contentBytes);
            if (nameBytes < 0 || contentBytes < 0 || padded(nameBytes) + contentBytes > in.remaining()) {
                return;
            }
            var owner = string(bytes, in.position());
            int start = in.position() + (int) padded(nameBytes);
            notes.add(new Note(
                    owner.length() >= nameBytes ? owner.substring(0, nameBytes) : owner,
                    noteType,
                    java.util.Arrays.copyOfRange(bytes, start, start + contentBytes)));
            in.position((int) Math.min(in.limit(), in.position() + padded));
        }
    }

    private static long padded(int bytes) {
        return (bytes + 3L) & ~3L;
    }

    /** The identity that the linker gave the file, in hexadecimal. */
    public Optional<String> buildId() {
        return notes().stream()
                .filter(note -> note.owner().equals("GNU") && note.type() == NOTE_GNU_BUILD_ID)
                .map(note -> HexFormat.of().formatHex(note.content()))
                .findFirst();
    }

    /** The name of the file that holds the symbols that were stripped from this one ({@code .gnu_debuglink}). */
    public Optional<String> debugLink() {
        return section(".gnu_debuglink")
                .map(section -> string(bytes(section), 0))
                .filter(name -> !name.isEmpty());
    }

    /** Where in the file an address of the running program comes from. */
    public OptionalLong fileOffset(long address) {
        for (var segment : segments) {
            if (segment.type() == SEGMENT_LOAD
                    && address >= segment.address()
                    && address - segment.address() < segment.memoryBytes()) {
                return OptionalLong.of(address - segment.address() + segment.offset());
            }
        }
        return OptionalLong.empty();
    }

    /** The address, before relocation, at which a place of the file runs. */
    public OptionalLong address(long fileOffset) {
        for (var segment : segments) {
            if (segment.type() == SEGMENT_LOAD
                    && fileOffset >= segment.offset()
                    && fileOffset - segment.offset() < segment.fileBytes()) {
                return OptionalLong.of(fileOffset - segment.offset() + segment.address());
            }
        }
        return OptionalLong.empty();
    }
}
