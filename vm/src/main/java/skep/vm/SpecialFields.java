package skep.vm;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.btf.Btf;
import skep.btf.BtfType;
import skep.vm.verifier.SpecialField;

/** Finds the special fields of a map's values by their types: locks, timers, lists, kernel pointers. */
public final class SpecialFields {
    private static final int MAX_DEPTH = 8;
    private static final int MAX_ARRAY = 64;

    private final Btf types;
    private final List<SpecialField> found = new ArrayList<>();

    private SpecialFields(Btf types) {
        this.types = types;
    }

    /** The special fields of a type, by offset. */
    public static List<SpecialField> of(Btf types, int typeId) {
        var fields = new SpecialFields(types);
        if (typeId != 0) {
            fields.look(typeId, 0, 0);
        }
        fields.found.sort(java.util.Comparator.comparingInt(SpecialField::offBytes));
        return List.copyOf(fields.found);
    }

    private void look(int typeId, long offset, int depth) {
        if (depth > MAX_DEPTH) {
            return;
        }
        switch (types.resolved(typeId)) {
            case BtfType.Struct struct -> {
                var kind = kind(struct.name());
                if (kind.isPresent()) {
                    found.add(SpecialField.of(kind.get(), (int) offset));
                } else {
                    struct.members().forEach(m -> look(m.typeId(), offset + m.offsetBits() / 8, depth + 1));
                }
            }
            case BtfType.Array array
            when Integer.toUnsignedLong(array.count()) <= MAX_ARRAY -> {
                for (int i = 0; i < array.count(); i++) {
                    look(array.elementId(), offset + i * types.sizeBytes(array.elementId()), depth + 1);
                }
            }
            case BtfType.Pointer pointer -> kernelPointer(pointer, offset);
            default -> {}
        }
    }

    private static Optional<SpecialField.Kind> kind(String structName) {
        for (var kind : SpecialField.Kind.values()) {
            if (kind.structName().startsWith("bpf_") && kind.structName().equals(structName)) {
                return Optional.of(kind);
            }
        }
        return Optional.empty();
    }

    /** {@code struct task_struct __kptr *task}: a pointer to a tagged type. */
    private void kernelPointer(BtfType.Pointer pointer, long offset) {
        if (types.type(pointer.typeId()) instanceof BtfType.TypeTag tag) {
            var kind = switch (tag.name()) {
                case "kptr_untrusted" -> SpecialField.Kind.KPTR_UNTRUSTED;
                case "kptr" -> SpecialField.Kind.KPTR_REF;
                case "percpu_kptr" -> SpecialField.Kind.KPTR_PERCPU;
                case "uptr" -> SpecialField.Kind.UPTR;
                default -> null;
            };
            if (kind != null) {
                found.add(SpecialField.kptr(kind, (int) offset, types.name(types.resolve(tag.typeId()))));
            }
        }
    }
}
