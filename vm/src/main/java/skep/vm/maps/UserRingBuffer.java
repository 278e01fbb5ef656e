package skep.vm.maps;

import skep.isa.kernel.Errno;
import skep.isa.object.MapSpec;
import skep.vm.Memory;

/** {@code user_ringbuf}: records from user space, taken by a program. */
public final class UserRingBuffer implements BpfMap {
    /** Records that one call drains ({@code BPF_MAX_USER_RINGBUF_SAMPLES}). */
    private static final int MAX_SAMPLES = 128 << 10;

    private final int id;
    private final MapSpec spec;
    private final MapMemory memory;
    private final RecordRing ring;
    private final long draining;

    UserRingBuffer(int id, MapRequest request, MapContext context) {
        this.id = id;
        this.spec = request.spec();
        this.memory = new MapMemory(context, spec.name());
        this.ring = new RecordRing(memory, spec.maxEntries(), id, new RecordRing.Waiter());
        this.draining = memory.hidden(8);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    /**
     * Appends a record, from user space.
     *
     * @throws MapException ENOSPC without room, E2BIG for one that never fits
     */
    public void write(byte[] record) {
        if (record.length + RecordRing.HEADER_BYTES > ring.sizeBytes()) {
            throw new MapException(Errno.E2BIG, "record of " + record.length + " bytes in " + spec.name());
        }
        long data = ring.reserve(record.length);
        if (data == 0) {
            throw new MapException(Errno.ENOSPC, "user ring buffer " + spec.name() + " is full");
        }
        Memory.copy(record, 0, data, record.length);
        ring.commit(data, false);
    }

    /** Hands records to a program's callback: how many, or -EBUSY while another CPU drains. */
    public long drain(Visitor visitor) {
        if (Memory.compareAndExchange(draining, 0, 1) != 0) {
            return Errno.EBUSY.negated();
        }
        try {
            var count = new int[1];
            int drained = ring.drain(
                    record -> visitor.visit(record.address(), record.byteSize()) == 0 && ++count[0] < MAX_SAMPLES);
            return drained < 0 ? -drained - 1 : drained;
        } finally {
            Memory.putRelease(draining, 4, 0);
        }
    }

    @Override
    public int readUser(long key, long into, long flags) {
        return ENOTSUPP;
    }

    @Override
    public int updateUser(long key, long value, long flags) {
        return ENOTSUPP;
    }

    @Override
    public long memoryBytes() {
        return memory.chargedBytes();
    }

    @Override
    public void close() {
        memory.close();
    }
}
