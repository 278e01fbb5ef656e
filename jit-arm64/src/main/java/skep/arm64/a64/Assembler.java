package skep.arm64.a64;

import static skep.arm64.a64.Encoding.ADD_EXT;
import static skep.arm64.a64.Encoding.ADD_IMM;
import static skep.arm64.a64.Encoding.ADD_REG;
import static skep.arm64.a64.Encoding.ADR;
import static skep.arm64.a64.Encoding.B;
import static skep.arm64.a64.Encoding.BL;
import static skep.arm64.a64.Encoding.BLR;
import static skep.arm64.a64.Encoding.B_COND;
import static skep.arm64.a64.Encoding.CBNZ;
import static skep.arm64.a64.Encoding.CBZ;
import static skep.arm64.a64.Encoding.MOVK;
import static skep.arm64.a64.Encoding.MOVN;
import static skep.arm64.a64.Encoding.MOVZ;
import static skep.arm64.a64.Encoding.ORR_IMM;
import static skep.arm64.a64.Encoding.RET;
import static skep.arm64.a64.Encoding.SUB_IMM;
import static skep.arm64.a64.Encoding.SUB_REG;
import static skep.arm64.a64.Encoding.TBNZ;
import static skep.arm64.a64.Encoding.TBZ;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Writes instructions one after the other; branches go to labels, which may be bound later. A conditional branch reaches
 * ±1 MiB ({@code tbz} ±32 KiB), a jump ±128 MiB: one whose label turns out to be farther is listed by {@link #tooFar}, and the caller
 * assembles again with that branch of the next longer {@link Reach}.
 */
public final class Assembler {
    /** Register 31, where it means zero. */
    public static final int ZR = 31;

    /** Register 31, where it means the stack pointer. */
    public static final int SP = 31;

    private static final int UNBOUND = -1;
    private static final int TEST_BITS = 14;
    private static final int CONDITIONAL_BITS = 19;
    private static final int JUMP_BITS = 26;

    /** Registers of veneers (IP0 and IP1 of the procedure call standard). */
    private static final int IP0 = 16;

    private static final int IP1 = 17;
    /** Extend option of a signed word. */
    private static final int SXTW = 6;

    private int[] words = new int[256];
    private int size;
    private int[] labels = new int[64];
    private int labelCount;
    private long[] fixups = new long[64];
    private int fixupCount;
    private final List<External> externals = new ArrayList<>();
    private final int conditionalBits;
    private final int jumpBits;

    /** An assembler for A64 as it is. */
    public Assembler() {
        this(CONDITIONAL_BITS, JUMP_BITS);
    }

    /**
     * One whose branches are taken to reach less far than they do, so that short code shows what long code needs.
     *
     * @param conditionalBits width of the distance of {@code b.cond}, {@code cbz} and {@code cbnz} in words, 2 to 19
     * @param jumpBits width of the distance of {@code b} and {@code bl}, 2 to 26
     */
    public Assembler(int conditionalBits, int jumpBits) {
        this.conditionalBits = conditionalBits;
        this.jumpBits = jumpBits;
    }

    /** A new label, not bound yet. */
    public int label() {
        if (labelCount == labels.length) {
            labels = Arrays.copyOf(labels, labelCount * 2);
        }
        labels[labelCount] = UNBOUND;
        return labelCount++;
    }

    /** The label stands for the next instruction. */
    public void bind(int label) {
        assert labels[label] == UNBOUND : label;
        labels[label] = size;
    }

    /** Index of the word that the label stands for. */
    public int position(int label) {
        return labels[label];
    }

    /** How many words there are. */
    public int size() {
        return size;
    }

    public void emit(int word) {
        if (size == words.length) {
            words = Arrays.copyOf(words, size * 2);
        }
        words[size++] = word;
    }

    public void emit(Encoding row, String fields, int... values) {
        emit(row.word(fields, values));
    }

    /** {@code b} or {@code bl}: reaches ±128 MiB. */
    public void branch(Encoding row, int label) {
        fixup(label);
        emit(row.word(""));
    }

    /**
     * {@code b} or {@code bl} to a label that is farther than it reaches: ±2 GiB, by way of x16 and x17.
     *
     * <pre>
     *   adr  x16, .
     *   mov  w17, #distance          two words, filled in by {@link #tooFar}
     *   add  x16, x16, w17, sxtw
     *   ret  x16                     blr x16 for bl
     * </pre>
     *
     * {@code ret}, since a {@code br} would need a landing pad at the label where BTI is on.
     */
    public void farBranch(Encoding row, int label) {
        emit(ADR, "d", IP0);
        fixup(label);
        emitWide(MOVZ, 0, 0, 0, IP1);
        emitWide(MOVK, 0, 0, 1, IP1);
        emit(ADD_EXT, "smond", 1, IP1, SXTW, IP0, IP0);
        emit(row == B ? RET : BLR, "n", IP0);
    }

    /** {@code b} or {@code bl} to an address outside: its distance is filled in when it is known where the code will lie. */
    public void external(Encoding row, long address) {
        externals.add(new External(size, address));
        emit(row.word(""));
    }

    /** A word that is a branch to an address outside. */
    public record External(int word, long address) {}

    public List<External> externals() {
        return List.copyOf(externals);
    }

    /** The address of a label, ±1 MiB. */
    public void address(int register, int label) {
        fixup(label);
        emit(ADR, "d", register);
    }

    /** How far a branch goes. */
    public enum Reach {
        /** As the instruction itself does. */
        SHORT,
        /** A conditional one around a {@code b}. */
        LONG,
        /** Around, or as, a {@link #farBranch}. */
        FAR
    }

    /** {@code b} or {@code bl}. */
    public void branch(Encoding row, int label, Reach reach) {
        if (reach == Reach.FAR) {
            farBranch(row, label);
        } else {
            branch(row, label);
        }
    }

    /** {@code cbz}, {@code cbnz}, {@code tbz}, {@code tbnz} or {@code b.cond}, already encoded but for its distance. */
    public void conditional(int word, int label, Reach reach) {
        if (reach == Reach.SHORT) {
            fixup(label);
            emit(word);
            return;
        }
        int around = label();
        conditional(inverted(word), around, Reach.SHORT);
        branch(B, label, reach);
        bind(around);
    }

    /** A conditional branch that reaches its label by itself. */
    public void conditional(int word, int label) {
        conditional(word, label, Reach.SHORT);
    }

    private void fixup(int label) {
        if (fixupCount == fixups.length) {
            fixups = Arrays.copyOf(fixups, fixupCount * 2);
        }
        fixups[fixupCount++] = (long) size << 32 | label;
    }

    private static int inverted(int word) {
        return B_COND.matches(word) ? word ^ 1 : word ^ 1 << 24;
    }

    /** Moves a 64-bit number into a register with the fewest words: wide moves, or one bitmask. */
    public void move(int register, long value) {
        int zeros = 0;
        int ones = 0;
        for (int half = 0; half < 4; half++) {
            int bits = (int) (value >>> half * 16) & 0xffff;
            zeros += bits == 0 ? 1 : 0;
            ones += bits == 0xffff ? 1 : 0;
        }
        if (Math.max(zeros, ones) < 3) {
            var mask = LogicalImmediate.encode(value, 64);
            if (mask.isPresent()) {
                int fields = mask.getAsInt();
                emit(ORR_IMM, "sbrqnd", 1, fields >> 12, fields >> 6 & 63, fields & 63, ZR, register);
                return;
            }
        }
        boolean negated = ones > zeros;
        int background = negated ? 0xffff : 0;
        boolean first = true;
        for (int half = 0; half < 4; half++) {
            int bits = (int) (value >>> half * 16) & 0xffff;
            boolean last = half == 3 && first;
            if (bits == background && !last) {
                continue;
            }
            if (first) {
                emitWide(
                        negated ? MOVN : MOVZ,
                        1,
                        negated ? ~bits & 0xffff : bits,
                        bits == background ? 0 : half,
                        register);
                first = false;
            } else {
                emitWide(MOVK, 1, bits, half, register);
            }
        }
    }

    /** Moves a 32-bit number, zero-extended. */
    public void move32(int register, int value) {
        int low = value & 0xffff;
        int high = value >>> 16;
        if (high == 0) {
            emitWide(MOVZ, 0, low, 0, register);
        } else if (low == 0) {
            emitWide(MOVZ, 0, high, 1, register);
        } else if (high == 0xffff) {
            emitWide(MOVN, 0, ~low & 0xffff, 0, register);
        } else if (low == 0xffff) {
            emitWide(MOVN, 0, ~high & 0xffff, 1, register);
        } else {
            var mask = LogicalImmediate.encode(value, 32);
            if (mask.isPresent()) {
                int fields = mask.getAsInt();
                emit(ORR_IMM, "sbrqnd", 0, 0, fields >> 6 & 63, fields & 63, ZR, register);
            } else {
                emitWide(MOVZ, 0, low, 0, register);
                emitWide(MOVK, 0, high, 1, register);
            }
        }
    }

    private void emitWide(Encoding row, int sf, int imm, int half, int register) {
        emit(row, "shid", sf, half, imm, register);
    }

    /** {@code d = n + imm}; {@code n} and {@code d} may be the stack pointer if the number is small. */
    public void addImmediate(boolean wide, int d, int n, int imm, int scratch) {
        int sf = wide ? 1 : 0;
        long magnitude = Math.abs((long) imm);
        var row = imm < 0 ? SUB_IMM : ADD_IMM;
        if (magnitude < 4096) {
            emit(row, "sind", sf, (int) magnitude, n, d);
        } else if (magnitude < 1 << 24 && (magnitude & 0xfff) == 0) {
            emit(row, "shind", sf, 1, (int) (magnitude >> 12), n, d);
        } else if (magnitude < 1 << 24) {
            emit(row, "shind", sf, 1, (int) (magnitude >> 12), n, d);
            emit(row, "sind", sf, (int) (magnitude & 0xfff), d, d);
        } else if (wide) {
            move(scratch, magnitude);
            emit(imm < 0 ? SUB_REG : ADD_REG, "smnd", sf, scratch, n, d);
        } else {
            move32(scratch, imm);
            emit(ADD_REG, "smnd", sf, scratch, n, d);
        }
    }

    /** Fills in all distances. Words that do not reach their label are returned, and then the code must not be used. */
    public int[] tooFar() {
        var far = new int[0];
        for (int i = 0; i < fixupCount; i++) {
            int at = (int) (fixups[i] >>> 32);
            int label = (int) fixups[i];
            assert labels[label] != UNBOUND : "label " + label;
            if (!patch(at, labels[label] - at)) {
                far = Arrays.copyOf(far, far.length + 1);
                far[far.length - 1] = at;
            }
        }
        return far;
    }

    private boolean patch(int at, int distance) {
        int word = words[at];
        if (B.matches(word) || BL.matches(word)) {
            words[at] = word & 0xfc00_0000 | distance & 0x03ff_ffff;
            return fits(distance, jumpBits);
        }
        if (MOVZ.matches(word)) {
            // A far branch: the distance counts from the adr in front, in bytes.
            int bytes = (distance + 1) * 4;
            words[at] = word | (bytes & 0xffff) << 5;
            words[at + 1] |= (bytes >>> 16) << 5;
            return true;
        }
        if (ADR.matches(word)) {
            // In words: the two low bits of the distance in bytes are zero.
            words[at] = word | (distance & 0x7ffff) << 5;
            return fits(distance, CONDITIONAL_BITS);
        }
        if (TBZ.matches(word) || TBNZ.matches(word)) {
            words[at] = word & ~(0x3fff << 5) | (distance & 0x3fff) << 5;
            return fits(distance, Math.min(TEST_BITS, conditionalBits));
        }
        assert B_COND.matches(word) || CBZ.matches(word) || CBNZ.matches(word);
        words[at] = word & ~(0x7ffff << 5) | (distance & 0x7ffff) << 5;
        return fits(distance, conditionalBits);
    }

    private static boolean fits(int distance, int bits) {
        return distance == distance << 32 - bits >> 32 - bits;
    }

    public int[] words() {
        return Arrays.copyOf(words, size);
    }
}
