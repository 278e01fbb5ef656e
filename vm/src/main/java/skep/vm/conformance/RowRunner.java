package skep.vm.conformance;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import skep.isa.Bytecode;
import skep.isa.classic.ClassicProgram;
import skep.isa.classic.ClassicTranslator;
import skep.isa.classic.InvalidClassicException;
import skep.isa.kernel.ProgramType;
import skep.vm.Backend;
import skep.vm.Executable;
import skep.vm.KernelServices;
import skep.vm.Memory;
import skep.vm.PacketContext;
import skep.vm.RefusedProgramException;
import skep.vm.UnverifiedProgram;
import skep.vm.VmFault;

/** Runs rows on a backend, unverified. A program that faults has r0 = 2^64 - 1, as ubpf reports it. */
final class RowRunner {
    /** A program that has executed this many instructions is given up. */
    static final long MAX_INSNS = 4_000_000_000L;

    private static final long FAULTED = -1;

    private final Backend backend;

    RowRunner(Backend backend) {
        this.backend = backend;
    }

    /** How it went. */
    enum Verdict {
        /** The expected result, or refused as expected. */
        RIGHT,
        /** Not run, although it has a result. */
        REFUSED,
        /** Another result, or run although it must be refused. */
        WRONG
    }

    /**
     * @param r0 the result of the last run, if the program ran to its end
     * @param error why not
     * @param micros compiling and running
     */
    record Outcome(Verdict verdict, Optional<Long> r0, Optional<String> error, long micros) {}

    Outcome run(TestRow row) {
        long start = System.nanoTime();
        var outcome = switch (row) {
            case TestRow.Conformance conformance -> run(conformance);
            case TestRow.Kernel kernel -> run(kernel);
        };
        long micros = (System.nanoTime() - start) / 1000;
        return new Outcome(outcome.verdict, outcome.r0, outcome.error, micros);
    }

    private Outcome run(TestRow.Conformance row) {
        boolean mustRun = row.result().isPresent() && !row.negative();
        if (row.code().isEmpty()) {
            return refused(mustRun, "the row has no program");
        }
        try (var machine = new TestMachine(UbpfHelpers.all(), KernelServices.detached(), 0);
                var memory = machine.lend(row.memory());
                var executable = compile(
                        machine, row.name(), ProgramType.UNSPEC, row.code().get())) {
            machine.cpu().setBudget(MAX_INSNS);
            long length = row.memory().length;
            try {
                long r0 = executable.run(machine.cpu(), length == 0 ? 0 : memory.address(), length);
                boolean expected = row.result().isPresent() && row.result().getAsLong() == r0;
                return ran(row.negative() ? row.result().isPresent() && !expected : expected, r0);
            } catch (VmFault fault) {
                boolean expected = mustRun && row.result().getAsLong() == FAULTED;
                return new Outcome(
                        expected ? Verdict.RIGHT : mustRun ? Verdict.WRONG : Verdict.RIGHT,
                        Optional.empty(),
                        Optional.of(fault.getMessage()),
                        0);
            }
        } catch (RefusedProgramException refused) {
            return refused(mustRun, refused.getMessage());
        }
    }

    private Outcome run(TestRow.Kernel row) {
        boolean mustRun = !row.is(TestRow.Kernel.MUST_FAIL);
        try {
            var code = row.classic()
                    ? ClassicTranslator.translate(ClassicProgram.ofBytes(row.code()))
                            .toBytes()
                    : row.code();
            long r0 = 0;
            for (var run : row.runs()) {
                r0 = run(row, code, run);
                if (!mustRun || (int) r0 != run.result()) {
                    return ran(false, r0);
                }
            }
            return ran(mustRun, r0);
        } catch (RefusedProgramException | InvalidClassicException refused) {
            return refused(mustRun, String.valueOf(refused.getMessage()));
        } catch (VmFault fault) {
            return new Outcome(
                    mustRun ? Verdict.WRONG : Verdict.RIGHT, Optional.empty(), Optional.of(fault.getMessage()), 0);
        }
    }

    private long run(TestRow.Kernel row, byte[] code, TestRow.Kernel.Run run) {
        var type = row.is(TestRow.Kernel.MEMORY) ? ProgramType.UNSPEC : ProgramType.SOCKET_FILTER;
        try (var machine = new TestMachine(Map.of(), KernelServices.detached(), KernelPacket.DEVICE_TYPE);
                var packet = machine.lend(data(row, run));
                var context = machine.lend(new byte[PacketContext.SKB_BYTES + PacketContext.POINTER_BYTES]);
                var executable = compile(machine, row.name(), type, code)) {
            machine.cpu().setBudget(MAX_INSNS);
            if (row.is(TestRow.Kernel.MEMORY)) {
                return executable.run(machine.cpu(), packet.address());
            }
            if (row.is(TestRow.Kernel.NO_DATA)) {
                return executable.run(machine.cpu(), 0);
            }
            KernelPacket.describe(context.address(), packet.block());
            return executable.run(machine.cpu(), context.address());
        }
    }

    private static byte[] data(TestRow.Kernel row, TestRow.Kernel.Run run) {
        if (row.is(TestRow.Kernel.MEMORY)) {
            return new byte[run.sizeBytes()];
        }
        var head = Arrays.copyOf(row.data(), run.sizeBytes());
        if (!row.is(TestRow.Kernel.FRAGMENT)) {
            return head;
        }
        var whole = Arrays.copyOf(head, head.length + KernelPacket.FRAGMENT_BYTES);
        System.arraycopy(
                row.fragment(), 0, whole, head.length, Math.min(row.fragment().length, KernelPacket.FRAGMENT_BYTES));
        return whole;
    }

    private Executable compile(TestMachine machine, String name, ProgramType type, byte[] code) {
        if (code.length % Bytecode.SLOT_BYTES != 0) {
            throw new RefusedProgramException(-1, code.length + " bytes are no whole number of instructions");
        }
        return backend.compile(new UnverifiedProgram(name, type, Bytecode.ofBytes(code)), machine.runtime());
    }

    private static Outcome ran(boolean right, long r0) {
        return new Outcome(right ? Verdict.RIGHT : Verdict.WRONG, Optional.of(r0), Optional.empty(), 0);
    }

    private static Outcome refused(boolean mustRun, String reason) {
        return new Outcome(mustRun ? Verdict.REFUSED : Verdict.RIGHT, Optional.empty(), Optional.of(reason), 0);
    }

    /** The packet that Linux's lib/test_bpf.c makes: the same metadata for every test. */
    private static final class KernelPacket {
        static final int DEVICE_TYPE = 588;
        static final int FRAGMENT_BYTES = 128;
        private static final int INTERFACE_INDEX = 577;
        private static final int PACKET_TYPE = 3;
        private static final int MARK = 0x1234aaaa;
        private static final int HASH = 0x1234aaab;
        private static final int QUEUE = 123;
        private static final int VLAN_TCI = 0xffff;
        private static final short ETHERTYPE_IP = Short.reverseBytes((short) 0x0800);

        static void describe(long context, Memory.Block packet) {
            Memory.putInt(context, (int) packet.sizeBytes());
            Memory.putInt(context + 4, PACKET_TYPE);
            Memory.putInt(context + 8, MARK);
            Memory.putInt(context + 12, QUEUE);
            Memory.putInt(context + 16, ETHERTYPE_IP & 0xffff);
            Memory.putInt(context + 20, 1);
            Memory.putInt(context + 24, VLAN_TCI);
            Memory.putInt(context + 28, ETHERTYPE_IP & 0xffff);
            Memory.putInt(context + 40, INTERFACE_INDEX);
            Memory.putInt(context + 68, HASH);
            long end = packet.address() + packet.sizeBytes();
            PacketContext.setPointers(ProgramType.SOCKET_FILTER, context, packet.address(), end, packet.address());
        }
    }
}
