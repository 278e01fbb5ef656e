package skep.arm64.lower;

import java.util.OptionalLong;
import java.util.SplittableRandom;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;

/**
 * Moves numbers that the program's author chose into registers. Of an author who is not trusted a number never stands in the code as it
 * is: it is loaded changed by a random key and changed back, so that nobody places instructions of his choice inside immediates.
 * Shift counts and offsets of accesses are too short for that, and stay.
 */
final class Blinder {
    private final Assembler asm;
    private final boolean active;
    private final SplittableRandom random;

    Blinder(Assembler asm, OptionalLong seed) {
        this.asm = asm;
        this.active = seed.isPresent();
        this.random = new SplittableRandom(seed.orElse(0));
    }

    boolean active() {
        return active;
    }

    /** Blinded, it uses x12 besides. */
    void move(boolean wide, int register, long value) {
        if (!active) {
            plain(wide, register, value);
            return;
        }
        boolean isShort = value == (int) value;
        long key = isShort ? random.nextInt() : random.nextLong();
        plain(wide, register, value ^ key);
        plain(wide, RegisterMap.SCRATCH_3, key);
        asm.emit(Encoding.EOR_REG, "smnd", wide ? 1 : 0, RegisterMap.SCRATCH_3, register, register);
    }

    private void plain(boolean wide, int register, long value) {
        if (wide) {
            asm.move(register, value);
        } else {
            asm.move32(register, (int) value);
        }
    }
}
