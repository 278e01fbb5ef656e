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
    private static final int FIRST_ROOM = 8;
    private static final int[] NONE = {};
    private static final long[] NO_LINKS = {};

    private int[] insns = NONE;
    private int[] previous = NONE;
    private int[] flags = NONE;
    private long[] linked = NO_LINKS;

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
            int room = Math.max(FIRST_ROOM, size * 2);
            insns = Arrays.copyOf(insns, room);
            previous = Arrays.copyOf(previous, room);
            flags = Arrays.copyOf(flags, room);
            linked = Arrays.copyOf(linked, room);
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

    /** Takes over what the other has, and no more room. */
    void copyFrom(JumpHistory other) {
        size = other.size;
        if (size > 0) {
            insns = Arrays.copyOf(other.insns, size);
            previous = Arrays.copyOf(other.previous, size);
            flags = Arrays.copyOf(other.flags, size);
            linked = Arrays.copyOf(other.linked, size);
        }
    }
}
