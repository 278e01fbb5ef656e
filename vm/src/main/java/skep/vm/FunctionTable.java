package skep.vm;

import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Addresses of BPF functions, as programs pass them to helpers for callbacks.
 *
 * <pre>
 *   63      48 47        24 23         0
 *  +----------+------------+------------+
 *  |  0x00f0  |  program   |    slot    |
 *  +----------+------------+------------+
 * </pre>
 */
public final class FunctionTable {
    private static final long BASE = 0x00f0_0000_0000_0000L;
    private static final int SLOT_BITS = 24;
    private static final int MAX_PROGRAMS = 1 << 24;

    private final BitSet released = new BitSet();

    private volatile @Nullable Executable[] programs = new Executable[16];
    private int next = 1;
    private int free;

    /** Takes a number for a program that is about to be compiled. */
    public synchronized int reserve() {
        for (int number = 1; free > 0 && number < next; number++) {
            if (programs[number] == null && released.get(number)) {
                released.clear(number);
                free--;
                return number;
            }
        }
        if (next == MAX_PROGRAMS) {
            throw new IllegalStateException("more than " + MAX_PROGRAMS + " programs");
        }
        return next++;
    }

    /** Makes the functions of a program callable. */
    public synchronized void bind(int program, Executable executable) {
        var copy = Arrays.copyOf(programs, Math.max(programs.length, Integer.highestOneBit(program) * 2));
        copy[program] = executable;
        programs = copy;
    }

    /** Forgets a program; calling its functions is a fault from then on. */
    public synchronized void release(int program) {
        if (!released.get(program)) {
            var copy = programs.clone();
            if (program < copy.length) {
                copy[program] = null;
            }
            programs = copy;
            released.set(program);
            free++;
        }
    }

    public static long address(int program, int slot) {
        return BASE | (long) program << SLOT_BITS | slot;
    }

    /** Calls a function by its address. */
    long call(VmCpu cpu, long address, long a, long b, long c, long d, long e) {
        int program = (int) (address >>> SLOT_BITS) & 0xff_ffff;
        var known = programs;
        var executable = address >>> 48 == BASE >>> 48 && program < known.length ? known[program] : null;
        if (executable == null) {
            throw new VmFault("0x" + Long.toHexString(address) + " is no function of a loaded program");
        }
        return executable.call(cpu, (int) address & (1 << SLOT_BITS) - 1, a, b, c, d, e);
    }
}
