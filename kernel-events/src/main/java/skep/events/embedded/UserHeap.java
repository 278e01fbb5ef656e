package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/** {@code malloc} and {@code free} of the C library: one heap for all processes, since their addresses never meet. */
final class UserHeap {
    private static final int PAGE_BYTES = 4096;

    private final Map<Long, ArrayDeque<Long>> free = new HashMap<>();
    private final Map<Long, Long> live = new HashMap<>();
    private long next;
    private long touched;
    private final EmbeddedKernel kernel;

    final Routine malloc;
    final Routine calloc;
    final Routine realloc;
    final Routine posixMemalign;
    final Routine alignedAlloc;
    final Routine memalign;
    final Routine valloc;
    final Routine pvalloc;
    final Routine freeRoutine;
    final Routine mmap;
    final Routine munmap;

    UserHeap(EmbeddedKernel kernel) {
        this.kernel = kernel;
        next = kernel.addresses.userData() + (1L << 30);
        touched = next;
        var libc = kernel.userSpace.library("libc.so.6");
        malloc = libc.function("void *malloc(size_t size)", (task, frame) -> allocate(task, frame, frame.a0));
        calloc = libc.function(
                "void *calloc(size_t nmemb, size_t size)", (task, frame) -> allocate(task, frame, frame.a0 * frame.a1));
        realloc = libc.function("void *realloc(void *ptr, size_t size)", (task, frame) -> {
            if (frame.pc == 0 && frame.a0 != 0) {
                release(frame.a0);
            }
            allocate(task, frame, frame.a1);
        });
        posixMemalign =
                libc.function("int posix_memalign(void **memptr, size_t alignment, size_t size)", this::posixMemalign);
        alignedAlloc = libc.function(
                "void *aligned_alloc(size_t alignment, size_t size)", (task, frame) -> allocate(task, frame, frame.a1));
        memalign = libc.function(
                "void *memalign(size_t alignment, size_t size)", (task, frame) -> allocate(task, frame, frame.a1));
        valloc = libc.function("void *valloc(size_t size)", (task, frame) -> allocate(task, frame, frame.a0));
        pvalloc = libc.function("void *pvalloc(size_t size)", (task, frame) -> allocate(task, frame, frame.a0));
        freeRoutine = libc.function("void free(void *ptr)", this::free);
        mmap = libc.function(
                "void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)", (task, frame) -> {
                    if (frame.next() == 0) {
                        task.syscall(kernel.syscalls.mmap, frame.a0, frame.a1, frame.a2, frame.a3, frame.a4, frame.a5);
                    } else {
                        task.ret(task.result);
                    }
                });
        munmap = libc.function("int munmap(void *addr, size_t length)", (task, frame) -> {
            if (frame.next() == 0) {
                task.syscall(kernel.syscalls.munmap, frame.a0, frame.a1);
            } else {
                task.ret(task.result);
            }
        });
    }

    private void allocate(Task task, Frame frame, long bytes) {
        switch (frame.next()) {
            case 0 -> task.spend(45);
            case 1 -> {
                frame.v0 = take(bytes);
                if (frame.v0 + bytes > touched) {
                    long pages = (frame.v0 + bytes - touched + PAGE_BYTES - 1) / PAGE_BYTES;
                    touched += pages * PAGE_BYTES;
                    kernel.virtualMemory.touch(task, pages);
                }
            }
            default -> task.ret(frame.v0);
        }
    }

    private long take(long bytes) {
        long size = Math.max(32, bytes + 8 + 15 & -16);
        var list = free.get(size);
        var reused = list == null ? null : list.poll();
        long address;
        if (reused == null) {
            address = next + 16;
            next += size;
        } else {
            address = reused;
        }
        live.put(address, size);
        kernel.truth.count("user bytes allocated", bytes);
        kernel.truth.count("user blocks allocated", 1);
        return address;
    }

    private void posixMemalign(Task task, Frame frame) {
        if (frame.next() == 0) {
            task.spend(60);
        } else {
            kernel.userMemory.putLong(frame.a0, take(frame.a2));
            task.ret(0);
        }
    }

    private void free(Task task, Frame frame) {
        if (frame.next() == 0) {
            task.spend(30);
            return;
        }
        release(frame.a0);
        task.ret(0);
    }

    private void release(long address) {
        var size = live.remove(address);
        if (size == null) {
            throw new IllegalStateException("a program of the model frees what is not live");
        }
        kernel.truth.count("user blocks freed", 1);
        free.computeIfAbsent(size, s -> new ArrayDeque<>()).push(address);
    }

    /** How many blocks are allocated. */
    int liveBlocks() {
        return live.size();
    }
}
