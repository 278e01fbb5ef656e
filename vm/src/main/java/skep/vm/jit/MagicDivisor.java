package skep.vm.jit;

import java.math.BigInteger;

/**
 * How to divide an unsigned number of {@code bits} by a constant without dividing: {@code floor(n / d) = floor(n * m / 2^(bits + shift))}
 * for every n (Granlund and Montgomery, "Division by Invariant Integers using Multiplication", 1994).
 *
 * @param multiplier the low {@code bits} of m
 * @param carry whether m has one bit more
 * @param shift how far to shift the upper half of the product
 */
record MagicDivisor(long multiplier, boolean carry, int shift) {
    /** For a divisor that is no power of two and above one; both taken as unsigned. */
    static MagicDivisor of(long divisor, int bits) {
        var d = unsigned(divisor, bits);
        for (int shift = 0; ; shift++) {
            var power = BigInteger.ONE.shiftLeft(bits + shift);
            var quotient = power.add(d).subtract(BigInteger.ONE).divide(d);
            var excess = quotient.multiply(d).subtract(power);
            if (excess.compareTo(BigInteger.ONE.shiftLeft(shift)) <= 0) {
                boolean carry = quotient.bitLength() > bits;
                return new MagicDivisor(quotient.longValue() & mask(bits), carry, shift);
            }
        }
    }

    private static BigInteger unsigned(long value, int bits) {
        return BigInteger.valueOf(value).and(BigInteger.ONE.shiftLeft(bits).subtract(BigInteger.ONE));
    }

    private static long mask(int bits) {
        return bits == 64 ? -1 : (1L << bits) - 1;
    }
}
