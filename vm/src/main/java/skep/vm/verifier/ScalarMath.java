package skep.vm.verifier;

/**
 * Arithmetic on what is known of scalars: {@code dst = dst op src} for the tnum and the four ranges. Pure functions of the
 * two states; {@link Ranges#sync} afterwards spreads what was learnt. The wrap-around rules are those of Linux 6.18.
 */
final class ScalarMath {
    private static final long LOW32 = 0xffff_ffffL;

    private ScalarMath() {}

    /** Whether anything is learnt from this operation, or the result is simply unknown. */
    static boolean tracked(int operation, boolean narrow, RegState src) {
        return switch (operation) {
            case Code.ADD, Code.SUB, Code.NEG, Code.AND, Code.XOR, Code.OR, Code.MUL -> true;
            case Code.LSH, Code.RSH, Code.ARSH -> {
                boolean constant = narrow
                        ? src.var.low32().isConstant() && src.umin32 == src.umax32 && src.smin32 == src.smax32
                        : src.var.isConstant() && src.umin == src.umax && src.smin == src.smax;
                yield constant && Long.compareUnsigned(src.umax, narrow ? 32 : 64) < 0;
            }
            default -> false;
        };
    }

    static void apply(int operation, boolean narrow, RegState dst, RegState src) {
        if (!tracked(operation, narrow, src)) {
            dst.markUnknown();
            if (narrow) {
                Ranges.zeroExtend32(dst);
                Ranges.sync(dst);
            }
            return;
        }
        switch (operation) {
            case Code.ADD -> add(dst, src);
            case Code.SUB -> subtract(dst, src);
            case Code.NEG -> {
                var old = new RegState(src);
                dst.setConstant(0);
                subtract(dst, old);
                dst.var = old.var.negate();
            }
            case Code.MUL -> {
                dst.var = dst.var.times(src.var);
                multiply32(dst, src);
                multiply64(dst, src);
            }
            case Code.AND -> and(dst, src);
            case Code.OR -> or(dst, src);
            case Code.XOR -> xor(dst, src);
            case Code.LSH -> shiftLeft(dst, src, narrow);
            case Code.RSH -> shiftRight(dst, src, narrow);
            case Code.ARSH -> shiftRightSigned(dst, src, narrow);
            default -> throw new IllegalStateException("operation " + operation);
        }
        if (narrow) {
            Ranges.zeroExtend32(dst);
        }
        Ranges.sync(dst);
    }

    /** All three parts of an addition, without spreading. */
    static void add(RegState dst, RegState src) {
        int lo = dst.smin32 + src.smin32;
        int hi = dst.smax32 + src.smax32;
        if (addOverflows(dst.smin32, src.smin32, lo) || addOverflows(dst.smax32, src.smax32, hi)) {
            dst.smin32 = Integer.MIN_VALUE;
            dst.smax32 = Integer.MAX_VALUE;
        } else {
            dst.smin32 = lo;
            dst.smax32 = hi;
        }
        int ulo = dst.umin32 + src.umin32;
        int uhi = dst.umax32 + src.umax32;
        boolean lowWraps = Integer.compareUnsigned(ulo, dst.umin32) < 0;
        boolean highWraps = Integer.compareUnsigned(uhi, dst.umax32) < 0;
        dst.umin32 = !lowWraps && highWraps ? 0 : ulo;
        dst.umax32 = !lowWraps && highWraps ? -1 : uhi;
        addRanges64(dst, dst, src);
        dst.var = dst.var.plus(src.var);
    }

    /** 64-bit ranges of {@code a + b}; all or none of the unsigned sums may wrap. */
    private static void addRanges64(RegState dst, RegState a, RegState b) {
        addSigned64(dst, a.smin, a.smax, b);
        long ulo = a.umin + b.umin;
        long uhi = a.umax + b.umax;
        boolean lowWraps = Long.compareUnsigned(ulo, a.umin) < 0;
        boolean highWraps = Long.compareUnsigned(uhi, a.umax) < 0;
        dst.umin = !lowWraps && highWraps ? 0 : ulo;
        dst.umax = !lowWraps && highWraps ? -1 : uhi;
    }

    static void addSigned64(RegState dst, long smin, long smax, RegState b) {
        long lo = smin + b.smin;
        long hi = smax + b.smax;
        if (addOverflows(smin, b.smin, lo) || addOverflows(smax, b.smax, hi)) {
            dst.smin = Long.MIN_VALUE;
            dst.smax = Long.MAX_VALUE;
        } else {
            dst.smin = lo;
            dst.smax = hi;
        }
    }

    static void subtractSigned64(RegState dst, long smin, long smax, RegState b) {
        long lo = smin - b.smax;
        long hi = smax - b.smin;
        if (subOverflows(smin, b.smax, lo) || subOverflows(smax, b.smin, hi)) {
            dst.smin = Long.MIN_VALUE;
            dst.smax = Long.MAX_VALUE;
        } else {
            dst.smin = lo;
            dst.smax = hi;
        }
    }

    private static void subtract(RegState dst, RegState src) {
        int lo = dst.smin32 - src.smax32;
        int hi = dst.smax32 - src.smin32;
        if (subOverflows(dst.smin32, src.smax32, lo) || subOverflows(dst.smax32, src.smin32, hi)) {
            dst.smin32 = Integer.MIN_VALUE;
            dst.smax32 = Integer.MAX_VALUE;
        } else {
            dst.smin32 = lo;
            dst.smax32 = hi;
        }
        boolean lowWraps32 = Integer.compareUnsigned(dst.umin32, src.umax32) < 0;
        boolean highWraps32 = Integer.compareUnsigned(dst.umax32, src.umin32) < 0;
        int ulo = dst.umin32 - src.umax32;
        int uhi = dst.umax32 - src.umin32;
        dst.umin32 = lowWraps32 && !highWraps32 ? 0 : ulo;
        dst.umax32 = lowWraps32 && !highWraps32 ? -1 : uhi;

        subtractSigned64(dst, dst.smin, dst.smax, src);
        boolean lowWraps = Long.compareUnsigned(dst.umin, src.umax) < 0;
        boolean highWraps = Long.compareUnsigned(dst.umax, src.umin) < 0;
        long wideLo = dst.umin - src.umax;
        long wideHi = dst.umax - src.umin;
        dst.umin = lowWraps && !highWraps ? 0 : wideLo;
        dst.umax = lowWraps && !highWraps ? -1 : wideHi;
        dst.var = dst.var.minus(src.var);
    }

    private static boolean addOverflows(long a, long b, long sum) {
        return ((a ^ sum) & (b ^ sum)) < 0;
    }

    private static boolean addOverflows(int a, int b, int sum) {
        return ((a ^ sum) & (b ^ sum)) < 0;
    }

    private static boolean subOverflows(long a, long b, long difference) {
        return ((a ^ b) & (a ^ difference)) < 0;
    }

    private static boolean subOverflows(int a, int b, int difference) {
        return ((a ^ b) & (a ^ difference)) < 0;
    }

    private static void multiply32(RegState dst, RegState src) {
        long ulo = (dst.umin32 & LOW32) * (src.umin32 & LOW32);
        long uhi = (dst.umax32 & LOW32) * (src.umax32 & LOW32);
        boolean wraps = (uhi >>> 32) != 0 || (ulo >>> 32) != 0;
        dst.umin32 = wraps ? 0 : (int) ulo;
        dst.umax32 = wraps ? -1 : (int) uhi;
        long a = (long) dst.smin32 * src.smin32;
        long b = (long) dst.smin32 * src.smax32;
        long c = (long) dst.smax32 * src.smin32;
        long d = (long) dst.smax32 * src.smax32;
        long min = Math.min(Math.min(a, b), Math.min(c, d));
        long max = Math.max(Math.max(a, b), Math.max(c, d));
        boolean overflow = min < Integer.MIN_VALUE || max > Integer.MAX_VALUE;
        dst.smin32 = overflow ? Integer.MIN_VALUE : (int) min;
        dst.smax32 = overflow ? Integer.MAX_VALUE : (int) max;
    }

    private static void multiply64(RegState dst, RegState src) {
        boolean wraps = Math.unsignedMultiplyHigh(dst.umax, src.umax) != 0
                || Math.unsignedMultiplyHigh(dst.umin, src.umin) != 0;
        long ulo = dst.umin * src.umin;
        long uhi = dst.umax * src.umax;
        dst.umin = wraps ? 0 : ulo;
        dst.umax = wraps ? -1 : uhi;
        boolean overflow = mulOverflows(dst.smin, src.smin)
                || mulOverflows(dst.smin, src.smax)
                || mulOverflows(dst.smax, src.smin)
                || mulOverflows(dst.smax, src.smax);
        if (overflow) {
            dst.smin = Long.MIN_VALUE;
            dst.smax = Long.MAX_VALUE;
            return;
        }
        long a = dst.smin * src.smin;
        long b = dst.smin * src.smax;
        long c = dst.smax * src.smin;
        long d = dst.smax * src.smax;
        dst.smin = Math.min(Math.min(a, b), Math.min(c, d));
        dst.smax = Math.max(Math.max(a, b), Math.max(c, d));
    }

    private static boolean mulOverflows(long a, long b) {
        return Math.multiplyHigh(a, b) != (a * b) >> 63;
    }

    private static void and(RegState dst, RegState src) {
        boolean known32 = dst.var.low32().isConstant() && src.var.low32().isConstant();
        boolean known64 = dst.var.isConstant() && src.var.isConstant();
        dst.var = dst.var.and(src.var);
        if (known32) {
            known32(dst);
        } else {
            dst.umin32 = (int) dst.var.value();
            dst.umax32 = Ranges.umin(dst.umax32, src.umax32);
            signedFromUnsigned32(dst);
        }
        if (known64) {
            dst.setConstant(dst.var.value());
        } else {
            dst.umin = dst.var.value();
            dst.umax = Ranges.umin(dst.umax, src.umax);
            signedFromUnsigned64(dst);
        }
    }

    private static void or(RegState dst, RegState src) {
        boolean known32 = dst.var.low32().isConstant() && src.var.low32().isConstant();
        boolean known64 = dst.var.isConstant() && src.var.isConstant();
        dst.var = dst.var.or(src.var);
        if (known32) {
            known32(dst);
        } else {
            dst.umin32 = Ranges.umax(dst.umin32, src.umin32);
            dst.umax32 = (int) (dst.var.value() | dst.var.mask());
            signedFromUnsigned32(dst);
        }
        if (known64) {
            dst.setConstant(dst.var.value());
        } else {
            dst.umin = Ranges.umax(dst.umin, src.umin);
            dst.umax = dst.var.value() | dst.var.mask();
            signedFromUnsigned64(dst);
        }
    }

    private static void xor(RegState dst, RegState src) {
        boolean known32 = dst.var.low32().isConstant() && src.var.low32().isConstant();
        boolean known64 = dst.var.isConstant() && src.var.isConstant();
        dst.var = dst.var.xor(src.var);
        if (known32) {
            known32(dst);
        } else {
            dst.umin32 = (int) dst.var.value();
            dst.umax32 = (int) (dst.var.value() | dst.var.mask());
            signedFromUnsigned32(dst);
        }
        if (known64) {
            dst.setConstant(dst.var.value());
        } else {
            dst.umin = dst.var.value();
            dst.umax = dst.var.value() | dst.var.mask();
            signedFromUnsigned64(dst);
        }
    }

    private static void known32(RegState dst) {
        int value = (int) dst.var.value();
        dst.smin32 = value;
        dst.smax32 = value;
        dst.umin32 = value;
        dst.umax32 = value;
    }

    private static void signedFromUnsigned32(RegState dst) {
        if (dst.umin32 <= dst.umax32) {
            dst.smin32 = dst.umin32;
            dst.smax32 = dst.umax32;
        } else {
            dst.smin32 = Integer.MIN_VALUE;
            dst.smax32 = Integer.MAX_VALUE;
        }
    }

    private static void signedFromUnsigned64(RegState dst) {
        if (dst.umin <= dst.umax) {
            dst.smin = dst.umin;
            dst.smax = dst.umax;
        } else {
            dst.smin = Long.MIN_VALUE;
            dst.smax = Long.MAX_VALUE;
        }
    }

    private static void shiftLeft(RegState dst, RegState src, boolean narrow) {
        if (narrow) {
            int bits = src.umin32;
            var low = dst.var.low32();
            shiftLeftRanges32(dst, bits);
            dst.var = low.shiftLeft(bits).low32();
            Ranges.unbound64(dst);
            Ranges.fromTnum32(dst);
            return;
        }
        int bits = (int) src.umin;
        if (bits == 32) {
            // the usual way of compilers to sign-extend a word: << 32, s>> 32
            dst.smin = (long) dst.smin32 << 32;
            dst.smax = (long) dst.smax32 << 32;
        } else {
            dst.smin = Long.MIN_VALUE;
            dst.smax = Long.MAX_VALUE;
        }
        if (Long.compareUnsigned(dst.umax, 1L << (63 - bits)) > 0) {
            dst.umin = 0;
            dst.umax = -1;
        } else {
            dst.umin <<= bits;
            dst.umax <<= bits;
        }
        shiftLeftRanges32(dst, bits);
        dst.var = dst.var.shiftLeft(bits);
        Ranges.fromTnum(dst);
    }

    private static void shiftLeftRanges32(RegState dst, int bits) {
        dst.smin32 = Integer.MIN_VALUE;
        dst.smax32 = Integer.MAX_VALUE;
        if (bits > 31 || Integer.compareUnsigned(dst.umax32, 1 << (31 - bits)) > 0) {
            dst.umin32 = 0;
            dst.umax32 = -1;
        } else {
            dst.umin32 <<= bits;
            dst.umax32 <<= bits;
        }
    }

    private static void shiftRight(RegState dst, RegState src, boolean narrow) {
        if (narrow) {
            int bits = src.umin32;
            dst.smin32 = Integer.MIN_VALUE;
            dst.smax32 = Integer.MAX_VALUE;
            dst.var = dst.var.low32().shiftRight(bits);
            dst.umin32 >>>= bits;
            dst.umax32 >>>= bits;
            Ranges.unbound64(dst);
            Ranges.fromTnum32(dst);
            return;
        }
        int bits = (int) src.umin;
        dst.smin = Long.MIN_VALUE;
        dst.smax = Long.MAX_VALUE;
        dst.var = dst.var.shiftRight(bits);
        dst.umin >>>= bits;
        dst.umax >>>= bits;
        Ranges.unbound32(dst);
        Ranges.fromTnum(dst);
    }

    private static void shiftRightSigned(RegState dst, RegState src, boolean narrow) {
        if (narrow) {
            int bits = src.umin32;
            dst.smin32 >>= bits;
            dst.smax32 >>= bits;
            dst.var = dst.var.low32().shiftRightSigned(bits, true);
            dst.umin32 = 0;
            dst.umax32 = -1;
            Ranges.unbound64(dst);
            Ranges.fromTnum32(dst);
            return;
        }
        int bits = (int) src.umin;
        dst.smin >>= bits;
        dst.smax >>= bits;
        dst.var = dst.var.shiftRightSigned(bits, false);
        dst.umin = 0;
        dst.umax = -1;
        Ranges.unbound32(dst);
        Ranges.fromTnum(dst);
    }
}
