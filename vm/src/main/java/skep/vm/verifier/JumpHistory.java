package skep.vm.verifier;

import java.util.Arrays;

/**
 * How a path came from its first instruction to its last: the jumps, and the stack accesses and linked registers that
 * walking back needs to know. Three parallel arrays, one entry an instruction recorded.
 */
final class JumpHistory {
    /** An access to slot {@code spi} of frame {@code frame} of the stack. */
    static final int STACK_ACCESS = 1 << 10;

    static final int DST_IS_STACK = 1 << 11;
    static final int SRC_IS_STACK = 1 << 12;

    int size;
    private int[] insns = new int[8];
    private int[] previous = new int[8];
    private int[] flags = new int[8];
    private long[] linked = new long[8];

    static int stackAccess(int frame, int spi) {
        return STACK_ACCESS | spi << 3 | frame;
    }

    static int frameOf(int flags) {
        return flags & 7;
    }

    static int spiOf(int flags) {
        return flags >> 3 & 0x3f;
    }

    void push(int insn, int prev, int entryFlags, long linkedRegs) {
        if (size == insns.length) {
            insns = Arrays.copyOf(insns, size * 2);
            previous = Arrays.copyOf(previous, size * 2);
            flags = Arrays.copyOf(flags, size * 2);
            linked = Arrays.copyOf(linked, size * 2);
        }
        insns[size] = insn;
        previous[size] = prev;
        flags[size] = entryFlags;
        linked[size] = linkedRegs;
        size++;
    }

    void amendLast(int moreFlags, long linkedRegs) {
        flags[size - 1] |= moreFlags;
        linked[size - 1] |= linkedRegs;
    }

    int insn(int index) {
        return insns[index];
    }

    int previous(int index) {
        return previous[index];
    }

    int flags(int index) {
        return flags[index];
    }

    long linked(int index) {
        return linked[index];
    }

    void clear() {
        size = 0;
    }

    void copyFrom(JumpHistory other) {
        size = other.size;
        if (insns.length < size) {
            int capacity = other.insns.length;
            insns = new int[capacity];
            previous = new int[capacity];
            flags = new int[capacity];
            linked = new long[capacity];
        }
        System.arraycopy(other.insns, 0, insns, 0, size);
        System.arraycopy(other.previous, 0, previous, 0, size);
        System.arraycopy(other.flags, 0, flags, 0, size);
        System.arraycopy(other.linked, 0, linked, 0, size);
    }
}
