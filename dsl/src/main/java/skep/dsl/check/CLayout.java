package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import skep.dsl.Type;

/** Lays out a structure or union as the System V ABI does: natural alignment, bit-fields in units of their type. */
final class CLayout {
    private record Pending(String name, Type type, int bits, boolean bitField) {}

    private final boolean union;
    private final List<Pending> pending = new ArrayList<>();
    private final List<Type.Field> fields = new ArrayList<>();
    private int sizeBytes;
    private int alignBytes = 1;

    CLayout(boolean union) {
        this.union = union;
    }

    void add(String name, Type type, int bits, boolean bitField) {
        pending.add(new Pending(name, type, bits, bitField));
    }

    void finish(boolean packed, int leastAlign) {
        long endBits = 0;
        for (var member : pending) {
            int align = packed ? 1 : Math.max(1, member.type.alignBytes());
            long startBits = union ? 0 : endBits;
            if (member.bitField) {
                int unitBits = 8 * Math.max(1, member.type.sizeBytes());
                boolean crosses = startBits / unitBits != (startBits + Math.max(1, member.bits) - 1) / unitBits;
                if (member.bits == 0 || crosses && !packed) {
                    startBits = (startBits + unitBits - 1) / unitBits * unitBits;
                }
                if (member.bits > 0 && !member.name.isEmpty()) {
                    int unitStart = (int) (startBits / unitBits * unitBits / 8);
                    fields.add(new Type.Field(
                            member.name,
                            member.type,
                            unitStart,
                            (int) (startBits - 8L * unitStart),
                            member.bits,
                            false));
                }
                endBits = Math.max(endBits, startBits + member.bits);
            } else {
                long alignBits = 8L * align;
                startBits = (startBits + alignBits - 1) / alignBits * alignBits;
                fields.add(new Type.Field(member.name, member.type, (int) (startBits / 8)));
                endBits = Math.max(endBits, startBits + 8L * member.type.sizeBytes());
            }
            alignBytes = Math.max(alignBytes, align);
        }
        alignBytes = Math.max(alignBytes, leastAlign);
        sizeBytes = Type.Layout.alignUp((int) ((endBits + 7) / 8), alignBytes);
    }

    List<Type.Field> fields() {
        return fields;
    }

    int sizeBytes() {
        return sizeBytes;
    }

    int alignBytes() {
        return Math.min(8, alignBytes);
    }
}
