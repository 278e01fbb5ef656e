package skep.vm.interp;

/** Division as RFC 9669 section 4.1 defines it: by zero gives zero, modulo zero leaves the dividend. */
public final class Arithmetic {
    private Arithmetic() {}

    public static long div(long a, long b) {
        return b == 0 ? 0 : Long.divideUnsigned(a, b);
    }

    public static long sdiv(long a, long b) {
        return b == 0 ? 0 : a / b;
    }

    public static long mod(long a, long b) {
        return b == 0 ? a : Long.remainderUnsigned(a, b);
    }

    public static long smod(long a, long b) {
        return b == 0 ? a : a % b;
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
