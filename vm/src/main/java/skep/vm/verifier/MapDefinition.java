package skep.vm.verifier;

import java.util.List;
import java.util.Optional;
import skep.isa.kernel.MapType;

/**
 * What the verifier must know of a map.
 *
 * @param id unique among the maps of one verification; two references to one map have the same id
 * @param flags {@code BPF_F_*} of map creation
 * @param inner the template of the maps inside a map of maps
 * @param fields the special fields of a value, by offset; empty without BTF
 * @param constants where reads of a frozen read-only array may be folded
 */
public record MapDefinition(
        int id,
        String name,
        MapType type,
        int keySizeBytes,
        int valueSizeBytes,
        int maxEntries,
        int flags,
        Optional<MapDefinition> inner,
        List<SpecialField> fields,
        Optional<Constants> constants) {
    private static final int MAX_NAME = 15;

    /** {@code BPF_F_RDONLY_PROG}: programs may only read. */
    public static final int RDONLY_PROG = 1 << 7;

    /** {@code BPF_F_WRONLY_PROG}: programs may only write. */
    public static final int WRONLY_PROG = 1 << 8;

    public MapDefinition {
        fields = List.copyOf(fields);
    }

    public static MapDefinition of(
            int id, String name, MapType type, int keySizeBytes, int valueSizeBytes, int maxEntries, int flags) {
        return new MapDefinition(
                id,
                name,
                type,
                keySizeBytes,
                valueSizeBytes,
                maxEntries,
                flags,
                Optional.empty(),
                List.of(),
                Optional.empty());
    }

    public MapDefinition withInner(MapDefinition template) {
        return new MapDefinition(
                id,
                name,
                type,
                keySizeBytes,
                valueSizeBytes,
                maxEntries,
                flags,
                Optional.of(template),
                fields,
                constants);
    }

    public MapDefinition withFields(List<SpecialField> specialFields) {
        return new MapDefinition(
                id, name, type, keySizeBytes, valueSizeBytes, maxEntries, flags, inner, specialFields, constants);
    }

    public MapDefinition withConstants(Constants contents) {
        return new MapDefinition(
                id, name, type, keySizeBytes, valueSizeBytes, maxEntries, flags, inner, fields, Optional.of(contents));
    }

    /** What the kernel keeps of the name. */
    String kernelName() {
        return name.length() > MAX_NAME ? name.substring(0, MAX_NAME) : name;
    }

    boolean has(SpecialField.Kind kind) {
        for (var field : fields) {
            if (field.kind() == kind) {
                return true;
            }
        }
        return false;
    }

    /** The bytes of a frozen array's only value. */
    @FunctionalInterface
    public interface Constants {
        /** The little-endian value of {@code sizeBytes} (1, 2, 4 or 8) at {@code offBytes}, zero-extended. */
        long read(int offBytes, int sizeBytes);
    }
}
