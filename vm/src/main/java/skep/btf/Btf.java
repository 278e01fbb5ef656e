package skep.btf;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * The types of a kernel, module or program in the BPF Type Format. Ids count from 1; 0 is {@code void}. Immutable and
 * safe for any thread.
 *
 * <p>Split BTF (a module's) continues the ids and the string offsets of its base.
 *
 * <pre>
 *  header | types: name_off, info, size or type, tail... | strings: NUL-terminated
 *           info: kflag(1) 0(2) kind(5) 0(8) vlen(16), from bit 31 down
 * </pre>
 */
public final class Btf {
    static final int MAGIC = 0xeb9f;
    static final int HEADER_BYTES = 24;
    static final int COMMON_WORDS = 3;

    /** Longest chain of typedefs, qualifiers, arrays and anonymous members followed ({@code MAX_RESOLVE_DEPTH} is 32). */
    private static final int MAX_DEPTH = 64;

    /** Look-ups by scan before a table of names is worth its making. */
    private static final int SCANS_BEFORE_INDEX = 24;

    private static final BtfType VOID = new BtfType.Void();
    private static final BtfType.Int.Encoding[] ENCODINGS = BtfType.Int.Encoding.values();
    private static final BtfType.Linkage[] LINKAGES = BtfType.Linkage.values();

    private final Optional<Btf> base;
    private final int firstId;
    private final int baseStringBytes;

    private final int[] words;
    /** Index into {@link #words} of type {@code firstId + i}; one more entry marks the end. */
    private final int[] starts;

    private final byte[] strings;
    private final byte[] raw;

    private volatile int scans;
    private volatile int[] nameIndex = {};
    private volatile Map<String, Long> enumerators = Map.of();

    private Btf(Optional<Btf> base, byte[] raw, int[] words, int[] starts, byte[] strings) {
        this.base = base;
        this.firstId = base.isPresent() ? base.get().endId() : 1;
        this.baseStringBytes = base.isPresent() ? base.get().stringBytes() : 0;
        this.raw = raw;
        this.words = words;
        this.starts = starts;
        this.strings = strings;
    }

    /**
     * Reads BTF of either byte order. The structure is checked here, references and names when a type is asked for.
     *
     * @throws BtfException if it is malformed
     */
    public static Btf parse(byte[] bytes) {
        return parse(bytes, Optional.empty());
    }

    /** Reads a module's BTF, whose ids continue those of {@code base}. */
    public static Btf parseSplit(byte[] bytes, Btf base) {
        return parse(bytes, Optional.of(base));
    }

    private static Btf parse(byte[] bytes, Optional<Btf> base) {
        try {
            var buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            if (bytes.length < HEADER_BYTES) {
                throw new BtfException("BTF of " + bytes.length + " bytes is shorter than its header");
            }
            if ((buffer.getShort(0) & 0xffff) != MAGIC) {
                buffer.order(ByteOrder.BIG_ENDIAN);
                if ((buffer.getShort(0) & 0xffff) != MAGIC) {
                    throw new BtfException("not BTF: magic " + Integer.toHexString(buffer.getShort(0) & 0xffff));
                }
            }
            if (buffer.get(2) != 1) {
                throw new BtfException("BTF version " + (buffer.get(2) & 0xff) + ", only 1 is known");
            }
            long headerBytes = buffer.getInt(4) & 0xffff_ffffL;
            var types = section(buffer, headerBytes, 8, "types");
            var strings = section(buffer, headerBytes, 16, "strings");
            if (types.remaining() % 4 != 0) {
                throw new BtfException("type section of " + types.remaining() + " bytes is not a multiple of 4");
            }
            var words = new int[types.remaining() / 4];
            types.asIntBuffer().get(words);
            var stringBytes = new byte[strings.remaining()];
            strings.get(stringBytes);
            if (stringBytes.length == 0
                    ? base.isEmpty()
                    : stringBytes[stringBytes.length - 1] != 0 || base.isEmpty() && stringBytes[0] != 0) {
                throw new BtfException("string section does not begin and end with NUL");
            }
            return new Btf(base, bytes, words, findStarts(words), stringBytes);
        } catch (BufferUnderflowException | IndexOutOfBoundsException broken) {
            throw new BtfException("BTF is truncated");
        }
    }

    private static ByteBuffer section(ByteBuffer buffer, long headerBytes, int field, String what) {
        long offset = headerBytes + (buffer.getInt(field) & 0xffff_ffffL);
        long length = buffer.getInt(field + 4) & 0xffff_ffffL;
        if (headerBytes < HEADER_BYTES || offset + length > buffer.capacity()) {
            throw new BtfException("section of " + what + " lies outside the BTF: " + length + " bytes at " + offset);
        }
        return buffer.slice((int) offset, (int) length).order(buffer.order());
    }

    private static int[] findStarts(int[] words) {
        // Runs once over the whole kernel's types, mostly before the JVM compiles it: plain arrays, no calls.
        var fixed = BtfKind.fixedWords();
        var perElement = BtfKind.elementWords();
        var starts = new int[words.length / 4 + 16];
        int count = 0;
        int at = 0;
        while (at < words.length - 2) {
            int info = words[at + 1];
            int kind = info >>> 24 & 0x1f;
            int tail = fixed[kind];
            if (tail < 0) {
                throw new BtfException("type " + (count + 1) + " has unknown kind " + kind);
            }
            if (count + 1 >= starts.length) {
                starts = Arrays.copyOf(starts, starts.length * 2);
            }
            starts[count++] = at;
            at += COMMON_WORDS + tail + perElement[kind] * (info & 0xffff);
        }
        if (at != words.length) {
            throw new BtfException("type section ends within a type");
        }
        starts = Arrays.copyOf(starts, count + 1);
        starts[count] = at;
        return starts;
    }

    /** The bytes that this was parsed from. */
    public byte[] bytes() {
        return raw.clone();
    }

    public Optional<Btf> base() {
        return base;
    }

    /** The id behind the last type: ids are 1 to this, exclusively. */
    public int endId() {
        return firstId + starts.length - 1;
    }

    /** The first id that is not the base's. */
    public int firstId() {
        return firstId;
    }

    int stringBytes() {
        return baseStringBytes + strings.length;
    }

    public BtfKind kind(int id) {
        if (id == 0) {
            return BtfKind.UNKN;
        }
        if (id < firstId && id > 0 && base.isPresent()) {
            return base.get().kind(id);
        }
        return BtfKind.ofNumber(info(id) >>> 24 & 0x1f);
    }

    /** The name of a type without making its record; empty if it has none. */
    public String name(int id) {
        if (id == 0) {
            return "";
        }
        if (id < firstId && id > 0 && base.isPresent()) {
            return base.get().name(id);
        }
        return string(words[start(id)]);
    }

    private int info(int id) {
        return words[start(id) + 1];
    }

    private int start(int id) {
        int index = id - firstId;
        if (index < 0 || index >= starts.length - 1) {
            throw new BtfException("no type " + Integer.toUnsignedString(id) + ": ids end at " + (endId() - 1));
        }
        return starts[index];
    }

    /** The string at an offset of the string section. */
    public String string(int offset) {
        int at = offset - baseStringBytes;
        if (at < 0 && offset >= 0 && base.isPresent()) {
            return base.get().string(offset);
        }
        if (at < 0 || at >= strings.length) {
            throw new BtfException("string offset " + Integer.toUnsignedString(offset) + " lies outside the strings");
        }
        int end = at;
        while (strings[end] != 0) {
            end++;
        }
        return new String(strings, at, end - at, StandardCharsets.UTF_8);
    }

    // ---- look-up by name

    /** The type of this name and kind with the lowest id, own types before the base's. */
    public OptionalInt find(String name, BtfKind kind) {
        if (name.isEmpty()) {
            return OptionalInt.empty();
        }
        var bytes = name.getBytes(StandardCharsets.UTF_8);
        var own = nameIndex.length != 0 ? lookUp(bytes, kind) : scan(bytes, kind);
        return own.isPresent() || base.isEmpty() ? own : base.get().find(name, kind);
    }

    private OptionalInt scan(byte[] name, BtfKind kind) {
        if (scans++ >= SCANS_BEFORE_INDEX) {
            nameIndex = indexNames();
            return lookUp(name, kind);
        }
        int wanted = kind.number();
        for (int i = 0; i < starts.length - 1; i++) {
            int at = starts[i];
            if ((words[at + 1] >>> 24 & 0x1f) == wanted && isNamed(words[at], name)) {
                return OptionalInt.of(firstId + i);
            }
        }
        return OptionalInt.empty();
    }

    private boolean isNamed(int offset, byte[] name) {
        int at = offset - baseStringBytes;
        if (at < 0) {
            // Shared with the base: a module's function may have a name that the kernel's strings contain.
            return offset > 0 && base.isPresent() && base.get().isNamed(offset, name);
        }
        if (at + name.length >= strings.length || strings[at] != name[0]) {
            return false;
        }
        for (int i = 1; i < name.length; i++) {
            if (strings[at + i] != name[i]) {
                return false;
            }
        }
        return strings[at + name.length] == 0;
    }

    /** Open addressing, index of the type plus 1 in each slot; types of equal name lie in ascending order of id. */
    private int[] indexNames() {
        var table = new int[Integer.highestOneBit(Math.max(16, starts.length * 2)) * 2];
        for (int i = 0; i < starts.length - 1; i++) {
            int offset = words[starts[i]];
            if (offset != 0) {
                int slot = hash(offset) & table.length - 1;
                while (table[slot] != 0) {
                    slot = slot + 1 & table.length - 1;
                }
                table[slot] = i + 1;
            }
        }
        return table;
    }

    private OptionalInt lookUp(byte[] name, BtfKind kind) {
        int hash = 0;
        for (var b : name) {
            hash = hash * 31 + b;
        }
        var table = nameIndex;
        for (int slot = spread(hash) & table.length - 1; table[slot] != 0; slot = slot + 1 & table.length - 1) {
            int at = starts[table[slot] - 1];
            if ((words[at + 1] >>> 24 & 0x1f) == kind.number() && isNamed(words[at], name)) {
                return OptionalInt.of(firstId + table[slot] - 1);
            }
        }
        return OptionalInt.empty();
    }

    private int hash(int offset) {
        int at = offset - baseStringBytes;
        if (at < 0) {
            return base.isPresent() && offset > 0 ? base.get().hash(offset) : 0;
        }
        int hash = 0;
        while (at < strings.length && strings[at] != 0) {
            hash = hash * 31 + strings[at++];
        }
        return spread(hash);
    }

    private static int spread(int hash) {
        return hash ^ hash >>> 15;
    }

    public Optional<BtfType.Struct> struct(String name) {
        return find(name, BtfKind.STRUCT).stream()
                .mapToObj(this::type)
                .map(BtfType.Struct.class::cast)
                .findFirst();
    }

    /** The prototype of a function, if it is known. */
    public Optional<BtfType.Prototype> function(String name) {
        var id = find(name, BtfKind.FUNC);
        return id.isPresent()
                        && type(id.getAsInt()) instanceof BtfType.Function function
                        && type(function.protoId()) instanceof BtfType.Prototype prototype
                ? Optional.of(prototype)
                : Optional.empty();
    }

    /** Ids of all own types of a kind, ascending; the base's are not among them. */
    public IntStream ids(BtfKind kind) {
        return IntStream.range(firstId, endId()).filter(id -> kind(id) == kind);
    }

    // ---- records

    /**
     * The record of a type.
     *
     * @throws BtfException if there is no such id, or if the type is malformed
     */
    public BtfType type(int id) {
        if (id == 0) {
            return VOID;
        }
        if (id < firstId && id > 0 && base.isPresent()) {
            return base.get().type(id);
        }
        int at = start(id);
        int info = words[at + 1];
        int count = info & 0xffff;
        boolean flag = info < 0;
        int third = words[at + 2];
        int tail = at + COMMON_WORDS;
        var kind = kind(id);
        return switch (kind) {
            case UNKN -> throw new BtfException("type " + id + " has no kind");
            case INT -> integer(id, string(words[at]), third, words[tail]);
            case PTR -> new BtfType.Pointer(third);
            case ARRAY -> new BtfType.Array(words[tail], words[tail + 1], words[tail + 2]);
            case STRUCT ->
                new BtfType.Struct(string(words[at]), Integer.toUnsignedLong(third), members(tail, count, flag));
            case UNION ->
                new BtfType.Union(string(words[at]), Integer.toUnsignedLong(third), members(tail, count, flag));
            case ENUM -> new BtfType.Enumeration(string(words[at]), third, flag, false, values(tail, count, flag));
            case ENUM64 -> new BtfType.Enumeration(string(words[at]), third, flag, true, wideValues(tail, count));
            case FWD -> new BtfType.Forward(string(words[at]), flag);
            case TYPEDEF -> new BtfType.Typedef(string(words[at]), third);
            case VOLATILE, CONST, RESTRICT -> new BtfType.Qualified(kind, third);
            case FUNC -> new BtfType.Function(string(words[at]), third, linkage(id, count));
            case FUNC_PROTO -> new BtfType.Prototype(third, parameters(tail, count));
            case VAR -> new BtfType.Variable(string(words[at]), third, linkage(id, words[tail]));
            case DATASEC ->
                new BtfType.DataSection(string(words[at]), Integer.toUnsignedLong(third), sectionSlots(tail, count));
            case FLOAT -> new BtfType.Float(string(words[at]), third);
            case DECL_TAG -> new BtfType.DeclTag(string(words[at]), third, words[tail]);
            case TYPE_TAG -> new BtfType.TypeTag(string(words[at]), third);
        };
    }

    private static BtfType.Int integer(int id, String name, int sizeBytes, int data) {
        int encoding = data >>> 24 & 0xf;
        int offset = data >>> 16 & 0xff;
        int bits = data & 0xff;
        if (encoding >= ENCODINGS.length || sizeBytes <= 0 || sizeBytes > 16 || offset + bits > 8 * sizeBytes) {
            throw new BtfException("integer " + name + " (type " + id + ") of " + sizeBytes + " bytes is malformed");
        }
        return new BtfType.Int(name, sizeBytes, bits, offset, ENCODINGS[encoding]);
    }

    private List<BtfType.Member> members(int tail, int count, boolean withBitFields) {
        var members = new ArrayList<BtfType.Member>(count);
        for (int i = 0; i < count; i++) {
            int at = tail + 3 * i;
            int offset = words[at + 2];
            members.add(new BtfType.Member(
                    string(words[at]),
                    words[at + 1],
                    withBitFields ? offset & 0xff_ffff : Integer.toUnsignedLong(offset),
                    withBitFields ? offset >>> 24 : 0));
        }
        return members;
    }

    private List<BtfType.Enumerator> values(int tail, int count, boolean signed) {
        var values = new ArrayList<BtfType.Enumerator>(count);
        for (int i = 0; i < count; i++) {
            int value = words[tail + 2 * i + 1];
            values.add(new BtfType.Enumerator(
                    string(words[tail + 2 * i]), signed ? value : Integer.toUnsignedLong(value)));
        }
        return values;
    }

    private List<BtfType.Enumerator> wideValues(int tail, int count) {
        var values = new ArrayList<BtfType.Enumerator>(count);
        for (int i = 0; i < count; i++) {
            int at = tail + 3 * i;
            long value = Integer.toUnsignedLong(words[at + 1]) | (long) words[at + 2] << 32;
            values.add(new BtfType.Enumerator(string(words[at]), value));
        }
        return values;
    }

    private List<BtfType.Parameter> parameters(int tail, int count) {
        var parameters = new ArrayList<BtfType.Parameter>(count);
        for (int i = 0; i < count; i++) {
            parameters.add(new BtfType.Parameter(string(words[tail + 2 * i]), words[tail + 2 * i + 1]));
        }
        return parameters;
    }

    private List<BtfType.DataSection.Slot> sectionSlots(int tail, int count) {
        var slots = new ArrayList<BtfType.DataSection.Slot>(count);
        for (int i = 0; i < count; i++) {
            int at = tail + 3 * i;
            slots.add(new BtfType.DataSection.Slot(
                    words[at], Integer.toUnsignedLong(words[at + 1]), Integer.toUnsignedLong(words[at + 2])));
        }
        return slots;
    }

    private static BtfType.Linkage linkage(int id, int number) {
        if (number < 0 || number >= LINKAGES.length) {
            throw new BtfException("type " + id + " has unknown linkage " + number);
        }
        return LINKAGES[number];
    }

    // ---- layout

    /** The id behind typedefs, qualifiers and tags. */
    public int resolve(int id) {
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            switch (kind(id)) {
                case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> id = reference(id);
                default -> {
                    return id;
                }
            }
        }
        throw new BtfException("typedefs of type " + id + " form a cycle");
    }

    private int reference(int id) {
        return id < firstId ? base.orElseThrow().reference(id) : words[start(id) + 2];
    }

    /** The record behind typedefs, qualifiers and tags. */
    public BtfType resolved(int id) {
        return type(resolve(id));
    }

    /**
     * The size of a type in bytes; 0 for {@code void} and a flexible array.
     *
     * @throws BtfException for functions and incomplete types, which have none
     */
    public long sizeBytes(int id) {
        long count = 1;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            int target = resolve(id);
            long size = switch (type(target)) {
                case BtfType.Array array -> {
                    count = times(count, Integer.toUnsignedLong(array.count()), id);
                    id = array.elementId();
                    yield -1;
                }
                case BtfType.Void _ -> 0;
                case BtfType.Int integer -> integer.sizeBytes();
                case BtfType.Pointer _ -> 8;
                case BtfType.Composite composite -> composite.sizeBytes();
                case BtfType.Enumeration enumeration -> enumeration.sizeBytes();
                case BtfType.Float number -> number.sizeBytes();
                case BtfType.DataSection section -> section.sizeBytes();
                case BtfType.Variable variable -> {
                    id = variable.typeId();
                    yield -1;
                }
                case BtfType.Forward forward ->
                    throw new BtfException(
                            (forward.union() ? "union " : "struct ") + forward.name() + " is incomplete");
                default -> throw new BtfException(cName(target) + " has no size");
            };
            if (size >= 0) {
                return times(count, size, id);
            }
        }
        throw new BtfException("arrays of type " + id + " are nested too deeply");
    }

    private static long times(long left, long right, int id) {
        try {
            return Math.multiplyExact(left, right);
        } catch (ArithmeticException _) {
            throw new BtfException("size of type " + id + " overflows");
        }
    }

    /**
     * Where a part of a type lies.
     *
     * @param typeId the part's type as declared
     * @param offsetBits from the start of the outermost type
     * @param bitFieldBits width of a bit-field, or 0
     */
    public record Place(int typeId, long offsetBits, int bitFieldBits) {
        public long offsetBytes() {
            return offsetBits / 8;
        }

        public boolean isBitField() {
            return bitFieldBits != 0;
        }
    }

    /** The member of a struct or union, looked for in its anonymous members too. Typedefs of the type are followed. */
    public Optional<Place> member(int id, String name) {
        return member(id, name, 0, 0);
    }

    private Optional<Place> member(int id, String name, long offsetBits, int depth) {
        if (depth > MAX_DEPTH || !(resolved(id) instanceof BtfType.Composite composite)) {
            return Optional.empty();
        }
        for (var member : composite.members()) {
            if (member.name().equals(name)) {
                return Optional.of(place(member, offsetBits));
            }
        }
        for (var member : composite.members()) {
            if (member.name().isEmpty()) {
                var inner = member(member.typeId(), name, offsetBits + member.offsetBits(), depth + 1);
                if (inner.isPresent()) {
                    return inner;
                }
            }
        }
        return Optional.empty();
    }

    private Place place(BtfType.Member member, long offsetBits) {
        int bits = member.bitFieldBits();
        long at = offsetBits + member.offsetBits();
        // Bit-fields of old style: the width is in the integer.
        if (bits == 0
                && resolved(member.typeId()) instanceof BtfType.Int integer
                && integer.bits() != 8 * integer.sizeBytes()) {
            return new Place(member.typeId(), at + integer.offsetBits(), integer.bits());
        }
        return new Place(member.typeId(), at, bits);
    }

    /** A part by path: names separated by dots, constant indices in brackets, as in {@code se.load.weight} or {@code comm[3]}. */
    public Optional<Place> path(int id, String path) {
        var place = Optional.of(new Place(id, 0, 0));
        int at = 0;
        while (at < path.length() && place.isPresent()) {
            var here = place.get();
            if (path.charAt(at) == '[') {
                int close = path.indexOf(']', at);
                if (close < 0) {
                    return Optional.empty();
                }
                place = element(here, path.substring(at + 1, close));
                at = close + 1;
            } else {
                int from = path.charAt(at) == '.' ? at + 1 : at;
                int to = from;
                while (to < path.length() && path.charAt(to) != '.' && path.charAt(to) != '[') {
                    to++;
                }
                place = member(here.typeId(), path.substring(from, to))
                        .map(p -> new Place(p.typeId(), here.offsetBits() + p.offsetBits(), p.bitFieldBits()));
                at = Math.max(to, at + 1);
            }
        }
        return place;
    }

    private Optional<Place> element(Place place, String index) {
        if (!(resolved(place.typeId()) instanceof BtfType.Array array) || !index.matches("[0-9]{1,9}")) {
            return Optional.empty();
        }
        long offset = times(times(Long.parseLong(index), 8, place.typeId()), sizeBytes(array.elementId()), 0);
        return Optional.of(new Place(array.elementId(), place.offsetBits() + offset, 0));
    }

    /** The value of a constant of any enumeration; the first look-up scans all of them. */
    public Optional<Long> enumerator(String name) {
        var index = enumerators;
        if (index.isEmpty()) {
            index = indexEnumerators();
            enumerators = index;
        }
        var value = index.get(name);
        return value != null ? Optional.of(value) : base.flatMap(b -> b.enumerator(name));
    }

    private Map<String, Long> indexEnumerators() {
        var index = new HashMap<String, Long>();
        for (var kind : List.of(BtfKind.ENUM, BtfKind.ENUM64)) {
            ids(kind)
                    .forEach(id -> ((BtfType.Enumeration) type(id))
                            .values()
                            .forEach(v -> index.putIfAbsent(v.name(), v.value())));
        }
        // Empty stands for not asked yet.
        index.putIfAbsent("", 0L);
        return index;
    }

    // ---- names in C

    /** How C writes the type, for example {@code const struct file *} or {@code char[16]}. */
    public String cName(int id) {
        return declaration(id, "", 0).strip();
    }

    /** How C declares something of this type, for example {@code int (*fn)(void *, int)}. */
    public String cDeclaration(int id, String name) {
        return declaration(id, name, 0).strip();
    }

    private String declaration(int id, String inner, int depth) {
        if (depth > MAX_DEPTH) {
            return "? " + inner;
        }
        return switch (type(id)) {
            case BtfType.Void _ -> spaced("void", inner);
            case BtfType.Pointer pointer -> {
                var target = kind(skipQualifiers(pointer.typeId()));
                boolean bind = target == BtfKind.ARRAY || target == BtfKind.FUNC_PROTO;
                yield declaration(pointer.typeId(), bind ? "(*" + inner + ")" : "*" + inner, depth + 1);
            }
            case BtfType.Array array ->
                declaration(array.elementId(), inner + "[" + Integer.toUnsignedString(array.count()) + "]", depth + 1);
            case BtfType.Prototype prototype -> {
                var parameters = new ArrayList<String>();
                for (var parameter : prototype.parameters()) {
                    parameters.add(
                            parameter.typeId() == 0
                                    ? "..."
                                    : declaration(parameter.typeId(), parameter.name(), depth + 1)
                                            .strip());
                }
                var list = parameters.isEmpty() ? "void" : String.join(", ", parameters);
                yield declaration(prototype.returnId(), inner + "(" + list + ")", depth + 1);
            }
            case BtfType.Qualified qualified -> {
                var word = qualified.kind().name().toLowerCase(java.util.Locale.ROOT);
                yield kind(qualified.typeId()) == BtfKind.PTR
                        ? declaration(qualified.typeId(), spaced(word, inner), depth + 1)
                        : word + " " + declaration(qualified.typeId(), inner, depth + 1);
            }
            case BtfType.TypeTag tag -> declaration(tag.typeId(), inner, depth + 1);
            case BtfType.Struct struct -> spaced("struct " + tagName(struct), inner);
            case BtfType.Union union -> spaced("union " + tagName(union), inner);
            case BtfType.Enumeration enumeration -> spaced("enum " + tagName(enumeration), inner);
            case BtfType.Forward forward -> spaced((forward.union() ? "union " : "struct ") + forward.name(), inner);
            case BtfType.Function function -> declaration(function.protoId(), function.name(), depth + 1);
            case BtfType.Variable variable -> declaration(variable.typeId(), variable.name(), depth + 1);
            case BtfType.Int integer -> spaced(integer.name(), inner);
            case BtfType.Float number -> spaced(number.name(), inner);
            case BtfType.Typedef typedef -> spaced(typedef.name(), inner);
            case BtfType.DataSection section -> spaced(section.name(), inner);
            case BtfType.DeclTag tag -> spaced(tag.name(), inner);
        };
    }

    private int skipQualifiers(int id) {
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            switch (kind(id)) {
                case VOLATILE, CONST, RESTRICT, TYPE_TAG -> id = reference(id);
                default -> {
                    return id;
                }
            }
        }
        return 0;
    }

    private static String tagName(BtfType type) {
        return type.name().isEmpty() ? "(anon)" : type.name();
    }

    private static String spaced(String type, String inner) {
        return inner.isEmpty() || inner.startsWith("[") ? type + inner : type + " " + inner;
    }

    @Override
    public String toString() {
        return "Btf[types " + firstId + " to " + (endId() - 1) + "]";
    }
}
