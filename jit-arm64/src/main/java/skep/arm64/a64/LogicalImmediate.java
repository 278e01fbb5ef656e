package skep.arm64.a64;

import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Bitmask immediates of the logical instructions: a run of ones, rotated, repeated over the register (Arm ARM, pseudocode
 * {@code DecodeBitMasks}).
 *
 * <pre>
 *   12   11      6 5       0
 *  +----+---------+---------+
 *  | N  |  immr   |  imms   |   element size and number of ones in N:imms, rotation to the right in immr
 *  +----+---------+---------+
 * </pre>
 */
public final class LogicalImmediate {
    private LogicalImmediate() {}

    /**
     * The 13 bits that stand for a value, if there are any.
     *
     * @param value for 32 bits only the low word counts
     * @param bits 32 or 64
     */
    public static OptionalInt encode(long value, int bits) {
        if (bits == 32) {
            value = value & 0xffff_ffffL | value << 32;
        }
        if (value == 0 || value == -1) {
            return OptionalInt.empty();
        }
        int size = 64;
        while (size > 2 && repeats(value, size / 2)) {
            size /= 2;
        }
        long mask = size == 64 ? -1 : (1L << size) - 1;
        long element = value & mask;
        int rotation = 0;
        // Turn the element until its ones stand at the bottom: bit 0 set and the topmost bit clear.
        while ((element & 1) == 0 || (element >>> size - 1 & 1) == 1) {
            element = (element >>> 1 | element << size - 1) & mask;
            rotation++;
        }
        int ones = Long.bitCount(element);
        if (element != (1L << ones) - 1) {
            return OptionalInt.empty();
        }
        int immr = (size - rotation) % size;
        int imms = -size * 2 & 0x3f | ones - 1;
        int n = size == 64 ? 1 : 0;
        return OptionalInt.of(n << 12 | immr << 6 | imms);
    }

    /** The value of the three fields; empty if they are reserved. */
    static OptionalLong decode(int n, int immr, int imms, int bits) {
        int length = 31 - Integer.numberOfLeadingZeros(n << 6 | ~imms & 0x3f);
        if (length < 1 || bits == 32 && n == 1) {
            return OptionalLong.empty();
        }
        int size = 1 << length;
        int ones = (imms & size - 1) + 1;
        if (ones == size) {
            return OptionalLong.empty();
        }
        int rotation = immr & size - 1;
        long mask = size == 64 ? -1 : (1L << size) - 1;
        long element = (1L << ones) - 1;
        element = rotation == 0 ? element : (element >>> rotation | element << size - rotation) & mask;
        long value = element;
        for (int filled = size; filled < 64; filled *= 2) {
            value |= value << filled;
        }
        return OptionalLong.of(bits == 32 ? value & 0xffff_ffffL : value);
    }

    private static boolean repeats(long value, int size) {
        long mask = (1L << size) - 1;
        for (int at = size; at < 64; at += size) {
            if ((value >>> at & mask) != (value & mask)) {
                return false;
            }
        }
        return true;
    }
}
