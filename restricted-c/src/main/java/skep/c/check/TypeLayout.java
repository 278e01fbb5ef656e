package skep.c.check;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import skep.btf.Btf;
import skep.btf.BtfBuilder;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.c.parse.BasicTypes;
import skep.c.parse.CType;
import skep.c.parse.Expr;
import skep.source.Diagnostics;
import skep.source.Span;

/**
 * Gives the types of a source ids, sizes and offsets as the System V ABI of 64-bit little-endian machines does, bit-fields
 * included, on top of the ids of the kernel's types.
 */
public final class TypeLayout {
    /** Bit-fields and arrays above this are mistakes. */
    private static final long MAX_SIZE_BYTES = 1L << 28;

    private final Optional<Btf> kernel;
    private final Diagnostics diagnostics;
    private final int firstId;
    private final List<BtfType> own = new ArrayList<>();
    private final Map<BtfKind, Map<String, Integer>> named = new EnumMap<>(BtfKind.class);
    private final Map<BtfType, Integer> shared = new HashMap<>();
    private final Map<CType, Integer> defined = new HashMap<>();
    private final Map<Integer, Integer> alignments = new HashMap<>();
    private final Map<String, Long> enumerators = new LinkedHashMap<>();
    private final ConstantEvaluator constants = new ConstantEvaluator(this);

    private final Map<Integer, BtfType> read = new HashMap<>();
    private final Set<String> weak = new HashSet<>();
    private boolean weakly;
    private Optional<ToIntFunction<Expr>> typeOf = Optional.empty();
    private Function<String, OptionalInt> foreign = tag -> OptionalInt.empty();

    public TypeLayout(Optional<Btf> kernel, Diagnostics diagnostics) {
        this.kernel = kernel;
        this.diagnostics = diagnostics;
        this.firstId = kernel.map(Btf::endId).orElse(1);
    }

    /** How the type of an expression is found, for {@code typeof} and {@code sizeof}. */
    public void typeOf(ToIntFunction<Expr> hook) {
        typeOf = Optional.of(hook);
    }

    /** Who is asked for structures that neither the source nor the kernel defines, by tag. */
    public void foreign(Function<String, OptionalInt> hook) {
        foreign = hook;
    }

    /** Whether what is declared from now on yields to later definitions, as that of a header library does. */
    public void weakly(boolean yields) {
        weakly = yields;
    }

    Optional<Integer> typeOf(Expr expr) {
        return typeOf.map(hook -> hook.applyAsInt(expr));
    }

    Btf types() {
        if (own.isEmpty() && kernel.isPresent()) {
            return kernel.get();
        }
        var builder = kernel.map(BtfBuilder::split).orElseGet(BtfBuilder::new);
        own.forEach(builder::add);
        return builder.build();
    }

    Map<String, Integer> own(BtfKind kind) {
        return Map.copyOf(named.getOrDefault(kind, Map.of()));
    }

    Map<String, Long> enumerators() {
        return Map.copyOf(enumerators);
    }

    public Optional<Long> enumerator(String name) {
        var mine = enumerators.get(name);
        return mine != null ? Optional.of(mine) : kernel.flatMap(k -> k.enumerator(name));
    }

    public Optional<Long> constant(Expr expr) {
        return constants.evaluate(expr);
    }

    public OptionalInt find(BtfKind kind, String name) {
        var mine = named.getOrDefault(kind, Map.of()).get(name);
        if (mine != null) {
            return OptionalInt.of(mine);
        }
        var theirs = kernel.map(k -> k.find(name, kind)).orElse(OptionalInt.empty());
        if (theirs.isPresent() || kind != BtfKind.TYPEDEF) {
            return theirs.isEmpty() && kind == BtfKind.STRUCT ? foreign.apply(name) : theirs;
        }
        return KnownTypes.of(name).map(t -> OptionalInt.of(share(t))).orElse(OptionalInt.empty());
    }

    public void typedef(String name, CType type) {
        int id = add(new BtfType.Typedef(name, idOf(type)));
        remember(BtfKind.TYPEDEF, name, id);
    }

    // Ids

    public int idOf(CType type) {
        return switch (type) {
            case CType.Basic b -> basic(b.name());
            case CType.Named n ->
                find(BtfKind.TYPEDEF, n.name()).orElseGet(() -> {
                    diagnostics.error("c-type", n.span(), "unknown type name '" + n.name() + "'");
                    return basic("int");
                });
            case CType.Pointer p -> share(new BtfType.Pointer(idOf(p.to())));
            case CType.Array a -> array(a);
            case CType.Function f -> {
                var parameters = new ArrayList<BtfType.Parameter>();
                f.parameters().forEach(p -> parameters.add(new BtfType.Parameter(p.name(), idOf(p.type()))));
                if (f.variadic()) {
                    parameters.add(new BtfType.Parameter("", 0));
                }
                yield share(new BtfType.Prototype(idOf(f.result()), parameters));
            }
            case CType.Enumeration e -> enumeration(e);
            case CType.Composite c -> composite(c);
            case CType.TypeOf t when typeOf.isPresent() -> typeOf.get().applyAsInt(t.expr());
            case CType.TypeOf t -> {
                diagnostics.error("c-type", t.expr().span(), "typeof needs an expression that is known here");
                yield basic("int");
            }
        };
    }

    /** The id of a type of the language by its canonical name; 0 for {@code void}. */
    public int basic(String name) {
        int size = BasicTypes.sizeBytes(name);
        if (size == 0) {
            return 0;
        }
        if (name.equals("_Bool")) {
            return share(new BtfType.Int(name, 1, 8, 0, BtfType.Int.Encoding.BOOL));
        }
        if (name.equals("float") || name.endsWith("double")) {
            return share(new BtfType.Float(name, size));
        }
        if (name.equals("char")) {
            return share(new BtfType.Int(name, 1, 8, 0, BtfType.Int.Encoding.SIGNED_CHAR));
        }
        return share(BasicTypes.isSigned(name) ? BtfType.Int.signed(name, size) : BtfType.Int.unsigned(name, size));
    }

    private int array(CType.Array a) {
        int element = idOf(a.element());
        long count = a.size().map(s -> required(s, s.span())).orElse(0L);
        if (count < 0 || count * Math.max(1, size(element)) > MAX_SIZE_BYTES) {
            diagnostics.error("c-type", a.size().orElseThrow().span(), "an array of " + count + " elements");
            count = 0;
        }
        return share(new BtfType.Array(element, basic("unsigned int"), (int) count));
    }

    private int enumeration(CType.Enumeration e) {
        if (e.constants().isEmpty()) {
            return find(BtfKind.ENUM, e.tag()).orElseGet(() -> basic("unsigned int"));
        }
        var before = defined.get(e);
        if (before != null) {
            return before;
        }
        if (weakly && find(BtfKind.ENUM, e.tag()).isPresent()) {
            return find(BtfKind.ENUM, e.tag()).getAsInt();
        }
        var values = new ArrayList<BtfType.Enumerator>();
        long next = 0;
        for (var constant : e.constants().get()) {
            if (constant.value().isPresent()) {
                next = required(constant.value().get(), constant.span());
            }
            values.add(new BtfType.Enumerator(constant.name(), next));
            if (!weakly || enumerator(constant.name()).isEmpty()) {
                enumerators.put(constant.name(), next);
            }
            next++;
        }
        boolean signed = values.stream().anyMatch(v -> v.value() < 0);
        boolean wide = values.stream().anyMatch(v -> signed ? v.value() != (int) v.value() : v.value() >>> 32 != 0);
        int id = add(new BtfType.Enumeration(e.tag(), wide ? 8 : 4, signed, wide, values));
        defined.put(e, id);
        if (!e.tag().isEmpty()) {
            redefinition(BtfKind.ENUM, e.tag(), e.span());
            remember(BtfKind.ENUM, e.tag(), id);
        }
        return id;
    }

    private int composite(CType.Composite c) {
        var kind = c.union() ? BtfKind.UNION : BtfKind.STRUCT;
        if (c.fields().isEmpty()) {
            return find(kind, c.tag()).orElseGet(() -> {
                int id = add(new BtfType.Forward(c.tag(), c.union()));
                remember(kind, c.tag(), id);
                return id;
            });
        }
        var before = defined.get(c);
        if (before != null) {
            return before;
        }
        if (weakly && find(kind, c.tag()).isPresent()) {
            return find(kind, c.tag()).getAsInt();
        }
        int id;
        var forward = named.getOrDefault(kind, Map.of()).get(c.tag());
        if (forward != null && type(forward) instanceof BtfType.Forward) {
            id = forward;
        } else {
            if (!c.tag().isEmpty()) {
                redefinition(kind, c.tag(), c.span());
            }
            // Its own members may point to it.
            id = add(new BtfType.Forward(c.tag(), c.union()));
        }
        if (!c.tag().isEmpty()) {
            remember(kind, c.tag(), id);
        }
        defined.put(c, id);
        own.set(id - firstId, layOut(c, id));
        return id;
    }

    private void redefinition(BtfKind kind, String tag, Span span) {
        if (named.getOrDefault(kind, Map.of()).containsKey(tag) && !weak.contains(kind + " " + tag)) {
            diagnostics.error("c-redefinition", span, "redefinition of '" + tag + "'");
        }
    }

    private void remember(BtfKind kind, String name, int id) {
        named.computeIfAbsent(kind, k -> new LinkedHashMap<>()).put(name, id);
        if (weakly) {
            weak.add(kind + " " + name);
        } else {
            weak.remove(kind + " " + name);
        }
    }

    private int add(BtfType type) {
        own.add(type);
        return firstId + own.size() - 1;
    }

    /** A structure laid out elsewhere, for example by a tracepoint's format. */
    public int structure(String tag, long sizeBytes, List<BtfType.Member> members) {
        int id = add(new BtfType.Struct(tag, sizeBytes, members));
        if (!tag.isEmpty()) {
            remember(BtfKind.STRUCT, tag, id);
        }
        return id;
    }

    /** The id of a type without a name, such as a pointer: the same for equal types. */
    public int share(BtfType type) {
        var before = shared.get(type);
        if (before != null) {
            return before;
        }
        int id = add(type);
        shared.put(type, id);
        return id;
    }

    // Layout

    private BtfType layOut(CType.Composite c, int id) {
        boolean packed = c.attributes().stream().anyMatch(a -> a.name().equals("packed"));
        var members = new ArrayList<BtfType.Member>();
        long endBits = 0;
        long sizeBits = 0;
        int align = 1;
        for (var field : c.fields().orElseThrow()) {
            int type = idOf(field.type());
            int natural = packed || hasPacked(field.attributes()) ? 1 : align(type);
            int fieldAlign = Math.max(natural, aligned(field.attributes()));
            long at = c.union() ? 0 : endBits;
            long width;
            if (field.bits().isPresent()) {
                long bits = required(field.bits().get(), field.span());
                long unit = 8 * size(type);
                if (bits < 0 || bits > unit) {
                    diagnostics.error(
                            "c-bit-field", field.span(), "a bit-field of " + bits + " bits in a type of " + unit);
                    bits = unit;
                }
                boolean crosses = !packed && bits > 0 && at % unit + bits > unit;
                if (bits == 0 || crosses) {
                    at = up(at, unit);
                }
                width = bits;
                if (!field.name().isEmpty()) {
                    members.add(new BtfType.Member(field.name(), type, at, (int) bits));
                    align = Math.max(align, fieldAlign);
                }
            } else {
                if (type != 0 && type(type) instanceof BtfType.Forward && type >= firstId) {
                    diagnostics.error("c-type", field.span(), "field '" + field.name() + "' has an incomplete type");
                }
                at = up(at, 8L * fieldAlign);
                width = 8 * size(type);
                members.add(new BtfType.Member(field.name(), type, at, 0));
                align = Math.max(align, fieldAlign);
            }
            endBits = at + width;
            sizeBits = Math.max(sizeBits, endBits);
        }
        align = Math.max(align, aligned(c.attributes()));
        alignments.put(id, align);
        long size = up(sizeBits, 8L * align) / 8;
        return c.union() ? new BtfType.Union(c.tag(), size, members) : new BtfType.Struct(c.tag(), size, members);
    }

    private static long up(long bits, long to) {
        return to <= 0 ? bits : (bits + to - 1) / to * to;
    }

    private static boolean hasPacked(List<CType.Attribute> attributes) {
        return attributes.stream().anyMatch(a -> a.name().equals("packed"));
    }

    private static int aligned(List<CType.Attribute> attributes) {
        int align = 1;
        for (var attribute : attributes) {
            if (attribute.name().equals("aligned")) {
                align = attribute.args().size() == 1
                                && attribute.args().getFirst().matches("\\d{1,5}")
                        ? Math.max(align, Integer.parseInt(attribute.args().getFirst()))
                        : 16;
            }
        }
        return align;
    }

    public BtfType type(int id) {
        if (id >= firstId) {
            return own.get(id - firstId);
        }
        return id == 0
                ? new BtfType.Void()
                : read.computeIfAbsent(id, i -> kernel.orElseThrow().type(i));
    }

    public long size(int id) {
        return switch (type(id)) {
            case BtfType.Int i -> i.sizeBytes();
            case BtfType.Float f -> f.sizeBytes();
            case BtfType.Pointer p -> 8;
            case BtfType.Enumeration e -> e.sizeBytes();
            case BtfType.Array a -> a.count() * size(a.elementId());
            case BtfType.Composite c -> c.sizeBytes();
            case BtfType.Typedef t -> size(t.typeId());
            case BtfType.Qualified q -> size(q.typeId());
            case BtfType.TypeTag t -> size(t.typeId());
            default -> 0;
        };
    }

    public int align(int id) {
        var known = alignments.get(id);
        if (known != null) {
            return known;
        }
        return switch (type(id)) {
            case BtfType.Array a -> align(a.elementId());
            case BtfType.Typedef t -> align(t.typeId());
            case BtfType.Qualified q -> align(q.typeId());
            case BtfType.TypeTag t -> align(t.typeId());
            case BtfType.Composite c -> alignOfForeign(c);
            default -> (int) Math.max(1, size(id));
        };
    }

    /** BTF does not tell alignment: it is that of the strictest member, unless an offset or the size contradicts. */
    private int alignOfForeign(BtfType.Composite c) {
        int align = 1;
        for (var member : c.members()) {
            int natural = align(member.typeId());
            if (member.bitFieldBits() == 0 && member.offsetBits() % (8L * natural) == 0) {
                align = Math.max(align, natural);
            }
        }
        while (align > 1 && c.sizeBytes() % align != 0) {
            align /= 2;
        }
        return align;
    }

    private long required(Expr expr, Span span) {
        var value = constant(expr);
        if (value.isEmpty()) {
            diagnostics.error("c-constant", span, "expected a constant expression");
        }
        return value.orElse(1L);
    }
}
