package skep.c.check;

import java.util.Optional;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.ir.Region;
import skep.ir.Type;

/** Questions about types of C by their ids in a {@link TypeLayout}; conversions of C11 6.3.1. */
public final class Types {
    public static final int VOID = 0;

    public final TypeLayout layout;
    public final int character;
    public final int signedInt;
    public final int unsignedInt;
    public final int signedLong;
    public final int unsignedLong;
    public final int bool;
    public final int voidPointer;

    public Types(TypeLayout layout) {
        this.layout = layout;
        character = layout.basic("char");
        signedInt = layout.basic("int");
        unsignedInt = layout.basic("unsigned int");
        signedLong = layout.basic("long");
        unsignedLong = layout.basic("unsigned long");
        bool = layout.basic("_Bool");
        voidPointer = pointerTo(VOID);
    }

    /** The id behind type names and qualifiers. */
    public int strip(int id) {
        int at = id;
        while (true) {
            switch (layout.type(at)) {
                case BtfType.Typedef t -> at = t.typeId();
                case BtfType.Qualified q -> at = q.typeId();
                case BtfType.TypeTag t -> at = t.typeId();
                default -> {
                    return at;
                }
            }
        }
    }

    public BtfType of(int id) {
        return layout.type(strip(id));
    }

    public long size(int id) {
        return layout.size(id);
    }

    public int pointerTo(int id) {
        return layout.share(new BtfType.Pointer(id));
    }

    public boolean isVoid(int id) {
        return of(id) instanceof BtfType.Void;
    }

    /** An integer that a register holds; also an enumeration. */
    public boolean isInteger(int id) {
        return switch (of(id)) {
            case BtfType.Int i -> i.sizeBytes() <= 8;
            case BtfType.Enumeration e -> true;
            default -> false;
        };
    }

    /** {@code __int128}: it lies in memory. */
    public boolean isWide(int id) {
        return of(id) instanceof BtfType.Int i && i.sizeBytes() == 16;
    }

    public boolean isPointer(int id) {
        return of(id) instanceof BtfType.Pointer;
    }

    public boolean isScalar(int id) {
        return isInteger(id) || isPointer(id);
    }

    public boolean isArray(int id) {
        return of(id) instanceof BtfType.Array;
    }

    public boolean isComposite(int id) {
        return of(id) instanceof BtfType.Composite;
    }

    public boolean isFunction(int id) {
        return of(id) instanceof BtfType.Prototype;
    }

    public boolean isBool(int id) {
        return of(id) instanceof BtfType.Int i && i.encoding() == BtfType.Int.Encoding.BOOL;
    }

    public boolean isCharacter(int id) {
        return of(id) instanceof BtfType.Int i && i.sizeBytes() == 1 && i.encoding() != BtfType.Int.Encoding.BOOL;
    }

    public boolean signed(int id) {
        return switch (of(id)) {
            case BtfType.Int i -> i.isSigned();
            case BtfType.Enumeration e -> e.signed();
            default -> false;
        };
    }

    /** What a pointer points to, or an array is made of. */
    public int pointee(int id) {
        return switch (of(id)) {
            case BtfType.Pointer p -> p.typeId();
            case BtfType.Array a -> a.elementId();
            default -> VOID;
        };
    }

    /** The step of pointer arithmetic: of {@code void} and functions one byte, as GNU C has it. */
    public long step(int pointer) {
        return Math.max(1, size(pointee(pointer)));
    }

    /** The type of an integer after promotion. */
    public int promoted(int id) {
        if (of(id) instanceof BtfType.Enumeration e && e.sizeBytes() == 4) {
            return e.signed() ? signedInt : unsignedInt;
        }
        return size(id) < 4 ? signedInt : id;
    }

    /** The type in which two integers are computed. */
    public int common(int a, int b) {
        int x = promoted(a);
        int y = promoted(b);
        if (size(x) != size(y)) {
            return size(x) > size(y) ? x : y;
        }
        return signed(x) && !signed(y) ? y : x;
    }

    /** The IR's type of a scalar. */
    public Type ir(int id) {
        return isPointer(id) || isArray(id) || isFunction(id)
                ? Type.ptr(Region.GENERIC)
                : Type.ofBytes((int) Math.max(1, size(id)));
    }

    /** Whether both are the same type but for names and qualifiers. */
    public boolean same(int a, int b) {
        int x = strip(a);
        int y = strip(b);
        if (x == y) {
            return true;
        }
        return switch (layout.type(x)) {
            case BtfType.Pointer p -> layout.type(y) instanceof BtfType.Pointer q && same(p.typeId(), q.typeId());
            case BtfType.Array p ->
                layout.type(y) instanceof BtfType.Array q
                        && p.count() == q.count()
                        && same(p.elementId(), q.elementId());
            case BtfType.Int p ->
                layout.type(y) instanceof BtfType.Int q
                        && p.sizeBytes() == q.sizeBytes()
                        && p.isSigned() == q.isSigned()
                        && isBool(x) == isBool(y);
            case BtfType.Composite p ->
                layout.type(y) instanceof BtfType.Composite q
                        && p.kind() == q.kind()
                        && !p.name().isEmpty()
                        && p.name().equals(q.name());
            case BtfType.Enumeration p ->
                layout.type(y) instanceof BtfType.Enumeration q && p.name().equals(q.name());
            default -> false;
        };
    }

    /**
     * A member, also of an anonymous part.
     *
     * @param offsetBits from the start of the type that was asked
     * @param bits width of a bit-field, 0 for others
     */
    public record Field(int type, long offsetBits, int bits) {}

    public Optional<Field> field(int composite, String name) {
        return of(composite) instanceof BtfType.Composite c ? field(c, name, 0) : Optional.empty();
    }

    private Optional<Field> field(BtfType.Composite c, String name, long base) {
        for (var member : c.members()) {
            long at = base + member.offsetBits();
            if (member.name().equals(name)) {
                return Optional.of(new Field(member.typeId(), at, member.bitFieldBits()));
            }
            if (member.name().isEmpty() && of(member.typeId()) instanceof BtfType.Composite inner) {
                var found = field(inner, name, at);
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return Optional.empty();
    }

    /** Whether it is a structure or union of which only the name is known. */
    public boolean isIncomplete(int id) {
        return of(id) instanceof BtfType.Forward;
    }

    public Optional<Integer> structure(String tag) {
        var id = layout.find(BtfKind.STRUCT, tag);
        return id.isPresent() ? Optional.of(id.getAsInt()) : Optional.empty();
    }

    /** How C writes the type. */
    public String name(int id) {
        return declaration(id, "");
    }

    private String declaration(int id, String inner) {
        return switch (layout.type(id)) {
            case BtfType.Void v -> join("void", inner);
            case BtfType.Pointer p
            when layout.type(p.typeId()) instanceof BtfType.Array
                    || layout.type(p.typeId()) instanceof BtfType.Prototype ->
                declaration(p.typeId(), "(*" + inner + ")");
            case BtfType.Pointer p -> declaration(p.typeId(), "*" + inner);
            case BtfType.Array a -> declaration(a.elementId(), inner + "[" + a.count() + "]");
            case BtfType.Qualified q -> {
                var word = q.kind().name().toLowerCase(java.util.Locale.ROOT);
                yield layout.type(q.typeId()) instanceof BtfType.Pointer
                        ? declaration(q.typeId(), join(word, inner))
                        : word + " " + declaration(q.typeId(), inner);
            }
            case BtfType.TypeTag t -> declaration(t.typeId(), inner);
            case BtfType.Struct s -> join(s.name().isEmpty() ? "struct (anonymous)" : "struct " + s.name(), inner);
            case BtfType.Union u -> join(u.name().isEmpty() ? "union (anonymous)" : "union " + u.name(), inner);
            case BtfType.Forward f -> join((f.union() ? "union " : "struct ") + f.name(), inner);
            case BtfType.Enumeration e -> join(e.name().isEmpty() ? "enum (anonymous)" : "enum " + e.name(), inner);
            case BtfType.Prototype p -> {
                var list = new StringBuilder();
                for (var parameter : p.parameters()) {
                    list.append(list.isEmpty() ? "" : ", ").append(name(parameter.typeId()));
                }
                yield declaration(p.returnId(), inner + "(" + list + ")");
            }
            case BtfType t -> join(t.name(), inner);
        };
    }

    private static String join(String type, String inner) {
        return inner.isEmpty() ? type : type + " " + inner;
    }
}
