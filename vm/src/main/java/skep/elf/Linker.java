package skep.elf;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.btf.Btf;
import skep.btf.BtfExt;
import skep.btf.BtfType;
import skep.elf.ElfObject.ElfProgram;
import skep.isa.Bytecode;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.ProgramSpec;

/**
 * Makes whole programs: the functions that a program calls, directly or not, are put behind it, and calls, function
 * addresses, maps and global data are resolved.
 */
final class Linker {
    private static final int SLOT_BYTES = Bytecode.SLOT_BYTES;
    private static final int OP_CALL = 0x85;
    private static final int OP_LOAD_IMM64 = 0x18;
    private static final int PSEUDO_CALL = 1;
    private static final int PSEUDO_MAP_FD = 1;
    private static final int PSEUDO_MAP_VALUE = 2;
    private static final int PSEUDO_FUNC = 4;
    private static final int MAX_FUNCTIONS = 256;

    private final RelocatableFile file;
    private final BtfExt ext;
    private final MapSections maps;
    private final String license;
    private final Optional<Btf> types;
    private final Externs externs;
    private final String settingsMap;

    Linker(
            RelocatableFile file,
            BtfExt ext,
            MapSections maps,
            String license,
            Optional<Btf> types,
            Externs externs,
            String settingsMap) {
        this.file = file;
        this.ext = ext;
        this.maps = maps;
        this.license = license;
        this.types = types;
        this.externs = externs;
        this.settingsMap = settingsMap;
    }

    /** All functions in sections whose names say what programs they are. */
    List<ElfProgram> programs() {
        var programs = new ArrayList<ElfProgram>();
        for (var section : file.sections()) {
            if (!section.isCode() || section.name().equals(".text")) {
                continue;
            }
            var name = SectionName.of(section.name())
                    .orElseThrow(() -> new ElfException("section " + section.name() + " names no program type"));
            for (var symbol : file.symbols()) {
                // Static functions beside a program are its subprograms.
                if (symbol.section() == section.index()
                        && symbol.isFunction()
                        && symbol.binding() != RelocatableFile.BINDING_LOCAL) {
                    programs.add(new Program(symbol, name).link());
                }
            }
        }
        return programs;
    }

    /** Where a function lies in the file. */
    private record Place(int section, long offsetBytes) {}

    private RelocatableFile.Symbol functionAt(Place place) {
        for (var symbol : file.symbols()) {
            if (symbol.isFunction() && symbol.section() == place.section && symbol.value() == place.offsetBytes) {
                return symbol;
            }
        }
        throw new ElfException("no function begins at offset " + place.offsetBytes + " of section "
                + file.section(place.section).name());
    }

    /** One program in the making. */
    private final class Program {
        private final RelocatableFile.Symbol entry;
        private final SectionName section;
        private final List<RelocatableFile.Symbol> functions = new ArrayList<>();
        private final Map<Place, Integer> startSlots = new HashMap<>();
        private final List<MapReference> references = new ArrayList<>();
        private final List<ElfObject.Use> uses = new ArrayList<>();
        private long[] slots = {};

        Program(RelocatableFile.Symbol entry, SectionName section) {
            this.entry = entry;
            this.section = section;
        }

        ElfProgram link() {
            append(entry);
            // Functions that are called are appended while this runs.
            for (int i = 0; i < functions.size(); i++) {
                resolve(functions.get(i));
            }
            var spec = new ProgramSpec(
                    entry.name(),
                    section.type(),
                    section.attachType(),
                    section.attachTo(),
                    license,
                    Bytecode.of(slots),
                    references,
                    lines(),
                    entries(),
                    section.sleepable());
            return new ElfProgram(spec, section, relocations(), uses);
        }

        /** What the types say of the functions; each but the first is global unless it is static or hidden in the file. */
        private List<ProgramSpec.FunctionEntry> entries() {
            var entries = new ArrayList<ProgramSpec.FunctionEntry>();
            for (var function : functions) {
                int typeId = ext.functions().stream()
                        .filter(info -> info.section()
                                        .equals(file.section(function.section()).name())
                                && info.offsetBytes() == function.value())
                        .mapToInt(BtfExt.FunctionInfo::typeId)
                        .findFirst()
                        .orElse(0);
                boolean global =
                        typeId != 0 && function.binding() != RelocatableFile.BINDING_LOCAL && !function.hidden();
                entries.add(new ProgramSpec.FunctionEntry(
                        startSlots.get(new Place(function.section(), function.value())),
                        function.name(),
                        parameters(typeId),
                        global,
                        typeId));
            }
            return entries;
        }

        private int parameters(int typeId) {
            boolean described = types.isPresent()
                    && types.get().type(typeId) instanceof BtfType.Function function
                    && types.get().type(function.protoId()) instanceof BtfType.Prototype;
            if (!described) {
                return 1;
            }
            var function = (BtfType.Function) types.get().type(typeId);
            return ((BtfType.Prototype) types.get().type(function.protoId()))
                    .parameters()
                    .size();
        }

        private int append(RelocatableFile.Symbol function) {
            var place = new Place(function.section(), function.value());
            var known = startSlots.get(place);
            if (known != null) {
                return known;
            }
            var code = file.section(function.section());
            if (!code.isCode()
                    || function.value() < 0
                    || function.sizeBytes() <= 0
                    || function.sizeBytes() % SLOT_BYTES != 0
                    || function.value() % SLOT_BYTES != 0
                    || function.value() + function.sizeBytes() > code.data().length()) {
                throw new ElfException("function " + function.name() + " lies outside its section");
            }
            if (functions.size() == MAX_FUNCTIONS) {
                throw new ElfException(entry.name() + " calls more than " + MAX_FUNCTIONS + " functions");
            }
            int start = slots.length;
            int count = (int) (function.sizeBytes() / SLOT_BYTES);
            slots = java.util.Arrays.copyOf(slots, start + count);
            code.data()
                    .buffer()
                    .position((int) function.value())
                    .slice()
                    .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                    .asLongBuffer()
                    .get(slots, start, count);
            startSlots.put(place, start);
            functions.add(function);
            return start;
        }

        private void resolve(RelocatableFile.Symbol function) {
            int start = startSlots.get(new Place(function.section(), function.value()));
            int count = (int) (function.sizeBytes() / SLOT_BYTES);
            var bySlot = new HashMap<Integer, RelocatableFile.Relocation>();
            for (var relocation : file.relocations(function.section())) {
                long offset = relocation.offsetBytes() - function.value();
                if (offset >= 0 && offset < function.sizeBytes()) {
                    bySlot.put(start + (int) (offset / SLOT_BYTES), relocation);
                }
            }
            for (int slot = start; slot < start + count; slot++) {
                int opcode = (int) slots[slot] & 0xff;
                int pseudo = (int) (slots[slot] >>> 12) & 0xf;
                var relocation = bySlot.get(slot);
                if (opcode == OP_CALL && pseudo == PSEUDO_CALL) {
                    call(function, slot, start, relocation);
                } else if (opcode == OP_CALL && relocation != null) {
                    use(relocation.symbol(), slot, true);
                } else if (opcode == OP_LOAD_IMM64) {
                    if (relocation != null && slot + 1 < slots.length) {
                        load(slot, relocation);
                    }
                    slot++;
                }
            }
        }

        private static int imm(long slot) {
            return (int) (slot >>> 32);
        }

        private void setImm(int slot, long imm) {
            slots[slot] = slots[slot] & 0xffff_ffffL | imm << 32;
        }

        private void call(
                RelocatableFile.Symbol function,
                int slot,
                int start,
                RelocatableFile.@org.jspecify.annotations.Nullable Relocation relocation) {
            Place target;
            if (relocation == null) {
                // Within the section: relative to where the caller lies in the file.
                long offset = function.value() + (slot - start + 1L + imm(slots[slot])) * SLOT_BYTES;
                target = new Place(function.section(), offset);
            } else {
                var symbol = relocation.symbol();
                if (symbol.section() == 0) {
                    use(symbol, slot, true);
                    return;
                }
                target = new Place(symbol.section(), symbol.value() + (imm(slots[slot]) + 1L) * SLOT_BYTES);
            }
            setImm(slot, append(functionAt(target)) - slot - 1L);
        }

        private void load(int slot, RelocatableFile.Relocation relocation) {
            var symbol = relocation.symbol();
            long offset = symbol.value() + Integer.toUnsignedLong(imm(slots[slot]));
            if (symbol.section() == 0) {
                undefined(symbol, slot);
                return;
            }
            var map = maps.mapAt(symbol.section(), offset);
            var data = maps.dataMap(symbol.section());
            if (map.isPresent()) {
                pseudo(slot, PSEUDO_MAP_FD);
                setImm(slot, 0);
                references.add(new MapReference(slot, map.get()));
            } else if (data.isPresent()) {
                pseudo(slot, PSEUDO_MAP_VALUE);
                setImm(slot, 0);
                setImm(slot + 1, offset);
                references.add(new MapReference(slot, data.get()));
            } else if (symbol.section() < file.sections().size()
                    && file.section(symbol.section()).isCode()) {
                pseudo(slot, PSEUDO_FUNC);
                setImm(slot, append(functionAt(new Place(symbol.section(), offset))) - slot - 1L);
            } else {
                throw new ElfException("program " + entry.name() + " refers to " + symbol.name()
                        + ", which is neither map, data nor function");
            }
        }

        private void pseudo(int slot, int source) {
            slots[slot] = slots[slot] & ~0xf000L | (long) source << 12;
        }

        private void undefined(RelocatableFile.Symbol symbol, int slot) {
            var setting = externs.settingOffset(symbol.name());
            if (setting.isEmpty()) {
                use(symbol, slot, false);
                return;
            }
            pseudo(slot, PSEUDO_MAP_VALUE);
            setImm(slot, 0);
            setImm(slot + 1, setting.getAsInt());
            references.add(new MapReference(slot, settingsMap));
        }

        /** A kernel function or variable. */
        private void use(RelocatableFile.Symbol symbol, int slot, boolean call) {
            var type = types.flatMap(btf -> Externs.symbolType(btf, symbol.name()))
                    .orElseThrow(() -> new ElfException("program " + entry.name() + " refers to " + symbol.name()
                            + ", which the file neither defines nor declares as the kernel's (__ksym, __kconfig)"));
            boolean typed = !(type instanceof BtfType.Variable variable)
                    || !(types.orElseThrow().resolved(variable.typeId()) instanceof BtfType.Void);
            uses.add(new ElfObject.Use(slot, symbol.name(), call, symbol.isWeak(), typed));
        }

        private LineTable lines() {
            var entries = new ArrayList<LineTable.Entry>();
            for (var function : functions) {
                int start = startSlots.get(new Place(function.section(), function.value()));
                var name = file.section(function.section()).name();
                for (var line : ext.lines()) {
                    long offset = line.offsetBytes() - function.value();
                    if (line.section().equals(name) && offset >= 0 && offset < function.sizeBytes()) {
                        int column = Math.max(0, line.column() - 1);
                        entries.add(new LineTable.Entry(
                                start + (int) (offset / SLOT_BYTES),
                                line.file(),
                                column,
                                column,
                                line.line(),
                                line.text().strip()));
                    }
                }
            }
            entries.sort(java.util.Comparator.comparingInt(LineTable.Entry::insn));
            return new LineTable(entries);
        }

        private List<BtfExt.CoreRelocation> relocations() {
            var moved = new ArrayList<BtfExt.CoreRelocation>();
            for (var function : functions) {
                int start = startSlots.get(new Place(function.section(), function.value()));
                var name = file.section(function.section()).name();
                for (var relocation : ext.relocations()) {
                    long offset = relocation.offsetBytes() - function.value();
                    if (relocation.section().equals(name) && offset >= 0 && offset < function.sizeBytes()) {
                        moved.add(new BtfExt.CoreRelocation(
                                name,
                                start * SLOT_BYTES + (int) offset,
                                relocation.typeId(),
                                relocation.access(),
                                relocation.kind()));
                    }
                }
            }
            return moved;
        }
    }
}
