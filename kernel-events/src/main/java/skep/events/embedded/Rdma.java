package skep.events.embedded;

/** A connection manager of remote direct memory access: what its user-space half is told of connections. */
final class Rdma {
    private static final long PERIOD_NANOS = 300_000_000;
    /** Address resolved, route resolved, established, disconnected. */
    private static final int[] EVENTS = {0, 2, 9, 10};

    private final EmbeddedKernel kernel;
    private final Routine handler;
    private final Routine thread;
    private final long id;
    private final long event;
    private int next;

    Rdma(EmbeddedKernel kernel) {
        this.kernel = kernel;
        id = kernel.objects.make("rdma_cm_id");
        event = kernel.objects.make("rdma_cm_event");
        var types = kernel.types;
        address(id + types.field("rdma_cm_id", "route.addr.src_addr").offBytes(), 2, 41_000);
        address(id + types.field("rdma_cm_id", "route.addr.dst_addr").offBytes(), 7, 4_420);
        handler = kernel.leaf("int ucma_event_handler(struct rdma_cm_id *cm_id, struct rdma_cm_event *event)", 800);
        thread = kernel.function("void cma_work_handler(struct work_struct *_work)", this::thread);
    }

    /** A {@code struct sockaddr_in}. */
    private void address(long at, int last, int port) {
        kernel.memory.put(at, Network.AF_INET, 2);
        kernel.memory.put(at + 2, SocketObjects.swap(port), 2);
        kernel.memory.putInt(at + 4, 0x0a | last << 24);
    }

    void boot() {
        kernel.processes.bootKernelThread("kworker/u:rdma", thread, "", -1);
    }

    private void thread(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(kernel.timekeeping.nanosleep, PERIOD_NANOS, 1, 1);
            default -> {
                frame.pc = 0;
                kernel.objects.set("rdma_cm_event", "event", event, EVENTS[next++ % EVENTS.length]);
                task.call(handler, id, event);
            }
        }
    }
}
