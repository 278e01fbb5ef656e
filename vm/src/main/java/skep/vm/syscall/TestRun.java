package skep.vm.syscall;

import skep.isa.kernel.Errno;
import skep.isa.kernel.ProgramType;
import skep.vm.Memory;
import skep.vm.Packet;
import skep.vm.PacketContext;
import skep.vm.VmCpu;
import skep.vm.VmProgram;

/** {@code BPF_PROG_TEST_RUN}: a program on a packet or context of the caller's. */
public final class TestRun {
    private static final int ETHERNET_BYTES = 14;
    private static final int MAX_RAW_ARGUMENT_BYTES = 12 * 8;
    private static final int MAX_SYSCALL_CONTEXT_BYTES = 64 << 10;

    private TestRun() {}

    /**
     * What to run on.
     *
     * @param data the packet, for programs that are given one
     * @param context {@code struct __sk_buff} or {@code xdp_md}, or arguments; empty for zeros
     * @param repeat how often, at least once
     */
    public record Request(byte[] data, byte[] context, int repeat) {
        public static Request ofPacket(byte[] data) {
            return new Request(data, new byte[0], 1);
        }
    }

    /**
     * What came of it.
     *
     * @param nanosPerRun mean
     */
    public record Result(int retval, byte[] data, byte[] context, long nanosPerRun) {}

    static Result run(VmProgram program, VmCpu cpu, Request request) {
        return switch (program.spec().type()) {
            case SOCKET_FILTER, SCHED_CLS, SCHED_ACT, CGROUP_SKB, LWT_IN, LWT_OUT, LWT_XMIT, LWT_SEG6LOCAL, XDP ->
                onPacket(program, cpu, request);
            case RAW_TRACEPOINT -> {
                check(request.repeat == 0, "raw tracepoints are not repeated");
                check(request.context.length <= MAX_RAW_ARGUMENT_BYTES, "at most 12 arguments of 8 bytes");
                yield onContext(program, cpu, request, MAX_RAW_ARGUMENT_BYTES);
            }
            case SYSCALL -> {
                check(request.context.length <= MAX_SYSCALL_CONTEXT_BYTES, "a context of at most 64 KiB");
                yield onContext(program, cpu, request, request.context.length);
            }
            default ->
                throw new BpfException(
                        BpfCommand.PROG_TEST_RUN,
                        Errno.ENOTSUPP,
                        "programs of type " + program.spec().type().kernelName());
        };
    }

    private static void check(boolean condition, String rule) {
        if (!condition) {
            throw new BpfException(BpfCommand.PROG_TEST_RUN, Errno.EINVAL, rule);
        }
    }

    private static Result onPacket(VmProgram program, VmCpu cpu, Request request) {
        var type = program.spec().type();
        int structBytes = PacketContext.structureBytes(type);
        check(request.data.length >= ETHERNET_BYTES, "a packet has at least 14 bytes");
        check(request.data.length <= Packet.MAX_BYTES, "the packet is too long");
        check(request.context.length <= structBytes, "the context is longer than the program type's");
        // Without a link header: what socket filters and cgroups see.
        boolean pulled = type == ProgramType.SOCKET_FILTER || type == ProgramType.CGROUP_SKB;
        int repeat = Math.max(1, request.repeat);
        try (var packet = new Packet(cpu.runtime(), type)) {
            cpu.setPacket(packet);
            long retval = 0;
            long start = System.nanoTime();
            packet.load(request.data);
            Memory.copy(request.context, 0, packet.context(), request.context.length);
            if (pulled) {
                packet.moveStart(ETHERNET_BYTES, 0);
            } else {
                packet.moveStart(0, 0);
            }
            for (int i = 0; i < repeat; i++) {
                retval = program.run(cpu, packet.context());
            }
            long nanos = (System.nanoTime() - start) / repeat;
            if (pulled) {
                packet.moveStart(-ETHERNET_BYTES, 0);
            }
            return new Result((int) retval, packet.bytes(), Memory.bytes(packet.context(), structBytes), nanos);
        }
    }

    private static Result onContext(VmProgram program, VmCpu cpu, Request request, int contextBytes) {
        try (var block = Memory.allocate(Math.max(8, contextBytes), 8)) {
            var region = cpu.runtime().addressSpace().add(block, skep.vm.AddressSpace.Access.READ_WRITE, "context");
            try {
                Memory.copy(request.context, 0, block.address(), request.context.length);
                long start = System.nanoTime();
                long retval = program.run(cpu, block.address());
                long nanos = System.nanoTime() - start;
                var context = Memory.bytes(block.address(), request.context.length);
                return new Result((int) retval, new byte[0], context, nanos);
            } finally {
                cpu.runtime().addressSpace().remove(region);
            }
        }
    }
}
