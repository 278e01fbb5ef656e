package skep.c.bcc;

import java.util.Optional;
import skep.btf.BtfType;
import skep.c.bcc.BccTable.Visibility;
import skep.c.bcc.TableMacros.Declared;
import skep.c.check.Types;
import skep.c.parse.Declaration;
import skep.isa.kernel.MapType;
import skep.source.Diagnostics;

/**
 * Maps as libbpf declares them: a variable in section {@code .maps} whose structure has a pointer to an array of
 * {@code n} elements for each number {@code n}, and a pointer to each type.
 */
final class LibbpfMaps {
    private final Types types;
    private final Diagnostics diagnostics;

    LibbpfMaps(Types types, Diagnostics diagnostics) {
        this.types = types;
        this.diagnostics = diagnostics;
    }

    Declared read(Declaration.Declarator declarator, int type) {
        int kind = 0;
        int key = Types.VOID;
        int leaf = Types.VOID;
        int entries = 0;
        int flags = 0;
        int keySize = 0;
        int leafSize = 0;
        if (types.of(type) instanceof BtfType.Struct s) {
            for (var m : s.members()) {
                int pointee = types.pointee(m.typeId());
                int number = types.of(pointee) instanceof BtfType.Array a ? a.count() : 0;
                switch (m.name()) {
                    case "type" -> kind = number;
                    case "key" -> key = pointee;
                    case "value" -> leaf = pointee;
                    case "max_entries" -> entries = number;
                    case "map_flags" -> flags = number;
                    case "key_size" -> keySize = number;
                    case "value_size" -> leafSize = number;
                    default -> {}
                }
            }
        }
        var row = MapType.ofNumber(kind);
        if (row.isEmpty() || kind == 0) {
            diagnostics.error("c-check", declarator.span(), "the map '" + declarator.name() + "' has no type");
        }
        return new Declared(
                declarator.name(),
                row.orElse(MapType.HASH),
                key == Types.VOID && keySize > 0 ? bytes(keySize) : key,
                leaf == Types.VOID && leafSize > 0 ? bytes(leafSize) : leaf,
                entries,
                flags,
                Optional.empty(),
                "",
                Visibility.PRIVATE,
                false,
                declarator.span());
    }

    private int bytes(int size) {
        return switch (size) {
            case 4 -> types.unsignedInt;
            case 8 -> types.unsignedLong;
            default ->
                types.layout.share(new BtfType.Array(types.layout.basic("unsigned char"), types.unsignedInt, size));
        };
    }
}
