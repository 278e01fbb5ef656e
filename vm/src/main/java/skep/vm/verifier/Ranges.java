package skep.vm.verifier;

/**
 * Keeps the tnum and the four ranges of a scalar consistent: each learns from the others. Follows the deductions of Linux
 * 6.18 ({@code reg_bounds_sync}), so that what is provable there is provable here, and nothing more.
 */
final class Ranges {
    private static final long LOW32 = 0xffff_ffffL;

    private Ranges() {}

    static void unbound(RegState reg) {
        unbound64(reg);
        unbound32(reg);
    }

    static void unbound64(RegState reg) {
        reg.smin = Long.MIN_VALUE;
        reg.smax = Long.MAX_VALUE;
        reg.umin = 0;
        reg.umax = -1;
    }

    static void unbound32(RegState reg) {
        reg.smin32 = Integer.MIN_VALUE;
        reg.smax32 = Integer.MAX_VALUE;
        reg.umin32 = 0;
        reg.umax32 = -1;
    }

    /** Deduces everything that follows from what is known. */
    static void sync(RegState reg) {
        fromTnum(reg);
        deduce(reg);
        deduce(reg);
        deduce(reg);
        toTnum(reg);
        fromTnum(reg);
    }

    static void fromTnum(RegState reg) {
        fromTnum32(reg);
        long value = reg.var.value();
        long mask = reg.var.mask();
        reg.smin = Math.max(reg.smin, value | (mask & Long.MIN_VALUE));
        reg.smax = Math.min(reg.smax, value | (mask & Long.MAX_VALUE));
        reg.umin = umax(reg.umin, value);
        reg.umax = umin(reg.umax, value | mask);
        boolean telling = mask == 0 ? reg.umin != value : mask != -1 || Long.compareUnsigned(reg.umin, reg.umax) >= 0;
        if (telling) {
            onlyCommonValue(reg);
        }
    }

    /** Where the tnum and the unsigned range have one number in common, it is that. */
    private static void onlyCommonValue(RegState reg) {
        var tnum = reg.var;
        long most = tnum.value() | tnum.mask();
        long next = tnum.after(reg.umin);
        boolean lowest = (reg.umin & ~tnum.mask()) == tnum.value();
        if (lowest) {
            if (Long.compareUnsigned(next, reg.umax) > 0) {
                reg.setConstant(reg.umin);
            }
        } else if (next == most
                || (Long.compareUnsigned(next, reg.umax) <= 0
                        && Long.compareUnsigned(tnum.after(next), reg.umax) > 0)) {
            reg.setConstant(next);
        }
    }

    static void fromTnum32(RegState reg) {
        int value = (int) reg.var.value();
        int mask = (int) reg.var.mask();
        reg.smin32 = Math.max(reg.smin32, value | (mask & Integer.MIN_VALUE));
        reg.smax32 = Math.min(reg.smax32, value | (mask & Integer.MAX_VALUE));
        reg.umin32 = umax(reg.umin32, value);
        reg.umax32 = umin(reg.umax32, value | mask);
    }

    private static void toTnum(RegState reg) {
        var wide = reg.var.intersect(Tnum.range(reg.umin, reg.umax));
        var narrow = wide.low32().intersect(Tnum.range(reg.umin32 & LOW32, reg.umax32 & LOW32));
        reg.var = wide.withoutLow32().or(narrow);
    }

    private static void deduce(RegState reg) {
        deduce32(reg);
        deduce64(reg);
        deduceMixed(reg);
    }

    /** Narrow ranges from wide ones, and from each other. */
    private static void deduce32(RegState reg) {
        if ((reg.umin >>> 32) == (reg.umax >>> 32)) {
            // one block of 2^32: the low halves are ordered
            reg.umin32 = umax(reg.umin32, (int) reg.umin);
            reg.umax32 = umin(reg.umax32, (int) reg.umax);
            if ((int) reg.umin <= (int) reg.umax) {
                reg.smin32 = Math.max(reg.smin32, (int) reg.umin);
                reg.smax32 = Math.min(reg.smax32, (int) reg.umax);
            }
        }
        if ((reg.smin >>> 32) == (reg.smax >>> 32)) {
            if (Integer.compareUnsigned((int) reg.smin, (int) reg.smax) <= 0) {
                reg.umin32 = umax(reg.umin32, (int) reg.smin);
                reg.umax32 = umin(reg.umax32, (int) reg.smax);
            }
            if ((int) reg.smin <= (int) reg.smax) {
                reg.smin32 = Math.max(reg.smin32, (int) reg.smin);
                reg.smax32 = Math.min(reg.smax32, (int) reg.smax);
            }
        }
        // two neighbouring blocks, from the negative half of the lower to the positive half of the upper
        if ((int) (reg.umin >>> 32) + 1 == (int) (reg.umax >>> 32) && (int) reg.umin < 0 && (int) reg.umax >= 0) {
            reg.smin32 = Math.max(reg.smin32, (int) reg.umin);
            reg.smax32 = Math.min(reg.smax32, (int) reg.umax);
        }
        if ((int) (reg.smin >>> 32) + 1 == (int) (reg.smax >>> 32) && (int) reg.smin < 0 && (int) reg.smax >= 0) {
            reg.smin32 = Math.max(reg.smin32, (int) reg.smin);
            reg.smax32 = Math.min(reg.smax32, (int) reg.smax);
        }
        if (reg.umin32 <= reg.umax32) {
            reg.smin32 = Math.max(reg.smin32, reg.umin32);
            reg.smax32 = Math.min(reg.smax32, reg.umax32);
        }
        if (Integer.compareUnsigned(reg.smin32, reg.smax32) <= 0) {
            reg.umin32 = umax(reg.smin32, reg.umin32);
            reg.umax32 = umin(reg.smax32, reg.umax32);
        } else if (Integer.compareUnsigned(reg.umax32, reg.smin32) < 0) {
            // as in deduce64: one half of the signed range falls away
            reg.smin32 = reg.umin32;
            reg.umax32 = umin(reg.umax32, reg.smax32);
        } else if (Integer.compareUnsigned(reg.smax32, reg.umin32) < 0) {
            reg.smax32 = reg.umax32;
            reg.umin32 = umax(reg.umin32, reg.smin32);
        }
    }

    private static void deduce64(RegState reg) {
        if (reg.umin <= reg.umax) {
            reg.smin = Math.max(reg.smin, reg.umin);
            reg.smax = Math.min(reg.smax, reg.umax);
        }
        if (Long.compareUnsigned(reg.smin, reg.smax) <= 0) {
            reg.umin = umax(reg.smin, reg.umin);
            reg.umax = umin(reg.smax, reg.umax);
        } else if (Long.compareUnsigned(reg.umax, reg.smin) < 0) {
            // the signed range spans zero, and the unsigned one misses its negative part
            reg.smin = reg.umin;
            reg.umax = umin(reg.umax, reg.smax);
        } else if (Long.compareUnsigned(reg.smax, reg.umin) < 0) {
            // … or its positive part
            reg.smax = reg.umax;
            reg.umin = umax(reg.umin, reg.smin);
        }
    }

    /** Wide ranges from narrow ones. */
    private static void deduceMixed(RegState reg) {
        reg.umin = umax(reg.umin, (reg.umin & ~LOW32) | (reg.umin32 & LOW32));
        reg.umax = umin(reg.umax, (reg.umax & ~LOW32) | (reg.umax32 & LOW32));
        reg.smin = Math.max(reg.smin, (reg.smin & ~LOW32) | (reg.umin32 & LOW32));
        reg.smax = Math.min(reg.smax, (reg.smax & ~LOW32) | (reg.umax32 & LOW32));
        if (reg.smin32 >= 0 && reg.smin >= Integer.MIN_VALUE && reg.smax <= Integer.MAX_VALUE) {
            reg.smin = reg.smin32;
            reg.smax = reg.smax32;
            reg.umin = reg.smin32;
            reg.umax = reg.smax32;
            reg.var = reg.var.intersect(Tnum.range(reg.smin, reg.smax));
        }
    }

    /** Whether some range is empty or contradicts another: the path cannot happen. */
    static boolean contradictory(RegState reg) {
        if (Long.compareUnsigned(reg.umin, reg.umax) > 0
                || reg.smin > reg.smax
                || Integer.compareUnsigned(reg.umin32, reg.umax32) > 0
                || reg.smin32 > reg.smax32) {
            return true;
        }
        if (reg.var.isConstant()) {
            long value = reg.var.value();
            if (reg.umin != value || reg.umax != value || reg.smin != value || reg.smax != value) {
                return true;
            }
        }
        if (reg.var.low32().isConstant()) {
            int value = (int) reg.var.value();
            return reg.umin32 != value || reg.umax32 != value || reg.smin32 != value || reg.smax32 != value;
        }
        return false;
    }

    /** A wrong deduction must not make anything provable: what contradicts itself becomes unknown. */
    static void keepSane(RegState reg) {
        if (contradictory(reg)) {
            unbound(reg);
        }
    }

    /** The low half is this; of the upper half nothing is learnt here. */
    static void setLow32(RegState reg, int value) {
        reg.var = reg.var.withoutLow32().or(Tnum.constant(value & LOW32));
        reg.smin32 = value;
        reg.smax32 = value;
        reg.umin32 = value;
        reg.umax32 = value;
    }

    /** The upper half becomes zero, as after a 32-bit operation. */
    static void zeroExtend32(RegState reg) {
        reg.var = reg.var.low32();
        reg.umin = reg.umin32 & LOW32;
        reg.umax = reg.umax32 & LOW32;
        if (reg.smin32 >= 0 && reg.smax32 >= 0) {
            reg.smin = reg.smin32;
            reg.smax = reg.smax32;
        } else {
            reg.smin = 0;
            reg.smax = LOW32;
        }
    }

    /** The low {@code sizeBytes} bytes, zero-extended: a narrow load. */
    static void truncate(RegState reg, int sizeBytes) {
        reg.var = reg.var.cast(sizeBytes);
        long mask = sizeBytes >= 8 ? -1 : (1L << (sizeBytes * 8)) - 1;
        if ((reg.umin & ~mask) == (reg.umax & ~mask)) {
            reg.umin &= mask;
            reg.umax &= mask;
        } else {
            reg.umin = 0;
            reg.umax = mask;
        }
        reg.smin = reg.umin;
        reg.smax = reg.umax;
        // a cut of less than a word leaves nothing known of the narrow ranges but what the wide ones tell
        if (sizeBytes < 4) {
            unbound32(reg);
        }
        sync(reg);
    }

    /** A number of {@code bits} bits, sign-extended, of which nothing is known. */
    private static void unknownSigned64(RegState reg, int sizeBytes) {
        long min = -(1L << (sizeBytes * 8 - 1));
        long max = -min - 1;
        reg.smin = min;
        reg.smax = max;
        reg.smin32 = sizeBytes >= 4 ? Integer.MIN_VALUE : (int) min;
        reg.smax32 = sizeBytes >= 4 ? Integer.MAX_VALUE : (int) max;
        reg.umin = 0;
        reg.umax = -1;
        reg.umin32 = 0;
        reg.umax32 = -1;
        reg.var = Tnum.UNKNOWN;
    }

    /** The low {@code sizeBytes} bytes, sign-extended to 64 bits. */
    static void signExtend64(RegState reg, int sizeBytes) {
        if (reg.var.isConstant()) {
            long value = signExtend(reg.var.value(), sizeBytes);
            reg.var = Tnum.constant(value);
            reg.setConstant(value);
            return;
        }
        int bits = sizeBytes * 8;
        long topMin = reg.smin >> bits << bits;
        long topMax = reg.smax >> bits << bits;
        if (topMin == topMax) {
            long fromMin = signExtend(reg.smin, sizeBytes);
            long fromMax = signExtend(reg.smax, sizeBytes);
            long min = Math.min(fromMin, fromMax);
            long max = Math.max(fromMin, fromMax);
            if ((max >= 0) == (min >= 0)) {
                reg.smin = min;
                reg.smax = max;
                reg.umin = min;
                reg.umax = max;
                reg.var = Tnum.range(min, max);
                reg.smin32 = (int) min;
                reg.smax32 = (int) max;
                reg.umin32 = (int) min;
                reg.umax32 = (int) max;
                return;
            }
        }
        unknownSigned64(reg, sizeBytes);
    }

    /** The low {@code sizeBytes} bytes, sign-extended to 32 bits; the caller zero-extends. */
    static void signExtend32(RegState reg, int sizeBytes) {
        if (reg.var.isConstant()) {
            int value = (int) signExtend(reg.var.value(), sizeBytes);
            reg.var = Tnum.constant(value & LOW32);
            reg.smin32 = value;
            reg.smax32 = value;
            reg.umin32 = value;
            reg.umax32 = value;
            return;
        }
        int bits = sizeBytes * 8;
        int topMin = reg.smin32 >> bits << bits;
        int topMax = reg.smax32 >> bits << bits;
        if (topMin == topMax) {
            int fromMin = (int) signExtend(reg.smin32, sizeBytes);
            int fromMax = (int) signExtend(reg.smax32, sizeBytes);
            int min = Math.min(fromMin, fromMax);
            int max = Math.max(fromMin, fromMax);
            if ((min >= 0) == (max >= 0)) {
                reg.smin32 = min;
                reg.smax32 = max;
                reg.umin32 = min;
                reg.umax32 = max;
                reg.var = Tnum.range(min & LOW32, max & LOW32).low32();
                return;
            }
        }
        reg.smin32 = -(1 << (bits - 1));
        reg.smax32 = (1 << (bits - 1)) - 1;
        reg.umin32 = 0;
        reg.umax32 = -1;
        reg.var = Tnum.UNKNOWN.low32();
    }

    private static long signExtend(long value, int sizeBytes) {
        int shift = 64 - sizeBytes * 8;
        return value << shift >> shift;
    }

    /** Whether every value of {@code inner} is one of {@code outer}: ranges only. */
    static boolean within(RegState outer, RegState inner) {
        return Long.compareUnsigned(outer.umin, inner.umin) <= 0
                && Long.compareUnsigned(outer.umax, inner.umax) >= 0
                && outer.smin <= inner.smin
                && outer.smax >= inner.smax
                && Integer.compareUnsigned(outer.umin32, inner.umin32) <= 0
                && Integer.compareUnsigned(outer.umax32, inner.umax32) >= 0
                && outer.smin32 <= inner.smin32
                && outer.smax32 >= inner.smax32;
    }

    static long umin(long a, long b) {
        return Long.compareUnsigned(a, b) <= 0 ? a : b;
    }

    static long umax(long a, long b) {
        return Long.compareUnsigned(a, b) >= 0 ? a : b;
    }

    static int umin(int a, int b) {
        return Integer.compareUnsigned(a, b) <= 0 ? a : b;
    }

    static int umax(int a, int b) {
        return Integer.compareUnsigned(a, b) >= 0 ? a : b;
    }
}
