package skep.events.embedded;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The page cache: reads find their pages or bring them in with read-ahead, writes dirty them, writeback and fsync send them
 * to the disk, and beyond a limit the oldest clean pages go.
 */
final class PageCache {
    /** Pages that read-ahead brings in beyond a miss. */
    private static final int READ_AHEAD_PAGES = 16;
    /** Pages of the cache before reclaim begins. */
    private static final int LIMIT_PAGES = 60_000;

    private static final int WRITEBACK_PAGES = 256;
    /** The reason of writeback that comes with time. */
    private static final int PERIODIC = 3;
    /** Flags of allocations for reading ahead and for writing. */
    private static final long READ_GFP = 0x152cca;

    private static final long WRITE_GFP = 0x140cca;

    private final EmbeddedKernel kernel;
    private final ArrayDeque<Inode> dirtyInodes = new ArrayDeque<>();
    private final ArrayDeque<Inode> oldest = new ArrayDeque<>();
    private long cachedPages;

    final Routine filemapRead;
    private final Routine getPages;
    private final Routine readAhead;
    private final Routine doReadAhead;
    private final Routine allocFolio;
    private final Routine oldAllocPage;
    private final Routine addFolio;
    private final Routine oldAddPage;
    private final Routine markAccessed;
    private final Routine oldMarkAccessed;
    private final Routine accountDirtied;
    private final Routine copyToUser;
    private final Routine waitFolio;
    private final Routine ioSchedule;
    private final Routine endRead;
    private final Routine endWriteback;
    final Routine performWrite;
    private final Routine writeBegin;
    private final Routine writeEnd;
    private final Routine markBufferDirty;
    private final Routine balanceDirty;
    final Routine writePages;
    private final Routine removeFolio;

    private final Tracepoint addEvent;
    private final Tracepoint deleteEvent;
    private final Tracepoint dirtyEvent;
    private final Tracepoint writebackStart;
    private final Tracepoint writebackWritten;

    long hits;
    long misses;

    PageCache(EmbeddedKernel kernel) {
        this.kernel = kernel;
        var fields = "unsigned long pfn; unsigned long i_ino; unsigned long index; dev_t s_dev; unsigned char order";
        addEvent = kernel.tracepoint("filemap", "mm_filemap_add_to_page_cache", fields, "struct folio *folio");
        deleteEvent = kernel.tracepoint("filemap", "mm_filemap_delete_from_page_cache", fields, "struct folio *folio");
        dirtyEvent = kernel.tracepoint(
                "writeback",
                "writeback_dirty_folio",
                "char name[32]; ino_t ino; unsigned long index",
                "struct folio *folio, struct address_space *mapping");
        var work = "char name[32]; long nr_pages; dev_t sb_dev; int sync_mode; int for_kupdate; int range_cyclic;"
                + " int for_background; int reason; ino_t cgroup_ino";
        var ofWork = "struct bdi_writeback *wb, struct wb_writeback_work *work";
        writebackStart = kernel.tracepoint("writeback", "writeback_start", work, ofWork);
        writebackWritten = kernel.tracepoint("writeback", "writeback_written", work, ofWork);
        filemapRead = kernel.function(
                "ssize_t filemap_read(struct kiocb *iocb, struct iov_iter *iter, ssize_t already_read)",
                this::filemapRead);
        getPages = kernel.function(
                "int filemap_get_pages(struct kiocb *iocb, size_t count, struct folio_batch *fbatch, bool need_uptodate)",
                this::getPages);
        readAhead = kernel.function(
                "void page_cache_ra_order(struct readahead_control *ractl, struct file_ra_state *ra, unsigned int new_order)",
                (task, frame) -> {
                    if (frame.next() == 0) {
                        var callee = task.call(doReadAhead(), frame.a0, frame.v1 - frame.v0, 0);
                        callee.object = frame.object;
                        callee.v0 = frame.v0;
                        callee.v1 = frame.v1;
                    } else {
                        task.ret(0);
                    }
                });
        doReadAhead = kernel.function(
                "void do_page_cache_ra(struct readahead_control *ractl, unsigned long nr_to_read, unsigned long lookahead_size)",
                this::readAhead);
        // names that these functions had before Linux 5.16 and 6.5: they pass on, so that tools of either time see them
        oldAllocPage = kernel.function("struct page *__page_cache_alloc(gfp_t gfp)", (task, frame) -> {
            if (frame.next() == 0) {
                task.call(kernel.pages.allocPages, frame.a0, 0);
            } else {
                task.ret(task.result);
            }
        });
        oldAddPage = kernel.function(
                "int add_to_page_cache_lru(struct page *page, struct address_space *mapping, pgoff_t index, gfp_t gfp)",
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.call(addFolio(), frame.a1, frame.a0, frame.a2, frame.a3).object = frame.object;
                    } else {
                        task.ret(task.result);
                    }
                });
        oldMarkAccessed = kernel.function("void mark_page_accessed(struct page *page)", (task, frame) -> {
            if (frame.next() == 0) {
                task.call(markAccessed(), frame.a0);
            } else {
                task.ret(0);
            }
        });
        accountDirtied =
                kernel.leaf("void folio_account_dirtied(struct folio *folio, struct address_space *mapping)", 20);
        allocFolio = kernel.function(
                "struct folio *filemap_alloc_folio_noprof(gfp_t gfp, unsigned int order)", this::allocFolio);
        addFolio = kernel.function(
                "int filemap_add_folio(struct address_space *mapping, struct folio *folio, pgoff_t index, gfp_t gfp)",
                this::addFolio);
        markAccessed = kernel.leaf("void folio_mark_accessed(struct folio *folio)", 22);
        copyToUser = kernel.function(
                "size_t copy_page_to_iter(struct page *page, size_t offset, size_t bytes, struct iov_iter *i)",
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.spend(30 + frame.a2 / 20);
                    } else {
                        task.ret(frame.a2);
                    }
                });
        waitFolio = kernel.function(
                "int folio_wait_bit_common(struct folio *folio, int bit_nr, int state, enum behavior behavior)",
                this::waitFolio);
        ioSchedule = kernel.function("void io_schedule(void)", (task, frame) -> {
            if (frame.next() == 0) {
                kernel.scheduler.callSchedule(task);
            } else {
                task.ret(0);
            }
        });
        endRead = kernel.function("void mpage_read_end_io(struct bio *bio)", this::endRead);
        endWriteback = kernel.function("void ext4_end_bio(struct bio *bio)", this::endWriteback);
        performWrite = kernel.function(
                "ssize_t generic_perform_write(struct kiocb *iocb, struct iov_iter *i)", this::performWrite);
        writeBegin = kernel.function(
                "int ext4_da_write_begin(struct file *file, struct address_space *mapping, loff_t pos, unsigned int len, struct folio **foliop, void **fsdata)",
                this::writeBegin);
        writeEnd = kernel.function(
                "int ext4_da_write_end(struct file *file, struct address_space *mapping, loff_t pos, unsigned int len, unsigned int copied, struct folio *folio)",
                this::writeEnd);
        markBufferDirty = kernel.function("void mark_buffer_dirty(struct buffer_head *bh)", this::markBufferDirty);
        balanceDirty = kernel.leaf("void balance_dirty_pages_ratelimited(struct address_space *mapping)", 25);
        writePages = kernel.function(
                "int ext4_writepages(struct address_space *mapping, struct writeback_control *wbc)", this::writePages);
        removeFolio =
                kernel.function("void __filemap_remove_folio(struct folio *folio, void *shadow)", this::removeFolio);
    }

    private Routine doReadAhead() {
        return doReadAhead;
    }

    private Routine addFolio() {
        return addFolio;
    }

    private Routine markAccessed() {
        return markAccessed;
    }

    /** Brings all pages of a file into memory without a trace: a warm cache. */
    void warm(Inode inode) {
        for (long index = 0; index < inode.pageCount(); index++) {
            if (inode.page(index) == 0
                    && cachedPages < LIMIT_PAGES
                    && kernel.pages.freePages() > kernel.pages.managedPages / 4) {
                inode.setPage(index, kernel.pages.take(0));
                remember(inode);
            }
        }
    }

    private void remember(Inode inode) {
        cachedPages++;
        if (inode.cached == 1) {
            oldest.add(inode);
        }
    }

    private static byte[] device() {
        return DEVICE;
    }

    private static final byte[] DEVICE = "259:0".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    // Reading. v0 = position, v1 = end

    /** Called with the file as object, the byte range in v0 and v1 of the new frame. */
    void callRead(Task task, OpenFile file, long position, long count, long kiocb) {
        var frame = task.call(filemapRead, kiocb, kiocb + 64, 0);
        frame.object = file;
        var inode = (Inode) file.target;
        frame.v0 = Math.min(position, inode.sizeBytes);
        frame.v1 = Math.min(position + count, inode.sizeBytes);
        frame.v2 = frame.v0;
    }

    private void filemapRead(Task task, Frame frame) {
        var file = (OpenFile) frame.object();
        var inode = (Inode) file.target;
        switch (frame.next()) {
            case 0 -> task.work(45);
            case 1 -> {
                if (frame.v0 >= frame.v1) {
                    task.ret(frame.v1 - frame.v2);
                    return;
                }
                var callee = task.call(getPages, frame.a0, frame.v1 - frame.v0);
                callee.object = file;
                callee.v0 = frame.v0 >>> 12;
            }
            case 2 -> {
                // kept: memory may be reclaimed before the copy is made
                frame.v3 = kernel.pages.pageStruct(inode.page(frame.v0 >>> 12));
                task.call(oldMarkAccessed, frame.v3);
            }
            default -> {
                long off = frame.v0 & 0xfff;
                long part = Math.min(frame.v1 - frame.v0, SparseMemory.PAGE_BYTES - off);
                long page = frame.v3;
                frame.v0 += part;
                frame.pc = 1;
                task.call(copyToUser, page, off, part, frame.a1);
            }
        }
    }

    private void getPages(Task task, Frame frame) {
        var file = (OpenFile) frame.object();
        var inode = (Inode) file.target;
        long index = frame.v0;
        switch (frame.next()) {
            case 0 -> task.work(35);
            case 1 -> {
                if (inode.page(index) != 0) {
                    if (inode.reading.get((int) index)) {
                        var wait = task.call(waitFolio, kernel.pages.pageStruct(inode.page(index)), 0, 2);
                        wait.object = inode;
                        wait.v0 = index;
                        return;
                    }
                    if (frame.v3 == 0) {
                        hits++;
                        kernel.truth.count("page cache hits", 1);
                    }
                    file.nextPage = index + 1;
                    task.ret(0);
                    return;
                }
                misses++;
                kernel.truth.count("page cache misses", 1);
                frame.v3 = 1;
                var callee = task.call(readAhead, task.local(0xb00), file.address + 0x98, 0);
                callee.object = inode;
                callee.v0 = index;
                boolean sequential = file.nextPage == index;
                callee.v1 = Math.min(inode.pageCount(), index + (sequential ? READ_AHEAD_PAGES : 4));
            }
            default -> frame.pc = 1;
        }
    }

    /** Brings in pages v0 to v1, those that are not there: adds each, then reads the run with one request. */
    private void readAhead(Task task, Frame frame) {
        var inode = (Inode) frame.object();
        switch (frame.next()) {
            case 0 -> {
                frame.v2 = frame.v0;
                task.work(80);
            }
            case 1 -> {
                if (frame.v2 >= frame.v1 || inode.page(frame.v2) != 0) {
                    frame.pc = 4;
                    return;
                }
                task.call(allocFolio, READ_GFP, 0);
            }
            case 2 -> {
                if (inode.page(frame.v2) != 0) {
                    // somebody else was faster while this one allocated
                    frame.pc = 4;
                    task.call(kernel.pages.freePages, task.result, 0);
                    return;
                }
                inode.reading.set((int) frame.v2);
                var callee = task.call(oldAddPage, task.result, inode.mapping, frame.v2, READ_GFP);
                callee.object = inode;
            }
            case 3 -> {
                frame.v2++;
                frame.pc = 1;
            }
            case 4 -> {
                if (frame.v2 == frame.v0) {
                    task.ret(0);
                    return;
                }
                kernel.disk.callBioAlloc(task);
            }
            case 5 ->
                kernel.disk.callSubmit(
                        task,
                        task.result,
                        false,
                        inode.sector + (frame.v0 << 3),
                        (int) (frame.v2 - frame.v0) << 12,
                        (interrupted, bio) -> {
                            var callee = interrupted.call(endRead, bio.bio());
                            callee.object = bio.owner();
                            callee.v0 = bio.first();
                            callee.v1 = bio.count();
                        },
                        inode,
                        frame.v0,
                        frame.v2 - frame.v0);
            default -> task.ret(0);
        }
    }

    private void allocFolio(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(oldAllocPage, frame.a0);
            default -> task.ret(task.result);
        }
    }

    private void addFolio(Task task, Frame frame) {
        var inode = (Inode) frame.object();
        switch (frame.next()) {
            case 0 -> {
                inode.setPage(frame.a2, kernel.pages.pfn(frame.a1));
                kernel.truth.count("pages added to the cache", 1);
                remember(inode);
                fireFolio(addEvent, task, inode, frame.a1, frame.a2);
                task.spend(90);
            }
            case 1 -> reclaim(task, frame);
            default -> task.ret(0);
        }
    }

    private void fireFolio(Tracepoint point, Task task, Inode inode, long page, long index) {
        if (point.active()) {
            kernel.tracer.raw(point, task, page);
            kernel.tracer
                    .begin(point, task)
                    .num(kernel.pages.pfn(page))
                    .num(inode.number)
                    .num(index)
                    .num(BlockDevice.DEV)
                    .num(0)
                    .fire();
        }
    }

    /** Drops a clean page of the file that is cached longest, while the cache is over its limit. */
    private void reclaim(Task task, Frame frame) {
        if (cachedPages > LIMIT_PAGES && callReclaim(task, frame.object, frame.a2)) {
            frame.pc = 1;
        }
    }

    /** Calls what drops a clean page of the file that is cached longest; false if there is none. */
    boolean callReclaimOne(Task task) {
        return callReclaim(task, null, 0);
    }

    long cachedPages() {
        return cachedPages;
    }

    long dirtyPages() {
        long pages = 0;
        for (var inode : dirtyInodes) {
            pages += inode.dirty.cardinality();
        }
        return pages;
    }

    private boolean callReclaim(Task task, @Nullable Object spared, long sparedIndex) {
        for (int tries = 0; tries < 8 && !oldest.isEmpty(); tries++) {
            var victim = oldest.remove();
            long pages = victim.pageCount();
            for (long tried = 0; tried < pages; tried++) {
                long index = (victim.scan + tried) % pages;
                long pfn = victim.page(index);
                if (pfn != 0
                        && !victim.dirty.get((int) index)
                        && !victim.reading.get((int) index)
                        && !(victim == spared && index == sparedIndex)) {
                    if (victim.cached > 1) {
                        oldest.addFirst(victim);
                    }
                    victim.scan = index + 1;
                    kernel.truth.count("file pages reclaimed", 1);
                    var callee = task.call(removeFolio, kernel.pages.pageStruct(pfn), 0);
                    callee.object = victim;
                    callee.v0 = index;
                    return true;
                }
            }
            if (victim.cached > 0) {
                oldest.add(victim);
            }
        }
        return false;
    }

    /** Drops a page of a file that is gone, dirty or not; false if there is none left. */
    boolean callRemoveAny(Task task, Inode inode) {
        if (!inode.dirty.isEmpty()) {
            inode.dirty.clear();
            dirtyInodes.remove(inode);
            inode.scan = 0;
        }
        for (long index = inode.scan; index < inode.pageCount(); index++) {
            if (inode.page(index) != 0) {
                inode.scan = index;
                var callee = task.call(removeFolio, kernel.pages.pageStruct(inode.page(index)), 0);
                callee.object = inode;
                callee.v0 = index;
                return true;
            }
        }
        oldest.remove(inode);
        return false;
    }

    private void removeFolio(Task task, Frame frame) {
        var inode = (Inode) frame.object();
        switch (frame.next()) {
            case 0 -> {
                fireFolio(deleteEvent, task, inode, frame.a0, frame.v0);
                inode.setPage(frame.v0, 0);
                cachedPages--;
                task.spend(70);
            }
            case 1 -> task.call(kernel.pages.freePages, frame.a0, 0);
            default -> task.ret(0);
        }
    }

    private void waitFolio(Task task, Frame frame) {
        var inode = (Inode) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(60);
            case 1 -> {
                if (!inode.reading.get((int) frame.v0)) {
                    inode.pageWaiters.remove(task);
                    task.ret(0);
                    return;
                }
                task.waitingPage = (int) frame.v0;
                inode.pageWaiters.add(task);
                task.state = Task.State.UNINTERRUPTIBLE;
                task.call(ioSchedule);
            }
            default -> frame.pc = 1;
        }
    }

    /** Sleeps until a request of this task's making is done; for those that wait without pages. */
    void callIoSchedule(Task task) {
        task.state = Task.State.UNINTERRUPTIBLE;
        task.call(ioSchedule);
    }

    private void endRead(Task task, Frame frame) {
        var inode = (Inode) frame.object();
        switch (frame.next()) {
            case 0 -> {
                inode.reading.clear((int) frame.v0, (int) (frame.v0 + frame.v1));
                task.work(30 * frame.v1);
            }
            default -> {
                var waiter = readyWaiter(inode);
                if (waiter == null) {
                    task.ret(0);
                    return;
                }
                frame.pc = 1;
                inode.pageWaiters.remove(waiter);
                kernel.scheduler.callWakeup(task, waiter);
            }
        }
    }

    /** The first task that waits for a page which is there now. */
    private static @Nullable Task readyWaiter(Inode inode) {
        for (int i = 0; i < inode.pageWaiters.size(); i++) {
            var waiter = inode.pageWaiters.get(i);
            if (!inode.reading.get(waiter.waitingPage)) {
                return waiter;
            }
        }
        return null;
    }

    // Writing. v0 = position, v1 = end

    void callWrite(Task task, OpenFile file, long position, long count, long kiocb) {
        var frame = task.call(performWrite, kiocb, kiocb + 64);
        frame.object = file;
        frame.v0 = position;
        frame.v1 = position + count;
        frame.v2 = position;
    }

    private void performWrite(Task task, Frame frame) {
        var file = (OpenFile) frame.object();
        var inode = (Inode) file.target;
        switch (frame.next()) {
            case 0 -> task.work(40);
            case 1 -> {
                if (frame.v0 >= frame.v1) {
                    task.ret(frame.v1 - frame.v2);
                    return;
                }
                task.call(writeBegin, file.address, inode.mapping, frame.v0, part(frame)).object = inode;
            }
            case 2 -> task.spend(30 + part(frame) / 16);
            case 3 ->
                task.call(
                                writeEnd,
                                file.address,
                                inode.mapping,
                                frame.v0,
                                part(frame),
                                part(frame),
                                kernel.pages.pageStruct(inode.page(frame.v0 >>> 12)))
                        .object = inode;
            default -> {
                frame.v0 += part(frame);
                inode.sizeBytes = Math.max(inode.sizeBytes, frame.v0);
                frame.pc = 1;
                task.call(balanceDirty, inode.mapping);
            }
        }
    }

    private static long part(Frame frame) {
        return Math.min(frame.v1 - frame.v0, SparseMemory.PAGE_BYTES - (frame.v0 & 0xfff));
    }

    private void writeBegin(Task task, Frame frame) {
        var inode = (Inode) frame.object();
        long index = frame.a2 >>> 12;
        switch (frame.next()) {
            case 0 -> task.spend(90);
            case 1 -> {
                if (inode.page(index) != 0) {
                    frame.pc = 4;
                    return;
                }
                task.call(allocFolio, WRITE_GFP, 0);
            }
            case 2 -> {
                if (inode.page(index) != 0) {
                    task.call(kernel.pages.freePages, task.result, 0);
                } else {
                    task.call(oldAddPage, task.result, inode.mapping, index, WRITE_GFP).object = inode;
                }
            }
            default -> task.ret(0);
        }
    }

    private void writeEnd(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var callee = task.call(markBufferDirty, frame.a5 + 0x28);
                callee.object = frame.object;
                callee.v0 = frame.a2 >>> 12;
            }
            case 1 -> task.spend(60);
            default -> task.ret(frame.a4);
        }
    }

    private void markBufferDirty(Task task, Frame frame) {
        var inode = (Inode) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (!inode.dirty.get((int) frame.v0)) {
                    if (inode.dirty.isEmpty()) {
                        dirtyInodes.add(inode);
                    }
                    inode.dirty.set((int) frame.v0);
                    frame.v1 = 1;
                    kernel.truth.count("pages dirtied", 1);
                    if (dirtyEvent.active()) {
                        kernel.tracer.raw(
                                dirtyEvent, task, kernel.pages.pageStruct(inode.page(frame.v0)), inode.mapping);
                        kernel.tracer
                                .begin(dirtyEvent, task)
                                .bytes(device())
                                .num(inode.number)
                                .num(frame.v0)
                                .fire();
                    }
                }
                task.work(35);
            }
            case 1 -> {
                if (frame.v1 == 1) {
                    task.call(accountDirtied, kernel.pages.pageStruct(inode.page(frame.v0)), inode.mapping);
                }
            }
            default -> task.ret(0);
        }
    }

    /** A round of writeback begins, or is over. */
    void fireWriteback(Task task, boolean begins, long pages) {
        var point = begins ? writebackStart : writebackWritten;
        if (point.active()) {
            kernel.tracer.raw(point, task, 0, task.local(0xc80));
            kernel.tracer
                    .begin(point, task)
                    .bytes(device())
                    .num(pages)
                    .num(BlockDevice.DEV)
                    .num(0)
                    .num(1)
                    .num(1)
                    .num(0)
                    .num(PERIODIC)
                    .num(1)
                    .fire();
        }
    }

    /** Calls {@code ext4_writepages} for a file: sends its dirty pages to the disk; returns at once. */
    void callWritePages(Task task, Inode inode) {
        task.call(writePages, inode.mapping, task.local(0xc00)).object = inode;
    }

    private void writePages(Task task, Frame frame) {
        var inode = (Inode) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(180);
            case 1 -> {
                int first = inode.dirty.nextSetBit(0);
                if (first < 0) {
                    task.ret(0);
                    return;
                }
                int end = Math.min(inode.dirty.nextClearBit(first), first + WRITEBACK_PAGES);
                inode.dirty.clear(first, end);
                if (inode.dirty.isEmpty()) {
                    dirtyInodes.remove(inode);
                }
                inode.writing++;
                frame.v0 = first;
                frame.v1 = end;
                kernel.disk.callBioAlloc(task);
            }
            case 2 ->
                kernel.disk.callSubmit(
                        task,
                        task.result,
                        true,
                        inode.sector + (frame.v0 << 3),
                        (int) (frame.v1 - frame.v0) << 12,
                        (interrupted, bio) -> interrupted.call(endWriteback, bio.bio()).object = bio.owner(),
                        inode,
                        frame.v0,
                        frame.v1 - frame.v0);
            default -> frame.pc = 1;
        }
    }

    private void endWriteback(Task task, Frame frame) {
        var inode = (Inode) frame.object();
        switch (frame.next()) {
            case 0 -> {
                inode.writing--;
                task.work(60);
            }
            default -> {
                if (inode.writing > 0 || inode.writeWaiters.isEmpty()) {
                    task.ret(0);
                    return;
                }
                frame.pc = 1;
                var waiter = inode.writeWaiters.first();
                inode.writeWaiters.remove(waiter);
                kernel.scheduler.callWakeup(task, waiter);
            }
        }
    }

    /** Dirty files, those that became dirty first at the head. */
    ArrayDeque<Inode> dirtyInodes() {
        return dirtyInodes;
    }
}
