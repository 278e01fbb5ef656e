package skep.elf;

import java.util.Optional;
import skep.btf.Btf;
import skep.btf.BtfType;

/**
 * Whether a type of a program is contained in a type of the kernel: every member and constant of the program's is there, under
 * its name and with a matching type; the kernel's may have more. Behind a pointer names of structs are enough. The rules of
 * CO-RE's {@code TYPE_MATCHES} (libbpf 1.0).
 */
final class TypeMatch {
    /** As deep as types may be nested. */
    private static final int MAX_DEPTH = 32;

    private final Btf local;
    private final Btf target;

    TypeMatch(Btf local, Btf target) {
        this.local = local;
        this.target = target;
    }

    boolean matches(int localId, int targetId) {
        return matches(localId, targetId, false, MAX_DEPTH);
    }

    private boolean matches(int localId, int targetId, boolean behindPointer, int depth) {
        if (depth == 0) {
            return false;
        }
        var own = local.type(plain(local, localId));
        var other = target.type(plain(target, targetId));
        if (!CoreRelocator.essential(own.name()).equals(CoreRelocator.essential(other.name()))) {
            return false;
        }
        return switch (own) {
            case BtfType.Void _ -> other instanceof BtfType.Void;
            case BtfType.Forward forward -> forwardMatches(forward, other, behindPointer);
            case BtfType.Enumeration enumeration ->
                other instanceof BtfType.Enumeration constants
                                && (behindPointer || enumeration.sizeBytes() == constants.sizeBytes())
                                && constantsMatch(enumeration, constants)
                        || behindPointer && other instanceof BtfType.Forward;
            case BtfType.Composite composite -> compositeMatches(composite, other, behindPointer, depth);
            case BtfType.Int integer ->
                other instanceof BtfType.Int i
                        && integer.sizeBytes() == i.sizeBytes()
                        && integer.isSigned() == i.isSigned();
            case BtfType.Float number -> other instanceof BtfType.Float f && number.sizeBytes() == f.sizeBytes();
            case BtfType.Pointer pointer ->
                other instanceof BtfType.Pointer p && matches(pointer.typeId(), p.typeId(), true, depth - 1);
            case BtfType.Array array ->
                other instanceof BtfType.Array a
                        && array.count() == a.count()
                        && matches(array.elementId(), a.elementId(), behindPointer, depth - 1);
            case BtfType.Prototype prototype ->
                other instanceof BtfType.Prototype p && prototypesMatch(prototype, p, depth);
            case BtfType.Typedef typedef ->
                other instanceof BtfType.Typedef t && matches(typedef.typeId(), t.typeId(), behindPointer, depth - 1);
            case BtfType.Qualified _, BtfType.TypeTag _ -> throw new AssertionError(own);
            case BtfType.Function _, BtfType.Variable _, BtfType.DataSection _, BtfType.DeclTag _ -> false;
        };
    }

    /** Without qualifiers and tags, which do not count. */
    private static int plain(Btf btf, int id) {
        int at = id;
        for (int i = 0; i < MAX_DEPTH; i++) {
            switch (btf.type(at)) {
                case BtfType.Qualified qualified -> at = qualified.typeId();
                case BtfType.TypeTag tag -> at = tag.typeId();
                default -> {
                    return at;
                }
            }
        }
        return at;
    }

    private static boolean forwardMatches(BtfType.Forward forward, BtfType other, boolean behindPointer) {
        return switch (other) {
            case BtfType.Forward same -> same.union() == forward.union();
            case BtfType.Union _ -> behindPointer && forward.union();
            case BtfType.Struct _ -> behindPointer && !forward.union();
            default -> false;
        };
    }

    private static boolean constantsMatch(BtfType.Enumeration own, BtfType.Enumeration other) {
        return own.values().stream()
                .allMatch(value -> other.values().stream()
                        .anyMatch(
                                o -> CoreRelocator.essential(o.name()).equals(CoreRelocator.essential(value.name()))));
    }

    private boolean compositeMatches(BtfType.Composite own, BtfType other, boolean behindPointer, int depth) {
        if (behindPointer && other instanceof BtfType.Forward forward) {
            return forward.union() == own instanceof BtfType.Union;
        }
        if (!(other instanceof BtfType.Composite composite) || own.kind() != composite.kind()) {
            return false;
        }
        return behindPointer
                || own.members().stream()
                        .allMatch(member -> find(composite, member.name(), depth)
                                .filter(found -> matches(member.typeId(), found.typeId(), false, depth - 1))
                                .isPresent());
    }

    /** A member by name, also inside of members that have none. */
    private Optional<BtfType.Member> find(BtfType.Composite composite, String name, int depth) {
        for (var member : composite.members()) {
            if (member.name().isEmpty() && !name.isEmpty() && depth > 0) {
                if (target.resolved(member.typeId()) instanceof BtfType.Composite inner) {
                    var found = find(inner, name, depth - 1);
                    if (found.isPresent()) {
                        return found;
                    }
                }
            } else if (member.name().equals(name)) {
                return Optional.of(member);
            }
        }
        return Optional.empty();
    }

    private boolean prototypesMatch(BtfType.Prototype own, BtfType.Prototype other, int depth) {
        if (own.parameters().size() != other.parameters().size()) {
            return false;
        }
        for (int i = 0; i < own.parameters().size(); i++) {
            int mine = own.parameters().get(i).typeId();
            if (!matches(mine, other.parameters().get(i).typeId(), false, depth - 1)) {
                return false;
            }
        }
        return matches(own.returnId(), other.returnId(), false, depth - 1);
    }
}
