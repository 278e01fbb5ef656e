package skep.vm.verifier;

/** What a comparison of two scalars tells: which way it goes, and what holds on each side. */
final class Conditions {
    private Conditions() {}

    /** Added to {@code JSET} when none of the bits are set. */
    static final int NOT_SET = Code.JSET | 0x08;

    static final int TAKEN = 1;
    static final int NOT_TAKEN = 0;
    static final int UNKNOWN = -1;

    /** The same comparison with its sides exchanged. */
    static int flip(int operation) {
        return switch (operation) {
            case Code.JGE -> Code.JLE;
            case Code.JGT -> Code.JLT;
            case Code.JLE -> Code.JGE;
            case Code.JLT -> Code.JGT;
            case Code.JSGE -> Code.JSLE;
            case Code.JSGT -> Code.JSLT;
            case Code.JSLE -> Code.JSGE;
            case Code.JSLT -> Code.JSGT;
            default -> operation;
        };
    }

    /** The comparison that holds when this one does not. */
    static int negate(int operation) {
        return switch (operation) {
            case Code.JEQ -> Code.JNE;
            case Code.JNE -> Code.JEQ;
            case Code.JSET -> NOT_SET;
            case NOT_SET -> Code.JSET;
            case Code.JGE -> Code.JLT;
            case Code.JGT -> Code.JLE;
            case Code.JLE -> Code.JGT;
            case Code.JLT -> Code.JGE;
            case Code.JSGE -> Code.JSLT;
            case Code.JSGT -> Code.JSLE;
            case Code.JSLE -> Code.JSGT;
            case Code.JSLT -> Code.JSGE;
            default -> throw new IllegalArgumentException("comparison " + operation);
        };
    }

    static boolean isConstant(RegState reg, boolean narrow) {
        return reg.isScalar() && (narrow ? reg.var.low32() : reg.var).isConstant();
    }

    static long constant(RegState reg, boolean narrow) {
        return narrow ? reg.var.value() & 0xffff_ffffL : reg.var.value();
    }

    /** Which way a comparison of scalars goes, if that is certain. */
    static int outcome(RegState a, RegState b, int operation, boolean narrow) {
        return switch (operation) {
            case Code.JEQ -> equal(a, b, narrow);
            case Code.JNE -> {
                int equal = equal(a, b, narrow);
                yield equal == UNKNOWN ? UNKNOWN : 1 - equal;
            }
            case Code.JSET -> anySet(a, b, narrow);
            case Code.JGT -> narrow ? less32(b, a) : less64(b, a);
            case Code.JLT -> narrow ? less32(a, b) : less64(a, b);
            case Code.JGE -> not(narrow ? less32(a, b) : less64(a, b));
            case Code.JLE -> not(narrow ? less32(b, a) : less64(b, a));
            case Code.JSGT -> narrow ? lessSigned32(b, a) : lessSigned64(b, a);
            case Code.JSLT -> narrow ? lessSigned32(a, b) : lessSigned64(a, b);
            case Code.JSGE -> not(narrow ? lessSigned32(a, b) : lessSigned64(a, b));
            case Code.JSLE -> not(narrow ? lessSigned32(b, a) : lessSigned64(b, a));
            default -> UNKNOWN;
        };
    }

    private static int not(int outcome) {
        return outcome == UNKNOWN ? UNKNOWN : 1 - outcome;
    }

    private static int equal(RegState a, RegState b, boolean narrow) {
        var ta = narrow ? a.var.low32() : a.var;
        var tb = narrow ? b.var.low32() : b.var;
        if (ta.isConstant() && tb.isConstant()) {
            return ta.value() == tb.value() ? TAKEN : NOT_TAKEN;
        }
        if (!ta.overlaps(tb) || disjoint32(a, b)) {
            return NOT_TAKEN;
        }
        return !narrow && disjoint64(a, b) ? NOT_TAKEN : UNKNOWN;
    }

    private static boolean disjoint32(RegState a, RegState b) {
        return less32(a, b) == TAKEN
                || less32(b, a) == TAKEN
                || lessSigned32(a, b) == TAKEN
                || lessSigned32(b, a) == TAKEN;
    }

    private static boolean disjoint64(RegState a, RegState b) {
        return less64(a, b) == TAKEN
                || less64(b, a) == TAKEN
                || lessSigned64(a, b) == TAKEN
                || lessSigned64(b, a) == TAKEN;
    }

    private static int anySet(RegState x, RegState y, boolean narrow) {
        var a = x;
        var b = y;
        if (!isConstant(b, narrow)) {
            a = y;
            b = x;
        }
        if (!isConstant(b, narrow)) {
            return UNKNOWN;
        }
        var ta = narrow ? a.var.low32() : a.var;
        long bits = constant(b, narrow);
        if ((ta.value() & ~ta.mask() & bits) != 0) {
            return TAKEN;
        }
        return ((ta.value() | ta.mask()) & bits) == 0 ? NOT_TAKEN : UNKNOWN;
    }

    private static int less64(RegState a, RegState b) {
        if (Long.compareUnsigned(a.umax, b.umin) < 0) {
            return TAKEN;
        }
        return Long.compareUnsigned(a.umin, b.umax) >= 0 ? NOT_TAKEN : UNKNOWN;
    }

    private static int less32(RegState a, RegState b) {
        if (Integer.compareUnsigned(a.umax32, b.umin32) < 0) {
            return TAKEN;
        }
        return Integer.compareUnsigned(a.umin32, b.umax32) >= 0 ? NOT_TAKEN : UNKNOWN;
    }

    private static int lessSigned64(RegState a, RegState b) {
        if (a.smax < b.smin) {
            return TAKEN;
        }
        return a.smin >= b.smax ? NOT_TAKEN : UNKNOWN;
    }

    private static int lessSigned32(RegState a, RegState b) {
        if (a.smax32 < b.smin32) {
            return TAKEN;
        }
        return a.smin32 >= b.smax32 ? NOT_TAKEN : UNKNOWN;
    }

    /** Narrows both sides to the values for which the comparison holds. */
    static void refine(RegState a, RegState b, int operation, boolean narrow) {
        switch (operation) {
            case Code.JEQ -> refineEqual(a, b, narrow);
            case Code.JNE -> {
                if (isConstant(b, narrow)) {
                    refineNotEqual(a, constant(b, narrow), narrow);
                } else if (isConstant(a, narrow)) {
                    refineNotEqual(b, constant(a, narrow), narrow);
                }
            }
            case Code.JSET -> {
                var value = isConstant(b, narrow) ? b : a;
                var tested = isConstant(b, narrow) ? a : b;
                if (isConstant(value, narrow) && Long.bitCount(constant(value, narrow)) == 1) {
                    var bit = Tnum.constant(constant(value, narrow));
                    tested.var =
                            narrow ? tested.var.withLow32(tested.var.low32().or(bit)) : tested.var.or(bit);
                }
            }
            case NOT_SET -> {
                var value = isConstant(b, narrow) ? b : a;
                var tested = isConstant(b, narrow) ? a : b;
                if (isConstant(value, narrow)) {
                    // on a dead branch the ranges may contradict the new tnum: they are deduced anew
                    Ranges.unbound(tested);
                    var others = Tnum.constant(~constant(value, narrow));
                    tested.var =
                            narrow ? tested.var.withLow32(tested.var.low32().and(others)) : tested.var.and(others);
                }
            }
            case Code.JLE -> {
                if (narrow) {
                    a.umax32 = Ranges.umin(a.umax32, b.umax32);
                    b.umin32 = Ranges.umax(a.umin32, b.umin32);
                } else {
                    a.umax = Ranges.umin(a.umax, b.umax);
                    b.umin = Ranges.umax(a.umin, b.umin);
                }
            }
            case Code.JLT -> {
                if (narrow) {
                    a.umax32 = Ranges.umin(a.umax32, b.umax32 - 1);
                    b.umin32 = Ranges.umax(a.umin32 + 1, b.umin32);
                } else {
                    a.umax = Ranges.umin(a.umax, b.umax - 1);
                    b.umin = Ranges.umax(a.umin + 1, b.umin);
                }
            }
            case Code.JSLE -> {
                if (narrow) {
                    a.smax32 = Math.min(a.smax32, b.smax32);
                    b.smin32 = Math.max(a.smin32, b.smin32);
                } else {
                    a.smax = Math.min(a.smax, b.smax);
                    b.smin = Math.max(a.smin, b.smin);
                }
            }
            case Code.JSLT -> {
                if (narrow) {
                    a.smax32 = Math.min(a.smax32, b.smax32 - 1);
                    b.smin32 = Math.max(a.smin32 + 1, b.smin32);
                } else {
                    a.smax = Math.min(a.smax, b.smax - 1);
                    b.smin = Math.max(a.smin + 1, b.smin);
                }
            }
            case Code.JGE, Code.JGT, Code.JSGE, Code.JSGT -> refine(b, a, flip(operation), narrow);
            default -> throw new IllegalArgumentException("comparison " + operation);
        }
    }

    private static void refineEqual(RegState a, RegState b, boolean narrow) {
        if (narrow) {
            a.umin32 = b.umin32 = Ranges.umax(a.umin32, b.umin32);
            a.umax32 = b.umax32 = Ranges.umin(a.umax32, b.umax32);
            a.smin32 = b.smin32 = Math.max(a.smin32, b.smin32);
            a.smax32 = b.smax32 = Math.min(a.smax32, b.smax32);
            var both = a.var.low32().intersect(b.var.low32());
            a.var = a.var.withLow32(both);
            b.var = b.var.withLow32(both);
        } else {
            a.umin = b.umin = Ranges.umax(a.umin, b.umin);
            a.umax = b.umax = Ranges.umin(a.umax, b.umax);
            a.smin = b.smin = Math.max(a.smin, b.smin);
            a.smax = b.smax = Math.min(a.smax, b.smax);
            a.var = a.var.intersect(b.var);
            b.var = a.var;
        }
    }

    /** A value at the edge of a range falls away. */
    private static void refineNotEqual(RegState reg, long value, boolean narrow) {
        if (narrow) {
            int word = (int) value;
            if (reg.umin32 == word) {
                reg.umin32++;
            }
            if (reg.umax32 == word) {
                reg.umax32--;
            }
            if (reg.smin32 == word) {
                reg.smin32++;
            }
            if (reg.smax32 == word) {
                reg.smax32--;
            }
        } else {
            if (reg.umin == value) {
                reg.umin++;
            }
            if (reg.umax == value) {
                reg.umax--;
            }
            if (reg.smin == value) {
                reg.smin++;
            }
            if (reg.smax == value) {
                reg.smax--;
            }
        }
    }
}
