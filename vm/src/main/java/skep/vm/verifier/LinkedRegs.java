package skep.vm.verifier;

/**
 * Up to six registers or stack slots packed into a long, as they are kept in the jump history.
 *
 * <pre>
 *   63 … 4: ten bits an entry: is-register (1) | register or slot (6) | frame (3)     3 … 0: count
 * </pre>
 */
final class LinkedRegs {
    private LinkedRegs() {}

    static int count(long set) {
        return (int) set & 0xf;
    }

    static long add(long set, int frame, int index, boolean isReg) {
        long entry = (long) frame | (long) index << 3 | (isReg ? 1L << 9 : 0);
        return (set | entry << (4 + 10 * count(set))) + 1;
    }

    private static long entry(long set, int k) {
        return set >>> (4 + 10 * k) & 0x3ff;
    }

    static int frame(long set, int k) {
        return (int) entry(set, k) & 7;
    }

    static int index(long set, int k) {
        return (int) (entry(set, k) >> 3) & 0x3f;
    }

    static boolean isReg(long set, int k) {
        return (entry(set, k) >> 9 & 1) != 0;
    }
}
