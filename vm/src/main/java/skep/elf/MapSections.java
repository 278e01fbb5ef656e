package skep.elf;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.elf.ElfObject.ElfMap;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSetup;
import skep.isa.object.MapSpec;
import skep.isa.object.Octets;

/** The maps of a file: defined by BTF, in the old style, and made from global data. */
final class MapSections {
    /** Words of {@code struct bpf_map_def}: type, key size, value size, entries, flags. */
    private static final int OLD_DEFINITION_BYTES = 20;

    /** What the kernel keeps of a name. */
    private static final int NAME_CHARS = 15;

    private final RelocatableFile file;
    private final Optional<Btf> types;
    private final List<ElfMap> maps = new ArrayList<>();
    /** Map name by section and offset. */
    private final Map<Long, String> byPlace = new HashMap<>();
    /** Name of the map of a section of global data. */
    private final Map<Integer, String> dataSections = new LinkedHashMap<>();

    private MapSections(RelocatableFile file, Optional<Btf> types) {
        this.file = file;
        this.types = types;
    }

    static MapSections read(RelocatableFile file, Optional<Btf> types, String objectName) {
        var maps = new MapSections(file, types);
        file.section(".maps").ifPresent(maps::readTyped);
        file.section("maps").ifPresent(maps::readOld);
        for (var section : file.sections()) {
            maps.readData(section, objectName);
        }
        return maps;
    }

    List<ElfMap> all() {
        return maps;
    }

    private static long place(int section, long offset) {
        return (long) section << 32 | offset;
    }

    /** The map at an offset of a section of maps. */
    Optional<String> mapAt(int section, long offset) {
        return Optional.ofNullable(byPlace.get(place(section, offset)));
    }

    /** The map of a section of global data. */
    Optional<String> dataMap(int section) {
        return Optional.ofNullable(dataSections.get(section));
    }

    // ---- struct { __uint(type, …); … } name SEC(".maps")

    private void readTyped(RelocatableFile.Section section) {
        var btf = types.orElseThrow(() -> new ElfException("section .maps needs BTF, which the file lacks"));
        var id = btf.find(".maps", BtfKind.DATASEC);
        if (id.isEmpty()) {
            throw new ElfException("the BTF does not describe section .maps");
        }
        for (var slot : ((BtfType.DataSection) btf.type(id.getAsInt())).variables()) {
            if (!(btf.type(slot.typeId()) instanceof BtfType.Variable variable)
                    || !(btf.resolved(variable.typeId()) instanceof BtfType.Struct struct)) {
                throw new ElfException("section .maps holds something that is no map");
            }
            long offset = symbolOffset(section, variable.name()).orElse(slot.offsetBytes());
            byPlace.put(place(section.index(), offset), variable.name());
            maps.add(new Definition(btf, variable.name(), struct).read(innerMaps(section, offset, btf, struct)));
        }
    }

    private Optional<Long> symbolOffset(RelocatableFile.Section section, String name) {
        return file.symbols().stream()
                .filter(s -> s.section() == section.index() && s.name().equals(name))
                .map(RelocatableFile.Symbol::value)
                .findFirst();
    }

    /** {@code .values = {[0] = &inner}}: relocations in the flexible array at the end. */
    private Map<Integer, String> innerMaps(
            RelocatableFile.Section section, long offset, Btf btf, BtfType.Struct struct) {
        var inner = new HashMap<Integer, String>();
        for (var member : struct.members()) {
            if (member.name().equals("values")) {
                long from = offset + member.offsetBits() / 8;
                for (var relocation : file.relocations(section.index())) {
                    long at = relocation.offsetBytes() - from;
                    if (at >= 0 && relocation.offsetBytes() < offset + structBytes(section, offset)) {
                        inner.put((int) (at / 8), relocation.symbol().name());
                    }
                }
            }
        }
        return inner;
    }

    private long structBytes(RelocatableFile.Section section, long offset) {
        return file.symbols().stream()
                .filter(s -> s.section() == section.index() && s.value() == offset && !s.isSection())
                .mapToLong(RelocatableFile.Symbol::sizeBytes)
                .max()
                .orElse(0);
    }

    /** One definition by BTF. */
    private record Definition(Btf btf, String name, BtfType.Struct struct) {
        ElfMap read(Map<Integer, String> innerNames) {
            long type = 0;
            long entries = 0;
            long flags = 0;
            long extra = 0;
            int keyBytes = 0;
            int valueBytes = 0;
            int keyType = 0;
            int valueType = 0;
            boolean pinned = false;
            Optional<MapSpec> inner = Optional.empty();
            for (var member : struct.members()) {
                switch (member.name()) {
                    case "type" -> type = number(member);
                    case "max_entries" -> entries = number(member);
                    case "map_flags" -> flags = number(member);
                    case "map_extra" -> extra = number(member);
                    case "key_size" -> keyBytes = (int) number(member);
                    case "value_size" -> valueBytes = (int) number(member);
                    case "pinning" -> pinned = number(member) != 0;
                    case "numa_node" -> {}
                    case "key" -> {
                        keyType = pointee(member);
                        keyBytes = (int) btf.sizeBytes(keyType);
                    }
                    case "value" -> {
                        valueType = pointee(member);
                        valueBytes = (int) btf.sizeBytes(valueType);
                    }
                    case "values" -> {
                        inner = innerTemplate(member);
                        valueBytes = 4;
                    }
                    default -> throw new ElfException("map " + name + " has unknown attribute " + member.name());
                }
            }
            int number = (int) type;
            var mapType = MapType.ofNumber(number)
                    .orElseThrow(() -> new ElfException("map " + name + " has unknown type " + number));
            if (mapType == MapType.PROG_ARRAY) {
                inner = Optional.empty();
            }
            var setup = new MapSetup(extra, inner, innerNames, Optional.empty(), false, keyType, valueType);
            return new ElfMap(
                    new MapSpec(name, mapType, keyBytes, valueBytes, (int) entries, (int) flags, setup), pinned);
        }

        /** {@code __uint(name, N)}: a pointer to an array of N. {@code __ulong}: an enumeration of one. */
        private long number(BtfType.Member member) {
            return switch (btf.resolved(member.typeId())) {
                case BtfType.Pointer pointer
                when btf.resolved(pointer.typeId()) instanceof BtfType.Array array ->
                    Integer.toUnsignedLong(array.count());
                case BtfType.Pointer pointer
                when btf.resolved(pointer.typeId()) instanceof BtfType.Enumeration one
                        && one.values().size() == 1 -> one.values().getFirst().value();
                default -> throw new ElfException("map " + name + ": attribute " + member.name() + " is no number");
            };
        }

        private int pointee(BtfType.Member member) {
            if (btf.resolved(member.typeId()) instanceof BtfType.Pointer pointer) {
                return pointer.typeId();
            }
            throw new ElfException("map " + name + ": attribute " + member.name() + " is no pointer");
        }

        /** {@code __array(values, struct {…})}: pointers to the definition of an inner map, or to functions. */
        private Optional<MapSpec> innerTemplate(BtfType.Member member) {
            if (btf.resolved(member.typeId()) instanceof BtfType.Array array
                    && btf.resolved(array.elementId()) instanceof BtfType.Pointer pointer) {
                return switch (btf.resolved(pointer.typeId())) {
                    case BtfType.Struct definition ->
                        Optional.of(new Definition(btf, name + ".inner", definition)
                                .read(Map.of())
                                .spec());
                    case BtfType.Prototype _ -> Optional.empty();
                    default -> throw new ElfException("map " + name + ": values are neither maps nor programs");
                };
            }
            throw new ElfException("map " + name + ": values are no array of pointers");
        }
    }

    // ---- struct bpf_map_def name SEC("maps")

    private void readOld(RelocatableFile.Section section) {
        var data = section.data().buffer();
        for (var symbol : file.symbols()) {
            if (symbol.section() != section.index()
                    || symbol.isSection()
                    || symbol.name().isEmpty()) {
                continue;
            }
            if (symbol.value() < 0 || symbol.value() + OLD_DEFINITION_BYTES > data.capacity()) {
                throw new ElfException("definition of map " + symbol.name() + " is truncated");
            }
            int at = (int) symbol.value();
            var type = MapType.ofNumber(data.getInt(at))
                    .orElseThrow(
                            () -> new ElfException("map " + symbol.name() + " has unknown type " + data.getInt(at)));
            byPlace.put(place(section.index(), at), symbol.name());
            var spec = new MapSpec(
                    symbol.name(),
                    type,
                    data.getInt(at + 4),
                    data.getInt(at + 8),
                    data.getInt(at + 12),
                    data.getInt(at + 16));
            maps.add(new ElfMap(spec, false));
        }
    }

    // ---- .data, .rodata, .bss: an array with one element

    private void readData(RelocatableFile.Section section, String objectName) {
        var name = section.name();
        boolean constant = name.equals(".rodata") || name.startsWith(".rodata.");
        boolean zero =
                section.type() == RelocatableFile.TYPE_NOBITS && (name.equals(".bss") || name.startsWith(".bss."));
        boolean data = name.equals(".data") || name.startsWith(".data.");
        if (section.sizeBytes() == 0 || section.sizeBytes() > 1 << 26 || !(constant || zero || data)) {
            return;
        }
        var mapName = dataName(objectName, name);
        dataSections.put(section.index(), mapName);
        int flags = MapFlags.MMAPABLE | (constant ? MapFlags.RDONLY_PROG : 0);
        var contents = zero
                ? Optional.<Octets>empty()
                : Optional.of(Octets.of(section.data().bytes()));
        int typeId = types.map(btf -> btf.find(name, BtfKind.DATASEC).orElse(0)).orElse(0);
        maps.add(new ElfMap(
                new MapSpec(
                        mapName,
                        MapType.ARRAY,
                        4,
                        (int) section.sizeBytes(),
                        1,
                        flags,
                        MapSetup.data(contents, constant, typeId)),
                false));
    }

    /** Names of global data: as much of the file's name as fits, and the section. */
    static String dataName(String objectName, String section) {
        var prefix = objectName.substring(0, Math.min(objectName.length(), NAME_CHARS < section.length() ? 0 : 8));
        return (prefix + section).substring(0, Math.min(NAME_CHARS, prefix.length() + section.length()));
    }
}
