package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/** {@code malloc} and {@code free} of the C library: one heap for all processes, since their addresses never meet. */
final class UserHeap {
    private final Map<Long, ArrayDeque<Long>> free = new HashMap<>();
    private final Map<Long, Long> live = new HashMap<>();
    private long next;
    private final EmbeddedKernel kernel;

    final Routine malloc;
    final Routine calloc;
    final Routine freeRoutine;

    UserHeap(EmbeddedKernel kernel) {
        this.kernel = kernel;
        next = kernel.addresses.userData() + (1L << 30);
        var libc = kernel.userSpace.image("/usr/lib/libc.so.6");
        malloc = libc.function("void *malloc(size_t size)", (task, frame) -> allocate(task, frame, frame.a0));
        calloc = libc.function(
                "void *calloc(size_t nmemb, size_t size)", (task, frame) -> allocate(task, frame, frame.a0 * frame.a1));
        freeRoutine = libc.function("void free(void *ptr)", this::free);
    }

    private void allocate(Task task, Frame frame, long bytes) {
        if (frame.next() == 0) {
            task.spend(45);
            return;
        }
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
        task.ret(address);
    }

    private void free(Task task, Frame frame) {
        if (frame.next() == 0) {
            task.spend(30);
            return;
        }
        var size = live.remove(frame.a0);
        if (size == null) {
            throw new IllegalStateException("a program of the model frees what is not live");
        }
        free.computeIfAbsent(size, s -> new ArrayDeque<>()).push(frame.a0);
        task.ret(0);
    }

    /** How many blocks are allocated. */
    int liveBlocks() {
        return live.size();
    }
}
