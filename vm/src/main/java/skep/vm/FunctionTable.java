package skep.vm;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

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

    private final ConcurrentHashMap<Integer, Executable> programs = new ConcurrentHashMap<>();
    private final AtomicInteger next = new AtomicInteger(1);

    /** Takes a number for a program that is about to be compiled. */
    public int reserve() {
        return next.getAndIncrement() & 0xff_ffff;
    }

    /** Makes the functions of a program callable. */
    public void bind(int program, Executable executable) {
        programs.put(program, executable);
    }

    /** Forgets a program; calling its functions is a fault from then on. */
    public void release(int program) {
        programs.remove(program);
    }

    public static long address(int program, int slot) {
        return BASE | (long) program << SLOT_BITS | slot;
    }

    /** Calls a function by its address. */
    long call(VmCpu cpu, long address, long a, long b, long c, long d, long e) {
        int program = (int) (address >>> SLOT_BITS) & 0xff_ffff;
        var executable = address >>> 48 == BASE >>> 48 ? programs.get(program) : null;
        if (executable == null) {
            throw new VmFault("0x" + Long.toHexString(address) + " is no function of a loaded program");
        }
        return executable.call(cpu, (int) address & (1 << SLOT_BITS) - 1, a, b, c, d, e);
    }
}
