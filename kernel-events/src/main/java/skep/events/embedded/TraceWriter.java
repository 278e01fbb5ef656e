package skep.events.embedded;

import skep.vm.Memory;

/**
 * Writes the records of tracepoints, field by field in the order of declaration, and fires them:
 *
 * <pre>{@code
 * if (wakeup.active()) {
 *     tracer.raw(wakeup, task, task.address);
 *     tracer.begin(wakeup, waker).bytes(task.comm()).num(task.tid).num(task.priority).num(cpu.id).fire();
 * }
 * }</pre>
 */
final class TraceWriter {
    private static final int RECORD_BYTES = 2048;
    private static final int MAX_RAW_ARGUMENTS = 12;

    private final Firing firing;
    private final Memory.Block block = Memory.allocate(RECORD_BYTES, 64);
    private final Memory.Block rawBlock = Memory.allocate(8 * MAX_RAW_ARGUMENTS, 64);
    private final long record = block.address();

    private Attachment[] list = {};
    private Task task;
    private Tracepoint tracepoint;
    private int field;
    private int end;
    private boolean writing;

    TraceWriter(Firing firing, Tracepoint none, Task nobody) {
        this.firing = firing;
        this.tracepoint = none;
        this.task = nobody;
    }

    Memory.Block recordBlock() {
        return block;
    }

    Memory.Block rawBlock() {
        return rawBlock;
    }

    void raw(Tracepoint point, Task current, long a0) {
        raw(point, current, a0, 0, 0, 0);
    }

    void raw(Tracepoint point, Task current, long a0, long a1) {
        raw(point, current, a0, a1, 0, 0);
    }

    void raw(Tracepoint point, Task current, long a0, long a1, long a2) {
        raw(point, current, a0, a1, a2, 0);
    }

    /** Fires the raw tracepoint with its arguments. */
    void raw(Tracepoint point, Task current, long a0, long a1, long a2, long a3) {
        raw(point, current, a0, a1, a2, a3, 0, 0);
    }

    void raw(Tracepoint point, Task current, long a0, long a1, long a2, long a3, long a4, long a5) {
        var attached = point.onRaw;
        if (attached != null) {
            long args = rawBlock.address();
            Memory.putLong(args, a0);
            Memory.putLong(args + 8, a1);
            Memory.putLong(args + 16, a2);
            Memory.putLong(args + 24, a3);
            Memory.putLong(args + 32, a4);
            Memory.putLong(args + 40, a5);
            firing.run(attached, current, args, Firing.Origin.INSIDE);
        }
    }

    /** Fires a raw tracepoint of many arguments. */
    void rawAll(Tracepoint point, Task current, long... arguments) {
        var attached = point.onRaw;
        if (attached != null) {
            for (int i = 0; i < arguments.length; i++) {
                Memory.putLong(rawBlock.address() + 8L * i, arguments[i]);
            }
            firing.run(attached, current, rawBlock.address(), Firing.Origin.INSIDE);
        }
    }

    /** Begins the record of a tracepoint that fires in this task. */
    TraceWriter begin(Tracepoint point, Task current) {
        var attached = point.onRecord;
        writing = attached != null;
        if (attached == null) {
            return this;
        }
        list = attached;
        tracepoint = point;
        task = current;
        field = 0;
        end = point.recordBytes;
        Memory.putShort(record, (short) point.id);
        Memory.putByte(record + 2, (byte) (current.cpu.interruptDepth > 0 ? 0x08 : 0));
        Memory.putByte(record + 3, (byte) current.cpu.interruptDepth);
        Memory.putInt(record + 4, current.tid);
        return this;
    }

    /** The next field: an integer of whatever size, or a pointer. */
    TraceWriter num(long value) {
        if (writing) {
            long at = record + tracepoint.offsets[field];
            switch (tracepoint.sizes[field++]) {
                case 1 -> Memory.putByte(at, (byte) value);
                case 2 -> Memory.putShort(at, (short) value);
                case 4 -> Memory.putInt(at, (int) value);
                default -> Memory.putLong(at, value);
            }
        }
        return this;
    }

    /** The next field: a fixed array of bytes, cut or padded with zeros; or data behind the record, with its place. */
    TraceWriter bytes(byte[] value) {
        if (writing) {
            int index = field++;
            int at = tracepoint.offsets[index];
            if (tracepoint.dataLocs[index]) {
                int length = Math.min(value.length, RECORD_BYTES - 1 - end);
                Memory.copy(value, 0, record + end, length);
                Memory.putByte(record + end + length, (byte) 0);
                Memory.putInt(record + at, length + 1 << 16 | end);
                end += length + 1;
            } else {
                int size = tracepoint.sizes[index];
                int length = Math.min(value.length, size);
                Memory.copy(value, 0, record + at, length);
                for (int i = length; i < size; i++) {
                    Memory.putByte(record + at + i, (byte) 0);
                }
            }
        }
        return this;
    }

    /** The next field: four bytes, an IPv4 address as it lies in memory. */
    TraceWriter quad(int address) {
        if (writing) {
            Memory.putInt(record + tracepoint.offsets[field++], address);
        }
        return this;
    }

    /** The next field: sixteen bytes, an IPv4 address mapped to IPv6. */
    TraceWriter mapped(int address) {
        if (writing) {
            long at = record + tracepoint.offsets[field++];
            Memory.putLong(at, 0);
            Memory.putInt(at + 8, 0xffff_0000);
            Memory.putInt(at + 12, address);
        }
        return this;
    }

    /** The next field: an array of 64-bit words. */
    TraceWriter words(long[] values, int count) {
        if (writing) {
            long at = record + tracepoint.offsets[field++];
            for (int i = 0; i < count; i++) {
                Memory.putLong(at + 8L * i, values[i]);
            }
        }
        return this;
    }

    /** Runs the programs. All fields must have been written. */
    void fire() {
        if (writing) {
            assert field == tracepoint.offsets.length : tracepoint.event();
            writing = false;
            firing.run(list, task, record, Firing.Origin.INSIDE);
        }
    }

    void close() {
        block.close();
        rawBlock.close();
    }
}
