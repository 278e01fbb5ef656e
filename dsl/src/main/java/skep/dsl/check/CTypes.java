package skep.dsl.check;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import java.util.stream.Stream;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.dsl.Type;
import skep.isa.kernel.KernelInfo;

/** Finds types by name: the language's own, those of the script's C preamble, those of the kernel. */
final class CTypes {
    /** Asked for its types only when a name is none of the script's: reading them takes longer than a short script. */
    private final Supplier<Optional<Btf>> types;

    private final CDeclarations declared;
    private final Map<Integer, Type> converted = new HashMap<>();

    CTypes(KernelInfo kernel, CDeclarations declared) {
        this(kernel::types, declared);
    }

    /** The same over other types than the kernel's: those of a program. */
    CTypes(Supplier<Optional<Btf>> types, CDeclarations declared) {
        this.types = types;
        this.declared = declared;
    }

    CDeclarations declared() {
        return declared;
    }

    /** The type of a name such as {@code uint32}, {@code struct file}, {@code size_t}. */
    Optional<Type> named(String name, int maxStringBytes) {
        var own = builtin(name, maxStringBytes);
        if (own.isPresent()) {
            return own;
        }
        var inScript = declared.type(name);
        return inScript.isPresent() ? inScript : kernelType(name);
    }

    /** Whether neither the language nor the script says what a name is. */
    boolean isKernelType(String name) {
        return builtin(name, 1).isEmpty() && declared.type(name).isEmpty();
    }

    private static Optional<Type> builtin(String name, int maxStringBytes) {
        return Optional.ofNullable(
                switch (name) {
                    case "int8", "int8_t", "char", "signed char" -> Type.INT8;
                    case "int16", "int16_t", "short", "short int" -> Type.INT16;
                    case "int32", "int32_t", "int", "signed", "signed int" -> Type.INT32;
                    case "int64", "int64_t", "long", "long long", "long int", "ssize_t", "long long int" -> Type.INT64;
                    case "uint8", "uint8_t", "unsigned char" -> Type.UINT8;
                    case "uint16", "uint16_t", "unsigned short", "short unsigned int" -> Type.UINT16;
                    case "uint32", "uint32_t", "unsigned int", "unsigned" -> Type.UINT32;
                    case "uint64", "uint64_t", "unsigned long", "unsigned long long", "long unsigned int", "size_t" ->
                        Type.UINT64;
                    case "float" -> new Type.Array(Type.UINT8, 4);
                    case "double" -> new Type.Array(Type.UINT8, 8);
                    case "long double" -> new Type.Array(Type.UINT8, 16);
                    case "bool" -> Type.BOOL;
                    case "void" -> Type.VOID;
                    case "string" -> new Type.Str(maxStringBytes);
                    case "buffer" -> new Type.Buffer(maxStringBytes);
                    case "ksym_t" -> new Type.Symbolic(Type.Symbols.KERNEL_SYMBOL);
                    case "usym_t" -> new Type.UserSymbol();
                    case "username_t", "username" -> new Type.Symbolic(Type.Symbols.USER_NAME);
                    case "inet_t", "inet" -> new Type.Inet();
                    case "mac_address_t", "mac_address" -> new Type.MacAddress();
                    case "cgroup_path_t" -> new Type.CgroupPath("");
                    case "timestamp_t" -> new Type.Timestamp("", Type.Clock.BOOT);
                    case "count_t" -> new Type.Count();
                    case "sum_t" -> new Type.Sum(true);
                    case "usum_t" -> new Type.Sum(false);
                    case "min_t" -> new Type.Min(true);
                    case "umin_t" -> new Type.Min(false);
                    case "max_t" -> new Type.Max(true);
                    case "umax_t" -> new Type.Max(false);
                    case "avg_t" -> new Type.Avg(true);
                    case "uavg_t" -> new Type.Avg(false);
                    case "stats_t" -> new Type.Stats(true);
                    case "ustats_t" -> new Type.Stats(false);
                    default -> null;
                });
    }

    private Optional<Type> kernelType(String name) {
        if (types.get().isEmpty()) {
            return Optional.empty();
        }
        var btf = types.get().get();
        OptionalInt id;
        if (name.startsWith("struct ")) {
            id = btf.find(name.substring(7), BtfKind.STRUCT);
        } else if (name.startsWith("union ")) {
            id = btf.find(name.substring(6), BtfKind.UNION);
        } else if (name.startsWith("enum ")) {
            id = enumeration(btf, name.substring(5));
        } else {
            id = btf.find(name, BtfKind.TYPEDEF);
            id = id.isPresent() ? id : btf.find(name, BtfKind.STRUCT);
            id = id.isPresent() ? id : btf.find(name, BtfKind.UNION);
            id = id.isPresent() ? id : enumeration(btf, name);
            id = id.isPresent() ? id : btf.find(name, BtfKind.INT);
        }
        return id.isPresent() ? Optional.of(convert(id.getAsInt())) : Optional.empty();
    }

    /** Names of the kernel's types of the kind that a name is of, for hints. */
    Stream<String> names(String like) {
        if (types.get().isEmpty()) {
            return Stream.empty();
        }
        var btf = types.get().get();
        int space = like.indexOf(' ');
        var keyword = space < 0 ? "" : like.substring(0, space + 1);
        var kind = switch (keyword) {
            case "struct " -> BtfKind.STRUCT;
            case "union " -> BtfKind.UNION;
            case "enum " -> BtfKind.ENUM;
            default -> BtfKind.TYPEDEF;
        };
        return btf.ids(kind).mapToObj(id -> keyword + btf.name(id));
    }

    private static OptionalInt enumeration(Btf btf, String name) {
        var id = btf.find(name, BtfKind.ENUM);
        return id.isPresent() ? id : btf.find(name, BtfKind.ENUM64);
    }

    /** A type of the kernel's BTF as the language sees it. */
    Type convert(int id) {
        var known = converted.get(id);
        if (known != null) {
            return known;
        }
        var type = convertFresh(id);
        converted.put(id, type);
        return type;
    }

    private Type convertFresh(int id) {
        var btf = types.get().orElseThrow();
        int resolved = btf.resolve(id);
        return switch (btf.type(resolved)) {
            case BtfType.Int i -> {
                if (i.encoding() == BtfType.Int.Encoding.BOOL) {
                    yield Type.BOOL;
                }
                yield i.sizeBytes() > 8
                        ? new Type.Array(Type.UINT8, i.sizeBytes())
                        : new Type.Int(i.sizeBytes(), i.isSigned());
            }
            case BtfType.Pointer p -> new Type.Pointer(pointed(p.typeId()), Type.AddressSpace.ANY);
            case BtfType.Array a -> array(a);
            case BtfType.Struct s -> composite(resolved, "struct ", s);
            case BtfType.Union u -> composite(resolved, "union ", u);
            case BtfType.Enumeration e -> {
                var names = new HashMap<Long, String>();
                e.values().forEach(v -> names.putIfAbsent(v.value(), v.name()));
                yield new Type.Enum(e.name(), e.sizeBytes(), e.signed(), names);
            }
            case BtfType.Forward f -> new Type.Struct((f.union() ? "union " : "struct ") + f.name(), 0, 1, List::of);
            case BtfType.Float f -> new Type.Array(Type.UINT8, f.sizeBytes());
            default -> Type.VOID;
        };
    }

    private Type pointed(int id) {
        var btf = types.get().orElseThrow();
        int resolved = btf.resolve(id);
        return switch (btf.type(resolved)) {
            case BtfType.Struct _,
                    BtfType.Union _,
                    BtfType.Int _,
                    BtfType.Pointer _,
                    BtfType.Enumeration _,
                    BtfType.Array _,
                    BtfType.Forward _ -> convert(resolved);
            default -> Type.VOID;
        };
    }

    private Type array(BtfType.Array a) {
        var btf = types.get().orElseThrow();
        int element = btf.resolve(a.elementId());
        if (btf.type(element) instanceof BtfType.Int i
                && i.sizeBytes() == 1
                && i.name().equals("char")) {
            return new Type.Str(a.count(), true);
        }
        return new Type.Array(convert(element), a.count());
    }

    private Type composite(int id, String keyword, BtfType.Composite type) {
        int align = 1;
        for (var member : type.members()) {
            long offset = member.offsetBits() / 8;
            if (member.bitFieldBits() == 0 && offset % 8 == 0) {
                align = Math.max(align, 8);
            }
        }
        var name = type.name().isEmpty() ? keyword + "(anonymous " + id + ")" : keyword + type.name();
        return new Type.Struct(
                name, (int) type.sizeBytes(), Math.min(align, alignOfSize(type.sizeBytes())), () -> fields(type));
    }

    private static int alignOfSize(long size) {
        return size % 8 == 0 ? 8 : size % 4 == 0 ? 4 : size % 2 == 0 ? 2 : 1;
    }

    private List<Type.Field> fields(BtfType.Composite type) {
        var fields = new ArrayList<Type.Field>();
        for (var member : type.members()) {
            var memberType = convert(member.typeId());
            if (member.bitFieldBits() == 0) {
                fields.add(new Type.Field(member.name(), memberType, (int) (member.offsetBits() / 8)));
            } else {
                int unit = Math.max(1, memberType.sizeBytes());
                int start = (int) (member.offsetBits() / (unit * 8L)) * unit;
                fields.add(new Type.Field(
                        member.name(),
                        memberType,
                        start,
                        (int) (member.offsetBits() - start * 8L),
                        member.bitFieldBits(),
                        false));
            }
        }
        return fields;
    }

    /** A field by name, also within anonymous members; its offset counts from the outer structure. */
    static Optional<Type.Field> field(Type.Struct struct, String name) {
        for (var field : struct.fields().list()) {
            if (field.name().equals(name)) {
                return Optional.of(field);
            }
            if (field.name().isEmpty() && field.type() instanceof Type.Struct inner) {
                var found = field(inner, name);
                if (found.isPresent()) {
                    var f = found.get();
                    return Optional.of(new Type.Field(
                            f.name(),
                            f.type(),
                            field.offsetBytes() + f.offsetBytes(),
                            f.bitOffset(),
                            f.bitWidth(),
                            f.dataLoc()));
                }
            }
        }
        return Optional.empty();
    }

    static Stream<String> fieldNames(Type.Struct struct) {
        return struct.fields().list().stream()
                .flatMap(f -> f.name().isEmpty() && f.type() instanceof Type.Struct inner
                        ? fieldNames(inner)
                        : Stream.of(f.name()));
    }

    /** The value of an enumerator and the enumeration it belongs to. */
    Optional<Typed.IntConst> enumerator(String name, skep.source.Span span) {
        var own = declared.enumerator(name);
        if (own.isPresent()) {
            var type = own.get();
            return Optional.of(
                    new Typed.IntConst(type, Type.enumerator(type, name).orElseThrow(), span));
        }
        if (types.get().isEmpty()) {
            return Optional.empty();
        }
        return types.get()
                .get()
                .enumerator(name)
                .map(value -> new Typed.IntConst(enumerationOf(name, value), value, span));
    }

    private Type enumerationOf(String name, long value) {
        var btf = types.get().orElseThrow();
        for (var kind : List.of(BtfKind.ENUM, BtfKind.ENUM64)) {
            var ids = btf.ids(kind).iterator();
            while (ids.hasNext()) {
                int id = ids.nextInt();
                if (btf.type(id) instanceof BtfType.Enumeration e
                        && e.values().stream().anyMatch(v -> v.name().equals(name))) {
                    return convert(id);
                }
            }
        }
        return Literals.smallest(value);
    }

    /** Parameters of a kernel function, eight bytes each in the context of a typed program, and its result. */
    Optional<Signature> function(String name) {
        return types.get().flatMap(btf -> btf.function(name).map(this::signature));
    }

    /** Arguments of a raw tracepoint, from the type of its probe function ({@code btf_trace_<event>}). */
    Optional<Signature> tracepoint(String event) {
        if (types.get().isEmpty()) {
            return Optional.empty();
        }
        var btf = types.get().get();
        var id = btf.find("btf_trace_" + event, BtfKind.TYPEDEF);
        if (id.isEmpty()
                || !(btf.resolved(id.getAsInt()) instanceof BtfType.Pointer pointer)
                || !(btf.resolved(pointer.typeId()) instanceof BtfType.Prototype prototype)) {
            return Optional.empty();
        }
        var all = signature(prototype).parameters();
        var names = tracepointNames(event, all.size());
        var shifted = new ArrayList<Type.Field>();
        for (int i = 1; i < all.size(); i++) {
            var name = names.isEmpty() ? all.get(i).name() : names.get(i);
            shifted.add(new Type.Field(
                    name.isEmpty() ? "arg" + shifted.size() : name, all.get(i).type(), 8 * shifted.size()));
        }
        return Optional.of(new Signature(shifted, Type.VOID));
    }

    /** The typedef has types only; the function that calls the tracepoint's probes has the names too. */
    private List<String> tracepointNames(String event, int count) {
        var btf = types.get().orElseThrow();
        for (var prefix : List.of("__probestub_", "__traceiter_")) {
            var function = btf.find(prefix + event, BtfKind.FUNC);
            if (function.isPresent()
                    && btf.type(function.getAsInt()) instanceof BtfType.Function f
                    && btf.resolved(f.protoId()) instanceof BtfType.Prototype prototype
                    && prototype.parameters().size() == count) {
                return prototype.parameters().stream()
                        .map(BtfType.Parameter::name)
                        .toList();
            }
        }
        return List.of();
    }

    private Signature signature(BtfType.Prototype prototype) {
        var parameters = new ArrayList<Type.Field>();
        for (var parameter : prototype.parameters()) {
            if (parameter.typeId() != 0) {
                parameters.add(new Type.Field(parameter.name(), convert(parameter.typeId()), 8 * parameters.size()));
            }
        }
        return new Signature(parameters, prototype.returnId() == 0 ? Type.VOID : convert(prototype.returnId()));
    }

    /** What a function takes and returns. */
    record Signature(List<Type.Field> parameters, Type result) {
        Signature {
            parameters = List.copyOf(parameters);
        }
    }
}
