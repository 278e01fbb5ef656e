package skep.events.embedded;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The slab allocator: {@code kmem_cache_alloc}, {@code kmem_cache_alloc_node}, {@code kmem_cache_free}, {@code kmalloc},
 * {@code kfree}. An object has an address in the linear map, is mapped while its slab exists, and no two live objects
 * overlap; freeing what is not live is a bug of the model and stops it.
 */
final class SlabAllocator {
    /** {@code GFP_KERNEL} and {@code GFP_ATOMIC} as numbers. */
    static final long GFP_KERNEL = 0xcc0;

    static final long GFP_ATOMIC = 0x820;
    /** {@code NUMA_NO_NODE} as an argument. */
    static final long ANY_NODE = 0xffff_ffffL;
    /** Empty slabs of a cache beyond this many give their pages back. */
    private static final int MIN_PARTIAL = 5;

    private static final int[] KMALLOC_SIZES = {8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192};

    private final EmbeddedKernel kernel;
    private final Map<String, SlabCache> caches = new LinkedHashMap<>();
    private final Map<Long, SlabCache.Slab> slabOfPage = new HashMap<>();
    private final SlabCache[] kmallocCaches = new SlabCache[KMALLOC_SIZES.length];
    private final SlabCache cacheOfCaches;

    final Routine cacheAlloc;
    final Routine cacheAllocLru;
    final Routine cacheAllocNode;
    final Routine cacheFree;
    final Routine kmalloc;
    final Routine kmallocNode;
    final Routine kfree;
    private final Routine slowAlloc;
    private final Routine slowFree;
    private final Routine newSlab;
    private final Routine discardSlab;

    private final Tracepoint cacheAllocEvent;
    private final Tracepoint cacheFreeEvent;
    private final Tracepoint cacheAllocNodeEvent;
    private final Tracepoint kmallocEvent;
    private final Tracepoint kmallocNodeEvent;
    private final Tracepoint kfreeEvent;

    SlabAllocator(EmbeddedKernel kernel) {
        this.kernel = kernel;
        cacheAllocEvent = kernel.tracepoint(
                "kmem",
                "kmem_cache_alloc",
                "unsigned long call_site; const void *ptr; __data_loc char[] name; size_t bytes_req; size_t bytes_alloc;"
                        + " unsigned long gfp_flags; int node; bool accounted",
                "unsigned long call_site, const void *ptr, struct kmem_cache *s, gfp_t gfp_flags, int node");
        cacheFreeEvent = kernel.tracepoint(
                "kmem",
                "kmem_cache_free",
                "unsigned long call_site; const void *ptr; __data_loc char[] name",
                "unsigned long call_site, const void *ptr, const struct kmem_cache *s");
        kmallocEvent = kernel.tracepoint(
                "kmem",
                "kmalloc",
                "unsigned long call_site; const void *ptr; size_t bytes_req; size_t bytes_alloc; unsigned long gfp_flags; int node",
                "unsigned long call_site, const void *ptr, size_t bytes_req, size_t bytes_alloc, gfp_t gfp_flags, int node");
        // until Linux 6.0 allocations on a given node had tracepoints of their own, which tools still attach to
        cacheAllocNodeEvent = kernel.tracepoint(
                "kmem",
                "kmem_cache_alloc_node",
                "unsigned long call_site; const void *ptr; size_t bytes_req; size_t bytes_alloc; unsigned long gfp_flags; int node",
                "unsigned long call_site, const void *ptr, size_t bytes_req, size_t bytes_alloc, gfp_t gfp_flags, int node");
        kmallocNodeEvent = kernel.tracepoint(
                "kmem",
                "kmalloc_node",
                "unsigned long call_site; const void *ptr; size_t bytes_req; size_t bytes_alloc; unsigned long gfp_flags; int node",
                "unsigned long call_site, const void *ptr, size_t bytes_req, size_t bytes_alloc, gfp_t gfp_flags, int node");
        kfreeEvent = kernel.tracepoint(
                "kmem",
                "kfree",
                "unsigned long call_site; const void *ptr",
                "unsigned long call_site, const void *ptr");

        cacheAlloc = function("void *kmem_cache_alloc(struct kmem_cache *s, gfp_t flags)", this::cacheAlloc);
        cacheAllocLru = function(
                "void *kmem_cache_alloc_lru(struct kmem_cache *s, struct list_lru *lru, gfp_t flags)",
                this::cacheAllocLru);
        cacheAllocNode =
                function("void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t flags, int node)", this::cacheAlloc);
        kmalloc = function("void *__kmalloc(size_t size, gfp_t flags)", this::kmalloc);
        kmallocNode = function("void *__kmalloc_node(size_t size, gfp_t flags, int node)", this::kmalloc);
        cacheFree = kernel.function("void kmem_cache_free(struct kmem_cache *s, void *x)", this::cacheFree);
        kfree = kernel.function("void kfree(const void *object)", this::kfree);
        slowAlloc = kernel.function(
                "void *___slab_alloc(struct kmem_cache *s, gfp_t gfpflags, int node, unsigned long addr, struct kmem_cache_cpu *c, unsigned int orig_size)",
                this::slowAlloc);
        slowFree = kernel.leaf(
                "void __slab_free(struct kmem_cache *s, struct slab *slab, void *head, void *tail, int cnt, unsigned long addr)",
                70);
        newSlab = kernel.function("struct slab *new_slab(struct kmem_cache *s, gfp_t flags, int node)", this::newSlab);
        discardSlab = kernel.function("void discard_slab(struct kmem_cache *s, struct slab *slab)", this::discardSlab);

        cacheOfCaches = new SlabCache("kmem_cache", kernel.types.sizeBytes("kmem_cache"), 0, kernel.cpus.length);
        for (int i = 0; i < KMALLOC_SIZES.length; i++) {
            int size = KMALLOC_SIZES[i];
            kmallocCaches[i] = cache("kmalloc-" + (size < 1024 ? "" + size : size / 1024 + "k"), size);
        }
    }

    /** Allocation functions are known with and without the suffix that allocation profiling gave them in Linux 6.10. */
    private Routine function(String declaration, Body body) {
        var routine = kernel.function(declaration, body);
        kernel.symbols.alias(routine.name() + "_noprof", routine);
        return routine;
    }

    /** The cache of this name; made if there is none. */
    SlabCache cache(String name, int objectBytes) {
        var known = caches.get(name);
        if (known != null) {
            return known;
        }
        long address = take(cacheOfCaches, 0);
        var cache = new SlabCache(name, objectBytes, address, kernel.cpus.length);
        caches.put(name, cache);
        kernel.types.field("kmem_cache", "size").put(kernel.memory, address, cache.sizeBytes);
        kernel.types.field("kmem_cache", "object_size").put(kernel.memory, address, cache.objectBytes);
        kernel.types.field("kmem_cache", "name").put(kernel.memory, address, kernel.objects.string(name));
        return cache;
    }

    /** How many pages slabs have. */
    long pages() {
        return slabOfPage.size();
    }

    Collection<SlabCache> caches() {
        return caches.values();
    }

    private SlabCache kmallocCache(long bytes) {
        for (int i = 0; i < KMALLOC_SIZES.length; i++) {
            if (KMALLOC_SIZES[i] >= bytes) {
                return kmallocCaches[i];
            }
        }
        throw new IllegalArgumentException("kmalloc of " + bytes + " bytes");
    }

    // Calls

    /** Calls {@code kmem_cache_alloc}; the object's address is the task's next result. */
    void callAlloc(Task task, SlabCache cache) {
        task.call(cacheAlloc, cache.address, GFP_KERNEL).object = cache;
    }

    void callAllocLru(Task task, SlabCache cache) {
        task.call(cacheAllocLru, cache.address, 0, GFP_KERNEL).object = cache;
    }

    void callAllocNode(Task task, SlabCache cache, long gfp) {
        callAllocNode(task, cache, gfp, ANY_NODE);
    }

    void callAllocNode(Task task, SlabCache cache, long gfp, long node) {
        task.call(cacheAllocNode, cache.address, gfp, node).object = cache;
    }

    void callKmalloc(Task task, long bytes) {
        task.call(kmalloc, bytes, GFP_KERNEL).object = kmallocCache(bytes);
    }

    void callKmallocNode(Task task, long bytes, long gfp, long node) {
        task.call(kmallocNode, bytes, gfp, node).object = kmallocCache(bytes);
    }

    void callFree(Task task, SlabCache cache, long object) {
        task.call(cacheFree, cache.address, object).object = cache;
    }

    void callKfree(Task task, long object) {
        task.call(kfree, object);
    }

    // Allocation without a trace: what exists before the clock starts

    /** An object that was there before anybody looked. */
    long take(SlabCache cache, int tid) {
        var slab = cache.partial.peek();
        if (slab == null) {
            slab = makeSlab(cache, kernel.pages.take(cache.order));
            slab.listed = true;
            cache.partial.push(slab);
        }
        long object = slab.allocate(EmbeddedKernel.BOOT_NANOS, 0, tid);
        cache.allocations++;
        if (slab.exhausted()) {
            cache.partial.pop();
            slab.listed = false;
        }
        return object;
    }

    private SlabCache.Slab makeSlab(SlabCache cache, long pfn) {
        var slab = new SlabCache.Slab(cache, pfn, kernel.pages.linear(pfn), kernel.rng);
        for (long page = pfn; page < pfn + (1L << cache.order); page++) {
            slabOfPage.put(page, slab);
        }
        kernel.memory.map(slab.address, (long) SparseMemory.PAGE_BYTES << cache.order);
        cache.slabs++;
        return slab;
    }

    private SlabCache.Slab slabOf(long object) {
        var slab = slabOfPage.get(object - kernel.addresses.linear() >>> 12);
        if (slab == null || !slab.live(slab.index(object))) {
            throw new IllegalStateException("the model frees 0x" + Long.toHexString(object) + ", which is not live");
        }
        return slab;
    }

    List<GroundTruth.LiveObject> liveObjects() {
        var live = new ArrayList<GroundTruth.LiveObject>();
        slabOfPage.forEach((page, slab) -> {
            if (page == slab.pfn) {
                slab.addLive(live);
            }
        });
        live.sort(java.util.Comparator.comparingLong(GroundTruth.LiveObject::address));
        return live;
    }

    // Bodies

    private void cacheAlloc(Task task, Frame frame) {
        allocate(task, frame, frame.a1, ((SlabCache) frame.object()).objectBytes, cacheAllocEvent);
    }

    private void cacheAllocLru(Task task, Frame frame) {
        allocate(task, frame, frame.a2, ((SlabCache) frame.object()).objectBytes, cacheAllocEvent);
    }

    private void kmalloc(Task task, Frame frame) {
        allocate(task, frame, frame.a1, frame.a0, kmallocEvent);
    }

    private void allocate(Task task, Frame frame, long gfp, long bytes, Tracepoint event) {
        var cache = (SlabCache) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(24);
            case 1 -> {
                var slab = cache.cpuSlabs[task.cpu.id];
                if (slab == null || slab.exhausted()) {
                    frame.pc = 1;
                    task.call(slowAlloc, cache.address, gfp, 0xffff_ffffL).object = cache;
                    return;
                }
                long site = Firing.returnAddress(task, task.depth);
                frame.v0 = slab.allocate(kernel.clockNanos(), site, task.tid);
                cache.allocations++;
                if (event.active()) {
                    int node = frame.routine == cacheAllocNode || frame.routine == kmallocNode ? (int) frame.a2 : -1;
                    if (event == kmallocEvent) {
                        kernel.tracer.raw(event, task, site, frame.v0, bytes, cache.sizeBytes, gfp, node);
                        kernel.tracer
                                .begin(event, task)
                                .num(site)
                                .num(frame.v0)
                                .num(bytes)
                                .num(cache.sizeBytes)
                                .num(gfp)
                                .num(node)
                                .fire();
                    } else {
                        kernel.tracer.raw(event, task, site, frame.v0, cache.address, gfp, node, 0);
                        kernel.tracer
                                .begin(event, task)
                                .num(site)
                                .num(frame.v0)
                                .bytes(cache.nameBytes)
                                .num(bytes)
                                .num(cache.sizeBytes)
                                .num(gfp)
                                .num(node)
                                .num(0)
                                .fire();
                    }
                }
                if (frame.routine == cacheAllocNode || frame.routine == kmallocNode) {
                    fireOnNode(task, frame, site, bytes, cache);
                }
                task.work(8);
            }
            default -> task.ret(frame.v0);
        }
    }

    /** The tracepoints that allocations on a given node had of their own: they fire beside the common one. */
    private void fireOnNode(Task task, Frame frame, long site, long bytes, SlabCache cache) {
        var event = frame.routine == kmallocNode ? kmallocNodeEvent : cacheAllocNodeEvent;
        if ((int) frame.a2 >= 0 && event.active()) {
            kernel.tracer.raw(event, task, site, frame.v0, bytes, cache.sizeBytes, frame.a1, frame.a2);
            kernel.tracer
                    .begin(event, task)
                    .num(site)
                    .num(frame.v0)
                    .num(bytes)
                    .num(cache.sizeBytes)
                    .num(frame.a1)
                    .num(frame.a2)
                    .fire();
        }
    }

    /** Gives the CPU a slab that has free objects. */
    private void slowAlloc(Task task, Frame frame) {
        var cache = (SlabCache) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(160);
            case 1 -> {
                var old = cache.cpuSlabs[task.cpu.id];
                if (old != null && !old.exhausted()) {
                    frame.pc = 3;
                    return;
                }
                if (old != null) {
                    old.ownedByCpu = false;
                    cache.cpuSlabs[task.cpu.id] = null;
                }
                var slab = cache.partial.poll();
                if (slab != null) {
                    slab.listed = false;
                    install(task, cache, slab);
                    frame.pc = 3;
                    return;
                }
                task.call(newSlab, cache.address, frame.a1, 0xffff_ffffL).object = cache;
            }
            case 2 -> {
                // an interrupt may have brought one meanwhile: then the new slab waits in the list
                var slab = (SlabCache.Slab) java.util.Objects.requireNonNull(task.resultObject);
                var present = cache.cpuSlabs[task.cpu.id];
                if (present == null) {
                    install(task, cache, slab);
                } else {
                    slab.listed = true;
                    cache.partial.add(slab);
                }
            }
            default -> task.ret(0);
        }
    }

    private static void install(Task task, SlabCache cache, SlabCache.Slab slab) {
        slab.ownedByCpu = true;
        cache.cpuSlabs[task.cpu.id] = slab;
    }

    private void newSlab(Task task, Frame frame) {
        var cache = (SlabCache) frame.object();
        switch (frame.next()) {
            case 0 -> task.call(kernel.pages.allocPages, frame.a1, cache.order);
            case 1 -> {
                frame.v0 = task.result;
                task.spend(40L * cache.objectsPerSlab / 4);
            }
            default -> {
                task.resultObject = makeSlab(cache, kernel.pages.pfn(frame.v0));
                task.ret(frame.v0);
            }
        }
    }

    private void cacheFree(Task task, Frame frame) {
        free(task, frame, frame.a1, cacheFreeEvent);
    }

    private void kfree(Task task, Frame frame) {
        free(task, frame, frame.a0, kfreeEvent);
    }

    private void free(Task task, Frame frame, long object, Tracepoint event) {
        switch (frame.next()) {
            case 0 -> {
                var slab = slabOf(object);
                if (event.active()) {
                    long site = Firing.returnAddress(task, task.depth);
                    if (event == kfreeEvent) {
                        kernel.tracer.raw(event, task, site, object);
                        kernel.tracer.begin(event, task).num(site).num(object).fire();
                    } else {
                        kernel.tracer.raw(event, task, site, object, slab.cache.address);
                        kernel.tracer
                                .begin(event, task)
                                .num(site)
                                .num(object)
                                .bytes(slab.cache.nameBytes)
                                .fire();
                    }
                }
                task.spend(26);
            }
            case 1 -> {
                var slab = slabOf(object);
                var cache = slab.cache;
                slab.release(slab.index(object));
                cache.frees++;
                if (slab == cache.cpuSlabs[task.cpu.id]) {
                    task.work(6);
                    return;
                }
                frame.object = slab;
                frame.pc = 3;
                task.call(slowFree, cache.address, kernel.pages.pageStruct(slab.pfn), object, object, 1);
            }
            case 2 -> task.ret(0);
            case 3 -> {
                var slab = (SlabCache.Slab) frame.object();
                var cache = slab.cache;
                frame.pc = 2;
                if (slab.ownedByCpu || slab.gone) {
                    return;
                }
                if (slab.unused() && slab.listed && cache.partial.size() > MIN_PARTIAL) {
                    cache.partial.remove(slab);
                    slab.listed = false;
                    slab.gone = true;
                    task.call(discardSlab, cache.address, kernel.pages.pageStruct(slab.pfn)).object = slab;
                } else if (!slab.listed && !slab.exhausted()) {
                    slab.listed = true;
                    cache.partial.add(slab);
                }
            }
            default -> throw new IllegalStateException();
        }
    }

    private void discardSlab(Task task, Frame frame) {
        var slab = (SlabCache.Slab) frame.object();
        switch (frame.next()) {
            case 0 -> {
                for (long page = slab.pfn; page < slab.pfn + (1L << slab.cache.order); page++) {
                    slabOfPage.remove(page);
                }
                kernel.memory.unmap(slab.address, (long) SparseMemory.PAGE_BYTES << slab.cache.order);
                slab.cache.slabs--;
                task.call(kernel.pages.freePages, frame.a1, slab.cache.order);
            }
            default -> task.ret(0);
        }
    }
}
