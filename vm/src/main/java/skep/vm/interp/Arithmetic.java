package skep.vm.interp;

/**
 * Division as RFC 9669 section 4.1 defines it: by zero gives zero, modulo zero leaves the dividend. Processors divide 64 bits slowly:
 * what fits into 32 is divided as such.
 */
public final class Arithmetic {
    private Arithmetic() {}

    private static final long U32 = 0xffff_ffffL;

    public static long div(long a, long b) {
        if (b == 0) {
            return 0;
        }
        return (a | b) >>> 32 == 0 ? Integer.divideUnsigned((int) a, (int) b) & U32 : Long.divideUnsigned(a, b);
    }

    public static long sdiv(long a, long b) {
        if (b == 0) {
            return 0;
        }
        return (a | b) >>> 31 == 0 ? (int) a / (int) b : a / b;
    }

    public static long mod(long a, long b) {
        if (b == 0) {
            return a;
        }
        return (a | b) >>> 32 == 0 ? Integer.remainderUnsigned((int) a, (int) b) & U32 : Long.remainderUnsigned(a, b);
    }

    public static long smod(long a, long b) {
        if (b == 0) {
            return a;
        }
        return (a | b) >>> 31 == 0 ? (int) a % (int) b : a % b;
    }

    public static int div(int a, int b) {
        return b == 0 ? 0 : Integer.divideUnsigned(a, b);
    }

    public static int sdiv(int a, int b) {
        return b == 0 ? 0 : a / b;
    }

    public static int mod(int a, int b) {
        return b == 0 ? a : Integer.remainderUnsigned(a, b);
    }

    public static int smod(int a, int b) {
        return b == 0 ? a : a % b;
    }
}
