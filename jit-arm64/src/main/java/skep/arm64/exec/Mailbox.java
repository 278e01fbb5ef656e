package skep.arm64.exec;

import skep.vm.KernelServices;
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

    /** Context of the program that a tail call goes on with; its address is RESULT then. */
    static final int TAIL_CONTEXT = 256;

    /** What helpers would answer while the program runs: a {@link skep.arm64.lower.Calls.Snapshot}. */
    static final int SNAPSHOT_VALID = 264;

    static final int SNAPSHOT_CPU = 272;
    static final int SNAPSHOT_KTIME = 280;
    static final int SNAPSHOT_PID_TGID = 288;
    static final int SNAPSHOT_UID_GID = 296;
    static final int SNAPSHOT_TASK = 304;
    static final int SNAPSHOT_BOOT = 312;

    /** The thread's stack pointer while emitted code runs in the JVM's process. */
    static final int NATIVE_STACK = 320;

    static final int SIGNAL_STACK = 168;
    static final int SIGNAL_ACTION = 192;
    /** The table of regions of checked programs. */
    static final int REGION_TABLE = 4096;

    /** How many regions fit between the table's start and the code. */
    static final int MAX_REGIONS = (0x1_0000 - 0x4000 - REGION_TABLE - 8) / 24;

    /** Signal handlers run on the last 16 KiB before the code. */
    static final int SIGNAL_STACK_BYTES = 0x4000;

    private Mailbox() {}

    private static final int SNAPSHOT_WORDS = (SNAPSHOT_BOOT - SNAPSHOT_VALID) / 8 + 1;

    /** What helpers would answer now, for the code that runs next. */
    static void fillSnapshot(KernelServices services) {
        put(SNAPSHOT_CPU, services.cpu());
        boolean valid = services.standsStill();
        put(SNAPSHOT_VALID, valid ? 1 : 0);
        if (valid) {
            put(SNAPSHOT_KTIME, services.ktimeNanos());
            put(SNAPSHOT_PID_TGID, services.pidTgid());
            put(SNAPSHOT_UID_GID, services.uidGid());
            put(SNAPSHOT_TASK, services.currentTask());
            put(SNAPSHOT_BOOT, services.bootNanos());
        }
    }

    /** The answers for the code that runs, which another program interrupts. */
    static long[] snapshot() {
        var words = new long[SNAPSHOT_WORDS];
        for (int i = 0; i < words.length; i++) {
            words[i] = get(SNAPSHOT_VALID + 8 * i);
        }
        return words;
    }

    static void restoreSnapshot(long[] words) {
        for (int i = 0; i < words.length; i++) {
            put(SNAPSHOT_VALID + 8 * i, words[i]);
        }
    }

    static long get(int offset) {
        return Memory.getLong(SharedPool.BASE + offset);
    }

    static void put(int offset, long value) {
        Memory.putLong(SharedPool.BASE + offset, value);
    }
}
