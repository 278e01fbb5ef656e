package skep.arm64.exec;

import skep.vm.Memory;

/**
 * The first page of the shared memory: what the JVM and the runner tell each other besides the one-letter messages in their pipes.
 * Offsets in bytes from {@link SharedPool#BASE}.
 */
final class Mailbox {
    static final int COMMAND = 0;
    static final int ENTRY = 8;
    static final int ARGUMENTS = 16;
    static final int STACK = 56;
    static final int REGIONS = 64;
    static final int RESULT = 72;
    static final int HELPER = 80;
    static final int HELPER_ARGUMENTS = 88;
    static final int OUTER_FRAME = 128;
    static final int SIGNAL = 136;
    static final int FAULT_PC = 144;
    static final int FAULT_LINK = 152;
    static final int FAULT_ADDRESS = 160;
    /** Whether the program that called a helper ends with its result. */
    static final int ENDS = 240;

    /** Whether HELPER is the value of a register instead of a call site's number. */
    static final int THROUGH_REGISTER = 248;

    static final int SIGNAL_STACK = 168;
    static final int SIGNAL_ACTION = 192;
    /** The table of regions of checked programs. */
    static final int REGION_TABLE = 4096;

    /** How many regions fit between the table's start and the code. */
    static final int MAX_REGIONS = (0x1_0000 - 0x4000 - REGION_TABLE - 8) / 24;

    /** Signal handlers run on the last 16 KiB before the code. */
    static final int SIGNAL_STACK_BYTES = 0x4000;

    private Mailbox() {}

    static long get(int offset) {
        return Memory.getLong(SharedPool.BASE + offset);
    }

    static void put(int offset, long value) {
        Memory.putLong(SharedPool.BASE + offset, value);
    }
}
