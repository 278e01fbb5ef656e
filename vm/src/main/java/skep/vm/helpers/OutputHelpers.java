package skep.vm.helpers;

import skep.isa.kernel.Errno;
import skep.vm.HelperFunction;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.VmFault;
import skep.vm.maps.PerfEventArray;
import skep.vm.maps.RingBuffer;

/** Records to user space. */
final class OutputHelpers {
    /** Offset, before a record's data, of the number of the map that it lies in. */
    private static final int OWNER_OFFSET = 4;

    private OutputHelpers() {}

    static HelperFunction reserve(Machine machine) {
        return (_, map, size, flags, _, _) -> ring(machine, map).reserve(size, flags);
    }

    static HelperFunction submit(Machine machine) {
        return (_, data, flags, _, _, _) -> commit(machine, data, flags, false);
    }

    static HelperFunction discard(Machine machine) {
        return (_, data, flags, _, _, _) -> commit(machine, data, flags, true);
    }

    static long commit(Machine machine, long data, long flags, boolean discard) {
        int owner = Memory.getInt(data - OWNER_OFFSET);
        if (machine.maps().get(owner).orElse(null) instanceof RingBuffer ring && ring.isReserved(data)) {
            ring.commit(data, flags, discard);
            return 0;
        }
        throw new VmFault("0x" + Long.toHexString(data) + " is no reserved record of a ring buffer");
    }

    static HelperFunction output(Machine machine) {
        return (_, map, data, size, flags, _) -> ring(machine, map).output(data, size, flags);
    }

    static HelperFunction query(Machine machine) {
        return (_, map, what, _, _, _) -> ring(machine, map).query(what);
    }

    private static RingBuffer ring(Machine machine, long map) {
        return machine.mapOf(map) instanceof RingBuffer ring ? ring : notA("ring buffer", map);
    }

    private static RingBuffer notA(String what, long map) {
        throw new VmFault("0x" + Long.toHexString(map) + " is no " + what);
    }

    /**
     * {@code long bpf_perf_event_output(ctx, map, flags, data, size)}; for packet programs bits 32 to 51 of the flags say
     * how much of the packet to append.
     */
    static HelperFunction perfOutput(Machine machine) {
        return (cpu, _, map, flags, data, size) -> {
            var array = (PerfEventArray) machine.mapOf(map);
            int packetBytes = (int) (flags >>> 32 & 0xf_ffff);
            int self = cpu.services().cpu();
            return packetBytes == 0
                    ? array.output(flags, data, size, self)
                    : withPacket(cpu, array, flags & 0xffff_ffffL, data, size, packetBytes, self);
        };
    }

    private static long withPacket(
            VmCpu cpu, PerfEventArray array, long flags, long data, long size, int packetBytes, int self) {
        var packet = cpu.packet();
        if (packet.isEmpty() || packetBytes > packet.get().length()) {
            return Errno.EFAULT.negated();
        }
        try (var joined = Memory.allocate(size + packetBytes, 8)) {
            Memory.copy(data, joined.address(), size);
            Memory.copy(packet.get().data(), joined.address() + size, packetBytes);
            return array.output(flags, joined.address(), size + packetBytes, self);
        }
    }
}
