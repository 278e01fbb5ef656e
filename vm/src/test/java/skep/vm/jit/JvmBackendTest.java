package skep.vm.jit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.CodeAttribute;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.isa.Assembler;
import skep.isa.Bytecode;
import skep.isa.Disassembler;
import skep.vm.AddressSpace.Access;
import skep.vm.Executable;
import skep.vm.KernelServices;
import skep.vm.LinkedProgram;
import skep.vm.Memory;
import skep.vm.RandomPrograms;
import skep.vm.RefusedProgramException;
import skep.vm.UnverifiedProgram;
import skep.vm.VmCpu;
import skep.vm.VmFault;
import skep.vm.VmRuntime;
import skep.vm.interp.Interpreter;

class JvmBackendTest {
    private static final int MEMORY_BYTES = 64;

    @Test
    void randomProgramsDoWhatTheInterpreterDoes() {
        compare(1, 1500, 120, 7000);
    }

    @Test
    void programsCutIntoManyPartsDoTheSame() {
        compare(50_001, 300, 150, 300);
    }

    @Test
    @Tag("slow")
    void manyRandomProgramsDoWhatTheInterpreterDoes() {
        long seed = Long.getLong("skep.seed", System.nanoTime());
        compare(seed, 15_000, 150, 7000);
        compare(seed, 4_000, 300, 400);
    }

    @Test
    void hostileProgramsAreRefusedOrContained() {
        hostile(1, 1500);
    }

    @Test
    @Tag("slow")
    void manyHostileProgramsAreRefusedOrContained() {
        hostile(Long.getLong("skep.seed", System.nanoTime()), 20_000);
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 3000, 20_000, 100_000})
    void noMethodIsTooLongForHotSpot(int insns) {
        var program = new UnverifiedProgram("long", RandomPrograms.program(insns, insns));
        for (int longest : JitCompiler.longestMethods(LinkedProgram.of(program, VmRuntime.bare(Map.of())))) {
            assertTrue(longest <= JitCompiler.MAX_METHOD_BYTES, longest + " bytes");
        }
    }

    @Test
    void theInterpretersLoopIsNotTooLongForHotSpot() throws Exception {
        try (var in = Interpreter.class.getResourceAsStream("Loop.class")) {
            var model =
                    ClassFile.of().parse(java.util.Objects.requireNonNull(in).readAllBytes());
            for (var method : model.methods()) {
                int bytes =
                        method.code().map(c -> ((CodeAttribute) c).codeLength()).orElse(0);
                assertTrue(bytes < JitCompiler.MAX_METHOD_BYTES, method.methodName() + ": " + bytes + " bytes");
            }
        }
    }

    /** The memory ends 64 bytes behind r1: the first access is allowed, the second one or the third only if the branch spares it. */
    @ParameterizedTest
    @ValueSource(ints = {0, 40, 48, 49, 55, 56, 57, 60, 63, 64, 65, -8, -1, 1 << 30})
    void neighbouringAccessesAreTestedOneByOneAtTheEdges(int offBytes) {
        var code = Assembler.assemble("""
                r3 = r1
                r3 += %d
                r0 = *(u8 *)(r3 +0)
                if r0 == 7 goto out
                r4 = r3
                r4 += 7
                r5 = *(u8 *)(r4 +0)
                r0 += r5
                *(u64 *)(r3 +0) = 3
                r5 = *(u64 *)(r3 +0)
                r0 += r5
                out: exit
                """.formatted(offBytes));
        for (byte first : new byte[] {1, 7}) {
            var memory = new byte[MEMORY_BYTES];
            java.util.Arrays.fill(memory, first);
            try (var place = new Place()) {
                assertEquals(place.run(code, memory, false, 7000), place.run(code, memory, true, 7000));
            }
        }
    }

    @Test
    void aTreeOfComparisonsBecomesATable() {
        var code = Assembler.assemble("""
                r0 = 0
                r1 = *(u64 *)(r1 +0)
                if r1 s> 3 goto high
                if r1 == 1 goto one
                if r1 == 2 goto two
                goto other
                high:
                if r1 == 4 goto four
                if r1 == 9 goto nine
                other: r0 = 99
                exit
                one: r0 = 1
                exit
                two: r0 = 2
                exit
                four: r0 = 4
                exit
                nine: r0 = 9
                exit
                """);
        var linked = LinkedProgram.of(new UnverifiedProgram("switch", code), VmRuntime.bare(Map.of()));
        assertTrue(JitCompiler.dump(linked).contains("TABLESWITCH"), JitCompiler.dump(linked));
        for (long value : new long[] {-1, 0, 1, 2, 3, 4, 5, 8, 9, 10, Long.MIN_VALUE, Long.MAX_VALUE}) {
            var memory = new byte[MEMORY_BYTES];
            java.nio.ByteBuffer.wrap(memory)
                    .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                    .putLong(value);
            var outcome = run(code, memory, true, 7000);
            boolean own = value == 1 || value == 2 || value == 4 || value == 9;
            assertEquals(own ? value : 99, outcome.r0, () -> value + ": " + outcome);
        }
    }

    @Test
    void aFaultOfAHelperNamesTheCall() {
        var code = Assembler.assemble("r0 = 0\ncall 1\nexit");
        var runtime = VmRuntime.bare(Map.of(1, (cpu, a, b, c, d, e) -> {
            throw new VmFault("no");
        }));
        try (var cpu = new VmCpu(runtime, KernelServices.detached());
                var executable = new JvmBackend().compile(new UnverifiedProgram("fault", code), runtime)) {
            executable.run(cpu, 0);
        } catch (VmFault fault) {
            assertEquals("insn 1: no", fault.getMessage());
        }
    }

    private static void compare(long firstSeed, int programs, int insns, int planBytes) {
        for (long seed = firstSeed; seed < firstSeed + programs; seed++) {
            var code = RandomPrograms.program(seed, insns);
            var memory = new byte[MEMORY_BYTES];
            new java.util.Random(seed).nextBytes(memory);
            long failing = seed;
            try (var place = new Place()) {
                var expected = place.run(code, memory, false, planBytes);
                var actual = place.run(code, memory, true, planBytes);
                assertEquals(expected, actual, () -> "seed " + failing + "\n" + Disassembler.text(code));
            }
        }
    }

    private static void hostile(long firstSeed, int programs) {
        int ran = 0;
        for (long seed = firstSeed; seed < firstSeed + programs; seed++) {
            var code = RandomPrograms.hostile(seed, 60);
            try {
                var memory = new byte[MEMORY_BYTES];
                run(code, memory, false, 7000);
                run(code, memory, true, 7000);
                ran++;
            } catch (RefusedProgramException refused) {
                assertTrue(refused.insn() >= -1);
            }
        }
        assertTrue(ran > programs / 20, ran + " of " + programs + " ran");
    }

    /** What can be observed of a run. */
    private record Outcome(long r0, String fault, String memory) {}

    private static Outcome run(Bytecode code, byte[] contents, boolean jit, int planBytes) {
        try (var place = new Place()) {
            return place.run(code, contents, jit, planBytes);
        }
    }

    /** Memory and stack for several runs: programs mix addresses into their results, so these must stay the same. */
    private static final class Place implements AutoCloseable {
        private final VmRuntime runtime = VmRuntime.bare(Map.of(5, (cpu, a, b, c, d, e) -> a ^ b));
        private final Memory.Block block = Memory.allocate(MEMORY_BYTES, 64);
        private final VmCpu cpu = new VmCpu(runtime, KernelServices.detached());

        Place() {
            runtime.addressSpace().add(block, Access.READ_WRITE, "memory");
        }

        Outcome run(Bytecode code, byte[] contents, boolean jit, int planBytes) {
            var program = new UnverifiedProgram("random", code);
            try (Executable executable = jit
                    ? JitCompiler.compile(LinkedProgram.of(program, runtime), planBytes)
                    : new Interpreter().compile(program, runtime)) {
                Memory.copy(contents, 0, block.address(), contents.length);
                cpu.setBudget(50_000_000);
                long r0 = 0;
                var fault = "";
                try {
                    r0 = executable.run(cpu, block.address(), contents.length);
                } catch (VmFault e) {
                    fault = "insn " + e.insn();
                }
                return new Outcome(r0, fault, HexFormat.of().formatHex(Memory.bytes(block.address(), contents.length)));
            }
        }

        @Override
        public void close() {
            cpu.close();
            block.close();
        }
    }
}
