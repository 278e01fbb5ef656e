package skep.vm.interp;

import skep.isa.AtomicOp;
import skep.vm.Memory;

/** Atomic operations on memory that has been tested. Those on unaligned addresses are atomic among each other only. */
public final class Atomics {
    private static final AtomicOp[] OPS = AtomicOp.values();
    private static final Object UNALIGNED = new Object();
    private static final long U32 = 0xffff_ffffL;

    private Atomics() {}

    /** Applies the operation with this ordinal; registers are read and written as the operation says. */
    static void apply(int op, int sizeBytes, long address, long[] registers, int src) {
        var operation = OPS[op];
        switch (operation) {
            case LOAD_ACQ -> registers[src] = loadAcquire(address, sizeBytes);
            case STORE_REL -> storeRelease(address, sizeBytes, registers[src]);
            default -> {
                long old = sizeBytes == 8
                        ? modify(operation, address, registers[src], registers[0])
                        : modify(operation, address, (int) registers[src], (int) registers[0]) & U32;
                if (operation == AtomicOp.CMPXCHG) {
                    registers[0] = old;
                } else if (operation.fetches()) {
                    registers[src] = old;
                }
            }
        }
    }

    public static long loadAcquire(long address, int sizeBytes) {
        if ((address & sizeBytes - 1) == 0) {
            return Memory.getAcquire(address, sizeBytes);
        }
        synchronized (UNALIGNED) {
            return switch (sizeBytes) {
                case 2 -> Memory.getShort(address) & 0xffffL;
                case 4 -> Memory.getInt(address) & U32;
                default -> Memory.getLong(address);
            };
        }
    }

    public static void storeRelease(long address, int sizeBytes, long value) {
        if ((address & sizeBytes - 1) == 0) {
            Memory.putRelease(address, sizeBytes, value);
            return;
        }
        synchronized (UNALIGNED) {
            switch (sizeBytes) {
                case 2 -> Memory.putShort(address, (short) value);
                case 4 -> Memory.putInt(address, (int) value);
                default -> Memory.putLong(address, value);
            }
        }
    }

    /** Reads, modifies and writes eight bytes; returns what was there. {@code expected} is for compare and exchange only. */
    public static long modify(AtomicOp op, long address, long operand, long expected) {
        if ((address & 7) == 0) {
            return switch (op) {
                case ADD, FETCH_ADD -> Memory.getAndAdd(address, operand);
                case OR, FETCH_OR -> Memory.getAndOr(address, operand);
                case AND, FETCH_AND -> Memory.getAndAnd(address, operand);
                case XOR, FETCH_XOR -> Memory.getAndXor(address, operand);
                case XCHG -> Memory.getAndSet(address, operand);
                case CMPXCHG -> Memory.compareAndExchange(address, expected, operand);
                case LOAD_ACQ, STORE_REL -> throw new AssertionError(op);
            };
        }
        synchronized (UNALIGNED) {
            long old = Memory.getLong(address);
            Memory.putLong(address, combine(op, old, operand, expected));
            return old;
        }
    }

    /** The same for four bytes. */
    public static int modify(AtomicOp op, long address, int operand, int expected) {
        if ((address & 3) == 0) {
            return switch (op) {
                case ADD, FETCH_ADD -> Memory.getAndAdd(address, operand);
                case OR, FETCH_OR -> Memory.getAndOr(address, operand);
                case AND, FETCH_AND -> Memory.getAndAnd(address, operand);
                case XOR, FETCH_XOR -> Memory.getAndXor(address, operand);
                case XCHG -> Memory.getAndSet(address, operand);
                case CMPXCHG -> Memory.compareAndExchange(address, expected, operand);
                case LOAD_ACQ, STORE_REL -> throw new AssertionError(op);
            };
        }
        synchronized (UNALIGNED) {
            int old = Memory.getInt(address);
            Memory.putInt(address, (int) combine(op, old & U32, operand & U32, expected & U32));
            return old;
        }
    }

    public static long add(long address, long operand) {
        return (address & 7) == 0 ? Memory.getAndAdd(address, operand) : modify(AtomicOp.ADD, address, operand, 0);
    }

    public static int add(long address, int operand) {
        return (address & 3) == 0 ? Memory.getAndAdd(address, operand) : modify(AtomicOp.ADD, address, operand, 0);
    }

    public static long or(long address, long operand) {
        return (address & 7) == 0 ? Memory.getAndOr(address, operand) : modify(AtomicOp.OR, address, operand, 0);
    }

    public static int or(long address, int operand) {
        return (address & 3) == 0 ? Memory.getAndOr(address, operand) : modify(AtomicOp.OR, address, operand, 0);
    }

    public static long and(long address, long operand) {
        return (address & 7) == 0 ? Memory.getAndAnd(address, operand) : modify(AtomicOp.AND, address, operand, 0);
    }

    public static int and(long address, int operand) {
        return (address & 3) == 0 ? Memory.getAndAnd(address, operand) : modify(AtomicOp.AND, address, operand, 0);
    }

    public static long xor(long address, long operand) {
        return (address & 7) == 0 ? Memory.getAndXor(address, operand) : modify(AtomicOp.XOR, address, operand, 0);
    }

    public static int xor(long address, int operand) {
        return (address & 3) == 0 ? Memory.getAndXor(address, operand) : modify(AtomicOp.XOR, address, operand, 0);
    }

    public static long xchg(long address, long operand) {
        return (address & 7) == 0 ? Memory.getAndSet(address, operand) : modify(AtomicOp.XCHG, address, operand, 0);
    }

    public static int xchg(long address, int operand) {
        return (address & 3) == 0 ? Memory.getAndSet(address, operand) : modify(AtomicOp.XCHG, address, operand, 0);
    }

    public static long cmpxchg(long address, long operand, long expected) {
        return modify(AtomicOp.CMPXCHG, address, operand, expected);
    }

    public static int cmpxchg(long address, int operand, int expected) {
        return modify(AtomicOp.CMPXCHG, address, operand, expected);
    }

    private static long combine(AtomicOp op, long old, long operand, long expected) {
        return switch (op) {
            case ADD, FETCH_ADD -> old + operand;
            case OR, FETCH_OR -> old | operand;
            case AND, FETCH_AND -> old & operand;
            case XOR, FETCH_XOR -> old ^ operand;
            case XCHG -> operand;
            case CMPXCHG -> old == expected ? operand : old;
            case LOAD_ACQ, STORE_REL -> throw new AssertionError(op);
        };
    }
}
