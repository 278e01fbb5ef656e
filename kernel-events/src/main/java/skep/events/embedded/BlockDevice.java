package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.ArrayList;

/**
 * A solid-state disk behind the multi-queue block layer: requests go out with a bio each, are served by parallel channels
 * with a latency that depends on direction and size, and complete in an interrupt of the CPU that sent them.
 */
final class BlockDevice {
    static final int SECTOR_BYTES = 512;
    private static final byte[] NO_COMMAND = {};
    /** Device 259:0, as {@code dev_t} of the kernel. */
    static final long DEV = 259L << 20;

    private static final int CHANNELS = 8;
    private static final int MAX_REQUESTS = 4096;

    private final EmbeddedKernel kernel;
    private final SlabCache bios;
    private final SlabCache requests;
    private final ArrayList<Request> free = new ArrayList<>();
    private final long[] channelFreeNanos = new long[CHANNELS];
    private final Interrupts.Source[] completions;
    private final ArrayList<ArrayDeque<Request>> done = new ArrayList<>();
    private final boolean[] raised;
    private int inFlight;

    final Routine submitBio;
    private final Routine submitBioNoacct;
    private final Routine mqSubmitBio;
    private final Routine accountStart;
    private final Routine startRequest;
    private final Routine queueRq;
    private final Routine deviceIrq;
    private final Routine endRequest;
    private final Routine accountDone;
    private final Routine bioEndio;
    private final Routine bioAlloc;

    private final Tracepoint bioQueue;
    private final Tracepoint getrq;
    private final Tracepoint ioStart;
    private final Tracepoint ioDone;
    private final Tracepoint rqIssue;
    private final Tracepoint rqComplete;

    final GroundTruth.Distribution latency;

    /** Told when a request is done, in the interrupt. */
    interface Completion {
        void complete(Task interrupted, Request request);
    }

    /** A request on its way, with its bio. */
    final class Request extends Event {
        final long address;
        long bio;
        long sector;
        int bytes;
        boolean write;
        Cpu cpu = kernel.cpus[0];
        long startNanos;
        Completion completion = (task, request) -> {};
        Object owner = "";
        long first;
        long count;

        Request(long address) {
            this.address = address;
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
        bios = kernel.slab.cache("bio-264", 264);
        requests = kernel.slab.cache("request", kernel.types.sizeBytes("request") + 64);
        latency = kernel.truth.distribution("block latency");
        var rwbs = "char rwbs[10]";
        bioQueue = kernel.tracepoint(
                "block",
                "block_bio_queue",
                "dev_t dev; sector_t sector; unsigned int nr_sector; " + rwbs + "; char comm[16]",
                "struct bio *bio");
        getrq = kernel.tracepoint(
                "block",
                "block_getrq",
                "dev_t dev; sector_t sector; unsigned int nr_sector; " + rwbs + "; char comm[16]",
                "struct bio *bio");
        var request = "dev_t dev; sector_t sector; unsigned int nr_sector; unsigned int bytes; unsigned short ioprio; "
                + rwbs + "; char comm[16]; __data_loc char[] cmd";
        ioStart = kernel.tracepoint("block", "block_io_start", request, "struct request *rq");
        ioDone = kernel.tracepoint("block", "block_io_done", request, "struct request *rq");
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
        accountStart = kernel.leaf("void blk_account_io_start(struct request *req)", 40);
        startRequest = kernel.leaf("void blk_mq_start_request(struct request *rq)", 45);
        queueRq = kernel.leaf(
                "blk_status_t nvme_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)", 380);
        deviceIrq = kernel.function("irqreturn_t nvme_irq(int irq, void *data)", this::deviceIrq);
        endRequest =
                kernel.function("void blk_mq_end_request(struct request *rq, blk_status_t error)", this::endRequest);
        accountDone = kernel.leaf("void blk_account_io_done(struct request *req, u64 now)", 50);
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

    int inFlight() {
        return inFlight;
    }

    /** Calls {@code submit_bio} for a run of sectors; the completion runs in the interrupt. */
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
        Request request;
        if (free.isEmpty()) {
            if (inFlight >= MAX_REQUESTS) {
                throw new IllegalStateException("more than " + MAX_REQUESTS + " block requests");
            }
            request = new Request(kernel.slab.take(requests, 0));
        } else {
            request = free.removeLast();
        }
        inFlight++;
        request.bio = bio;
        request.write = write;
        request.sector = sector;
        request.bytes = bytes;
        request.completion = completion;
        request.owner = owner;
        request.first = first;
        request.count = count;
        request.startNanos = kernel.clockNanos();
        kernel.objects.bio(request);
        kernel.objects.request(request);
        task.call(submitBio, bio).object = request;
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

    private static byte[] rwbs(Request request) {
        return request.write ? WRITE : READ;
    }

    private static final byte[] READ = "R".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    private static final byte[] WRITE = "W".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    private void fireBio(Tracepoint point, Task task, Request request) {
        if (point.active()) {
            kernel.tracer.raw(point, task, request.bio);
            kernel.tracer
                    .begin(point, task)
                    .num(DEV)
                    .num(request.sector)
                    .num(request.bytes / SECTOR_BYTES)
                    .bytes(rwbs(request))
                    .bytes(task.comm())
                    .fire();
        }
    }

    private void fireRequest(Tracepoint point, Task task, Request request) {
        if (point.active()) {
            kernel.tracer.raw(point, task, request.address);
            kernel.tracer
                    .begin(point, task)
                    .num(DEV)
                    .num(request.sector)
                    .num(request.bytes / SECTOR_BYTES)
                    .num(request.bytes)
                    .num(0)
                    .bytes(rwbs(request))
                    .bytes(task.comm())
                    .bytes(NO_COMMAND)
                    .fire();
        }
    }

    private void submitBio(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.work(60);
            case 1 -> task.call(submitBioNoacct, frame.a0).object = frame.object;
            default -> task.ret(0);
        }
    }

    private void submitBioNoacct(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                fireBio(bioQueue, task, (Request) frame.object());
                task.work(70);
            }
            case 1 -> task.call(mqSubmitBio, frame.a0).object = frame.object;
            default -> task.ret(0);
        }
    }

    private void mqSubmitBio(Task task, Frame frame) {
        var request = (Request) frame.object();
        switch (frame.next()) {
            case 0 -> {
                fireBio(getrq, task, request);
                task.work(110);
            }
            case 1 -> task.call(accountStart, request.address);
            case 2 -> {
                fireRequest(ioStart, task, request);
                task.work(40);
            }
            case 3 -> {
                fireRequest(rqIssue, task, request);
                task.work(30);
            }
            case 4 -> task.call(startRequest, request.address);
            case 5 -> task.call(queueRq, 0, 0);
            case 6 -> {
                request.cpu = task.cpu;
                kernel.post(request, kernel.clockNanos() + serviceNanos(request));
                task.work(20);
            }
            default -> task.ret(0);
        }
    }

    private long serviceNanos(Request request) {
        int channel = 0;
        for (int i = 1; i < CHANNELS; i++) {
            if (channelFreeNanos[i] < channelFreeNanos[channel]) {
                channel = i;
            }
        }
        long service = kernel.rng.skewed(request.write ? 18_000 : 62_000) + request.bytes / 3;
        long start = Math.max(kernel.clockNanos(), channelFreeNanos[channel]);
        channelFreeNanos[channel] = start + service;
        return start + service - kernel.clockNanos();
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
                task.call(endRequest, request.address, 0).object = request;
            }
            default -> {
                frame.pc = 1;
                task.work(20);
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
                            .num(DEV)
                            .num(request.sector)
                            .num(request.bytes / SECTOR_BYTES)
                            .num(0)
                            .num(0)
                            .bytes(rwbs(request))
                            .bytes(NO_COMMAND)
                            .fire();
                }
                task.work(60);
            }
            case 1 -> task.call(bioEndio, request.bio).object = request;
            case 2 -> {
                fireRequest(ioDone, task, request);
                task.work(20);
            }
            case 3 -> task.call(accountDone, request.address, kernel.clockNanos());
            default -> {
                latency.add(kernel.clockNanos() - request.startNanos);
                inFlight--;
                free.add(request);
                task.ret(0);
            }
        }
    }

    private void bioEndio(Task task, Frame frame) {
        var request = (Request) frame.object();
        switch (frame.next()) {
            case 0 -> request.completion.complete(task, request);
            case 1 -> kernel.slab.callFree(task, bios, request.bio);
            default -> task.ret(0);
        }
    }
}
