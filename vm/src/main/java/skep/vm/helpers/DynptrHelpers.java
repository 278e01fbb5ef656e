package skep.vm.helpers;

import skep.isa.kernel.Errno;
import skep.vm.HelperFunction;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.maps.RingBuffer;

/**
 * Dynptrs: bounded pointers that programs keep on their stack and only helpers read.
 *
 * <pre>
 *  struct bpf_dynptr:  0 address of the data | 8 size (bits 0 to 23), kind (24 to 30), read-only (31) | 12 offset
 * </pre>
 */
final class DynptrHelpers {
    private static final int SIZE_MASK = 0xff_ffff;
    private static final int KIND_SHIFT = 28;
    private static final int LOCAL = 1;
    private static final int RINGBUF = 2;
    private static final int PACKET = 3;
    private static final int READ_ONLY = 1 << 31;

    private DynptrHelpers() {}

    private static void set(long dynptr, long data, long size, int kind) {
        Memory.putLong(dynptr, data);
        Memory.putInt(dynptr + 8, (int) size | kind << KIND_SHIFT - 4);
        Memory.putInt(dynptr + 12, 0);
    }

    private static void clear(long dynptr) {
        Memory.putLong(dynptr, 0);
        Memory.putLong(dynptr + 8, 0);
    }

    private static int size(long dynptr) {
        return Memory.getInt(dynptr + 8) & SIZE_MASK;
    }

    private static long data(long dynptr) {
        return Memory.getLong(dynptr) + Integer.toUnsignedLong(Memory.getInt(dynptr + 12));
    }

    static boolean isNull(long dynptr) {
        return Memory.getLong(dynptr) == 0;
    }

    /** A window for a callback that may only read it. */
    static void setReadOnly(long dynptr, long data, long size) {
        set(dynptr, data, size, LOCAL);
        Memory.putInt(dynptr + 8, Memory.getInt(dynptr + 8) | READ_ONLY);
    }

    /** {@code long bpf_dynptr_from_mem(data, size, flags, dynptr)}. */
    static long fromMemory(VmCpu cpu, long data, long size, long flags, long dynptr, long e) {
        long bytes = size & 0xffff_ffffL;
        if (bytes > SIZE_MASK) {
            clear(dynptr);
            return Errno.E2BIG.negated();
        }
        if (flags != 0) {
            clear(dynptr);
            return Errno.EINVAL.negated();
        }
        set(dynptr, data, bytes, LOCAL);
        return 0;
    }

    /** {@code long bpf_dynptr_read(to, length, dynptr, offset, flags)}. */
    static long read(VmCpu cpu, long to, long length, long dynptr, long offset, long flags) {
        long error = check(dynptr, offset & 0xffff_ffffL, length & 0xffff_ffffL, flags);
        if (error == 0) {
            Memory.copy(data(dynptr) + (offset & 0xffff_ffffL), to, length & 0xffff_ffffL);
        }
        return error;
    }

    /** {@code long bpf_dynptr_write(dynptr, offset, from, length, flags)}. */
    static long write(VmCpu cpu, long dynptr, long offset, long from, long length, long flags) {
        long error = check(dynptr, offset & 0xffff_ffffL, length & 0xffff_ffffL, flags);
        if (error == 0 && Memory.getInt(dynptr + 8) < 0) {
            return Errno.EINVAL.negated();
        }
        if (error == 0) {
            Memory.copy(from, data(dynptr) + (offset & 0xffff_ffffL), length & 0xffff_ffffL);
        }
        return error;
    }

    /** {@code void *bpf_dynptr_data(dynptr, offset, length)}. */
    static long slice(VmCpu cpu, long dynptr, long offset, long length, long d, long e) {
        boolean good = check(dynptr, offset & 0xffff_ffffL, length & 0xffff_ffffL, 0) == 0;
        return good && Memory.getInt(dynptr + 8) >= 0 ? data(dynptr) + (offset & 0xffff_ffffL) : 0;
    }

    private static long check(long dynptr, long offset, long length, long flags) {
        if (isNull(dynptr) || flags != 0) {
            return Errno.EINVAL.negated();
        }
        return offset + length > size(dynptr) ? Errno.E2BIG.negated() : 0;
    }

    /** {@code long bpf_ringbuf_reserve_dynptr(map, size, flags, dynptr)}. */
    static HelperFunction reserve(Machine machine) {
        return (_, map, size, flags, dynptr, _) -> {
            long bytes = size & 0xffff_ffffL;
            if (flags != 0 || bytes > SIZE_MASK) {
                clear(dynptr);
                return flags != 0 ? Errno.EINVAL.negated() : Errno.E2BIG.negated();
            }
            long record = ((RingBuffer) machine.mapOf(map)).reserve(bytes, 0);
            if (record == 0) {
                clear(dynptr);
                return Errno.EINVAL.negated();
            }
            set(dynptr, record, bytes, RINGBUF);
            return 0;
        };
    }

    /** {@code void bpf_ringbuf_submit_dynptr(dynptr, flags)}; and to discard. */
    static HelperFunction commit(Machine machine, boolean discard) {
        return (_, dynptr, flags, _, _, _) -> {
            if (!isNull(dynptr)) {
                OutputHelpers.commit(machine, Memory.getLong(dynptr), flags, discard);
                clear(dynptr);
            }
            return 0;
        };
    }

    // ---- kernel functions

    /** {@code int bpf_dynptr_from_skb(ctx, flags, dynptr)}, and from XDP's context: the packet, which filters may only read. */
    static long fromPacket(VmCpu cpu, long context, long flags, long dynptr, long d, long e) {
        var packet = cpu.packet().filter(current -> current.context() == context);
        if (flags != 0 || packet.isEmpty()) {
            clear(dynptr);
            return Errno.EINVAL.negated();
        }
        set(dynptr, packet.get().data(), packet.get().length(), PACKET);
        boolean writable = switch (packet.get().type()) {
            case SCHED_CLS, SCHED_ACT, LWT_XMIT, SK_SKB, XDP -> true;
            default -> false;
        };
        if (!writable) {
            Memory.putInt(dynptr + 8, Memory.getInt(dynptr + 8) | READ_ONLY);
        }
        return 0;
    }

    /** {@code int bpf_dynptr_adjust(dynptr, start, end)}: only this part is left. */
    static long adjust(VmCpu cpu, long dynptr, long start, long end, long d, long e) {
        long from = start & 0xffff_ffffL;
        long to = end & 0xffff_ffffL;
        if (isNull(dynptr) || from > to) {
            return Errno.EINVAL.negated();
        }
        if (to > size(dynptr)) {
            return Errno.ERANGE.negated();
        }
        Memory.putInt(dynptr + 12, Memory.getInt(dynptr + 12) + (int) from);
        Memory.putInt(dynptr + 8, Memory.getInt(dynptr + 8) & ~SIZE_MASK | (int) (to - from));
        return 0;
    }

    static long isReadOnly(VmCpu cpu, long dynptr, long b, long c, long d, long e) {
        return !isNull(dynptr) && Memory.getInt(dynptr + 8) < 0 ? 1 : 0;
    }

    static long sizeOrError(VmCpu cpu, long dynptr, long b, long c, long d, long e) {
        return isNull(dynptr) ? Errno.EINVAL.negated() : size(dynptr);
    }

    /** {@code int bpf_dynptr_clone(dynptr, clone)}. */
    static long copy(VmCpu cpu, long dynptr, long clone, long c, long d, long e) {
        if (isNull(dynptr)) {
            clear(clone);
            return Errno.EINVAL.negated();
        }
        Memory.copy(dynptr, clone, 16);
        return 0;
    }

    /** {@code void *bpf_dynptr_slice(dynptr, offset, buffer, size)}: data lie in one piece here, so the buffer is never needed. */
    static long window(long dynptr, long offset, long size, boolean write) {
        boolean good = check(dynptr, offset & 0xffff_ffffL, size & 0xffff_ffffL, 0) == 0;
        return good && !(write && Memory.getInt(dynptr + 8) < 0) ? data(dynptr) + (offset & 0xffff_ffffL) : 0;
    }
}
