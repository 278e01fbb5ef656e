package skep.events.embedded;

import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A disk with its law of latency. A solid-state disk serves requests on parallel channels, each in a time that depends on
 * direction and size. A rotating one has one arm: it serves one request at a time, the next in the direction in which the
 * arm moves, after a seek that grows with the root of the distance, half a turn on average, and the transfer.
 */
final class Disk {
    /** Sectors from here on, as callers number them, are those of the rotating disk. */
    static final long ROTATING_BASE = 1L << 40;

    private static final int CHANNELS = 8;
    /** 500 GB. */
    private static final long ROTATING_SECTORS = 976_773_168L;

    private static final long SOLID_SECTORS = 976_773_168L;
    /** A turn at 7,200 a minute. */
    private static final long TURN_NANOS = 8_333_333;

    private static final long SHORTEST_SEEK_NANOS = 500_000;
    private static final long LONGEST_SEEK_NANOS = 12_000_000;

    private final EmbeddedKernel kernel;
    final String name;
    final long device;
    final boolean rotating;
    /** Addresses of its {@code request_queue} and {@code block_device}. */
    final long queue;

    final long blockDevice;
    private final Routine queueRq;
    private final long[] channelFreeNanos = new long[CHANNELS];
    private final ArrayList<BlockDevice.Request> waiting = new ArrayList<>();
    private boolean busy;
    private boolean upwards = true;
    private long headSector;

    // What /proc/diskstats shows
    final long[] requests = new long[2];
    final long[] sectors = new long[2];
    final long[] nanos = new long[2];
    int inFlight;

    private Disk(EmbeddedKernel kernel, String name, long device, boolean rotating, Routine queueRq) {
        this.kernel = kernel;
        this.name = name;
        this.device = device;
        this.rotating = rotating;
        this.queueRq = queueRq;
        long[] objects = kernel.objects.disk(name, device);
        queue = objects[0];
        blockDevice = objects[1];
    }

    static Disk solidState(EmbeddedKernel kernel) {
        return new Disk(
                kernel,
                "nvme0n1",
                BlockDevice.DEV,
                false,
                kernel.leaf(
                        "blk_status_t nvme_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)",
                        380));
    }

    static Disk rotating(EmbeddedKernel kernel) {
        return new Disk(
                kernel,
                "sda",
                8L << 20,
                true,
                kernel.function(
                        "blk_status_t scsi_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)",
                        (task, frame) -> {
                            var request = (BlockDevice.Request) frame.object();
                            switch (frame.next()) {
                                case 0 -> task.spend(420);
                                case 1 -> kernel.virtio.callScsi(task, request.write, request.bytes);
                                default -> task.ret(0);
                            }
                        }));
    }

    /** The number of a sector on this disk. */
    long ownSector(long sector) {
        return rotating ? sector - ROTATING_BASE : sector;
    }

    long sizeSectors() {
        return rotating ? ROTATING_SECTORS : SOLID_SECTORS;
    }

    /** A waiting request that a bio continues, or null. */
    BlockDevice.@Nullable Request mergeable(BlockDevice.Bio bio, int maxBytes) {
        for (var request : waiting) {
            if (request.write == bio.write()
                    && request.sector + request.bytes / BlockDevice.SECTOR_BYTES == bio.sector()
                    && request.bytes + bio.bytes() <= maxBytes) {
                return request;
            }
        }
        return null;
    }

    /** A new request: whether it is to be issued at once. */
    boolean add(BlockDevice.Request request) {
        inFlight++;
        if (!rotating) {
            return true;
        }
        if (busy) {
            waiting.add(request);
            return false;
        }
        busy = true;
        return true;
    }

    /** Calls the driver. */
    void callQueue(Task task, BlockDevice.Request request) {
        task.call(queueRq, 0, 0).object = request;
    }

    /** The request to issue after one is done, or null. */
    BlockDevice.@Nullable Request next() {
        if (!rotating || busy || waiting.isEmpty()) {
            return null;
        }
        var nearest = nearest();
        if (nearest == null) {
            upwards = !upwards;
            nearest = nearest();
        }
        if (nearest != null) {
            waiting.remove(nearest);
            busy = true;
        }
        return nearest;
    }

    private BlockDevice.@Nullable Request nearest() {
        BlockDevice.Request nearest = null;
        for (var request : waiting) {
            long distance = upwards ? request.sector - headSector : headSector - request.sector;
            if (distance >= 0 && (nearest == null || distance < Math.abs(nearest.sector - headSector))) {
                nearest = request;
            }
        }
        return nearest;
    }

    void completed(BlockDevice.Request request, long now) {
        int direction = request.write ? 1 : 0;
        requests[direction]++;
        sectors[direction] += request.bytes / BlockDevice.SECTOR_BYTES;
        nanos[direction] += now - request.startNanos;
        inFlight--;
        if (rotating) {
            busy = false;
        }
    }

    /** How long from now until a request that is issued now is done. */
    long serviceNanos(BlockDevice.Request request) {
        return rotating ? seekAndTransfer(request) : channel(request);
    }

    private long seekAndTransfer(BlockDevice.Request request) {
        long distance = Math.abs(request.sector - headSector);
        double share = Math.sqrt(Math.min(1, (double) distance / ROTATING_SECTORS));
        long seek =
                distance == 0 ? 0 : SHORTEST_SEEK_NANOS + (long) (share * (LONGEST_SEEK_NANOS - SHORTEST_SEEK_NANOS));
        long turn = distance == 0 ? 0 : kernel.rng.below((int) TURN_NANOS);
        headSector = request.sector + request.bytes / BlockDevice.SECTOR_BYTES;
        // 150 MB a second
        return seek + turn + request.bytes * 7L + 60_000;
    }

    private long channel(BlockDevice.Request request) {
        int channel = 0;
        for (int i = 1; i < CHANNELS; i++) {
            if (channelFreeNanos[i] < channelFreeNanos[channel]) {
                channel = i;
            }
        }
        long now = kernel.clockNanos();
        long service = kernel.rng.skewed(request.write ? 18_000 : 62_000) + request.bytes / 3;
        long start = Math.max(now, channelFreeNanos[channel]);
        channelFreeNanos[channel] = start + service;
        return start + service - now;
    }
}
