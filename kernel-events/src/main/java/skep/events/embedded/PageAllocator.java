package skep.events.embedded;

import java.util.ArrayDeque;

/** Physical pages in blocks of powers of two, seen through the linear map. */
final class PageAllocator {
    private static final int MAX_ORDER = 10;
    private static final int PAGE_STRUCT_BYTES = 64;
    /** Pages below belong to firmware and the kernel image. */
    static final int FIRST_PAGE = 0x40000;
    /** 8 GiB. */
    static final int TOTAL_PAGES = 2 << 20;

    private final EmbeddedKernel kernel;
    private final ArrayDeque<Long>[] free;
    private long nextPage = FIRST_PAGE;
    private long allocatedPages;
    /** Pages that there are. */
    long managedPages = TOTAL_PAGES;

    final Routine allocPages;
    final Routine freePages;
    private final Routine fromFreelist;
    private final Tracepoint pageAlloc;
    private final Tracepoint pageFree;

    @SuppressWarnings({"unchecked", "rawtypes"})
    PageAllocator(EmbeddedKernel kernel) {
        this.kernel = kernel;
        free = new ArrayDeque[MAX_ORDER + 1];
        for (int i = 0; i <= MAX_ORDER; i++) {
            free[i] = new ArrayDeque<>();
        }
        pageAlloc = kernel.tracepoint(
                "kmem",
                "mm_page_alloc",
                "unsigned long pfn; unsigned int order; unsigned long gfp_flags; int migratetype",
                "struct page *page, unsigned int order, gfp_t gfp_flags, int migratetype");
        pageFree = kernel.tracepoint(
                "kmem",
                "mm_page_free",
                "unsigned long pfn; unsigned int order",
                "struct page *page, unsigned int order");
        allocPages = kernel.function(
                "struct page *__alloc_pages_noprof(gfp_t gfp, unsigned int order, int preferred_nid, nodemask_t *nodemask)",
                this::allocPages);
        kernel.symbols.alias("__alloc_pages", allocPages);
        freePages = kernel.function("void __free_pages(struct page *page, unsigned int order)", this::freePages);
        fromFreelist = kernel.leaf(
                "struct page *get_page_from_freelist(gfp_t gfp_mask, unsigned int order, int alloc_flags, const struct alloc_context *ac)",
                130);
    }

    long allocatedPages() {
        return allocatedPages;
    }

    long freePages() {
        return managedPages - allocatedPages;
    }

    /** Address of {@code struct page}. */
    long pageStruct(long pfn) {
        return kernel.addresses.pages() + pfn * PAGE_STRUCT_BYTES;
    }

    /** Page frame number of a {@code struct page}. */
    long pfn(long pageStruct) {
        return (pageStruct - kernel.addresses.pages()) / PAGE_STRUCT_BYTES;
    }

    /** Address of a page in the linear map. */
    long linear(long pfn) {
        return kernel.addresses.linear() + (pfn << 12);
    }

    /** Takes pages without anybody seeing it: what was allocated before tracing began. Returns the page frame number. */
    long take(int order) {
        allocatedPages += 1L << order;
        var list = free[order];
        if (!list.isEmpty()) {
            return list.pop();
        }
        long pages = 1L << order;
        nextPage = nextPage + pages - 1 & -pages;
        long pfn = nextPage;
        nextPage += pages;
        return pfn;
    }

    void give(long pfn, int order) {
        allocatedPages -= 1L << order;
        free[order].push(pfn);
    }

    private void allocPages(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(fromFreelist, frame.a0, frame.a1);
            case 1 -> {
                if (kernel.pressure.isShort(task, (int) frame.a1)) {
                    task.call(kernel.pressure.slowPath, frame.a0, frame.a1, task.local(0x7c0));
                }
            }
            case 2 -> {
                int order = (int) frame.a1;
                kernel.pressure.took(order);
                long pfn = take(order);
                frame.v0 = pageStruct(pfn);
                if (pageAlloc.active()) {
                    kernel.tracer.raw(pageAlloc, task, frame.v0, order, frame.a0, 0);
                    kernel.tracer
                            .begin(pageAlloc, task)
                            .num(pfn)
                            .num(order)
                            .num(frame.a0)
                            .num(0)
                            .fire();
                }
                task.work(30);
            }
            default -> task.ret(frame.v0);
        }
    }

    private void freePages(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                int order = (int) frame.a1;
                long pfn = pfn(frame.a0);
                if (pageFree.active()) {
                    kernel.tracer.raw(pageFree, task, frame.a0, order);
                    kernel.tracer.begin(pageFree, task).num(pfn).num(order).fire();
                }
                give(pfn, order);
                task.spend(90);
            }
            default -> task.ret(0);
        }
    }
}
