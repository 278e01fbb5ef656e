package skep.vm.conformance;

import java.util.Map;
import skep.vm.BpfUnwind;
import skep.vm.HelperFunction;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.VmFault;

/** The helpers that the programs of bpf_conformance and ubpf call; the numbers are those of ubpf's test plugin. */
final class UbpfHelpers {
    private static final long U8 = 0xff;
    private static final int MEMFROB_KEY = 42;
    private static final int MAX_STRING_BYTES = 1 << 20;

    private UbpfHelpers() {}

    static Map<Integer, HelperFunction> all() {
        return Map.of(
                0, (cpu, a, b, c, d, e) -> gatherBytes(a, b, c, d, e),
                1, (cpu, a, b, c, d, e) -> memfrob(cpu, a, b),
                2, (cpu, a, b, c, d, e) -> 0,
                3, (cpu, a, b, c, d, e) -> squareRoot(a),
                4, (cpu, a, b, c, d, e) -> compareStrings(cpu, a, b),
                5, (cpu, a, b, c, d, e) -> unwind(a));
    }

    private static long gatherBytes(long a, long b, long c, long d, long e) {
        return (a & U8) << 32 | (b & U8) << 24 | (c & U8) << 16 | (d & U8) << 8 | e & U8;
    }

    private static long memfrob(VmCpu cpu, long address, long lengthBytes) {
        if (lengthBytes < 0 || !cpu.allows(address, lengthBytes, true)) {
            throw new VmFault("memfrob outside every region");
        }
        for (long i = 0; i < lengthBytes; i++) {
            Memory.putByte(address + i, (byte) (Memory.getByte(address + i) ^ MEMFROB_KEY));
        }
        return 0;
    }

    private static long squareRoot(long a) {
        return (long) Math.sqrt((double) a);
    }

    /** As C's strcmp. */
    private static long compareStrings(VmCpu cpu, long a, long b) {
        for (int i = 0; i < MAX_STRING_BYTES; i++) {
            if (!cpu.allows(a + i, 1, false) || !cpu.allows(b + i, 1, false)) {
                throw new VmFault("strcmp outside every region");
            }
            int left = Memory.getByte(a + i) & 0xff;
            int right = Memory.getByte(b + i) & 0xff;
            if (left != right || left == 0) {
                return left - right;
            }
        }
        throw new VmFault("strcmp of strings without an end");
    }

    /** Ends the program when its result is 0. */
    private static long unwind(long a) {
        if (a == 0) {
            throw new BpfUnwind(0);
        }
        return a;
    }
}
