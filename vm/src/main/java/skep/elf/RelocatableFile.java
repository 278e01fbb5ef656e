package skep.elf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** An object file for eBPF (little-endian, 64-bit, relocatable) as sections, symbols and relocations. Immutable. */
public final class RelocatableFile {
    /** Machine number of eBPF ({@code EM_BPF}). */
    public static final int MACHINE_BPF = 247;

    static final int TYPE_PROGBITS = 1;
    static final int TYPE_SYMTAB = 2;
    static final int TYPE_STRTAB = 3;
    static final int TYPE_NOBITS = 8;
    static final int TYPE_REL = 9;

    static final long FLAG_WRITE = 1;
    static final long FLAG_ALLOC = 2;
    static final long FLAG_EXEC = 4;

    static final int SYMBOL_OBJECT = 1;
    static final int SYMBOL_FUNCTION = 2;
    static final int SYMBOL_SECTION = 3;
    static final int BINDING_LOCAL = 0;
    static final int BINDING_GLOBAL = 1;
    static final int BINDING_WEAK = 2;
    private static final int VISIBILITY_DEFAULT = 0;
    private static final int VISIBILITY_PROTECTED = 3;

    private static final int HEADER_BYTES = 64;
    private static final int SECTION_HEADER_BYTES = 64;
    private static final int SYMBOL_BYTES = 24;
    private static final int REL_BYTES = 16;
    /** More than any compiler makes; a bound for hostile files. */
    private static final int MAX_SECTIONS = 1 << 16;

    private final List<Section> sections;
    private final List<Symbol> symbols;
    private final List<Relocation> relocations;

    /** A section; {@code data} is empty for one that takes no room in the file. */
    public record Section(int index, String name, int type, long flags, int link, int info, long sizeBytes, Data data) {
        boolean isCode() {
            return type == TYPE_PROGBITS && (flags & FLAG_EXEC) != 0 && sizeBytes > 0;
        }
    }

    /** Bytes that nobody changes. */
    public static final class Data {
        private final byte[] bytes;

        Data(byte[] bytes) {
            this.bytes = bytes;
        }

        public byte[] bytes() {
            return bytes.clone();
        }

        public int length() {
            return bytes.length;
        }

        ByteBuffer buffer() {
            return ByteBuffer.wrap(bytes).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    /**
     * A symbol; {@code section} is 0 for one that is defined elsewhere.
     *
     * @param hidden whether it is not visible outside what it is linked into
     */
    public record Symbol(
            int index, String name, int kind, int binding, boolean hidden, int section, long value, long sizeBytes) {
        public boolean isWeak() {
            return binding == BINDING_WEAK;
        }

        public boolean isFunction() {
            return kind == SYMBOL_FUNCTION;
        }

        public boolean isSection() {
            return kind == SYMBOL_SECTION;
        }
    }

    /** A place in a section that depends on a symbol. */
    public record Relocation(int section, long offsetBytes, Symbol symbol, int type) {}

    private RelocatableFile(List<Section> sections, List<Symbol> symbols, List<Relocation> relocations) {
        this.sections = List.copyOf(sections);
        this.symbols = List.copyOf(symbols);
        this.relocations = List.copyOf(relocations);
    }

    /**
     * Reads a file for eBPF.
     *
     * @throws ElfException if it is none, or malformed
     */
    public static RelocatableFile parse(byte[] bytes) {
        try {
            return read(bytes);
        } catch (IndexOutOfBoundsException | IllegalArgumentException | ArithmeticException truncated) {
            throw new ElfException("the ELF file is truncated or malformed");
        }
    }

    private static RelocatableFile read(byte[] bytes) {
        var file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < HEADER_BYTES || file.getInt(0) != 0x464c_457f) {
            throw new ElfException("not an ELF file");
        }
        if (bytes[4] != 2 || bytes[5] != 1) {
            throw new ElfException("only 64-bit little-endian ELF files are read");
        }
        int machine = file.getShort(18) & 0xffff;
        if (machine != MACHINE_BPF) {
            throw new ElfException("ELF file for machine " + machine + ", not for eBPF (" + MACHINE_BPF + ")");
        }
        long table = file.getLong(40);
        int entryBytes = file.getShort(58) & 0xffff;
        int count = file.getShort(60) & 0xffff;
        int namesIndex = file.getShort(62) & 0xffff;
        if (entryBytes < SECTION_HEADER_BYTES || count > MAX_SECTIONS || table < 0 || table > bytes.length) {
            throw new ElfException("section table of " + count + " entries of " + entryBytes + " bytes");
        }
        var bare = new ArrayList<Section>();
        for (int i = 0; i < count; i++) {
            bare.add(section(file, i, Math.toIntExact(table + (long) i * entryBytes)));
        }
        var sections = new ArrayList<Section>();
        for (int i = 0; i < count; i++) {
            var s = bare.get(i);
            var name = string(bare.get(namesIndex).data, file.getInt((int) table + i * entryBytes));
            sections.add(new Section(i, name, s.type, s.flags, s.link, s.info, s.sizeBytes, s.data));
        }
        var symbols = new ArrayList<Symbol>();
        for (var s : sections) {
            if (s.type == TYPE_SYMTAB) {
                symbols(s, sections, symbols);
            }
        }
        var relocations = new ArrayList<Relocation>();
        for (var s : sections) {
            if (s.type == TYPE_REL) {
                relocations(s, symbols, relocations);
            }
        }
        return new RelocatableFile(sections, symbols, relocations);
    }

    private static Section section(ByteBuffer file, int index, int at) {
        int type = file.getInt(at + 4);
        long offset = file.getLong(at + 24);
        long size = file.getLong(at + 32);
        if (size < 0 || type != TYPE_NOBITS && (offset < 0 || offset + size > file.capacity() || offset + size < 0)) {
            throw new ElfException("section " + index + " lies outside the file");
        }
        var data = new byte[type == TYPE_NOBITS ? 0 : (int) size];
        file.get(type == TYPE_NOBITS ? 0 : (int) offset, data);
        return new Section(
                index,
                "",
                type,
                file.getLong(at + 8),
                file.getInt(at + 40),
                file.getInt(at + 44),
                size,
                new Data(data));
    }

    private static void symbols(Section table, List<Section> sections, List<Symbol> into) {
        var names = sections.get(table.link).data;
        var data = table.data.buffer();
        for (int at = 0; at + SYMBOL_BYTES <= data.capacity(); at += SYMBOL_BYTES) {
            int info = data.get(at + 4) & 0xff;
            int section = data.getShort(at + 6) & 0xffff;
            var name = string(names, data.getInt(at));
            if ((info & 0xf) == SYMBOL_SECTION && section < sections.size()) {
                name = sections.get(section).name;
            }
            int visibility = data.get(at + 5) & 3;
            boolean hidden = visibility != VISIBILITY_DEFAULT && visibility != VISIBILITY_PROTECTED;
            into.add(new Symbol(
                    into.size(),
                    name,
                    info & 0xf,
                    info >>> 4,
                    hidden,
                    section,
                    data.getLong(at + 8),
                    data.getLong(at + 16)));
        }
    }

    private static void relocations(Section table, List<Symbol> symbols, List<Relocation> into) {
        var data = table.data.buffer();
        for (int at = 0; at + REL_BYTES <= data.capacity(); at += REL_BYTES) {
            long info = data.getLong(at + 8);
            into.add(new Relocation(
                    table.info, data.getLong(at), symbols.get(Math.toIntExact(info >>> 32)), (int) info));
        }
    }

    static String string(Data strings, int offset) {
        int end = offset;
        while (end >= 0 && end < strings.bytes.length && strings.bytes[end] != 0) {
            end++;
        }
        if (end < 0 || end >= strings.bytes.length) {
            throw new ElfException("a name does not end within its table");
        }
        return new String(strings.bytes, offset, end - offset, StandardCharsets.UTF_8);
    }

    public List<Section> sections() {
        return sections;
    }

    public Optional<Section> section(String name) {
        return sections.stream().filter(s -> s.name.equals(name)).findFirst();
    }

    public Section section(int index) {
        if (index < 0 || index >= sections.size()) {
            throw new ElfException("there is no section " + index);
        }
        return sections.get(index);
    }

    public List<Symbol> symbols() {
        return symbols;
    }

    /** Relocations of the places in one section, by offset. */
    public List<Relocation> relocations(int section) {
        return relocations.stream()
                .filter(r -> r.section == section)
                .sorted(java.util.Comparator.comparingLong(Relocation::offsetBytes))
                .toList();
    }
}
