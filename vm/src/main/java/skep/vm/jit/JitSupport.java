package skep.vm.jit;

import skep.vm.Memory;
import skep.vm.RegionCache;
import skep.vm.VmCpu;
import skep.vm.VmFault;

/** What generated code calls; small enough for HotSpot to inline. */
final class JitSupport {
    /** As the interpreter's: BPF_MAX_LOOPS. */
    static final int MAX_MAY_GOTOS = 8 << 20;

    /** {@code BPF_MAX_LOOPS}: how often {@code bpf_loop} goes round at most. */
    static final int MAX_LOOPS = 8 << 20;

    private static final long MIN_BULK_BYTES = 16;

    private JitSupport() {}

    /** Lets a read go on that is outside the favourite region, if it is allowed. */
    static void read(long address, RegionCache reads, long stackLow, long stackEnd, int sizeBytes, int slot) {
        if (!(address >= stackLow && address <= stackEnd - sizeBytes || reads.holds(address, sizeBytes))) {
            throw outside("read", address, sizeBytes, slot);
        }
    }

    /** Lets a write go on that is outside the favourite region, if it is allowed. */
    static void write(long address, RegionCache writes, long stackLow, long stackEnd, int sizeBytes, int slot) {
        if (!(address >= stackLow && address <= stackEnd - sizeBytes || writes.holds(address, sizeBytes))) {
            throw outside("write", address, sizeBytes, slot);
        }
    }

    private static VmFault outside(String what, long address, int sizeBytes, int slot) {
        return new VmFault(
                slot,
                what + " of " + sizeBytes + " bytes at 0x" + Long.toHexString(address) + " is outside every region");
    }

    /** A load that the verifier allows to go to kernel memory; zero-extended. */
    static long kernelLoad(VmCpu cpu, long address, int sizeBytes) {
        if (!cpu.allows(address, sizeBytes, false)) {
            return cpu.loadKernel(address, sizeBytes);
        }
        return switch (sizeBytes) {
            case 1 -> Memory.getByte(address) & 0xffL;
            case 2 -> Memory.getShort(address) & 0xffffL;
            case 4 -> Memory.getInt(address) & 0xffff_ffffL;
            default -> Memory.getLong(address);
        };
    }

    /** The value of an array map at the index that {@code keyAddress} points to, or 0. */
    static long arrayLookup(long keyAddress, long base, int strideBytes, int maxEntries) {
        int index = Memory.getInt(keyAddress);
        return Integer.compareUnsigned(index, maxEntries) < 0 ? base + (long) index * strideBytes : 0;
    }

    /** The same for a per-CPU array. */
    static long perCpuLookup(
            VmCpu cpu, long keyAddress, long base, int strideBytes, int maxEntries, long cpuStrideBytes) {
        int index = Memory.getInt(keyAddress);
        return Integer.compareUnsigned(index, maxEntries) < 0
                ? base + cpu.services().cpu() * cpuStrideBytes + (long) index * strideBytes
                : 0;
    }

    /** What is left of the budget after a jump back over that many slots. */
    static long spend(long budget, int slots, int slot) {
        if (budget < slots) {
            throw new VmFault(slot, "the instruction budget is used up");
        }
        return budget - slots;
    }

    /** How often a loop runs that adds to its counter and goes on while it is not equal to the limit; 0 if not countable. */
    static int tripsUntilEqual(long counter, long limit, long stride) {
        long distance = limit - counter;
        long trips = distance / stride;
        return trips * stride == distance && trips > 0 && trips <= Integer.MAX_VALUE ? (int) trips : 0;
    }

    /** The same for a loop that goes on while the counter is below the limit; the stride is positive. */
    static int tripsBelow(long counter, long limit, long stride) {
        if (counter < 0 || limit < 0 || limit > Long.MAX_VALUE - stride) {
            return 0;
        }
        long distance = limit - counter;
        long trips = distance <= stride ? 1 : (distance + stride - 1) / stride;
        return trips <= Integer.MAX_VALUE && counter <= Long.MAX_VALUE - stride ? (int) trips : 0;
    }

    /** The same with an unsigned comparison. */
    static int tripsBelowUnsigned(long counter, long limit, long stride) {
        return tripsBelow(counter, limit, stride);
    }

    /** Whether an access may go to {@code first} and to all places that follow it by {@code step}. */
    static boolean inside(long first, int trips, long step, long low, long places) {
        return Long.compareUnsigned(first - low, places) < 0
                && Long.compareUnsigned(first + (trips - 1) * step - low, places) < 0;
    }

    /** Copies unless an element by element copy would do otherwise, or it is not worth it; false then. */
    static boolean copy(long from, long to, long bytes) {
        if (bytes < MIN_BULK_BYTES || Long.compareUnsigned(to - from, bytes) < 0) {
            return false;
        }
        Memory.copy(from, to, bytes);
        return true;
    }

    static void fill(long to, int bytes, int value) {
        Memory.fill(to, bytes, (byte) value);
    }

    /** A fault of a helper, with the instruction that called it. */
    static VmFault placed(VmFault fault, int slot) {
        return fault.insn() >= 0 || slot < 0 ? fault : new VmFault(slot, fault.reason());
    }

    /** Runs a function of many parts. */
    static long drive(JitProgram program, VmCpu cpu, JitFrame frame, int first) {
        for (int next = first; next != JitCode.DONE; ) {
            next = program.code(next >>> JitCode.BLOCK_BITS).part(cpu, frame, next & (1 << JitCode.BLOCK_BITS) - 1);
        }
        return frame.r0;
    }
}
