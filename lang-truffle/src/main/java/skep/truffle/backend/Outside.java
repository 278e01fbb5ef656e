package skep.truffle.backend;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import org.jspecify.annotations.Nullable;
import skep.isa.AtomicOp;
import skep.vm.Executable;
import skep.vm.HelperFunction;
import skep.vm.Memory;
import skep.vm.RegionCache;
import skep.vm.VmCpu;
import skep.vm.VmFault;
import skep.vm.interp.Atomics;
import skep.vm.interp.Op;

/** What the root node does not compile but calls: memory, helpers, other programs. */
final class Outside {
    private static final AtomicOp[] OPS = AtomicOp.values();
    private static final long U32 = 0xffff_ffffL;

    private Outside() {}

    /** A load that was tested. */
    @TruffleBoundary(allowInlining = true, transferToInterpreterOnException = false)
    static long load(int op, long at) {
        return switch (op) {
            case Op.LOAD_B -> Memory.getByte(at) & 0xffL;
            case Op.LOAD_H -> Memory.getShort(at) & 0xffffL;
            case Op.LOAD_W -> Memory.getInt(at) & U32;
            case Op.LOAD_DW -> Memory.getLong(at);
            case Op.LOAD_SB -> Memory.getByte(at);
            case Op.LOAD_SH -> Memory.getShort(at);
            case Op.LOAD_SW -> Memory.getInt(at);
            default -> throw new AssertionError(op);
        };
    }

    /** A load from outside every region. */
    @TruffleBoundary(transferToInterpreterOnException = false)
    static long loadElsewhere(RegionCache reads, int op, long at, int slot, boolean kernel) {
        try {
            long value = reads.elsewhere(at, sizeBytes(op), kernel);
            return switch (op) {
                case Op.LOAD_SB -> (byte) value;
                case Op.LOAD_SH -> (short) value;
                case Op.LOAD_SW -> (int) value;
                default -> value;
            };
        } catch (VmFault fault) {
            throw at(fault, slot);
        }
    }

    /** A store that was tested. */
    @TruffleBoundary(allowInlining = true, transferToInterpreterOnException = false)
    static void store(int sizeBytes, long at, long value) {
        switch (sizeBytes) {
            case 1 -> Memory.putByte(at, (byte) value);
            case 2 -> Memory.putShort(at, (short) value);
            case 4 -> Memory.putInt(at, (int) value);
            default -> Memory.putLong(at, value);
        }
    }

    @TruffleBoundary(allowInlining = true, transferToInterpreterOnException = false)
    static boolean holds(RegionCache regions, long at, int sizeBytes) {
        return regions.holds(at, sizeBytes);
    }

    @TruffleBoundary(transferToInterpreterOnException = false)
    static void refuse(RegionCache writes, long at, int sizeBytes, int slot) {
        try {
            writes.refuse(at, sizeBytes);
        } catch (VmFault fault) {
            throw at(fault, slot);
        }
    }

    /** How many bytes a load or store moves. */
    static int sizeBytes(int op) {
        return switch (op) {
            case Op.LOAD_B, Op.LOAD_SB, Op.STORE_B_K, Op.STORE_B_X -> 1;
            case Op.LOAD_H, Op.LOAD_SH, Op.STORE_H_K, Op.STORE_H_X -> 2;
            case Op.LOAD_W, Op.LOAD_SW, Op.STORE_W_K, Op.STORE_W_X -> 4;
            default -> 8;
        };
    }

    /** What memory held, for those operations that return it. */
    @TruffleBoundary(transferToInterpreterOnException = false)
    static long atomic(int ordinal, int sizeBytes, long at, long operand, long expected) {
        var op = OPS[ordinal];
        return switch (op) {
            case LOAD_ACQ -> Atomics.loadAcquire(at, sizeBytes);
            case STORE_REL -> {
                Atomics.storeRelease(at, sizeBytes, operand);
                yield 0;
            }
            default ->
                sizeBytes == 8
                        ? Atomics.modify(op, at, operand, expected)
                        : Atomics.modify(op, at, (int) operand, (int) expected) & U32;
        };
    }

    /** The register that an atomic operation writes, or -1. */
    static int written(int ordinal, int src) {
        var op = OPS[ordinal];
        if (op == AtomicOp.CMPXCHG) {
            return 0;
        }
        return op == AtomicOp.LOAD_ACQ || op.fetches() ? src : -1;
    }

    @TruffleBoundary(transferToInterpreterOnException = false)
    static long call(HelperFunction function, VmCpu cpu, int slot, long a, long b, long c, long d, long e) {
        try {
            return function.call(cpu, a, b, c, d, e);
        } catch (VmFault fault) {
            throw at(fault, slot);
        }
    }

    @TruffleBoundary(transferToInterpreterOnException = false)
    static long callRegister(VmCpu cpu, int slot, long target, long a, long b, long c, long d, long e) {
        try {
            return cpu.callRegister(target, a, b, c, d, e);
        } catch (VmFault fault) {
            throw at(fault, slot);
        }
    }

    @TruffleBoundary(transferToInterpreterOnException = false)
    static @Nullable Executable tailCallTarget(VmCpu cpu, long map, int index) {
        return cpu.tailCallTarget(map, index);
    }

    @TruffleBoundary(transferToInterpreterOnException = false)
    static long tailCall(Executable next, VmCpu cpu, long context) {
        return next.call(cpu, 0, context, 0, 0, 0, 0);
    }

    @TruffleBoundary(transferToInterpreterOnException = false)
    static long push(VmCpu cpu, int slot) {
        try {
            return cpu.push();
        } catch (VmFault fault) {
            throw at(fault, slot);
        }
    }

    @TruffleBoundary
    static VmFault outOfBudget(int slot) {
        return new VmFault(slot, "the instruction budget is used up");
    }

    private static VmFault at(VmFault fault, int slot) {
        return fault.insn() >= 0 ? fault : new VmFault(slot, fault.reason());
    }
}
