package skep.vm.helpers;

import skep.isa.kernel.Errno;
import skep.vm.Memory;
import skep.vm.VmCpu;

/**
 * Reads of memory that may not be there. An address is one of the VM's own (a map value, the stack, a context) or one of
 * the simulated kernel or process; only the latter are asked of the kernel around.
 */
final class MemoryHelpers {
    private static final int PIECE_BYTES = 4096;
    private static final int STRING_PIECE_BYTES = 64;

    private MemoryHelpers() {}

    static long probeReadKernel(VmCpu cpu, long to, long size, long from, long d, long e) {
        return read(cpu, to, size, from, false);
    }

    static long probeReadUser(VmCpu cpu, long to, long size, long from, long d, long e) {
        return read(cpu, to, size, from, true);
    }

    static long probeReadKernelString(VmCpu cpu, long to, long size, long from, long d, long e) {
        return readString(cpu, to, size, from, false);
    }

    static long probeReadUserString(VmCpu cpu, long to, long size, long from, long d, long e) {
        return readString(cpu, to, size, from, true);
    }

    /** {@code probe_read} and {@code probe_read_str} do not say which memory: the kernel's first, then the process's. */
    static long probeRead(VmCpu cpu, long to, long size, long from, long d, long e) {
        long result = read(cpu, to, size, from, false);
        return result == 0 ? 0 : read(cpu, to, size, from, true);
    }

    static long probeReadString(VmCpu cpu, long to, long size, long from, long d, long e) {
        long result = readString(cpu, to, size, from, false);
        return result >= 0 ? result : readString(cpu, to, size, from, true);
    }

    /** Copies or zeroes all: 0 or -EFAULT. */
    static long read(VmCpu cpu, long to, long size, long from, boolean user) {
        long bytes = size & 0xffff_ffffL;
        for (long done = 0; done < bytes; done += PIECE_BYTES) {
            int piece = (int) Math.min(PIECE_BYTES, bytes - done);
            if (!readPiece(cpu, to + done, piece, from + done, user)) {
                Memory.fill(to, bytes, (byte) 0);
                return Errno.EFAULT.negated();
            }
        }
        return 0;
    }

    /** Whether a program could read all these bytes of the VM or of the kernel. */
    static boolean isReadable(VmCpu cpu, long from, int size) {
        return cpu.allows(from, size, false) || cpu.services().readKernel(from, cpu.scratch(size), size);
    }

    /** Eight bytes of the VM or of the kernel; 0 where nothing is. */
    static long word(VmCpu cpu, long from) {
        return cpu.allows(from, 8, false) ? Memory.getLong(from) : cpu.loadKernel(from, 8);
    }

    private static boolean readPiece(VmCpu cpu, long to, int size, long from, boolean user) {
        if (!user && cpu.allows(from, size, false)) {
            Memory.copy(from, to, size);
            return true;
        }
        var bytes = cpu.scratch(size);
        if (!fetch(cpu, from, bytes, size, user)) {
            return false;
        }
        Memory.copy(bytes, 0, to, size);
        return true;
    }

    private static boolean fetchPiece(VmCpu cpu, long from, byte[] into, int size, boolean user) {
        if (!user && cpu.allows(from, size, false)) {
            Memory.copy(from, into, 0, size);
            return true;
        }
        return fetch(cpu, from, into, size, user);
    }

    private static boolean fetch(VmCpu cpu, long from, byte[] into, int size, boolean user) {
        return user ? cpu.services().readUser(from, into, size) : cpu.services().readKernel(from, into, size);
    }

    /** Copies up to a NUL, which it always writes: the length with the NUL, or -EFAULT and zeros. */
    static long readString(VmCpu cpu, long to, long size, long from, boolean user) {
        long room = size & 0xffff_ffffL;
        if (room == 0) {
            return 0;
        }
        long done = 0;
        while (done < room - 1) {
            // Not over the end of an aligned piece: what follows the string need not be mapped.
            long at = from + done;
            int piece = (int) Math.min(room - 1 - done, STRING_PIECE_BYTES - (at & STRING_PIECE_BYTES - 1));
            var bytes = cpu.scratch(piece);
            if (!fetchPiece(cpu, at, bytes, piece, user)) {
                piece = 1;
                if (!fetchPiece(cpu, at, bytes, piece, user)) {
                    Memory.fill(to, room, (byte) 0);
                    return Errno.EFAULT.negated();
                }
            }
            // What lies behind the NUL stays as it was: keys of maps are cleared before a string is read into them.
            for (int i = 0; i < piece; i++) {
                if (bytes[i] == 0) {
                    Memory.copy(bytes, 0, to + done, i + 1);
                    return done + i + 1;
                }
            }
            Memory.copy(bytes, 0, to + done, piece);
            done += piece;
        }
        Memory.putByte(to + room - 1, (byte) 0);
        return room;
    }

    /** A string for a message: up to {@code limit} bytes, or a placeholder where nothing is mapped. */
    static byte[] stringForMessage(VmCpu cpu, long from, int limit, boolean user) {
        var out = new java.io.ByteArrayOutputStream();
        var one = new byte[1];
        for (int i = 0; i < limit; i++) {
            byte b;
            if (!user && cpu.allows(from + i, 1, false)) {
                b = Memory.getByte(from + i);
            } else if (fetch(cpu, from + i, one, 1, user)) {
                b = one[0];
            } else {
                return i == 0 ? new byte[0] : out.toByteArray();
            }
            if (b == 0) {
                break;
            }
            out.write(b);
        }
        return out.toByteArray();
    }
}
