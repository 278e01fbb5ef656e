package skep.vm.jit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import skep.isa.Assembler;
import skep.isa.Bytecode;
import skep.isa.Disassembler;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.vm.AddressSpace.Access;
import skep.vm.Backend;
import skep.vm.KernelServices;
import skep.vm.LinkedProgram;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.RandomPrograms;
import skep.vm.VmCpu;
import skep.vm.interp.Interpreter;
import skep.vm.maps.MapRequest;
import skep.vm.verifier.Trusted;

/** Verified programs, with maps, callbacks and subprograms, on every backend. */
class VerifiedProgramsTest {
    private static final int MEMORY_BYTES = 64;

    private final Machine machine = new Machine(Machine.Config.ofCpus(2));
    private final VmCpu cpu = new VmCpu(machine, KernelServices.detached());
    private final Memory.Block memory = Memory.allocate(MEMORY_BYTES, 64);

    VerifiedProgramsTest() {
        machine.addressSpace().add(memory, Access.READ_WRITE, "test");
    }

    @AfterEach
    void close() {
        cpu.close();
        machine.close();
        memory.close();
    }

    static Stream<Backend> backends() {
        return Stream.of(new Interpreter(), new JvmBackend(), new TieredBackend());
    }

    @Test
    void randomProgramsDoWithoutChecksWhatTheInterpreterDoes() {
        for (long seed = 1; seed <= 600; seed++) {
            var code = RandomPrograms.harmless(seed, 150);
            var expected = run(new Interpreter(), code, seed);
            long failing = seed;
            assertEquals(
                    expected,
                    run(new JvmBackend(), code, seed),
                    () -> "seed " + failing + "\n" + Disassembler.text(code));
            assertEquals(expected, inParts(code, seed), () -> "parts, seed " + failing);
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void arrayMapsAreLookedUp(Backend backend) {
        for (var type : List.of(MapType.ARRAY, MapType.PERCPU_ARRAY, MapType.HASH)) {
            var map = machine.createMap(MapRequest.of(new MapSpec("m", type, 4, 8, 4, 0)));
            var code = Assembler.assemble("""
                    r6 = r1
                    *(u32 *)(r10 -4) = r6
                    r2 = r10
                    r2 += -4
                    r1 = map[fd:%d]
                    call bpf_map_lookup_elem
                    if r0 == 0 goto none
                    r1 = 5
                    lock *(u64 *)(r0 +0) += r1
                    r0 = *(u64 *)(r0 +0)
                    exit
                    none:
                    r0 = -1
                    exit
                    """.formatted(map.id()));
            int call = 6;
            try (var executable = backend.compile(Trusted.program(code, Map.of(call, map.id())), machine)) {
                boolean array = type != MapType.HASH;
                assertEquals(array ? 5 : -1, executable.run(cpu, 3), type.name());
                assertEquals(array ? 10 : -1, executable.run(cpu, 3), type.name());
                assertEquals(-1, executable.run(cpu, 4), type.name());
                assertEquals(-1, executable.run(cpu, -1), type.name());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void loopsCallBackWithTheCallersStack(Backend backend) {
        var code = Assembler.assemble("""
                *(u64 *)(r10 -8) = 0
                *(u64 *)(r10 -16) = r1
                r1 = 1000
                r2 = subprog[body]
                r3 = r10
                r3 += -8
                r4 = 0
                call bpf_loop
                r1 = *(u64 *)(r10 -8)
                r0 <<= 32
                r0 |= r1
                exit
                body:
                *(u64 *)(r10 -8) = 77
                r3 = *(u64 *)(r2 +0)
                r3 += r1
                *(u64 *)(r2 +0) = r3
                r0 = 0
                r4 = *(u64 *)(r2 -8)
                if r1 != r4 goto stay
                r0 = 1
                stay: exit
                """);
        try (var executable = backend.compile(Trusted.program(code, Map.of()), machine)) {
            assertEquals(1000L << 32 | 499500, executable.run(cpu, 5000));
            assertEquals(11L << 32 | 55, executable.run(cpu, 10));
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void loopsRefuseFlagsAndTooManyRounds(Backend backend) {
        var code = Assembler.assemble("""
                r4 = *(u64 *)(r1 +8)
                r1 = *(u64 *)(r1 +0)
                r2 = subprog[body]
                r3 = 0
                call bpf_loop
                exit
                body:
                r0 = 0
                exit
                """);
        try (var executable = backend.compile(Trusted.program(code, Map.of()), machine)) {
            var table = Map.of(
                    List.of(0L, 0L), 0L,
                    List.of(7L, 0L), 7L,
                    List.of(1L << 32 | 3, 0L), 3L,
                    List.of(3L, 1L), -22L,
                    List.of((8L << 20) + 1, 0L), -7L,
                    List.of((8L << 20) + 1, 2L), -22L);
            table.forEach((arguments, result) -> {
                Memory.putLong(memory.address(), arguments.get(0));
                Memory.putLong(memory.address() + 8, arguments.get(1));
                assertEquals(result, executable.run(cpu, memory.address()), arguments.toString());
            });
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void subprogramsHaveFramesAndRegistersOfTheirOwn(Backend backend) {
        var code = Assembler.assemble("""
                r6 = 1
                *(u64 *)(r10 -8) = 10
                r2 = r10
                r2 += -8
                call inner
                r1 = *(u64 *)(r10 -8)
                r0 += r1
                r0 += r6
                exit
                inner:
                r6 = 1000
                *(u64 *)(r10 -8) = 100
                *(u64 *)(r2 +0) = 20
                r0 = *(u64 *)(r10 -8)
                exit
                """);
        try (var executable = backend.compile(Trusted.program(code, Map.of()), machine)) {
            assertEquals(121, executable.run(cpu, 0));
        }
    }

    @Test
    void aHotProgramIsCompiled() throws InterruptedException {
        var code = Assembler.assemble("r0 = r1\nr0 += 1\nexit");
        try (var executable = new TieredBackend().compile(Trusted.program(code, Map.of()), machine)) {
            assertEquals("interp", executable.backend());
            for (int i = 0; i < 10_000 && executable.backend().equals("interp"); i++) {
                assertEquals(i + 1, executable.run(cpu, i));
                Thread.sleep(i > 1000 ? 1 : 0);
            }
            assertEquals("jvm", executable.backend());
            assertEquals(8, executable.run(cpu, 7));
        }
    }

    private String run(Backend backend, Bytecode code, long seed) {
        try (var executable = backend.compile(Trusted.program(code, Map.of()), machine)) {
            return outcome(executable, seed);
        }
    }

    private String inParts(Bytecode code, long seed) {
        try (var executable = JitCompiler.compile(LinkedProgram.of(Trusted.program(code, Map.of()), machine), 300)) {
            return outcome(executable, seed);
        }
    }

    private String outcome(skep.vm.Executable executable, long seed) {
        var contents = new byte[MEMORY_BYTES];
        new Random(seed).nextBytes(contents);
        Memory.copy(contents, 0, memory.address(), MEMORY_BYTES);
        long r0 = executable.run(cpu, memory.address(), MEMORY_BYTES);
        return r0 + " " + HexFormat.of().formatHex(Memory.bytes(memory.address(), MEMORY_BYTES));
    }
}
