package skep.elf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import skep.btf.BtfBuilder;
import skep.btf.BtfExt;
import skep.btf.BtfType;
import skep.isa.Bytecode;
import skep.isa.object.BpfObject;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;

/**
 * Writes an object as an ELF file that libbpf loads: programs in sections of their own, their subprograms in
 * {@code .text}, maps by BTF in {@code .maps}, lines in {@code .BTF.ext}. The same object gives the same bytes.
 */
public final class ObjectWriter {
    private static final int OP_CALL = 0x85;
    private static final int OP_LOAD_IMM64 = 0x18;
    private static final int PSEUDO_CALL = 1;
    private static final int PSEUDO_FUNC = 4;
    private static final int RELOCATION_64_64 = 1;
    private static final int RELOCATION_64_32 = 10;
    private static final int SLOT_BYTES = Bytecode.SLOT_BYTES;
    /** Bytes of a map's definition in {@code .maps}: five pointers. */
    private static final int DEFINITION_BYTES = 40;

    private final BpfObject object;
    private final Map<String, String> sectionNames;
    private final Map<String, Code> code = new LinkedHashMap<>();
    private final List<OutSymbol> symbols = new ArrayList<>();
    private final BtfBuilder types = new BtfBuilder();
    private final List<BtfExt.FunctionInfo> functions = new ArrayList<>();
    private final List<BtfExt.LineInfo> lines = new ArrayList<>();

    /** A section of code in the making. */
    private static final class Code {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final List<OutRelocation> relocations = new ArrayList<>();
    }

    private record OutSymbol(String name, int kind, boolean global, String section, long value, long size) {}

    private record OutRelocation(long offset, String symbol, int type) {}

    private ObjectWriter(BpfObject object, Map<String, String> sectionNames) {
        this.object = object;
        this.sectionNames = sectionNames;
    }

    /**
     * Writes an object.
     *
     * @param sections names of programs to names of sections, for example {@code tracepoint/sched/sched_switch}
     */
    public static byte[] write(BpfObject object, Map<String, String> sections) {
        return new ObjectWriter(object, sections).run();
    }

    private byte[] run() {
        code.put(".text", new Code());
        int intType = types.add(BtfType.Int.signed("int", 4));
        int contextType = types.add(new BtfType.Pointer(0));
        for (var program : object.programs()) {
            var section = sectionNames.get(program.name());
            if (section == null) {
                throw new IllegalArgumentException("no section is named for program " + program.name());
            }
            write(program, section, intType, contextType);
        }
        writeMaps(intType);
        var license =
                object.programs().isEmpty() ? "" : object.programs().getFirst().license();
        var image = new Image();
        code.forEach((name, c) -> {
            if (c.bytes.size() > 0) {
                image.add(
                        name,
                        RelocatableFile.TYPE_PROGBITS,
                        RelocatableFile.FLAG_ALLOC | RelocatableFile.FLAG_EXEC,
                        8,
                        c.bytes.toByteArray());
            }
        });
        image.add(
                "license",
                RelocatableFile.TYPE_PROGBITS,
                RelocatableFile.FLAG_ALLOC | RelocatableFile.FLAG_WRITE,
                1,
                (license + "\0").getBytes(StandardCharsets.UTF_8));
        symbols.add(new OutSymbol("_license", RelocatableFile.SYMBOL_OBJECT, true, "license", 0, license.length() + 1));
        if (!object.maps().isEmpty()) {
            image.add(
                    ".maps",
                    RelocatableFile.TYPE_PROGBITS,
                    RelocatableFile.FLAG_ALLOC | RelocatableFile.FLAG_WRITE,
                    8,
                    new byte[DEFINITION_BYTES * object.maps().size()]);
        }
        var ext = new BtfExt(functions, lines, List.of()).toBytes(types);
        image.add(".BTF", RelocatableFile.TYPE_PROGBITS, 0, 4, types.toBytes());
        image.add(".BTF.ext", RelocatableFile.TYPE_PROGBITS, 0, 4, ext);
        return image.finish(symbols, code);
    }

    // ---- code

    /** A function of a program: from one entry point up to the next. */
    private record Part(int from, int to, String name, String section, long offset) {}

    private void write(ProgramSpec program, String section, int intType, int contextType) {
        var parts = parts(program, section);
        for (var part : parts.values()) {
            boolean entry = part.from == 0;
            symbols.add(new OutSymbol(
                    part.name,
                    RelocatableFile.SYMBOL_FUNCTION,
                    entry,
                    part.section,
                    part.offset,
                    (long) SLOT_BYTES * (part.to - part.from)));
            var parameters = new ArrayList<BtfType.Parameter>();
            for (int i = 0; entry && i < 1; i++) {
                parameters.add(new BtfType.Parameter("ctx", contextType));
            }
            int proto = types.add(new BtfType.Prototype(intType, parameters));
            int function = types.add(
                    new BtfType.Function(part.name, proto, entry ? BtfType.Linkage.GLOBAL : BtfType.Linkage.STATIC));
            functions.add(new BtfExt.FunctionInfo(part.section, (int) part.offset, function));
            writePart(program, part, parts);
        }
        writeLines(program, parts);
    }

    private Map<Integer, Part> parts(ProgramSpec program, String section) {
        var entries = new TreeSet<Integer>();
        entries.add(0);
        var bytecode = program.code();
        for (int i = 0; i < bytecode.size(); i++) {
            boolean wide = bytecode.opcode(i) == OP_LOAD_IMM64;
            if (bytecode.opcode(i) == OP_CALL && bytecode.src(i) == PSEUDO_CALL
                    || wide && bytecode.src(i) == PSEUDO_FUNC) {
                entries.add(i + 1 + bytecode.imm(i));
            }
            i += wide ? 1 : 0;
        }
        var parts = new LinkedHashMap<Integer, Part>();
        var starts = List.copyOf(entries);
        long textOffset = section(".text").bytes.size();
        for (int i = 0; i < starts.size(); i++) {
            int from = starts.get(i);
            int to = i + 1 < starts.size() ? starts.get(i + 1) : bytecode.size();
            if (i == 0) {
                parts.put(
                        from,
                        new Part(
                                from,
                                to,
                                program.name(),
                                section,
                                section(section).bytes.size()));
            } else {
                parts.put(from, new Part(from, to, program.name() + "_sub" + i, ".text", textOffset));
                textOffset += (long) SLOT_BYTES * (to - from);
            }
        }
        return parts;
    }

    private Code section(String name) {
        return code.computeIfAbsent(name, _ -> new Code());
    }

    private void writePart(ProgramSpec program, Part part, Map<Integer, Part> parts) {
        var bytecode = program.code();
        var slots = bytecode.slots();
        var out = section(part.section);
        var maps = new HashMap<Integer, String>();
        program.mapReferences().forEach(reference -> maps.put(reference.insn(), reference.map()));
        for (int i = part.from; i < part.to; i++) {
            long offset = part.offset + (long) SLOT_BYTES * (i - part.from);
            int opcode = bytecode.opcode(i);
            if (opcode == OP_CALL && bytecode.src(i) == PSEUDO_CALL) {
                out.relocations.add(
                        new OutRelocation(offset, target(parts, i + 1 + bytecode.imm(i)).name, RELOCATION_64_32));
                slots[i] = slots[i] & 0xffff_ffffL | -1L << 32;
            } else if (opcode == OP_LOAD_IMM64) {
                if (maps.containsKey(i)) {
                    out.relocations.add(new OutRelocation(offset, maps.get(i), RELOCATION_64_64));
                    // The pseudo source is the loader's to set.
                    slots[i] = slots[i] & 0x0fffL;
                } else if (bytecode.src(i) == PSEUDO_FUNC) {
                    out.relocations.add(
                            new OutRelocation(offset, target(parts, i + 1 + bytecode.imm(i)).name, RELOCATION_64_64));
                    slots[i] = slots[i] & 0xffff_ffffL;
                }
                i++;
            }
        }
        var bytes = ByteBuffer.allocate(SLOT_BYTES * (part.to - part.from)).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = part.from; i < part.to; i++) {
            bytes.putLong(slots[i]);
        }
        out.bytes.writeBytes(bytes.array());
    }

    private static Part target(Map<Integer, Part> parts, int slot) {
        var part = parts.get(slot);
        if (part == null) {
            throw new IllegalArgumentException("a call leads to slot " + slot + ", outside the program");
        }
        return part;
    }

    private void writeLines(ProgramSpec program, Map<Integer, Part> parts) {
        var table = program.lines();
        for (var part : parts.values()) {
            // Every function needs a line at its first instruction.
            var first = table.at(part.from);
            lines.add(new BtfExt.LineInfo(
                    part.section,
                    (int) part.offset,
                    first.map(e -> e.source()).orElse(program.name()),
                    first.map(e -> e.text()).orElse(""),
                    first.map(e -> e.line()).orElse(0),
                    1));
            for (var entry : table.entries()) {
                if (entry.insn() > part.from && entry.insn() < part.to) {
                    lines.add(new BtfExt.LineInfo(
                            part.section,
                            (int) part.offset + SLOT_BYTES * (entry.insn() - part.from),
                            entry.source(),
                            entry.text(),
                            entry.line(),
                            1));
                }
            }
        }
    }

    // ---- maps

    private void writeMaps(int intType) {
        if (object.maps().isEmpty()) {
            return;
        }
        var slots = new ArrayList<BtfType.DataSection.Slot>();
        int offset = 0;
        for (var map : object.maps()) {
            int variable =
                    types.add(new BtfType.Variable(map.name(), definition(map, intType), BtfType.Linkage.GLOBAL));
            slots.add(new BtfType.DataSection.Slot(variable, offset, DEFINITION_BYTES));
            symbols.add(
                    new OutSymbol(map.name(), RelocatableFile.SYMBOL_OBJECT, true, ".maps", offset, DEFINITION_BYTES));
            offset += DEFINITION_BYTES;
        }
        types.add(new BtfType.DataSection(".maps", offset, slots));
    }

    /** {@code struct { int (*type)[1]; … }}: numbers as array lengths. */
    private int definition(MapSpec map, int intType) {
        var numbers = new LinkedHashMap<String, Integer>();
        numbers.put("type", map.type().number());
        numbers.put("key_size", map.keySizeBytes());
        numbers.put("value_size", map.valueSizeBytes());
        numbers.put("max_entries", map.maxEntries());
        numbers.put("map_flags", map.flags());
        var members = new ArrayList<BtfType.Member>();
        numbers.forEach((name, number) -> {
            int array = types.add(new BtfType.Array(intType, intType, number));
            int pointer = types.add(new BtfType.Pointer(array));
            members.add(BtfType.Member.at(name, pointer, 8L * members.size()));
        });
        return types.add(new BtfType.Struct("", DEFINITION_BYTES, members));
    }

    // ---- the file

    /** Sections laid out one after the other. */
    private static final class Image {
        private record Out(String name, int type, long flags, int link, int info, int align, int entry, byte[] data) {}

        private final List<Out> sections = new ArrayList<>();

        Image() {
            sections.add(new Out("", 0, 0, 0, 0, 0, 0, new byte[0]));
        }

        void add(String name, int type, long flags, int align, byte[] data) {
            sections.add(new Out(name, type, flags, 0, 0, align, 0, data));
        }

        private int index(String name) {
            for (int i = 1; i < sections.size(); i++) {
                if (sections.get(i).name.equals(name)) {
                    return i;
                }
            }
            throw new IllegalStateException("no section " + name);
        }

        byte[] finish(List<OutSymbol> symbols, Map<String, Code> code) {
            var strings = new ByteArrayOutputStream();
            strings.write(0);
            // Local symbols come first, as the format wants.
            var ordered = new ArrayList<OutSymbol>();
            symbols.stream().filter(s -> !s.global).forEach(ordered::add);
            int locals = ordered.size() + 1;
            symbols.stream().filter(s -> s.global).forEach(ordered::add);
            var numbers = new HashMap<String, Integer>();
            var table = ByteBuffer.allocate(24 * (ordered.size() + 1)).order(ByteOrder.LITTLE_ENDIAN);
            table.position(24);
            for (var symbol : ordered) {
                numbers.put(symbol.name, numbers.size() + 1);
                int binding = symbol.global ? RelocatableFile.BINDING_GLOBAL : RelocatableFile.BINDING_LOCAL;
                table.putInt(put(strings, symbol.name)).put((byte) (binding << 4 | symbol.kind));
                table.put((byte) 0).putShort((short) index(symbol.section));
                table.putLong(symbol.value).putLong(symbol.size);
            }
            int symtab = sections.size();
            sections.add(new Out(".symtab", RelocatableFile.TYPE_SYMTAB, 0, symtab + 1, locals, 8, 24, table.array()));
            sections.add(new Out(".strtab", RelocatableFile.TYPE_STRTAB, 0, 0, 0, 1, 0, new byte[0]));
            code.forEach((name, c) -> {
                if (!c.relocations.isEmpty()) {
                    var rel = ByteBuffer.allocate(16 * c.relocations.size()).order(ByteOrder.LITTLE_ENDIAN);
                    for (var relocation : c.relocations) {
                        rel.putLong(relocation.offset);
                        rel.putLong((long) numbers.get(relocation.symbol) << 32 | relocation.type);
                    }
                    sections.add(new Out(
                            ".rel" + name, RelocatableFile.TYPE_REL, 0, symtab, index(name), 8, 16, rel.array()));
                }
            });
            return layOut(strings, symtab + 1);
        }

        private static int put(ByteArrayOutputStream strings, String text) {
            int at = strings.size();
            strings.writeBytes(text.getBytes(StandardCharsets.UTF_8));
            strings.write(0);
            return at;
        }

        private byte[] layOut(ByteArrayOutputStream strings, int stringTable) {
            var names = new ArrayList<Integer>();
            for (var section : sections) {
                names.add(section.name.isEmpty() ? 0 : put(strings, section.name));
            }
            var old = sections.get(stringTable);
            sections.set(stringTable, new Out(old.name, old.type, 0, 0, 0, 1, 0, strings.toByteArray()));
            var body = new ByteArrayOutputStream();
            body.writeBytes(new byte[64]);
            var offsets = new ArrayList<Integer>();
            for (var section : sections) {
                while (section.align > 1 && body.size() % section.align != 0) {
                    body.write(0);
                }
                offsets.add(body.size());
                body.writeBytes(section.data);
            }
            while (body.size() % 8 != 0) {
                body.write(0);
            }
            int tableAt = body.size();
            var out = ByteBuffer.allocate(tableAt + 64 * sections.size()).order(ByteOrder.LITTLE_ENDIAN);
            out.put(body.toByteArray());
            for (int i = 0; i < sections.size(); i++) {
                var section = sections.get(i);
                out.putInt(names.get(i))
                        .putInt(section.type)
                        .putLong(section.flags)
                        .putLong(0);
                out.putLong(i == 0 ? 0 : offsets.get(i)).putLong(section.data.length);
                out.putInt(section.link)
                        .putInt(section.info)
                        .putLong(section.align)
                        .putLong(section.entry);
            }
            out.putInt(0, 0x464c_457f).putInt(4, 0x0001_0102);
            out.putShort(16, (short) 1)
                    .putShort(18, (short) RelocatableFile.MACHINE_BPF)
                    .putInt(20, 1);
            out.putLong(40, tableAt).putShort(52, (short) 64).putShort(58, (short) 64);
            out.putShort(60, (short) sections.size()).putShort(62, (short) stringTable);
            return out.array();
        }
    }
}
