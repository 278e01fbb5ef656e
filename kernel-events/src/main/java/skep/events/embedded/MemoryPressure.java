package skep.events.embedded;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What happens when memory gets scarce: kswapd and direct reclaim drop pages of files and write those of processes to the
 * swap area, compaction makes room for large blocks, and in the end a process is killed.
 */
final class MemoryPressure {
    /** Allocations that may wait for reclaim have this bit in their flags. */
    static final long GFP_DIRECT_RECLAIM = 0x400;

    private static final int RECLAIM_BATCH = 32;
    private static final int KSWAPD_BATCH = 128;
    private static final int MAX_TRIES = 16;
    private static final int SIGKILL = 9;
    private static final int COMPACT_CONTINUE = 4;
    private static final int COMPACT_COMPLETE = 5;
    private static final int COMPACT_SUCCESS = 8;
    private static final int ZONES = 3;
    private static final int NORMAL = 2;

    private final EmbeddedKernel kernel;
    private final long node;
    private final long zone;
    private final KernelTypes.Field watermark;
    private final KernelTypes.Field zoneStatistics;
    private final long globalStatistics;
    /** Bytes of {@code struct zone}. */
    private final int zoneBytes;

    private final WaitQueue kswapdWaits = new WaitQueue();
    /** Blocks of 2 MiB that are free in one piece. */
    private long largeBlocks;

    private long swappedPages;
    /** Pages that fit into the swap area. */
    private long swapPages;

    final Routine slowPath;
    final Routine kswapd;
    private final Routine wakeupKswapd;
    private final Routine balanceNode;
    private final Routine freePages;
    private final Routine shrinkNode;
    private final Routine swapWritepage;
    private final Routine endSwapWrite;
    private final Routine directCompact;
    private final Routine compactPages;
    private final Routine compactZone;
    private final Routine fragmentationIndex;
    private final Routine isolate;
    private final Routine migrate;
    private final Routine outOfMemory;
    private final Routine oomKill;

    private final Tracepoint directBegin;
    private final Tracepoint directEnd;
    private final Tracepoint kswapdWake;
    private final Tracepoint kswapdSleep;
    private final Tracepoint suitable;
    private final Tracepoint compactBegin;
    private final Tracepoint compactEnd;
    private final Tracepoint markVictim;

    private final GroundTruth.Distribution reclaimLatency;
    private final GroundTruth.Distribution compactionLatency;

    MemoryPressure(EmbeddedKernel kernel) {
        this.kernel = kernel;
        var types = kernel.types;
        zoneBytes = types.sizeBytes("zone");
        node = kernel.objects.make("pglist_data");
        long zones = node + types.field("pglist_data", "node_zones").offBytes();
        zone = zones + (long) NORMAL * zoneBytes;
        watermark = types.field("zone", "_watermark");
        zoneStatistics = types.field("zone", "vm_stat");
        var names = new String[] {"DMA", "DMA32", "Normal"};
        for (int i = 0; i < ZONES; i++) {
            long at = zones + (long) i * zoneBytes;
            types.field("zone", "zone_pgdat").put(kernel.memory, at, node);
            types.field("zone", "name").put(kernel.memory, at, kernel.objects.string(names[i]));
        }
        globalStatistics = kernel.objects.room(16 * 8);
        kernel.symbols.addData("vm_zone_stat", globalStatistics);
        reclaimLatency = kernel.truth.distribution("direct reclaim latency");
        compactionLatency = kernel.truth.distribution("compaction latency");

        directBegin = kernel.tracepoint(
                "vmscan",
                "mm_vmscan_direct_reclaim_begin",
                "int order; unsigned long gfp_flags",
                "int order, gfp_t gfp_flags");
        directEnd = kernel.tracepoint(
                "vmscan", "mm_vmscan_direct_reclaim_end", "unsigned long nr_reclaimed", "unsigned long nr_reclaimed");
        kswapdWake = kernel.tracepoint(
                "vmscan", "mm_vmscan_kswapd_wake", "int nid; int zid; int order", "int nid, int zid, int order");
        kswapdSleep = kernel.tracepoint("vmscan", "mm_vmscan_kswapd_sleep", "int nid", "int nid");
        suitable = kernel.tracepoint(
                "compaction",
                "mm_compaction_suitable",
                "int nid; enum zone_type idx; int order; int ret",
                "struct zone *zone, int order, int ret");
        var span =
                "unsigned long zone_start; unsigned long migrate_pfn; unsigned long free_pfn; unsigned long zone_end; bool sync";
        compactBegin = kernel.tracepoint(
                "compaction",
                "mm_compaction_begin",
                span,
                "struct compact_control *cc, unsigned long zone_start, unsigned long zone_end, bool sync");
        compactEnd = kernel.tracepoint(
                "compaction",
                "mm_compaction_end",
                span + "; int status",
                "struct compact_control *cc, unsigned long zone_start, unsigned long zone_end, bool sync, int status");
        markVictim = kernel.tracepoint(
                "oom",
                "mark_victim",
                "int pid; __data_loc char[] comm; unsigned long total_vm; unsigned long anon_rss; unsigned long file_rss;"
                        + " unsigned long shmem_rss; uid_t uid; unsigned long pgtables; short oom_score_adj",
                "struct task_struct *task, uid_t uid");

        slowPath = kernel.function(
                "struct page *__alloc_pages_slowpath(gfp_t gfp_mask, unsigned int order, struct alloc_context *ac)",
                this::slowPath);
        wakeupKswapd = kernel.function(
                "void wakeup_kswapd(struct zone *zone, gfp_t gfp_flags, int order, enum zone_type highest_zoneidx)",
                this::wakeupKswapd);
        kswapd = kernel.function("int kswapd(void *p)", this::kswapd);
        balanceNode = kernel.function(
                "int balance_pgdat(struct pglist_data *pgdat, int order, int highest_zoneidx)", this::balanceNode);
        freePages = kernel.function(
                "unsigned long try_to_free_pages(struct zonelist *zonelist, int order, gfp_t gfp_mask, nodemask_t *nodemask)",
                this::freePages);
        shrinkNode = kernel.function(
                "void shrink_node(struct pglist_data *pgdat, struct scan_control *sc)", this::shrinkNode);
        swapWritepage = kernel.function(
                "int swap_writepage(struct page *page, struct writeback_control *wbc)", this::swapWritepage);
        endSwapWrite = kernel.leaf("void end_swap_bio_write(struct bio *bio)", 60);
        directCompact = kernel.function(
                "struct page *__alloc_pages_direct_compact(gfp_t gfp_mask, unsigned int order, unsigned int alloc_flags,"
                        + " const struct alloc_context *ac)",
                this::directCompact);
        compactPages = kernel.function(
                "enum compact_result try_to_compact_pages(gfp_t gfp_mask, unsigned int order, unsigned int alloc_flags,"
                        + " const struct alloc_context *ac)",
                this::compactPages);
        fragmentationIndex = kernel.function(
                "int fragmentation_index(struct zone *zone, unsigned int order)", this::fragmentationIndex);
        compactZone = kernel.function(
                "enum compact_result compact_zone(struct compact_control *cc, struct capture_control *capc)",
                this::compactZone);
        isolate = kernel.leaf("isolate_migrate_t isolate_migratepages(struct compact_control *cc)", 14_000);
        migrate = kernel.leaf("int migrate_pages(struct list_head *from, unsigned long private)", 38_000);
        outOfMemory = kernel.function("bool out_of_memory(struct oom_control *oc)", this::outOfMemory);
        oomKill = kernel.function("void oom_kill_process(struct oom_control *oc, const char *message)", this::oomKill);
        resize(PageAllocator.TOTAL_PAGES, PageAllocator.TOTAL_PAGES / 8);
    }

    /** How much memory and swap there is, before the clock starts. */
    void resize(long pages, long swap) {
        kernel.pages.managedPages = pages;
        swapPages = swap;
        largeBlocks = pages / 512 / 8;
        long minimum = minimum();
        kernel.memory.putLong(zone + watermark.offBytes(), minimum);
        kernel.memory.putLong(zone + watermark.offBytes() + 8, low());
        kernel.memory.putLong(zone + watermark.offBytes() + 16, high());
        kernel.types.field("zone", "managed_pages").put(kernel.memory, zone, pages);
        kernel.types.field("zone", "present_pages").put(kernel.memory, zone, pages);
        publish();
    }

    void boot() {
        kernel.processes.bootKernelThread("kswapd0", kswapd, "", -1);
    }

    private long minimum() {
        return Math.max(64, kernel.pages.managedPages / 256);
    }

    private long low() {
        return minimum() * 5 / 4;
    }

    private long high() {
        return minimum() * 3 / 2;
    }

    private long available() {
        return kernel.pages.freePages();
    }

    long swappedPages() {
        return swappedPages;
    }

    long swapPages() {
        return swapPages;
    }

    /** Pages of the swap area are free again: read back, or their process ended. */
    void giveSwap(long pages) {
        swappedPages -= pages;
    }

    /** The kernel's own counters show what is free. */
    private void publish() {
        long free = available();
        kernel.memory.putLong(zone + zoneStatistics.offBytes(), free);
        kernel.memory.putLong(globalStatistics, free);
    }

    /** Whether an allocation must go the slow way. */
    boolean isShort(Task task, int order) {
        return available() - (1L << order) < low() && !task.reclaiming || order >= 9 && largeBlocks <= 0;
    }

    /** A large block is taken. */
    void took(int order) {
        if (order >= 9) {
            largeBlocks = Math.max(0, largeBlocks - 1);
        }
    }

    private void slowPath(Task task, Frame frame) {
        int order = (int) frame.a1;
        boolean maySleep = (frame.a0 & GFP_DIRECT_RECLAIM) != 0 && task.cpu.interruptDepth == 0;
        switch (frame.next()) {
            case 0 -> task.call(wakeupKswapd, zone, frame.a0, order, NORMAL);
            case 1 -> {
                if (order >= 9 && largeBlocks <= 0 && maySleep && task.killedBy == 0) {
                    task.call(directCompact, frame.a0, order, 0, 0);
                }
            }
            case 2 -> {
                boolean enough = available() - (1L << order) >= minimum();
                if (enough || !maySleep || task.killedBy != 0 || frame.v0 >= MAX_TRIES) {
                    frame.pc = 5;
                    return;
                }
                task.call(freePages, 0, order, frame.a0, 0);
            }
            case 3 -> {
                frame.v0++;
                if (task.result == 0 && frame.v0 > 1) {
                    task.call(outOfMemory, task.local(0x800));
                }
            }
            case 4 -> {
                frame.pc = 2;
                task.work(2_000);
            }
            default -> task.ret(0);
        }
    }

    // Reclaim

    private void wakeupKswapd(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.work(50);
            case 1 -> kernel.channels.callWakeUpOne(task, kswapdWaits);
            default -> task.ret(0);
        }
    }

    private void kswapd(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                if (available() < high() && frame.v0 < 3) {
                    if (kswapdWake.active()) {
                        kernel.tracer.raw(kswapdWake, task, 0, NORMAL, 0);
                        kernel.tracer
                                .begin(kswapdWake, task)
                                .num(0)
                                .num(NORMAL)
                                .num(0)
                                .fire();
                    }
                    task.call(balanceNode, node, 0, NORMAL);
                    return;
                }
                frame.v0 = 0;
                frame.pc = 2;
                task.work(60);
            }
            case 1 -> {
                frame.v0 += task.result == 0 ? 1 : 0;
                frame.pc = 0;
            }
            default -> {
                frame.pc = 0;
                if (kswapdSleep.active()) {
                    kernel.tracer.raw(kswapdSleep, task, 0);
                    kernel.tracer.begin(kswapdSleep, task).num(0).fire();
                }
                kswapdWaits.add(task);
                kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
            }
        }
    }

    private void balanceNode(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                task.reclaiming = true;
                task.call(shrinkNode, node, task.local(0x840)).v1 = KSWAPD_BATCH;
            }
            default -> {
                task.reclaiming = false;
                kernel.truth.count("pages reclaimed by kswapd", task.result);
                task.ret(task.result);
            }
        }
    }

    private void freePages(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                task.reclaiming = true;
                publish();
                if (directBegin.active()) {
                    kernel.tracer.raw(directBegin, task, frame.a1, frame.a2);
                    kernel.tracer
                            .begin(directBegin, task)
                            .num(frame.a1)
                            .num(frame.a2)
                            .fire();
                }
                frame.v0 = kernel.clockNanos();
                task.spend(300);
            }
            case 1 -> task.call(shrinkNode, node, task.local(0x840)).v1 = RECLAIM_BATCH;
            default -> {
                task.reclaiming = false;
                frame.v1 = task.result;
                kernel.truth.count("direct reclaims", 1);
                kernel.truth.count("pages reclaimed directly", frame.v1);
                reclaimLatency.add(kernel.clockNanos() - frame.v0);
                if (directEnd.active()) {
                    kernel.tracer.raw(directEnd, task, frame.v1);
                    kernel.tracer.begin(directEnd, task).num(frame.v1).fire();
                }
                task.ret(frame.v1);
            }
        }
    }

    /** Frees up to v1 pages; the result is how many. */
    private void shrinkNode(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(220);
            case 1 -> {
                boolean fileFirst = (frame.v0 & 3) != 3;
                if (frame.v0 >= frame.v1 || !(fileFirst ? file(task) || swap(task) : swap(task) || file(task))) {
                    task.ret(frame.v0);
                }
            }
            default -> {
                frame.v0++;
                frame.pc = 1;
            }
        }
    }

    private boolean file(Task task) {
        return kernel.pageCache.callReclaimOne(task);
    }

    /** Writes the oldest page of the largest process to the swap area. */
    private boolean swap(Task task) {
        if (swappedPages >= swapPages) {
            return false;
        }
        var owner = largest(false);
        if (owner == null) {
            return false;
        }
        long pfn = owner.anonymous.removeFirst();
        owner.swapped++;
        swappedPages++;
        kernel.truth.count("pages swapped out", 1);
        task.call(swapWritepage, kernel.pages.pageStruct(pfn), 0).v0 = pfn;
        return true;
    }

    private @Nullable Process largest(boolean withSwap) {
        Process largest = null;
        long most = 0;
        for (var task : kernel.processes.all().values()) {
            var process = task.process;
            long size = process.anonymous.size() + (withSwap ? process.swapped + 512L * process.huge.size() : 0);
            if (size > most && !process.zombie && task.killedBy == 0) {
                most = size;
                largest = process;
            }
        }
        return largest;
    }

    private void swapWritepage(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.disk.callBioAlloc(task);
            case 1 ->
                kernel.disk.callSubmit(
                        task,
                        task.result,
                        true,
                        VirtualMemory.SWAP_SECTOR + 8 * (frame.v0 & 0xffff),
                        SparseMemory.PAGE_BYTES,
                        (interrupted, bio) -> interrupted.call(endSwapWrite, bio.bio()),
                        "",
                        0,
                        0);
            case 2 -> task.call(kernel.pages.freePages, frame.a0, 0);
            default -> task.ret(0);
        }
    }

    // Compaction

    private void directCompact(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(compactPages, frame.a0, frame.a1, 0, 0);
            default -> task.ret(0);
        }
    }

    private void compactPages(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(fragmentationIndex, zone, frame.a1);
            case 1 -> {
                publish();
                if (suitable.active()) {
                    kernel.tracer.raw(suitable, task, zone, frame.a1, COMPACT_CONTINUE);
                    kernel.tracer
                            .begin(suitable, task)
                            .num(0)
                            .num(NORMAL)
                            .num(frame.a1)
                            .num(COMPACT_CONTINUE)
                            .fire();
                }
                task.call(compactZone, task.local(0x880), 0);
            }
            default -> task.ret(task.result);
        }
    }

    /** How much a failure is due to fragmentation (towards 1000) and not to a lack of memory (towards 0). */
    private void fragmentationIndex(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(180);
            default -> {
                long free = Math.max(1, available());
                task.ret(Math.max(0, 1000 - (1000 + (free * 1000 >> frame.a1)) / Math.max(1, free)));
            }
        }
    }

    private void compactZone(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                frame.v0 = kernel.clockNanos();
                frame.v1 = 1 + kernel.rng.below(6);
                fireCompaction(compactBegin, task, frame.a0, -1);
                task.spend(400);
            }
            case 1 -> task.call(isolate, frame.a0);
            case 2 -> task.call(migrate, task.local(0x8c0), 0);
            case 3 -> {
                if (--frame.v1 > 0) {
                    frame.pc = 1;
                }
            }
            default -> {
                boolean found = available() > high() && !kernel.rng.oneIn(5);
                int status = found ? COMPACT_SUCCESS : COMPACT_COMPLETE;
                largeBlocks += found ? 2 : 0;
                kernel.truth.count("compactions", 1);
                compactionLatency.add(kernel.clockNanos() - frame.v0);
                fireCompaction(compactEnd, task, frame.a0, status);
                task.ret(status);
            }
        }
    }

    private void fireCompaction(Tracepoint point, Task task, long control, int status) {
        if (point.active()) {
            long start = PageAllocator.FIRST_PAGE;
            long end = start + kernel.pages.managedPages;
            // programs for kernels before 5.19 look for the status one word further
            kernel.tracer.raw(point, task, control, start, end, 1, status < 0 ? 1 : status, status);
            var writer = kernel.tracer
                    .begin(point, task)
                    .num(start)
                    .num(start + 512)
                    .num(end - 512)
                    .num(end)
                    .num(1);
            if (status >= 0) {
                writer.num(status);
            }
            writer.fire();
        }
    }

    // The end

    private void outOfMemory(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(900);
            case 1 -> {
                var victim = largest(true);
                if (victim == null || victim.leader == null) {
                    task.ret(0);
                    return;
                }
                var leader = victim.leader;
                kernel.types.field("oom_control", "chosen").put(kernel.memory, frame.a0, leader.address);
                kernel.types
                        .field("oom_control", "totalpages")
                        .put(kernel.memory, frame.a0, kernel.pages.managedPages + swapPages);
                kernel.types.field("oom_control", "gfp_mask").put(kernel.memory, frame.a0, 0x140cca);
                task.call(oomKill, frame.a0, kernel.objects.string("Out of memory")).object = leader;
            }
            default -> task.ret(1);
        }
    }

    private void oomKill(Task task, Frame frame) {
        var victim = (Task) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(2_500);
            case 1 -> {
                kernel.truth.count("oom kills", 1);
                if (markVictim.active()) {
                    kernel.tracer.raw(markVictim, task, victim.address, victim.process.uid);
                    kernel.tracer
                            .begin(markVictim, task)
                            .num(victim.tid)
                            .bytes(victim.name().getBytes(java.nio.charset.StandardCharsets.UTF_8))
                            .num(victim.process.residentPages() * 4)
                            .num(victim.process.residentPages() * 4)
                            .num(0)
                            .num(0)
                            .num(victim.process.uid)
                            .num(4096)
                            .num(0)
                            .fire();
                }
                kernel.signals.callSend(task, Objects.requireNonNull(victim), SIGKILL);
            }
            default -> task.ret(0);
        }
    }
}
