package skep.elf;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import skep.btf.Btf;
import skep.btf.BtfBuilder;
import skep.btf.BtfKind;
import skep.btf.BtfType;

/**
 * A file's types as a kernel takes them. Compilers leave places and sizes of variables to the linker, and describe what is
 * defined elsewhere; kernels refuse both. Ids stay as they are.
 */
final class LoadableTypes {
    private final Btf types;
    private final RelocatableFile file;
    private final Map<String, RelocatableFile.Symbol> symbols = new HashMap<>();

    private LoadableTypes(Btf types, RelocatableFile file) {
        this.types = types;
        this.file = file;
        for (var symbol : file.symbols()) {
            if (!symbol.isSection() && !symbol.name().isEmpty()) {
                symbols.put(symbol.name(), symbol);
            }
        }
    }

    static Btf of(Btf types, RelocatableFile file) {
        return new LoadableTypes(types, file).build();
    }

    private Btf build() {
        var builder = new BtfBuilder();
        for (int id = types.firstId(); id < types.endId(); id++) {
            builder.add(
                    switch (types.type(id)) {
                        case BtfType.DataSection section -> section(section);
                        case BtfType.Function function -> function(function);
                        case BtfType.Variable variable -> variable(variable);
                        case BtfType other -> other;
                    });
        }
        return builder.build();
    }

    /** Places in order; a section that is not the file's is no section. */
    private BtfType section(BtfType.DataSection section) {
        var own = file.section(section.name());
        if (own.isEmpty()) {
            return new BtfType.Pointer(0);
        }
        var slots = new ArrayList<BtfType.DataSection.Slot>();
        for (var slot : section.variables()) {
            var symbol = symbols.get(types.name(slot.typeId()));
            long offset = symbol != null && symbol.section() == own.get().index() ? symbol.value() : slot.offsetBytes();
            long size = slot.sizeBytes() != 0 ? slot.sizeBytes() : symbol == null ? 0 : symbol.sizeBytes();
            slots.add(new BtfType.DataSection.Slot(slot.typeId(), offset, size));
        }
        slots.sort(java.util.Comparator.comparingLong(BtfType.DataSection.Slot::offsetBytes));
        return new BtfType.DataSection(section.name(), own.get().sizeBytes(), slots);
    }

    /** Variables of the kernel become ordinary ones, of any type if they have none. */
    private BtfType variable(BtfType.Variable variable) {
        if (variable.linkage() != BtfType.Linkage.EXTERN) {
            return variable;
        }
        int typeId = types.resolved(variable.typeId()) instanceof BtfType.Void
                ? types.ids(BtfKind.INT).findFirst().orElse(variable.typeId())
                : variable.typeId();
        return new BtfType.Variable(variable.name(), typeId, BtfType.Linkage.GLOBAL);
    }

    /** Functions of the kernel become ordinary ones; hidden ones are static to a kernel. */
    private BtfType function(BtfType.Function function) {
        var symbol = symbols.get(function.name());
        boolean hidden = symbol != null && symbol.hidden();
        return switch (function.linkage()) {
            case STATIC -> function;
            case GLOBAL ->
                hidden ? new BtfType.Function(function.name(), function.protoId(), BtfType.Linkage.STATIC) : function;
            case EXTERN -> new BtfType.Function(function.name(), function.protoId(), BtfType.Linkage.GLOBAL);
        };
    }
}
