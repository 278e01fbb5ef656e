package skep.events.embedded;

import java.util.ArrayDeque;

/** Memory of which every CPU has its own copy, for counters. */
final class PerCpuAllocator {
    private final EmbeddedKernel kernel;
    private final Routine alloc;
    private final Routine free;
    private final Tracepoint allocEvent;
    private final Tracepoint freeEvent;
    private final ArrayDeque<Long> reusable = new ArrayDeque<>();
    private final long base;
    private long next;
    private long live;

    PerCpuAllocator(EmbeddedKernel kernel) {
        this.kernel = kernel;
        base = kernel.objects.room(4096);
        next = base;
        allocEvent = kernel.tracepoint(
                "percpu",
                "percpu_alloc_percpu",
                "unsigned long call_site; bool reserved; bool is_atomic; size_t size; size_t align; void *base_addr; int off;"
                        + " void *ptr; size_t bytes_alloc; unsigned long gfp_flags",
                "unsigned long call_site, bool reserved, bool is_atomic, size_t size, size_t align, void *base_addr, int off,"
                        + " void *ptr, size_t bytes_alloc, gfp_t gfp_flags");
        freeEvent = kernel.tracepoint(
                "percpu",
                "percpu_free_percpu",
                "void *base_addr; int off; void *ptr",
                "void *base_addr, int off, void *ptr");
        alloc = kernel.function(
                "void *pcpu_alloc_noprof(size_t size, size_t align, bool reserved, gfp_t gfp)", this::alloc);
        kernel.symbols.alias("pcpu_alloc", alloc);
        free = kernel.function("void free_percpu(void *ptr)", this::free);
    }

    void callAlloc(Task task, long bytes) {
        task.call(alloc, bytes, 8, 0, SlabAllocator.GFP_KERNEL);
    }

    void callFree(Task task, long address) {
        task.call(free, address);
    }

    /** How many pieces are allocated. */
    long live() {
        return live;
    }

    private void alloc(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(190);
            case 1 -> {
                live++;
                if (reusable.isEmpty()) {
                    frame.v0 = next;
                    next += 64;
                } else {
                    frame.v0 = reusable.poll();
                }
                if (allocEvent.active()) {
                    long site = Firing.returnAddress(task, task.depth);
                    long off = frame.v0 - base;
                    long bytes = frame.a0 * kernel.cpus.length;
                    kernel.tracer.rawAll(
                            allocEvent, task, site, 0, 0, frame.a0, frame.a1, base, off, frame.v0, bytes, frame.a3);
                    kernel.tracer
                            .begin(allocEvent, task)
                            .num(site)
                            .num(0)
                            .num(0)
                            .num(frame.a0)
                            .num(frame.a1)
                            .num(base)
                            .num(off)
                            .num(frame.v0)
                            .num(bytes)
                            .num(frame.a3)
                            .fire();
                }
                task.work(30);
            }
            default -> task.ret(frame.v0);
        }
    }

    private void free(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                if (freeEvent.active()) {
                    kernel.tracer.raw(freeEvent, task, base, frame.a0 - base, frame.a0);
                    kernel.tracer
                            .begin(freeEvent, task)
                            .num(base)
                            .num(frame.a0 - base)
                            .num(frame.a0)
                            .fire();
                }
                live--;
                reusable.add(frame.a0);
                task.spend(110);
            }
            default -> task.ret(0);
        }
    }
}
