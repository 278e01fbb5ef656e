package skep.events.embedded;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The multi-queue block layer: bios become requests, contiguous ones are merged while they wait, requests are issued to a
 * {@link Disk}, and complete in an interrupt of the CPU that sent them.
 */
final class BlockDevice {
    static final int SECTOR_BYTES = 512;
    private static final byte[] NO_COMMAND = {};
    /** Device 259:0, the solid-state disk, as {@code dev_t} of the kernel. */
    static final long DEV = 259L << 20;

    private static final int MAX_REQUESTS = 4096;
    /** A request grows by merging up to this size. */
    private static final int MAX_MERGED_BYTES = 512 << 10;

    private final EmbeddedKernel kernel;
    private final SlabCache bios;
    private final SlabCache requests;
    private final ArrayList<Request> free = new ArrayList<>();
    private final ArrayList<ArrayDeque<Request>> done = new ArrayList<>();
    private final boolean[] raised;
    private final Interrupts.Source[] completions;
    private final List<Disk> disks;
    private int inFlight;

    final Routine submitBio;
    private final Routine submitBioNoacct;
    private final Routine mqSubmitBio;
    private final Routine accountStart;
    private final Routine accountStartInner;
    private final Routine startRequest;
    private final Routine legacyStart;
    private final Routine dispatch;
    private final Routine deviceIrq;
    private final Routine endRequest;
    private final Routine accountDone;
    private final Routine accountDoneInner;
    private final Routine bioEndio;
    private final Routine bioAlloc;

    private final Tracepoint bioQueue;
    private final Tracepoint backMerge;
    private final Tracepoint getrq;
    private final Tracepoint ioStart;
    private final Tracepoint ioDone;
    private final Tracepoint rqInsert;
    private final Tracepoint rqIssue;
    private final Tracepoint rqComplete;

    final GroundTruth.Distribution latency;

    /** Told when a bio is done, in the interrupt. */
    interface Completion {
        void complete(Task interrupted, Bio bio);
    }

    /** A piece of input or output: what the caller handed over, and what is called when it is done. */
    record Bio(
            long bio,
            long sector,
            int bytes,
            boolean write,
            Completion completion,
            Object owner,
            long first,
            long count,
            long startNanos) {}

    /** A request on its way, with its bios. */
    final class Request extends Event {
        final long address;
        final ArrayList<Bio> bios = new ArrayList<>();
        Disk disk = disks.getFirst();
        long sector;
        int bytes;
        boolean write;
        Cpu cpu = kernel.cpus[0];
        long startNanos;

        Request(long address) {
            this.address = address;
        }

        /** The first bio's address. */
        long bio() {
            return bios.getFirst().bio();
        }

        @Override
        void happen() {
            done.get(cpu.id).add(this);
            if (!raised[cpu.id]) {
                raised[cpu.id] = true;
                kernel.interrupts.deliver(cpu, completions[cpu.id]);
            }
        }
    }

    BlockDevice(EmbeddedKernel kernel) {
        this.kernel = kernel;
        disks = List.of(Disk.solidState(kernel), Disk.rotating(kernel));
        bios = kernel.slab.cache("bio-264", 264);
        requests = kernel.slab.cache("request", kernel.types.sizeBytes("request") + 64);
        latency = kernel.truth.distribution("block latency");
        var rwbs = "char rwbs[10]";
        var ofBio = "dev_t dev; sector_t sector; unsigned int nr_sector; " + rwbs + "; char comm[16]";
        bioQueue = kernel.tracepoint("block", "block_bio_queue", ofBio, "struct bio *bio");
        backMerge = kernel.tracepoint("block", "block_bio_backmerge", ofBio, "struct bio *bio");
        getrq = kernel.tracepoint("block", "block_getrq", ofBio, "struct bio *bio");
        var request = "dev_t dev; sector_t sector; unsigned int nr_sector; unsigned int bytes; unsigned short ioprio; "
                + rwbs + "; char comm[16]; __data_loc char[] cmd";
        ioStart = kernel.tracepoint("block", "block_io_start", request, "struct request *rq");
        ioDone = kernel.tracepoint("block", "block_io_done", request, "struct request *rq");
        rqInsert = kernel.tracepoint("block", "block_rq_insert", request, "struct request *rq");
        rqIssue = kernel.tracepoint("block", "block_rq_issue", request, "struct request *rq");
        rqComplete = kernel.tracepoint(
                "block",
                "block_rq_complete",
                "dev_t dev; sector_t sector; unsigned int nr_sector; int error; unsigned short ioprio; " + rwbs
                        + "; __data_loc char[] cmd",
                "struct request *rq, blk_status_t error, unsigned int nr_bytes");

        submitBio = kernel.function("void submit_bio(struct bio *bio)", this::submitBio);
        submitBioNoacct = kernel.function("void submit_bio_noacct(struct bio *bio)", this::submitBioNoacct);
        mqSubmitBio = kernel.function("void blk_mq_submit_bio(struct bio *bio)", this::mqSubmitBio);
        accountStartInner = kernel.leaf("void __blk_account_io_start(struct request *rq)", 30);
        accountStart =
                kernel.function("void blk_account_io_start(struct request *req)", hand(() -> accountStartInner()));
        accountDoneInner = kernel.leaf("void __blk_account_io_done(struct request *req, u64 now)", 40);
        accountDone = kernel.function(
                "void blk_account_io_done(struct request *req, u64 now)", hand(() -> accountDoneInner()));
        startRequest = kernel.leaf("void blk_mq_start_request(struct request *rq)", 45);
        legacyStart = kernel.function("void blk_start_request(struct request *req)", hand(() -> startRequest()));
        dispatch = kernel.function(
                "bool blk_mq_dispatch_rq_list(struct blk_mq_hw_ctx *hctx, struct list_head *list, unsigned int nr_budgets)",
                this::dispatch);
        deviceIrq = kernel.function("irqreturn_t nvme_irq(int irq, void *data)", this::deviceIrq);
        endRequest =
                kernel.function("void blk_mq_end_request(struct request *rq, blk_status_t error)", this::endRequest);
        bioEndio = kernel.function("void bio_endio(struct bio *bio)", this::bioEndio);
        bioAlloc = kernel.function(
                "struct bio *bio_alloc_bioset(struct block_device *bdev, unsigned short nr_vecs, blk_opf_t opf, gfp_t gfp_mask, struct bio_set *bs)",
                this::bioAlloc);
        completions = new Interrupts.Source[kernel.cpus.length];
        raised = new boolean[kernel.cpus.length];
        for (int i = 0; i < kernel.cpus.length; i++) {
            completions[i] = new Interrupts.Source(deviceIrq, 40 + i, "nvme0q" + (i + 1));
            done.add(new ArrayDeque<>());
        }
    }

    private Routine accountStartInner() {
        return accountStartInner;
    }

    private Routine accountDoneInner() {
        return accountDoneInner;
    }

    private Routine startRequest() {
        return startRequest;
    }

    /** A function that passes its arguments on. */
    private static Body hand(java.util.function.Supplier<Routine> inner) {
        return (task, frame) -> {
            if (frame.next() == 0) {
                task.call(inner.get(), frame.a0, frame.a1);
            } else {
                task.ret(0);
            }
        };
    }

    int inFlight() {
        return inFlight;
    }

    List<Disk> disks() {
        return disks;
    }

    private Disk diskOf(long sector) {
        return disks.get(sector >= Disk.ROTATING_BASE ? 1 : 0);
    }

    /**
     * Calls {@code submit_bio} for a run of sectors; the completion runs in the interrupt.
     *
     * @param sector from {@link Disk#ROTATING_BASE} on those of the rotating disk
     */
    void callSubmit(
            Task task,
            long bio,
            boolean write,
            long sector,
            int bytes,
            Completion completion,
            Object owner,
            long first,
            long count) {
        var disk = diskOf(sector);
        var piece = new Bio(
                bio, disk.ownSector(sector), bytes, write, completion, owner, first, count, kernel.clockNanos());
        kernel.objects.bio(disk, piece);
        inFlight++;
        var frame = task.call(submitBio, bio);
        frame.object = piece;
        frame.other = disk;
    }

    private Request newRequest(Disk disk, Bio bio) {
        Request request;
        if (free.isEmpty()) {
            if (inFlight >= MAX_REQUESTS) {
                throw new IllegalStateException("more than " + MAX_REQUESTS + " block requests");
            }
            request = new Request(kernel.slab.take(requests, 0));
        } else {
            request = free.removeLast();
        }
        request.bios.clear();
        request.bios.add(bio);
        request.disk = disk;
        request.write = bio.write;
        request.sector = bio.sector;
        request.bytes = bio.bytes;
        request.startNanos = bio.startNanos;
        kernel.objects.request(request);
        return request;
    }

    void callBioAlloc(Task task) {
        task.call(bioAlloc, 0, 1, 0, SlabAllocator.GFP_KERNEL, 0);
    }

    private void bioAlloc(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.slab.callAlloc(task, bios);
            default -> task.ret(task.result);
        }
    }

    private static byte[] rwbs(boolean write) {
        return write ? WRITE : READ;
    }

    private static final byte[] READ = "R".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] WRITE = "W".getBytes(StandardCharsets.US_ASCII);

    private void fireBio(Tracepoint point, Task task, Disk disk, Bio bio) {
        if (point.active()) {
            kernel.tracer.raw(point, task, bio.bio);
            kernel.tracer
                    .begin(point, task)
                    .num(disk.device)
                    .num(bio.sector)
                    .num(bio.bytes / SECTOR_BYTES)
                    .bytes(rwbs(bio.write))
                    .bytes(task.comm())
                    .fire();
        }
    }

    private void fireRequest(Tracepoint point, Task task, Request request) {
        if (point.active()) {
            kernel.tracer.raw(point, task, request.address);
            kernel.tracer
                    .begin(point, task)
                    .num(request.disk.device)
                    .num(request.sector)
                    .num(request.bytes / SECTOR_BYTES)
                    .num(request.bytes)
                    .num(0)
                    .bytes(rwbs(request.write))
                    .bytes(task.comm())
                    .bytes(NO_COMMAND)
                    .fire();
        }
    }

    private void submitBio(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.work(60);
            case 1 -> {
                var callee = task.call(submitBioNoacct, frame.a0);
                callee.object = frame.object;
                callee.other = frame.other;
            }
            default -> task.ret(0);
        }
    }

    private void submitBioNoacct(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                fireBio(bioQueue, task, (Disk) Objects.requireNonNull(frame.other), (Bio) frame.object());
                task.work(70);
            }
            case 1 -> {
                var callee = task.call(mqSubmitBio, frame.a0);
                callee.object = frame.object;
                callee.other = frame.other;
            }
            default -> task.ret(0);
        }
    }

    private void mqSubmitBio(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var disk = (Disk) Objects.requireNonNull(frame.other);
                var bio = (Bio) frame.object();
                var merged = disk.mergeable(bio, MAX_MERGED_BYTES);
                if (merged != null) {
                    merged.bios.add(bio);
                    merged.bytes += bio.bytes;
                    kernel.objects.request(merged);
                    kernel.truth.count("bios merged", 1);
                    fireBio(backMerge, task, disk, bio);
                    frame.pc = 6;
                    task.work(60);
                    return;
                }
                fireBio(getrq, task, disk, bio);
                frame.object = newRequest(disk, bio);
                task.work(110);
            }
            case 1 -> task.call(accountStart, ((Request) frame.object()).address);
            case 2 -> {
                fireRequest(ioStart, task, (Request) frame.object());
                task.work(40);
            }
            case 3 -> {
                var request = (Request) frame.object();
                request.cpu = task.cpu;
                kernel.truth.count("block requests", 1);
                if (request.disk.add(request)) {
                    frame.pc = 5;
                } else {
                    fireRequest(rqInsert, task, request);
                    frame.pc = 6;
                    task.work(60);
                }
            }
            case 5 -> task.call(dispatch, 0, 0, 1).object = frame.object;
            default -> task.ret(0);
        }
    }

    /** Hands a request to its device. */
    private void dispatch(Task task, Frame frame) {
        var request = (Request) frame.object();
        switch (frame.next()) {
            case 0 -> {
                fireRequest(rqIssue, task, request);
                task.work(30);
            }
            case 1 -> {
                kernel.objects.started(request, kernel.clockNanos());
                task.call(request.disk.rotating ? legacyStart : startRequest, request.address);
            }
            case 2 -> request.disk.callQueue(task, request);
            case 3 -> {
                kernel.post(request, kernel.clockNanos() + request.disk.serviceNanos(request));
                task.work(20);
            }
            default -> task.ret(1);
        }
    }

    private void deviceIrq(Task task, Frame frame) {
        int cpu = task.cpu.id;
        switch (frame.next()) {
            case 0 -> task.work(140);
            case 1 -> {
                var request = done.get(cpu).poll();
                if (request == null) {
                    raised[cpu] = false;
                    task.ret(1);
                    return;
                }
                frame.object = request.disk;
                task.call(endRequest, request.address, 0).object = request;
            }
            default -> {
                frame.pc = 1;
                var next = ((Disk) frame.object()).next();
                if (next != null) {
                    task.call(dispatch, 0, 0, 1).object = next;
                } else {
                    task.work(20);
                }
            }
        }
    }

    private void endRequest(Task task, Frame frame) {
        var request = (Request) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (rqComplete.active()) {
                    kernel.tracer.raw(rqComplete, task, request.address, 0, request.bytes);
                    kernel.tracer
                            .begin(rqComplete, task)
                            .num(request.disk.device)
                            .num(request.sector)
                            .num(request.bytes / SECTOR_BYTES)
                            .num(0)
                            .num(0)
                            .bytes(rwbs(request.write))
                            .bytes(NO_COMMAND)
                            .fire();
                }
                task.work(60);
            }
            case 1 -> {
                var bio = request.bios.get((int) frame.v0++);
                if (frame.v0 < request.bios.size()) {
                    frame.pc = 1;
                }
                task.call(bioEndio, bio.bio()).object = bio;
            }
            case 2 -> {
                fireRequest(ioDone, task, request);
                task.work(20);
            }
            case 3 -> task.call(accountDone, request.address, kernel.clockNanos());
            default -> {
                long now = kernel.clockNanos();
                latency.add(now - request.startNanos);
                request.disk.completed(request, now);
                inFlight -= request.bios.size();
                free.add(request);
                task.ret(0);
            }
        }
    }

    private void bioEndio(Task task, Frame frame) {
        var bio = (Bio) frame.object();
        switch (frame.next()) {
            case 0 -> bio.completion.complete(task, bio);
            case 1 -> kernel.slab.callFree(task, bios, bio.bio);
            default -> task.ret(0);
        }
    }
}
