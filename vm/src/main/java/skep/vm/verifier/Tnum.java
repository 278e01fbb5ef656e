package skep.vm.verifier;

/**
 * A number some of whose bits are known: where {@code mask} has a 0 the bit is that of {@code value}, where it has a 1
 * the bit is unknown and {@code value} has a 0.
 *
 * <pre>
 *   value  0 1 0 1
 *   mask   0 0 1 0   means  01x1
 * </pre>
 */
record Tnum(long value, long mask) {
    static final Tnum UNKNOWN = new Tnum(0, -1);
    static final Tnum ZERO = new Tnum(0, 0);

    static Tnum constant(long value) {
        return value == 0 ? ZERO : new Tnum(value, 0);
    }

    /** The smallest tnum that holds every number from {@code min} to {@code max}, unsigned. */
    static Tnum range(long min, long max) {
        long differing = min ^ max;
        int bits = 64 - Long.numberOfLeadingZeros(differing);
        if (bits > 63) {
            return UNKNOWN;
        }
        long low = (1L << bits) - 1;
        return new Tnum(min & ~low, low);
    }

    boolean isConstant() {
        return mask == 0;
    }

    boolean isUnknown() {
        return mask == -1;
    }

    boolean contains(long number) {
        return (number & ~mask) == value;
    }

    /** Whether every number of {@code other} is among ours. */
    boolean includes(Tnum other) {
        return (other.mask & ~mask) == 0 && (other.value & ~mask) == value;
    }

    boolean isAligned(long sizeBytes) {
        return ((value | mask) & (sizeBytes - 1)) == 0;
    }

    Tnum shiftLeft(int bits) {
        return new Tnum(value << bits, mask << bits);
    }

    Tnum shiftRight(int bits) {
        return new Tnum(value >>> bits, mask >>> bits);
    }

    /** Arithmetic shift right; an unknown sign bit spreads as unknown. */
    Tnum shiftRightSigned(int bits, boolean narrow) {
        if (narrow) {
            return new Tnum(((int) value >> bits) & 0xffff_ffffL, ((int) mask >> bits) & 0xffff_ffffL);
        }
        return new Tnum(value >> bits, mask >> bits);
    }

    Tnum plus(Tnum other) {
        long sumMask = mask + other.mask;
        long sumValue = value + other.value;
        long sigma = sumMask + sumValue;
        long carries = sigma ^ sumValue;
        long unknown = carries | mask | other.mask;
        return new Tnum(sumValue & ~unknown, unknown);
    }

    Tnum minus(Tnum other) {
        long difference = value - other.value;
        long highest = difference + mask;
        long lowest = difference - other.mask;
        long unknown = highest ^ lowest | mask | other.mask;
        return new Tnum(difference & ~unknown, unknown);
    }

    Tnum negate() {
        return ZERO.minus(this);
    }

    Tnum and(Tnum other) {
        long possible = value | mask;
        long otherPossible = other.value | other.mask;
        long certain = value & other.value;
        return new Tnum(certain, possible & otherPossible & ~certain);
    }

    Tnum or(Tnum other) {
        long certain = value | other.value;
        long unknown = mask | other.mask;
        return new Tnum(certain, unknown & ~certain);
    }

    Tnum xor(Tnum other) {
        long certain = value ^ other.value;
        long unknown = mask | other.mask;
        return new Tnum(certain & ~unknown, unknown);
    }

    /** Long multiplication; an uncertain digit contributes the union of both cases. */
    Tnum times(Tnum other) {
        var sum = ZERO;
        var digits = this;
        var addend = other;
        while ((digits.value | digits.mask) != 0) {
            if ((digits.value & 1) != 0) {
                sum = sum.plus(addend);
            } else if ((digits.mask & 1) != 0) {
                sum = sum.union(sum.plus(addend));
            }
            digits = digits.shiftRight(1);
            addend = addend.shiftLeft(1);
        }
        return sum;
    }

    /** The numbers that are in both; meaningless if there are none. */
    Tnum intersect(Tnum other) {
        long certain = value | other.value;
        long unknown = mask & other.mask;
        return new Tnum(certain & ~unknown, unknown);
    }

    /** The smallest tnum that holds the numbers of both. */
    Tnum union(Tnum other) {
        long unknown = (value ^ other.value) | mask | other.mask;
        return new Tnum(value & other.value & ~unknown, unknown);
    }

    /** Whether some number is in both. */
    boolean overlaps(Tnum other) {
        long known = ~mask & ~other.mask;
        return (value & known) == (other.value & known);
    }

    /** The low {@code sizeBytes} bytes, zero-extended. */
    Tnum cast(int sizeBytes) {
        if (sizeBytes >= 8) {
            return this;
        }
        long low = (1L << (sizeBytes * 8)) - 1;
        return new Tnum(value & low, mask & low);
    }

    Tnum low32() {
        return cast(4);
    }

    Tnum withoutLow32() {
        return new Tnum(value & ~0xffff_ffffL, mask & ~0xffff_ffffL);
    }

    Tnum withLow32(Tnum low) {
        return withoutLow32().or(low.low32());
    }

    /** As the kernel prints it: {@code (0x0; 0xff)}, or the number if it is one. */
    @Override
    public String toString() {
        if (mask == 0) {
            return StateText.unsigned(value);
        }
        return "(0x" + Long.toHexString(value) + "; 0x" + Long.toHexString(mask) + ")";
    }

    /**
     * The smallest number admitted that is more than {@code number}, unsigned; the largest of all if none is.
     *
     * <pre>
     *   known bits 10x1, number 1001:  10x1 admits 1001 and 1011, so 1011
     * </pre>
     */
    long after(long number) {
        long most = value | mask;
        if (Long.compareUnsigned(number, most) >= 0) {
            return most;
        }
        if (Long.compareUnsigned(number, value) < 0) {
            return value;
        }
        long least = number + 1;
        long wrong = (least ^ value) & ~mask;
        if (wrong == 0) {
            return least;
        }
        long bit = Long.highestOneBit(wrong);
        if ((value & bit) != 0) {
            // the known one makes it more: everything below may be as small as can be
            return least & -(bit << 1) | value & (bit << 1) - 1;
        }
        // the known zero makes it less: an unknown bit above must be raised
        long raised = Long.lowestOneBit(mask & ~least & -(bit << 1));
        return least & -(raised << 1) | raised | value & raised - 1;
    }
}
