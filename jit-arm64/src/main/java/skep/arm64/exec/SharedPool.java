package skep.arm64.exec;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import skep.vm.Memory;

/**
 * Memory that the runner process sees at the same addresses as the JVM: an anonymous file, mapped at a fixed place in both. The JVM maps it
 * without execute permission; the runner maps the code part without write permission.
 *
 * <pre>
 *   BASE    mailbox and region table of checked programs     64 KiB
 *           code                                             64 MiB
 *           blocks of {@link Memory}                         up to STACKS
 *   STACKS  512 stacks, each between two guards that the runner cannot touch
 * </pre>
 */
@SuppressWarnings("restricted")
final class SharedPool implements Memory.Pool {
    static final long BASE = 0x1000_0000_0000L;
    static final long SIZE_BYTES = 1L << 32;
    static final long CODE = BASE + 0x1_0000;
    static final long CODE_BYTES = 64L << 20;

    static final int MAX_STACKS = 512;
    static final long STACK_BYTES = 0x1_0000;
    static final long GUARD_BYTES = 0x1_0000;
    static final long STACKS_BYTES = MAX_STACKS * (STACK_BYTES + GUARD_BYTES) + GUARD_BYTES;
    static final long STACKS = BASE + SIZE_BYTES - STACKS_BYTES;

    /** Where the JVM's own process executes code, if it does. */
    private static final long EXECUTABLE = BASE + 2 * SIZE_BYTES;

    private static final int PROT_NONE = 0;
    private static final int PROT_READ_EXEC = 5;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;
    private static final int MAP_FIXED_NOREPLACE = 0x10_0000;

    private final int fd;
    private final Map<Long, ArrayDeque<Long>> free = new HashMap<>();
    private long next = CODE + CODE_BYTES;

    private SharedPool(int fd) {
        this.fd = fd;
    }

    /** Reserves the memory; pages are taken when they are touched. */
    static SharedPool create() {
        try (var arena = Arena.ofConfined()) {
            int fd = (int) Libc.MEMFD_CREATE.invokeExact(arena.allocateFrom("skep-arm64"), 0);
            if (fd < 0 || (int) Libc.FTRUNCATE.invokeExact(fd, SIZE_BYTES) != 0) {
                throw new IllegalStateException("no anonymous file for the memory shared with the ARM64 runner");
            }
            var at = (MemorySegment) Libc.MMAP.invokeExact(
                    MemorySegment.ofAddress(BASE),
                    SIZE_BYTES,
                    PROT_READ_WRITE,
                    MAP_SHARED | MAP_FIXED_NOREPLACE,
                    fd,
                    0L);
            if (at.address() != BASE) {
                throw new IllegalStateException(
                        "cannot map the memory shared with the ARM64 runner at 0x" + Long.toHexString(BASE));
            }
            return new SharedPool(fd);
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /**
     * Maps the code a second time, executable and not writable, and makes the guards of stacks inaccessible in this process too: emitted code
     * will run in it.
     */
    synchronized long mapExecutable() {
        try {
            var at = (MemorySegment) Libc.MMAP.invokeExact(
                    MemorySegment.ofAddress(EXECUTABLE),
                    CODE_BYTES,
                    PROT_READ_EXEC,
                    MAP_SHARED | MAP_FIXED_NOREPLACE,
                    fd,
                    CODE - BASE);
            if (at.address() != EXECUTABLE) {
                throw new IllegalStateException("no executable memory at 0x" + Long.toHexString(EXECUTABLE));
            }
            for (long guard = STACKS; guard < BASE + SIZE_BYTES; guard += STACK_BYTES + GUARD_BYTES) {
                int failed = (int) Libc.MPROTECT.invokeExact(MemorySegment.ofAddress(guard), GUARD_BYTES, PROT_NONE);
                if (failed != 0) {
                    throw new IllegalStateException("the guards of stacks cannot be protected");
                }
            }
            return EXECUTABLE;
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** How the runner opens the file. */
    String path() {
        return "/proc/" + ProcessHandle.current().pid() + "/fd/" + fd;
    }

    @Override
    public synchronized long allocate(long sizeBytes, long alignBytes) {
        long size = rounded(sizeBytes);
        var reusable = free.get(size);
        if (reusable != null && !reusable.isEmpty() && alignBytes <= 64) {
            long address = reusable.pop();
            Memory.fill(address, size, (byte) 0);
            return address;
        }
        long address = (next + Math.max(64, alignBytes) - 1) & -Math.max(64, alignBytes);
        if (address + size > STACKS) {
            throw new OutOfMemoryError(
                    "memory shared with the ARM64 runner: " + (SIZE_BYTES >> 20) + " MiB are used up");
        }
        next = address + size;
        return address;
    }

    private final java.util.BitSet stacks = new java.util.BitSet();

    @Override
    public synchronized long allocateStack(long sizeBytes) {
        int number = stacks.nextClearBit(0);
        if (sizeBytes > STACK_BYTES || number == MAX_STACKS) {
            return allocate(sizeBytes, 64);
        }
        stacks.set(number);
        // At the lower end: what runs over the end downwards is in the guard at once.
        long address = STACKS + GUARD_BYTES + number * (STACK_BYTES + GUARD_BYTES);
        Memory.fill(address, sizeBytes, (byte) 0);
        return address;
    }

    @Override
    public synchronized void freeStack(long address, long sizeBytes) {
        if (address < STACKS) {
            free(address, sizeBytes);
        } else {
            stacks.clear((int) ((address - STACKS) / (STACK_BYTES + GUARD_BYTES)));
        }
    }

    /** Whether an address is between two stacks. */
    static boolean isGuard(long address) {
        return address >= STACKS
                && address < BASE + SIZE_BYTES
                && (address - STACKS) % (STACK_BYTES + GUARD_BYTES) < GUARD_BYTES;
    }

    /** Whether the runner sees this address. */
    static boolean holds(long address) {
        return address >= BASE && address < BASE + SIZE_BYTES;
    }

    @Override
    public synchronized void free(long address, long sizeBytes) {
        free.computeIfAbsent(rounded(sizeBytes), _ -> new ArrayDeque<>()).push(address);
    }

    private static long rounded(long sizeBytes) {
        return (sizeBytes + 63) & -64;
    }

    /** The calls of the C library that it takes. */
    private static final class Libc {
        private static final Linker LINKER = Linker.nativeLinker();
        static final MethodHandle MEMFD_CREATE = handle(
                "memfd_create", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
        static final MethodHandle FTRUNCATE = handle(
                "ftruncate", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
        static final MethodHandle MPROTECT = handle(
                "mprotect",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        static final MethodHandle MMAP = handle(
                "mmap",
                FunctionDescriptor.of(
                        ValueLayout.ADDRESS,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));

        private static MethodHandle handle(String name, FunctionDescriptor type) {
            return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type);
        }
    }
}
