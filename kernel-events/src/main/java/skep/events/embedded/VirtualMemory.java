package skep.events.embedded;

import skep.isa.kernel.Arch;

/**
 * The memory of processes: mappings, page faults that bring in fresh pages or such from the swap area, and their end.
 */
final class VirtualMemory {
    /** Where the swap area begins on the disk. */
    static final long SWAP_SECTOR = 1L << 31;

    private static final long GFP_HIGHUSER_MOVABLE = 0x140cca;
    private static final int HUGE_ORDER = 9;
    private static final int HUGE_PAGES = 1 << HUGE_ORDER;
    private static final int MAJOR = 4;

    private final EmbeddedKernel kernel;
    private final SlabCache areas;
    private long nextMapping;

    /** The outermost kernel frame of a page fault. */
    private final Routine entry;

    private final Routine fault;
    private final Routine handleFault;
    private final Routine anonymousPage;
    private final Routine hugePage;
    private final Routine swapPage;
    private final Routine swapRead;
    private final Routine endSwapRead;
    final Routine mmap;
    final Routine munmap;
    private final Routine doMmap;
    private final Routine doMunmap;
    private final Tracepoint faultUser;

    private final GroundTruth.Distribution swapLatency;

    /** A mapping that {@code munmap} gives back. */
    record Mapping(long area, long bytes) {}

    private static final class SwapIn {
        boolean done;
        final WaitQueue waiters = new WaitQueue();
    }

    VirtualMemory(EmbeddedKernel kernel) {
        this.kernel = kernel;
        areas = kernel.slab.cache("vm_area_struct", kernel.types.sizeBytes("vm_area_struct"));
        nextMapping = kernel.addresses.userLibraries() - (1L << 36);
        swapLatency = kernel.truth.distribution("swap-in latency");
        boolean arm = kernel.arch == Arch.ARM64;
        faultUser = kernel.tracepoint(
                "exceptions",
                "page_fault_user",
                "unsigned long address; unsigned long ip; unsigned long error_code",
                "unsigned long address, struct pt_regs *regs, unsigned long error_code");
        entry = kernel.entryCode(arm ? "el0_da" : "asm_exc_page_fault", this::entry);
        fault = kernel.function(
                arm
                        ? "int do_page_fault(unsigned long far, unsigned long esr, struct pt_regs *regs)"
                        : "void exc_page_fault(struct pt_regs *regs, unsigned long error_code)",
                this::fault);
        handleFault = kernel.function(
                "vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags, struct pt_regs *regs)",
                this::handleFault);
        anonymousPage = kernel.function("vm_fault_t do_anonymous_page(struct vm_fault *vmf)", this::anonymousPage);
        hugePage = kernel.function("vm_fault_t do_huge_pmd_anonymous_page(struct vm_fault *vmf)", this::hugePage);
        swapPage = kernel.function("vm_fault_t do_swap_page(struct vm_fault *vmf)", this::swapPage);
        swapRead =
                kernel.function("void swap_read_folio(struct folio *folio, struct swap_iocb **plug)", this::swapRead);
        kernel.symbols.alias("swap_readpage", swapRead);
        endSwapRead = kernel.function("void end_swap_bio_read(struct bio *bio)", this::endSwapRead);
        doMmap = kernel.function(
                "unsigned long do_mmap(struct file *file, unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags)",
                this::doMmap);
        mmap = kernel.function(
                "unsigned long ksys_mmap_pgoff(unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags,"
                        + " unsigned long fd, unsigned long pgoff)",
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.call(doMmap, 0, frame.a0, frame.a1, frame.a2, frame.a3);
                    } else {
                        task.ret(task.result);
                    }
                });
        doMunmap = kernel.function(
                "int do_vmi_munmap(struct vma_iterator *vmi, struct mm_struct *mm, unsigned long start, size_t len)",
                this::doMunmap);
        munmap = kernel.function("int __vm_munmap(unsigned long start, size_t len, bool unlock)", (task, frame) -> {
            if (frame.next() == 0) {
                task.call(doMunmap, task.local(0x940), task.process.mm, frame.a0, frame.a1);
            } else {
                task.ret(task.result);
            }
        });
    }

    // Page faults

    /** A program touches pages that it had not touched before, or that are in the swap area: a fault for each. */
    void touch(Task task, long pages) {
        task.call(entry).v0 = pages;
    }

    /** The same in blocks of 2 MiB, as for transparent huge pages. */
    void touchHuge(Task task, long blocks) {
        var frame = task.call(entry);
        frame.v0 = blocks;
        frame.v1 = 1;
    }

    private void entry(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                if (frame.v0-- <= 0) {
                    frame.pc = 3;
                    return;
                }
                task.work(70);
            }
            case 1 -> {
                long registers = kernel.stacks.userRegisters(task);
                boolean arm = kernel.arch == Arch.ARM64;
                long address = kernel.addresses.userData() + (1L << 30) + 4096L * task.process.residentPages();
                var callee = arm ? task.call(fault, address, 0x9200_0047L, registers) : task.call(fault, registers, 6);
                callee.v0 = address;
                callee.v1 = frame.v1;
            }
            case 2 -> {
                frame.pc = 0;
                if (task.killedBy != 0) {
                    kernel.signals.callDeliver(task);
                } else if (task.cpu.needResched) {
                    kernel.scheduler.callSchedule(task);
                }
            }
            default -> task.ret(task.result);
        }
    }

    private void fault(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.count("page faults", 1);
                kernel.counters.pageFault(task);
                if (faultUser.active()) {
                    long registers = kernel.stacks.userRegisters(task);
                    kernel.tracer.raw(faultUser, task, frame.v0, registers, 6);
                    kernel.tracer
                            .begin(faultUser, task)
                            .num(frame.v0)
                            .num(kernel.stacks.userRegister(task, kernel.registers.instructionPointer()))
                            .num(6)
                            .fire();
                }
                task.work(50);
            }
            case 1 -> {
                long area = task.process.areas.isEmpty() ? 0 : task.process.areas.getFirst();
                task.call(handleFault, area, frame.v0, 0x255, kernel.stacks.userRegisters(task)).v1 = frame.v1;
            }
            default -> task.ret(0);
        }
    }

    private void handleFault(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(110);
            case 1 -> {
                long fault = task.local(0x980);
                if (task.process.swapped > 0 && kernel.rng.oneIn(2)) {
                    task.call(swapPage, fault);
                } else {
                    task.call(frame.v1 != 0 ? hugePage : anonymousPage, fault);
                }
            }
            default -> task.ret(task.result);
        }
    }

    private void anonymousPage(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(kernel.pages.allocPages, GFP_HIGHUSER_MOVABLE, 0);
            case 1 -> {
                task.process.anonymous.addLast(kernel.pages.pfn(task.result));
                task.spend(260);
            }
            default -> task.ret(0);
        }
    }

    private void hugePage(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(kernel.pages.allocPages, GFP_HIGHUSER_MOVABLE, HUGE_ORDER);
            case 1 -> {
                task.process.huge.addLast(kernel.pages.pfn(task.result));
                task.spend(55_000);
            }
            default -> task.ret(0);
        }
    }

    private void swapPage(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(kernel.pages.allocPages, GFP_HIGHUSER_MOVABLE, 0);
            case 1 -> {
                frame.v0 = task.result;
                frame.v1 = kernel.clockNanos();
                task.call(swapRead, frame.v0, 0);
            }
            default -> {
                if (task.process.swapped > 0) {
                    task.process.swapped--;
                    kernel.pressure.giveSwap(1);
                }
                task.process.anonymous.addLast(kernel.pages.pfn(frame.v0));
                swapLatency.add(kernel.clockNanos() - frame.v1);
                kernel.truth.count("pages swapped in", 1);
                task.ret(MAJOR);
            }
        }
    }

    private void swapRead(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.disk.callBioAlloc(task);
            case 1 -> {
                var wait = new SwapIn();
                frame.object = wait;
                kernel.disk.callSubmit(
                        task,
                        task.result,
                        false,
                        SWAP_SECTOR + 8 * (kernel.pages.pfn(frame.a0) & 0xffff),
                        SparseMemory.PAGE_BYTES,
                        (interrupted, bio) -> interrupted.call(endSwapRead, bio.bio()).object = bio.owner(),
                        wait,
                        0,
                        0);
            }
            default -> {
                var wait = (SwapIn) frame.object();
                if (wait.done) {
                    wait.waiters.remove(task);
                    task.ret(0);
                    return;
                }
                frame.pc = 2;
                wait.waiters.add(task);
                kernel.pageCache.callIoSchedule(task);
            }
        }
    }

    private void endSwapRead(Task task, Frame frame) {
        var wait = (SwapIn) frame.object();
        switch (frame.next()) {
            case 0 -> {
                wait.done = true;
                task.work(50);
            }
            case 1 -> kernel.channels.callWakeUp(task, wait.waiters);
            default -> task.ret(0);
        }
    }

    /** Gives back one block of a process that ends; false if it has none any more. */
    boolean callFreeOne(Task task, Process process) {
        if (process.swapped > 0) {
            kernel.pressure.giveSwap(process.swapped);
            process.swapped = 0;
        }
        if (!process.anonymous.isEmpty()) {
            task.call(kernel.pages.freePages, kernel.pages.pageStruct(process.anonymous.removeLast()), 0);
            return true;
        }
        if (!process.huge.isEmpty()) {
            task.call(kernel.pages.freePages, kernel.pages.pageStruct(process.huge.removeLast()), HUGE_ORDER);
            return true;
        }
        return false;
    }

    // Mappings

    private void doMmap(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(500);
            case 1 -> kernel.slab.callAlloc(task, areas);
            case 2 -> {
                long bytes = frame.a2 + 4095 & -4096;
                frame.v0 = nextMapping;
                nextMapping += bytes + 4096;
                task.process.areas.add(task.result);
                task.process.mappings.put(frame.v0, new Mapping(task.result, bytes));
                task.spend(350);
            }
            default -> task.ret(frame.v0);
        }
    }

    private void doMunmap(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(700);
            case 1 -> {
                var mapping = task.process.mappings.remove(frame.a2);
                if (mapping != null && task.process.areas.remove(mapping.area)) {
                    kernel.slab.callFree(task, areas, mapping.area);
                }
            }
            default -> task.ret(0);
        }
    }

    static int hugePages() {
        return HUGE_PAGES;
    }
}
