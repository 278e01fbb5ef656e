package skep.elf;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import skep.btf.Btf;
import skep.btf.BtfBuilder;
import skep.btf.BtfKind;
import skep.btf.BtfType;

/**
 * Types of a program's functions, from its debugging information ({@code .debug_info}, DWARF 2 to 5) to BTF: what a
 * function takes and returns, and all that this reaches. A type that BTF cannot say is void.
 */
public final class DebugTypes {
    private static final int MAX_TYPES = 50_000;

    // Tags (DWARF 5, table 7.3).
    private static final int ARRAY = 0x01;
    private static final int CLASS = 0x02;
    private static final int ENUMERATION = 0x04;
    private static final int FORMAL_PARAMETER = 0x05;
    private static final int MEMBER = 0x0d;
    private static final int POINTER = 0x0f;
    private static final int REFERENCE = 0x10;
    private static final int STRUCTURE = 0x13;
    private static final int TYPEDEF = 0x16;
    private static final int UNION = 0x17;
    private static final int SUBRANGE = 0x21;
    private static final int BASE = 0x24;
    private static final int CONST = 0x26;
    private static final int ENUMERATOR = 0x28;
    private static final int SUBPROGRAM = 0x2e;
    private static final int VOLATILE = 0x35;
    private static final int RESTRICT = 0x37;
    private static final int RVALUE_REFERENCE = 0x42;
    private static final int ATOMIC = 0x47;

    // Attributes (table 7.5).
    private static final int NAME = 0x03;
    private static final int BYTE_SIZE = 0x0b;
    private static final int LOW_PC = 0x11;
    private static final int CONST_VALUE = 0x1c;
    private static final int UPPER_BOUND = 0x2f;
    private static final int ABSTRACT_ORIGIN = 0x31;
    private static final int COUNT = 0x37;
    private static final int MEMBER_LOCATION = 0x38;
    private static final int DECLARATION = 0x3c;
    private static final int ENCODING = 0x3e;
    private static final int SPECIFICATION = 0x47;
    private static final int TYPE = 0x49;
    private static final int BIT_OFFSET = 0x0c;
    private static final int BIT_SIZE = 0x0d;
    private static final int DATA_BIT_OFFSET = 0x6b;
    private static final int LINKAGE_NAME = 0x6e;
    private static final int STR_OFFSETS_BASE = 0x72;

    private final DebugBytes info;
    private final DebugBytes abbreviations;
    private final DebugBytes strings;
    private final DebugBytes lineStrings;
    private final DebugBytes stringOffsets;
    private final TreeMap<Integer, Unit> units = new TreeMap<>();

    /** A compilation unit: how its entries are laid out. */
    private static final class Unit {
        private final int start;
        private final int first;
        private final int end;
        private final int version;
        private final boolean wide;
        private final int addressBytes;
        private final Map<Long, Shape> shapes;
        private long stringOffsetsBase;

        Unit(int start, int first, int end, int version, boolean wide, int addressBytes, Map<Long, Shape> shapes) {
            this.start = start;
            this.first = first;
            this.end = end;
            this.version = version;
            this.wide = wide;
            this.addressBytes = addressBytes;
            this.shapes = shapes;
            this.stringOffsetsBase = wide ? 16 : 8;
        }
    }

    /** An abbreviation: attributes in threes of name, form and constant. */
    private record Shape(int tag, boolean hasChildren, long[] attributes) {}

    private record Entry(
            int offset, int tag, boolean hasChildren, Map<Integer, Long> numbers, Map<Integer, String> texts, int end) {
        boolean has(int attribute) {
            return numbers.containsKey(attribute);
        }

        long number(int attribute, long otherwise) {
            return numbers.getOrDefault(attribute, otherwise);
        }

        String name() {
            return texts.getOrDefault(NAME, "");
        }
    }

    private DebugTypes(ElfFile file) {
        this.info = DebugBytes.of(file, ".debug_info");
        this.abbreviations = DebugBytes.of(file, ".debug_abbrev");
        this.strings = DebugBytes.of(file, ".debug_str");
        this.lineStrings = DebugBytes.of(file, ".debug_line_str");
        this.stringOffsets = DebugBytes.of(file, ".debug_str_offsets");
    }

    /**
     * The types of a file's functions.
     *
     * @throws MalformedElfException if the debugging information is damaged
     */
    public static DebugTypes of(ElfFile file) {
        var types = new DebugTypes(file);
        types.readUnits();
        return types;
    }

    public boolean isEmpty() {
        return units.isEmpty();
    }

    private void readUnits() {
        var known = new HashMap<Long, Map<Long, Shape>>();
        while (info.hasMore()) {
            int start = info.at();
            long length = info.u4();
            boolean wide = length == 0xffff_ffffL;
            length = wide ? info.u8() : length;
            int end = Math.toIntExact(info.at() + Math.clamp(length, 0, Integer.MAX_VALUE - info.at()));
            int version = info.u2();
            if (version >= 2 && version <= 5) {
                int type = version == 5 ? info.u1() : 1;
                int addressBytes = version == 5 ? info.u1() : 0;
                long shapes = info.offset(wide);
                addressBytes = version == 5 ? addressBytes : info.u1();
                // Compile and partial units; those of types alone and of split files are other files' matter.
                if (type == 1 || type == 3) {
                    var unit = new Unit(
                            start,
                            info.at(),
                            end,
                            version,
                            wide,
                            addressBytes,
                            known.computeIfAbsent(shapes, this::shapes));
                    units.put(start, unit);
                    unit.stringOffsetsBase = entry(unit, unit.first)
                            .map(e -> e.number(STR_OFFSETS_BASE, unit.stringOffsetsBase))
                            .orElse(unit.stringOffsetsBase);
                }
            }
            info.go(end);
        }
    }

    private Map<Long, Shape> shapes(long offset) {
        var shapes = new HashMap<Long, Shape>();
        abbreviations.go(offset);
        for (long code = abbreviations.uleb(); code != 0; code = abbreviations.uleb()) {
            int tag = (int) abbreviations.uleb();
            boolean children = abbreviations.u1() != 0;
            var attributes = new ArrayList<Long>();
            while (true) {
                long name = abbreviations.uleb();
                long form = abbreviations.uleb();
                long constant = form == 0x21 ? abbreviations.sleb() : 0;
                if (name == 0 && form == 0) {
                    break;
                }
                attributes.addAll(List.of(name, form, constant));
            }
            shapes.put(
                    code,
                    new Shape(
                            tag, children, attributes.stream().mapToLong(x -> x).toArray()));
        }
        return shapes;
    }

    /** The entry at an offset; empty where a list of children ends. */
    private Optional<Entry> entry(Unit unit, int offset) {
        info.go(offset);
        long code = info.uleb();
        if (code == 0) {
            return Optional.empty();
        }
        var shape = unit.shapes.get(code);
        if (shape == null) {
            throw new MalformedElfException("debugging information without its abbreviation");
        }
        var numbers = new HashMap<Integer, Long>();
        var texts = new HashMap<Integer, String>();
        for (int i = 0; i < shape.attributes.length; i += 3) {
            int name = (int) shape.attributes[i];
            value(unit, name, (int) shape.attributes[i + 1], shape.attributes[i + 2], numbers, texts);
        }
        return Optional.of(new Entry(offset, shape.tag, shape.hasChildren, numbers, texts, info.at()));
    }

    /** Reads a value of a form (table 7.6) and keeps what is a number, a reference or a text. */
    private void value(
            Unit unit, int name, int form, long constant, Map<Integer, Long> numbers, Map<Integer, String> texts) {
        boolean isText = name == NAME || name == LINKAGE_NAME || name == 0x2007;
        int key = name == 0x2007 ? LINKAGE_NAME : name;
        switch (form) {
            case 0x01 -> numbers.put(key, unit.addressBytes == 8 ? info.u8() : info.u4());
            case 0x03 -> expression(key, info.u2(), numbers);
            case 0x04 -> expression(key, info.u4(), numbers);
            case 0x0a -> expression(key, info.u1(), numbers);
            case 0x09, 0x18 -> expression(key, info.uleb(), numbers);
            case 0x05, 0x28 -> numbers.put(key, (long) info.u2());
            case 0x06 -> numbers.put(key, info.u4());
            case 0x07 -> numbers.put(key, info.u8());
            case 0x0b -> numbers.put(key, (long) info.u1());
            case 0x0c -> numbers.put(key, (long) info.u1());
            case 0x0d -> numbers.put(key, info.sleb());
            case 0x0f -> numbers.put(key, info.uleb());
            case 0x19 -> numbers.put(key, 1L);
            case 0x21 -> numbers.put(key, constant);
            case 0x10 -> numbers.put(key, unit.version == 2 ? info.u8() : info.offset(unit.wide));
            case 0x11 -> numbers.put(key, unit.start + (long) info.u1());
            case 0x12 -> numbers.put(key, unit.start + (long) info.u2());
            case 0x13 -> numbers.put(key, unit.start + info.u4());
            case 0x14 -> numbers.put(key, unit.start + info.u8());
            case 0x15 -> numbers.put(key, unit.start + info.uleb());
            case 0x17 -> numbers.put(key, info.offset(unit.wide));
            case 0x1b, 0x22, 0x23 -> numbers.put(key, info.uleb());
            case 0x1e -> info.skip(16);
            case 0x20 -> info.skip(8);
            case 0x1c -> info.skip(4);
            case 0x24 -> info.skip(8);
            case 0x1d, 0x1f02, 0x1f01, 0x1f20, 0x1f21 -> {
                if (form == 0x1f01 || form == 0x1f02) {
                    info.uleb();
                } else {
                    info.offset(unit.wide);
                }
            }
            case 0x08 -> keep(isText, key, texts, info.string());
            case 0x0e -> {
                long at = info.offset(unit.wide);
                keep(isText, key, texts, isText ? strings.stringAt(at) : "");
            }
            case 0x1f -> {
                long at = info.offset(unit.wide);
                keep(isText, key, texts, isText ? lineStrings.stringAt(at) : "");
            }
            case 0x1a -> keep(isText, key, texts, indexed(unit, info.uleb(), isText));
            case 0x25 -> keep(isText, key, texts, indexed(unit, info.u1(), isText));
            case 0x26 -> keep(isText, key, texts, indexed(unit, info.u2(), isText));
            case 0x27 -> keep(isText, key, texts, indexed(unit, info.u2() | (long) info.u1() << 16, isText));
            case 0x29 -> numbers.put(key, (long) info.u1());
            case 0x2a -> numbers.put(key, (long) info.u2());
            case 0x2b -> numbers.put(key, info.u2() | (long) info.u1() << 16);
            case 0x2c -> numbers.put(key, info.u4());
            default -> throw new MalformedElfException("debugging information of form " + form);
        }
    }

    private static void keep(boolean isText, int key, Map<Integer, String> texts, String text) {
        if (isText) {
            texts.put(key, text);
        }
    }

    private String indexed(Unit unit, long index, boolean isText) {
        if (!isText || stringOffsets.isEmpty()) {
            return "";
        }
        stringOffsets.go(unit.stringOffsetsBase + index * (unit.wide ? 8 : 4));
        return strings.stringAt(stringOffsets.offset(unit.wide));
    }

    /** Of expressions, places of members in old files: {@code DW_OP_plus_uconst N}. */
    private void expression(int key, long length, Map<Integer, Long> numbers) {
        int end = Math.toIntExact(info.at() + length);
        if (key == MEMBER_LOCATION && length > 1 && info.u1() == 0x23) {
            numbers.put(key, info.uleb());
        } else {
            numbers.putIfAbsent(key, 0L);
        }
        info.go(end);
    }

    private Unit unitOf(int offset) {
        var unit = units.floorEntry(offset);
        if (unit == null || offset >= unit.getValue().end) {
            throw new MalformedElfException("debugging information points outside its units");
        }
        return unit.getValue();
    }

    private Entry at(long offset) {
        var unit = unitOf(Math.toIntExact(offset));
        return entry(unit, (int) offset)
                .orElseThrow(() -> new MalformedElfException("debugging information points at nothing"));
    }

    /** The direct children of an entry. */
    private List<Entry> children(Entry parent) {
        var children = new ArrayList<Entry>();
        if (!parent.hasChildren) {
            return children;
        }
        var unit = unitOf(parent.offset);
        int depth = 1;
        int at = parent.end;
        while (at < unit.end) {
            var entry = entry(unit, at);
            at = entry.map(Entry::end).orElse(at + 1);
            if (entry.isEmpty()) {
                if (--depth == 0) {
                    break;
                }
                continue;
            }
            if (depth == 1) {
                children.add(entry.get());
            }
            depth += entry.get().hasChildren ? 1 : 0;
        }
        return children;
    }

    /** The entry itself, or what it is an instance of. */
    private Entry named(Entry entry) {
        var here = entry;
        for (int i = 0; i < 4; i++) {
            long origin = here.number(ABSTRACT_ORIGIN, here.number(SPECIFICATION, -1));
            if (origin < 0 || !here.name().isEmpty()) {
                return here;
            }
            here = at(origin);
        }
        return here;
    }

    /** The entry of a function by the name in the source or the linker's; one that has code comes first. */
    private Optional<Entry> find(String name) {
        Optional<Entry> without = Optional.empty();
        for (var unit : units.values()) {
            int at = unit.first;
            while (at < unit.end) {
                var found = entry(unit, at);
                at = found.map(Entry::end).orElse(at + 1);
                if (found.isEmpty()
                        || found.get().tag != SUBPROGRAM
                        || found.get().has(DECLARATION)) {
                    continue;
                }
                int next = at;
                var known = named(found.get());
                boolean wanted = name.equals(known.name())
                        || name.equals(known.texts.get(LINKAGE_NAME))
                        || name.equals(found.get().texts.get(LINKAGE_NAME));
                if (wanted && found.get().has(LOW_PC)) {
                    return found;
                }
                if (wanted && without.isEmpty()) {
                    without = found;
                }
                at = next;
            }
        }
        return without;
    }

    /**
     * The types of one function: BTF with a function of this name in it. Empty if there is none.
     *
     * @throws MalformedElfException if the debugging information is damaged
     */
    public Optional<Btf> function(String name) {
        return find(name).map(entry -> new Conversion().function(name, entry));
    }

    /** One function's types on their way to BTF: numbers are given when a type is first met, contents follow. */
    private final class Conversion {
        private final Map<Long, Integer> ids = new LinkedHashMap<>();
        private final Deque<Long> waiting = new ArrayDeque<>();

        private static final int INDEX_TYPE = 1;

        Btf function(String name, Entry entry) {
            var parameters = new ArrayList<BtfType.Parameter>();
            for (var child : children(entry)) {
                if (child.tag == FORMAL_PARAMETER) {
                    var known = named(child);
                    parameters.add(new BtfType.Parameter(known.name(), id(known)));
                }
            }
            int result = id(named(entry));
            var converted = new TreeMap<Integer, BtfType>();
            while (!waiting.isEmpty()) {
                long offset = waiting.remove();
                converted.put(ids.get(offset), type(at(offset)));
            }
            var builder = new BtfBuilder();
            builder.add(BtfType.Int.unsigned("__index", 4));
            converted.values().forEach(builder::add);
            int prototype = builder.add(new BtfType.Prototype(result, parameters));
            builder.add(new BtfType.Function(name, prototype, BtfType.Linkage.GLOBAL));
            return builder.build();
        }

        /** The number of the type that an entry refers to; 0 is void. */
        private int id(Entry entry) {
            long offset = entry.number(TYPE, -1);
            if (offset < 0) {
                return 0;
            }
            // Types that BTF has no form of are what they stand for, or nothing.
            var target = at(offset);
            for (int i = 0; i < 8 && (target.tag == ATOMIC || target.tag == RESTRICT); i++) {
                if (!target.has(TYPE)) {
                    return 0;
                }
                target = at(target.number(TYPE, 0));
            }
            return switch (target.tag) {
                case ARRAY,
                        CLASS,
                        ENUMERATION,
                        POINTER,
                        REFERENCE,
                        RVALUE_REFERENCE,
                        STRUCTURE,
                        TYPEDEF,
                        UNION,
                        BASE,
                        CONST,
                        VOLATILE -> number(target.offset);
                default -> 0;
            };
        }

        private int number(long offset) {
            var known = ids.get(offset);
            if (known != null) {
                return known;
            }
            if (ids.size() >= MAX_TYPES) {
                return 0;
            }
            int id = INDEX_TYPE + 1 + ids.size();
            ids.put(offset, id);
            waiting.add(offset);
            return id;
        }

        private BtfType type(Entry entry) {
            return switch (entry.tag) {
                case POINTER, REFERENCE, RVALUE_REFERENCE -> new BtfType.Pointer(id(entry));
                case TYPEDEF -> new BtfType.Typedef(entry.name(), id(entry));
                case CONST -> new BtfType.Qualified(BtfKind.CONST, id(entry));
                case VOLATILE -> new BtfType.Qualified(BtfKind.VOLATILE, id(entry));
                case BASE -> base(entry);
                case ARRAY -> array(entry);
                case ENUMERATION -> enumeration(entry);
                default -> composite(entry);
            };
        }

        private BtfType base(Entry entry) {
            int bytes = (int) entry.number(BYTE_SIZE, 1);
            return switch ((int) entry.number(ENCODING, 7)) {
                case 5, 6, 0x0d -> BtfType.Int.signed(entry.name(), bytes);
                default -> BtfType.Int.unsigned(entry.name(), bytes);
            };
        }

        /** Arrays of several dimensions are one row of all their elements. */
        private BtfType array(Entry entry) {
            long count = 1;
            for (var range : children(entry)) {
                if (range.tag == SUBRANGE) {
                    long length = range.has(COUNT) ? range.number(COUNT, 0) : range.number(UPPER_BOUND, -1) + 1;
                    count *= length;
                }
            }
            return new BtfType.Array(id(entry), INDEX_TYPE, Math.clamp(count, 0, Integer.MAX_VALUE));
        }

        private BtfType enumeration(Entry entry) {
            var values = new ArrayList<BtfType.Enumerator>();
            boolean signed = false;
            for (var child : children(entry)) {
                if (child.tag == ENUMERATOR) {
                    long value = child.number(CONST_VALUE, 0);
                    signed |= value < 0;
                    values.add(new BtfType.Enumerator(child.name(), value));
                }
            }
            int bytes = (int) entry.number(BYTE_SIZE, 4);
            return new BtfType.Enumeration(entry.name(), bytes, signed, bytes > 4, values);
        }

        /** Before DWARF 5 bit fields count from the most significant bit of the word that holds them. */
        private long firstBit(Entry member) {
            long bits = member.number(DATA_BIT_OFFSET, 8 * member.number(MEMBER_LOCATION, 0));
            if (!member.has(BIT_OFFSET)) {
                return bits;
            }
            long wordBits =
                    8 * member.number(BYTE_SIZE, at(member.number(TYPE, 0)).number(BYTE_SIZE, 4));
            return bits + wordBits - member.number(BIT_OFFSET, 0) - member.number(BIT_SIZE, 0);
        }

        private BtfType composite(Entry entry) {
            boolean union = entry.tag == UNION;
            if (entry.has(DECLARATION)) {
                return new BtfType.Forward(entry.name(), union);
            }
            var members = new ArrayList<BtfType.Member>();
            for (var child : children(entry)) {
                if (child.tag == MEMBER
                        && !child.has(DECLARATION)
                        && (union || child.has(MEMBER_LOCATION) || child.has(DATA_BIT_OFFSET))) {
                    long bits = firstBit(child);
                    members.add(new BtfType.Member(child.name(), id(child), bits, (int) child.number(BIT_SIZE, 0)));
                }
            }
            long bytes = entry.number(BYTE_SIZE, 0);
            return union
                    ? new BtfType.Union(entry.name(), bytes, members)
                    : new BtfType.Struct(entry.name(), bytes, members);
        }
    }
}
