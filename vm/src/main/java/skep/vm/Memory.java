package skep.vm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Off-heap memory by address: the one class of the VM that dereferences.
 *
 * <p>Nothing is checked here: an address that is not mapped ends the process. Callers hold an address that the verifier
 * proved, or one that {@link AddressSpace#contains} allowed just before. Multi-byte values are little-endian and may be
 * unaligned, but atomic operations need natural alignment ({@link IllegalArgumentException} otherwise).
 */
@SuppressWarnings("restricted")
public final class Memory {
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle ATOMIC_BYTE = ValueLayout.JAVA_BYTE.varHandle();
    private static final VarHandle ATOMIC_SHORT =
            ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle ATOMIC_INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle ATOMIC_LONG =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    private Memory() {}

    /** A zeroed allocation. Owns its bytes; closing frees them, and every address into it is invalid from then on. */
    public static final class Block implements AutoCloseable {
        private final Runnable release;
        private final long address;
        private final long sizeBytes;

        private Block(long address, long sizeBytes, Runnable release) {
            this.address = address;
            this.sizeBytes = sizeBytes;
            this.release = release;
        }

        public long address() {
            return address;
        }

        public long sizeBytes() {
            return sizeBytes;
        }

        @Override
        public void close() {
            release.run();
        }
    }

    /** Where blocks come from when not from the process's own heap: memory that another process sees at the same addresses. */
    public interface Pool {
        /** Returns the address of zeroed bytes. */
        long allocate(long sizeBytes, long alignBytes);

        /** Takes back what {@link #allocate} gave. */
        void free(long address, long sizeBytes);

        /** The same for a stack: where it ends, other memory should not begin. */
        default long allocateStack(long sizeBytes) {
            return allocate(sizeBytes, 64);
        }

        /** Takes back what {@link #allocateStack} gave. */
        default void freeStack(long address, long sizeBytes) {
            free(address, sizeBytes);
        }
    }

    private static volatile Optional<Pool> pool = Optional.empty();

    /** From now on blocks come from this pool. */
    public static void use(Pool newPool) {
        pool = Optional.of(newPool);
    }

    /** Allocates zeroed bytes until the block is closed; {@code alignBytes} is a power of two. */
    public static Block allocate(long sizeBytes, long alignBytes) {
        long size = Math.max(1, sizeBytes);
        if (pool.isPresent()) {
            var from = pool.get();
            long address = from.allocate(size, alignBytes);
            return new Block(address, sizeBytes, () -> from.free(address, size));
        }
        var arena = Arena.ofShared();
        return new Block(arena.allocate(size, alignBytes).address(), sizeBytes, arena::close);
    }

    /** Allocates zeroed bytes that are used as a stack; where memory comes from a pool that can, between guard pages. */
    public static Block allocateStack(long sizeBytes) {
        if (pool.isEmpty()) {
            return allocate(sizeBytes, 64);
        }
        var from = pool.get();
        long address = from.allocateStack(sizeBytes);
        return new Block(address, sizeBytes, () -> from.freeStack(address, sizeBytes));
    }

    /** Allocates zeroed bytes that live as long as the process. */
    public static long allocateForever(long sizeBytes, long alignBytes) {
        long size = Math.max(1, sizeBytes);
        return pool.map(p -> p.allocate(size, alignBytes))
                .orElseGet(() -> Arena.global().allocate(size, alignBytes).address());
    }

    public static byte getByte(long address) {
        return ALL.get(BYTE, address);
    }

    public static short getShort(long address) {
        return ALL.get(SHORT, address);
    }

    public static int getInt(long address) {
        return ALL.get(INT, address);
    }

    public static long getLong(long address) {
        return ALL.get(LONG, address);
    }

    public static void putByte(long address, byte value) {
        ALL.set(BYTE, address, value);
    }

    public static void putShort(long address, short value) {
        ALL.set(SHORT, address, value);
    }

    public static void putInt(long address, int value) {
        ALL.set(INT, address, value);
    }

    public static void putLong(long address, long value) {
        ALL.set(LONG, address, value);
    }

    /** Copies out of memory. */
    public static void copy(long from, byte[] into, int offBytes, int lengthBytes) {
        MemorySegment.copy(ALL, BYTE, from, into, offBytes, lengthBytes);
    }

    /** Copies into memory. */
    public static void copy(byte[] from, int offBytes, long to, int lengthBytes) {
        MemorySegment.copy(from, offBytes, ALL, BYTE, to, lengthBytes);
    }

    /** Copies within memory; the ranges may overlap. */
    public static void copy(long from, long to, long lengthBytes) {
        MemorySegment.copy(ALL, from, ALL, to, lengthBytes);
    }

    public static void fill(long address, long lengthBytes, byte value) {
        ALL.asSlice(address, lengthBytes).fill(value);
    }

    /** Whether two ranges hold the same bytes. */
    public static boolean equal(long a, long b, long lengthBytes) {
        return MemorySegment.mismatch(ALL, a, a + lengthBytes, ALL, b, b + lengthBytes) < 0;
    }

    /** A read-only window on bytes, valid as long as they are. */
    public static MemorySegment view(long address, long lengthBytes) {
        return ALL.asSlice(address, lengthBytes).asReadOnly();
    }

    public static byte[] bytes(long address, int lengthBytes) {
        var bytes = new byte[lengthBytes];
        copy(address, bytes, 0, lengthBytes);
        return bytes;
    }

    public static int getAndAdd(long address, int value) {
        return (int) ATOMIC_INT.getAndAdd(ALL, address, value);
    }

    public static long getAndAdd(long address, long value) {
        return (long) ATOMIC_LONG.getAndAdd(ALL, address, value);
    }

    public static int getAndOr(long address, int value) {
        return (int) ATOMIC_INT.getAndBitwiseOr(ALL, address, value);
    }

    public static long getAndOr(long address, long value) {
        return (long) ATOMIC_LONG.getAndBitwiseOr(ALL, address, value);
    }

    public static int getAndAnd(long address, int value) {
        return (int) ATOMIC_INT.getAndBitwiseAnd(ALL, address, value);
    }

    public static long getAndAnd(long address, long value) {
        return (long) ATOMIC_LONG.getAndBitwiseAnd(ALL, address, value);
    }

    public static int getAndXor(long address, int value) {
        return (int) ATOMIC_INT.getAndBitwiseXor(ALL, address, value);
    }

    public static long getAndXor(long address, long value) {
        return (long) ATOMIC_LONG.getAndBitwiseXor(ALL, address, value);
    }

    public static int getAndSet(long address, int value) {
        return (int) ATOMIC_INT.getAndSet(ALL, address, value);
    }

    public static long getAndSet(long address, long value) {
        return (long) ATOMIC_LONG.getAndSet(ALL, address, value);
    }

    /** Stores {@code value} if memory holds {@code expected}; returns what it held. */
    public static int compareAndExchange(long address, int expected, int value) {
        return (int) ATOMIC_INT.compareAndExchange(ALL, address, expected, value);
    }

    /** Stores {@code value} if memory holds {@code expected}; returns what it held. */
    public static long compareAndExchange(long address, long expected, long value) {
        return (long) ATOMIC_LONG.compareAndExchange(ALL, address, expected, value);
    }

    /** A load with acquire order, zero-extended; {@code sizeBytes} is 1, 2, 4 or 8. */
    public static long getAcquire(long address, int sizeBytes) {
        return switch (sizeBytes) {
            case 1 -> (byte) ATOMIC_BYTE.getAcquire(ALL, address) & 0xffL;
            case 2 -> (short) ATOMIC_SHORT.getAcquire(ALL, address) & 0xffffL;
            case 4 -> (int) ATOMIC_INT.getAcquire(ALL, address) & 0xffff_ffffL;
            default -> (long) ATOMIC_LONG.getAcquire(ALL, address);
        };
    }

    /** A store of the low bytes with release order; {@code sizeBytes} is 1, 2, 4 or 8. */
    public static void putRelease(long address, int sizeBytes, long value) {
        switch (sizeBytes) {
            case 1 -> ATOMIC_BYTE.setRelease(ALL, address, (byte) value);
            case 2 -> ATOMIC_SHORT.setRelease(ALL, address, (short) value);
            case 4 -> ATOMIC_INT.setRelease(ALL, address, (int) value);
            default -> ATOMIC_LONG.setRelease(ALL, address, value);
        }
    }
}
