package skep.events.embedded;

/** The queues of virtual devices: a network card, a disk controller and a source of random numbers. */
final class Virtio {
    private static final long PERIOD_NANOS = 400_000_000;
    /** Marks the last entry of a scatter list, in its {@code page_link}. */
    private static final long SG_END = 2;

    private static final int RANDOM_BYTES = 64;

    private final EmbeddedKernel kernel;
    private final Routine addSgs;
    private final Routine addOutbuf;
    private final Routine addInbuf;
    private final Routine addInbufCtx;
    private final Routine scsiCommand;
    private final Routine randomThread;
    private final long networkOut;
    private final long networkIn;
    private final long disk;
    private final long random;
    private final int entryBytes;

    Virtio(EmbeddedKernel kernel) {
        this.kernel = kernel;
        entryBytes = kernel.types.sizeBytes("scatterlist");
        addSgs = kernel.leaf(
                "int virtqueue_add_sgs(struct virtqueue *_vq, struct scatterlist **sgs, unsigned int out_sgs, unsigned int in_sgs, void *data, gfp_t gfp)",
                140);
        addOutbuf = kernel.leaf(
                "int virtqueue_add_outbuf(struct virtqueue *vq, struct scatterlist *sg, unsigned int num, void *data, gfp_t gfp)",
                110);
        addInbuf = kernel.leaf(
                "int virtqueue_add_inbuf(struct virtqueue *vq, struct scatterlist *sg, unsigned int num, void *data, gfp_t gfp)",
                110);
        addInbufCtx = kernel.leaf(
                "int virtqueue_add_inbuf_ctx(struct virtqueue *vq, struct scatterlist *sg, unsigned int num, void *data, void *ctx, gfp_t gfp)",
                110);
        scsiCommand = kernel.function(
                "int virtscsi_queuecommand(struct Scsi_Host *shost, struct scsi_cmnd *sc)", this::scsiCommand);
        randomThread = kernel.function("int hwrng_fillfn(void *unused)", this::randomThread);
        networkOut = queue("virtio_net", "virtio0", "output.0");
        networkIn = queue("virtio_net", "virtio0", "input.0");
        disk = queue("virtio_scsi", "virtio1", "request");
        random = queue("virtio_rng", "virtio2", "input");
    }

    private long queue(String driver, String device, String name) {
        var objects = kernel.objects;
        var types = kernel.types;
        long driverObject = objects.make("device_driver");
        types.field("device_driver", "name").put(kernel.memory, driverObject, objects.string(driver));
        long deviceObject = objects.make("virtio_device");
        types.field("virtio_device", "dev.driver").put(kernel.memory, deviceObject, driverObject);
        types.field("virtio_device", "dev.kobj.name").put(kernel.memory, deviceObject, objects.string(device));
        long queue = objects.make("virtqueue");
        types.field("virtqueue", "vdev").put(kernel.memory, queue, deviceObject);
        types.field("virtqueue", "name").put(kernel.memory, queue, objects.string(name));
        return queue;
    }

    void boot() {
        kernel.processes.bootKernelThread("hwrng", randomThread, "", -1);
    }

    /** Writes a scatter list of one entry to the task's stack; its address. */
    private long entry(Task task, int slot, long bytes) {
        long at = task.local(0x700 + slot * entryBytes);
        kernel.memory.putLong(at, SG_END);
        kernel.types.field("scatterlist", "length").put(kernel.memory, at, bytes);
        return at;
    }

    void callTransmit(Task task, long bytes, long data) {
        task.call(addOutbuf, networkOut, entry(task, 0, bytes), 1, data, SlabAllocator.GFP_ATOMIC);
    }

    void callRefill(Task task, long bytes, long data) {
        task.call(addInbufCtx, networkIn, entry(task, 0, bytes), 1, data, 0, SlabAllocator.GFP_ATOMIC);
    }

    void callScsi(Task task, boolean write, int bytes) {
        var frame = task.call(scsiCommand, 0, 0);
        frame.v0 = write ? 1 : 0;
        frame.v1 = bytes;
    }

    /** Command and data towards the device, status and data from it. */
    private void scsiCommand(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                boolean write = frame.v0 != 0;
                long list = task.local(0x6c0);
                kernel.memory.putLong(list, entry(task, 0, 51));
                kernel.memory.putLong(list + 8, entry(task, 1, write ? frame.v1 : 108));
                kernel.memory.putLong(list + 16, entry(task, 2, write ? 108 : frame.v1));
                task.call(addSgs, disk, list, write ? 2 : 1, write ? 1 : 2, 0, SlabAllocator.GFP_ATOMIC);
            }
            default -> task.ret(0);
        }
    }

    private void randomThread(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(kernel.timekeeping.nanosleep, PERIOD_NANOS, 1, 1);
            case 1 -> task.call(addInbuf, random, entry(task, 0, RANDOM_BYTES), 1, 0, SlabAllocator.GFP_KERNEL);
            default -> {
                frame.pc = 0;
                task.spend(1_500);
            }
        }
    }
}
