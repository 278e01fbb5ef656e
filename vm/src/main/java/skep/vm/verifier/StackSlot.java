package skep.vm.verifier;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Eight aligned bytes of a stack: what each byte holds, and the register spilled there if there is one. */
final class StackSlot {
    static final byte INVALID = 0;
    static final byte SPILL = 1;
    static final byte MISC = 2;
    static final byte ZERO = 3;
    static final byte DYNPTR = 4;
    static final byte ITER = 5;
    static final byte IRQ_FLAG = 6;

    private static final String LETTERS = "?rm0dif";

    static final int BYTES = 8;

    /** By byte; index 7 is the lowest address's opposite: byte k of the slot at {@code fp-8*(i+1)} is {@code fp-8*(i+1)+7-k}. */
    final byte[] types;

    final RegState spilled;

    /** Nothing there, for states that are kept: never changed. */
    static final StackSlot EMPTY = uniform(INVALID);

    private static final StackSlot UNKNOWN = uniform(MISC);
    private static final StackSlot ZEROS = uniform(ZERO);

    StackSlot() {
        this(new byte[BYTES], new RegState());
        spilled.markNotInit();
    }

    StackSlot(StackSlot other) {
        this(other.types.clone(), new RegState(other.spilled));
    }

    private StackSlot(byte[] types, RegState spilled) {
        this.types = types;
        this.spilled = spilled;
    }

    private static StackSlot uniform(byte type) {
        var slot = new StackSlot();
        slot.fill(type);
        return slot;
    }

    /** This, for a state that is kept: the earlier state's where nothing has changed since. */
    StackSlot kept(@Nullable StackSlot earlier) {
        if (!isSpecial()) {
            for (var uniform : new StackSlot[] {EMPTY, UNKNOWN, ZEROS}) {
                if (Arrays.equals(types, uniform.types)) {
                    return uniform;
                }
            }
        }
        var reg = spilled.kept(earlier == null ? null : earlier.spilled);
        boolean same = earlier != null && reg == earlier.spilled && Arrays.equals(types, earlier.types);
        return same ? earlier : new StackSlot(types.clone(), reg);
    }

    /** This with the number spilled there needed precisely; other states may share this one. */
    StackSlot markedPrecise() {
        return new StackSlot(types, spilled.markedPrecise());
    }

    boolean isSpilledReg() {
        return types[BYTES - 1] == SPILL;
    }

    boolean isSpilledScalar() {
        return types[BYTES - 1] == SPILL && spilled.kind == RegKind.SCALAR;
    }

    /** All 64 bits of a scalar. */
    boolean isSpilledScalar64() {
        return types[0] == SPILL && spilled.kind == RegKind.SCALAR;
    }

    boolean isMisc() {
        return types[BYTES - 1] == MISC;
    }

    /** Every byte is of this type. */
    boolean all(byte type) {
        for (byte t : types) {
            if (t != type) {
                return false;
            }
        }
        return true;
    }

    boolean isSpecial() {
        byte type = types[BYTES - 1];
        return type == SPILL || type == DYNPTR || type == ITER || type == IRQ_FLAG;
    }

    void fill(byte type) {
        Arrays.fill(types, type);
    }

    void clear() {
        spilled.markNotInit();
        fill(INVALID);
    }

    static char letter(byte type) {
        return LETTERS.charAt(type);
    }
}
