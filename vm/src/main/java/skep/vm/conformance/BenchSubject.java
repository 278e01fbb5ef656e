package skep.vm.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import skep.elf.ElfException;
import skep.elf.ElfObject;
import skep.isa.Bytecode;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.TargetException;
import skep.vm.Backend;
import skep.vm.Executable;
import skep.vm.KernelServices;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.Packet;
import skep.vm.UnverifiedProgram;
import skep.vm.VmCpu;
import skep.vm.VmObject;
import skep.vm.maps.MapRequest;

/** A program that can be timed: compiled, with its memory. */
final class BenchSubject implements AutoCloseable {
    private static final int ELF_MAGIC = 0x464c_457f;
    private static final int MIN_PACKET_BYTES = 64;
    private static final int CONTEXT_BYTES = 4096;
    private static final int OP_CALL = 0x85;
    private static final int PSEUDO_CALL = 1;

    private final VmCpu cpu;
    private final Executable executable;
    private final long first;
    private final long second;
    private final Runnable reset;
    private final OptionalLong insns;
    private final long compileNanos;
    private final String mode;
    private final List<AutoCloseable> owned;

    private BenchSubject(
            VmCpu cpu,
            Executable executable,
            long first,
            long second,
            Runnable reset,
            OptionalLong insns,
            long compileNanos,
            String mode,
            List<AutoCloseable> owned) {
        this.cpu = cpu;
        this.executable = executable;
        this.first = first;
        this.second = second;
        this.reset = reset;
        this.insns = insns;
        this.compileNanos = compileNanos;
        this.mode = mode;
        this.owned = owned;
    }

    /** Reads and compiles a file of instructions, or the first program of an object file. */
    static BenchSubject open(Backend backend, Path file, byte[] memory, boolean verify) throws IOException {
        var bytes = Files.readAllBytes(file);
        boolean elf =
                bytes.length >= 4 && (bytes[0] & 0xff | bytes[1] << 8 | bytes[2] << 16 | bytes[3] << 24) == ELF_MAGIC;
        if (elf) {
            return ofObject(backend, ElfObject.parse(bytes, "bench"), memory);
        }
        var code = Bytecode.ofBytes(bytes);
        if (!verify || memory.length == 0 || callsHelpers(code)) {
            return checked(backend, code, memory, "");
        }
        try {
            return verified(backend, code, memory);
        } catch (LoadException rejected) {
            return checked(backend, code, memory, ": " + rejected.getMessage());
        }
    }

    /** Numbers of helpers mean those of ubpf's test plugin here, which the verifier does not know. */
    private static boolean callsHelpers(Bytecode code) {
        for (int i = 0; i < code.size(); i++) {
            if (code.opcode(i) == OP_CALL && code.src(i) != PSEUDO_CALL) {
                return true;
            }
        }
        return false;
    }

    private static BenchSubject checked(Backend backend, Bytecode code, byte[] contents, String reason) {
        var machine = new TestMachine(UbpfHelpers.all(), KernelServices.detached(), 0);
        var memory = machine.lend(contents);
        long insns = countInsns(machine, code, memory.address(), contents);
        long start = System.nanoTime();
        var executable = backend.compile(new UnverifiedProgram("bench", code), machine.runtime());
        long nanos = System.nanoTime() - start;
        return new BenchSubject(
                machine.cpu(),
                executable,
                memory.address(),
                contents.length,
                () -> {
                    machine.cpu().setBudget(Long.MAX_VALUE);
                    Memory.copy(contents, 0, memory.address(), contents.length);
                },
                OptionalLong.of(insns),
                nanos,
                "checked at run time" + reason,
                List.of(executable, memory, machine));
    }

    private static long countInsns(TestMachine machine, Bytecode code, long memory, byte[] contents) {
        var program = new UnverifiedProgram("bench", code);
        try (var interpreted = Backend.named(Options.DEFAULT_BACKEND).compile(program, machine.runtime())) {
            machine.cpu().setBudget(RowRunner.MAX_INSNS);
            interpreted.run(machine.cpu(), memory, contents.length);
            return RowRunner.MAX_INSNS - machine.cpu().budget();
        }
    }

    /** The program as a function of one that gives it the memory, which is the value of a map. */
    private static BenchSubject verified(Backend backend, Bytecode code, byte[] contents) {
        var machine = new Machine(Machine.Config.ofCpus(1));
        try {
            var map = machine.createMap(MapRequest.of(new MapSpec("memory", MapType.ARRAY, 4, contents.length, 1, 0)));
            long address = map.directValueAddress(0).orElseThrow();
            var whole = new ArrayList<Long>();
            whole.add(Bytecode.pack(0x18, 1, 2, 0, map.id()));
            whole.add(0L);
            whole.add(Bytecode.pack(0xb7, 2, 0, 0, contents.length));
            whole.add(Bytecode.pack(OP_CALL, 0, PSEUDO_CALL, 0, 1));
            whole.add(Bytecode.pack(0x95, 0, 0, 0, 0));
            for (long slot : code.slots()) {
                whole.add(slot);
            }
            var spec = new ProgramSpec(
                    "bench",
                    ProgramType.SCHED_CLS,
                    Optional.empty(),
                    "",
                    "GPL",
                    Bytecode.of(whole.stream().mapToLong(Long::longValue).toArray()),
                    List.of(),
                    LineTable.EMPTY);
            long start = System.nanoTime();
            var program = machine.loadProgram(spec, spec.code(), new LoadOptions(0, backend.name()));
            long nanos = System.nanoTime() - start;
            long insns;
            try (var counting = new TestMachine(UbpfHelpers.all(), KernelServices.detached(), 0);
                    var memory = counting.lend(contents)) {
                insns = countInsns(counting, code, memory.address(), contents);
            }
            var cpu = new VmCpu(machine, KernelServices.detached());
            return new BenchSubject(
                    cpu,
                    program.executable(),
                    0,
                    0,
                    () -> Memory.copy(contents, 0, address, contents.length),
                    OptionalLong.of(insns),
                    nanos,
                    "verified",
                    List.of(cpu, machine));
        } catch (RuntimeException failure) {
            machine.close();
            throw failure;
        }
    }

    private static BenchSubject ofObject(Backend backend, ElfObject elf, byte[] contents) {
        var machine = new Machine(Machine.Config.ofCpus(1));
        try {
            long start = System.nanoTime();
            var object = VmObject.load(machine, elf, new LoadOptions(0, backend.name()));
            long nanos = System.nanoTime() - start;
            var program = object.programs().stream()
                    .findFirst()
                    .orElseThrow(() -> new ElfException("the object holds no program"));
            var cpu = new VmCpu(machine, KernelServices.detached());
            var owned = new ArrayList<AutoCloseable>(List.of(cpu, object, machine));
            long context;
            Runnable reset;
            switch (program.spec().type()) {
                case SOCKET_FILTER, SCHED_CLS, SCHED_ACT, XDP, CGROUP_SKB -> {
                    var bytes = java.util.Arrays.copyOf(contents, Math.max(contents.length, MIN_PACKET_BYTES));
                    var packet = new Packet(machine, program.spec().type());
                    owned.addFirst(packet);
                    packet.load(bytes);
                    cpu.setPacket(packet);
                    context = packet.context();
                    reset = () -> packet.load(bytes);
                }
                default -> {
                    var block = Memory.allocate(CONTEXT_BYTES, 8);
                    owned.addFirst(block);
                    context = block.address();
                    reset = () -> {};
                }
            }
            return new BenchSubject(
                    cpu, program.executable(), context, 0, reset, OptionalLong.empty(), nanos, "verified", owned);
        } catch (RuntimeException failure) {
            machine.close();
            throw failure instanceof LoadException rejected
                    ? new TargetException(rejected.getMessage() + System.lineSeparator() + rejected.log(), rejected)
                    : failure;
        }
    }

    long run() {
        return executable.run(cpu, first, second);
    }

    void run(long times) {
        for (long i = 0; i < times; i++) {
            executable.run(cpu, first, second);
        }
    }

    /** The memory as it was in the beginning. */
    void reset() {
        reset.run();
    }

    /** Instructions of one run, if they were counted. */
    OptionalLong insns() {
        return insns;
    }

    long compileNanos() {
        return compileNanos;
    }

    /** Whether the verifier saw it. */
    String mode() {
        return mode;
    }

    @Override
    public void close() {
        for (var one : owned) {
            try {
                one.close();
            } catch (RuntimeException failure) {
                throw failure;
            } catch (Exception failure) {
                throw new IllegalStateException(failure);
            }
        }
    }
}
