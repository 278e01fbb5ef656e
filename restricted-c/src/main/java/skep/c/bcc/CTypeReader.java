package skep.c.bcc;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Set;
import skep.btf.BtfType;
import skep.c.check.Types;

/** From a type's id to what user space needs of it. */
final class CTypeReader {
    private final Types types;
    /** Structures that are being read: one cannot contain itself, but a mistaken source may say so. */
    private final Set<Integer> open = new HashSet<>();

    CTypeReader(Types types) {
        this.types = types;
    }

    CTypeInfo read(int id) {
        var name = types.name(id);
        return switch (types.of(id)) {
            case BtfType.Int i when i.encoding() == BtfType.Int.Encoding.BOOL -> new CTypeInfo.BoolType(name);
            case BtfType.Int i ->
                new CTypeInfo.IntegerType(
                        name, i.sizeBytes(), i.isSigned(), i.name().equals("char"));
            case BtfType.Float f -> new CTypeInfo.FloatType(name, f.sizeBytes());
            case BtfType.Pointer p -> new CTypeInfo.PointerType(name);
            case BtfType.Enumeration e ->
                new CTypeInfo.EnumType(
                        name,
                        e.sizeBytes(),
                        e.signed(),
                        e.values().stream()
                                .map(v -> new CTypeInfo.EnumConstant(v.name(), v.value()))
                                .toList());
            case BtfType.Array a -> new CTypeInfo.ArrayType(read(a.elementId()), a.count());
            case BtfType.Composite c -> composite(types.strip(id), c);
            default -> new CTypeInfo.VoidType();
        };
    }

    private CTypeInfo composite(int id, BtfType.Composite c) {
        if (!open.add(id)) {
            return new CTypeInfo.VoidType();
        }
        var members = new ArrayList<CTypeInfo.Member>();
        for (var m : c.members()) {
            int size = (int) Math.max(1, types.size(m.typeId()));
            var type = read(m.typeId());
            if (m.bitFieldBits() == 0) {
                members.add(new CTypeInfo.Member(m.name(), type, (int) (m.offsetBits() / 8), 0, 0));
            } else {
                int unit = (int) (m.offsetBits() / (8L * size)) * size;
                members.add(new CTypeInfo.Member(
                        m.name(), type, unit, (int) (m.offsetBits() - 8L * unit), m.bitFieldBits()));
            }
        }
        open.remove(id);
        return new CTypeInfo.CompositeType(c.name(), c instanceof BtfType.Union, (int) c.sizeBytes(), members);
    }
}
