package skep.arm64.exec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import skep.arm64.a64.Encoding;
import skep.isa.Assembler;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadOptions;
import skep.vm.AddressSpace;
import skep.vm.BpfUnwind;
import skep.vm.Executable;
import skep.vm.FunctionTable;
import skep.vm.HelperFunction;
import skep.vm.KernelServices;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.UnverifiedProgram;
import skep.vm.VmCpu;
import skep.vm.VmFault;
import skep.vm.VmMap;
import skep.vm.VmRuntime;
import skep.vm.verifier.Verdict;
import skep.vm.verifier.Verifier;
import skep.vm.verifier.VerifierInput;
import skep.vm.verifier.VerifierInput.Privilege;

class Arm64BackendTest {
    private final Arm64Backend backend = new Arm64Backend();
    private final Map<Integer, HelperFunction> helpers = new HashMap<>();

    @BeforeEach
    void needsAProcessor() {
        Assumptions.assumeTrue(
                backend.unavailableReason().isEmpty(),
                () -> backend.unavailableReason().orElse(""));
        backend.prepare();
    }

    private long run(String assembly, byte[] memory) {
        var runtime = VmRuntime.bare(helpers);
        try (var block = Memory.allocate(Math.max(1, memory.length), 8);
                var cpu = new VmCpu(runtime, KernelServices.detached());
                var program = compile(assembly, runtime)) {
            Memory.copy(memory, 0, block.address(), memory.length);
            runtime.addressSpace().add(block, AddressSpace.Access.READ_WRITE, "memory");
            return program.run(cpu, block.address(), memory.length);
        }
    }

    private Executable compile(String assembly, VmRuntime runtime) {
        return backend.compile(new UnverifiedProgram("test", Assembler.assemble(assembly)), runtime);
    }

    @Test
    void helpersSeeTheStackOfTheProgram() {
        helpers.put(1, (cpu, a, b, c, d, e) -> Memory.getLong(a) + b);
        assertEquals(42, run("""
                        r1 = 40
                        *(u64 *)(r10 -8) = r1
                        r1 = r10
                        r1 += -8
                        r2 = 2
                        call 1
                        exit
                        """, new byte[0]));
    }

    @Test
    void helpersCallBack() {
        helpers.put(1, (cpu, a, b, c, d, e) -> {
            long sum = 0;
            for (int i = 0; i < 3; i++) {
                sum += cpu.callback(a, i, b, 0, 0, 0);
            }
            return sum;
        });
        assertEquals(33, run("""
                        r1 = subprog[+4]
                        r2 = 10
                        call 1
                        exit
                        r0 = r1
                        r0 += r2
                        exit
                        """, new byte[0]));
    }

    @Test
    void helpersEndTheProgramFromInsideACallback() {
        helpers.put(1, (cpu, a, b, c, d, e) -> cpu.callback(a, 0, 0, 0, 0, 0));
        helpers.put(2, (cpu, a, b, c, d, e) -> {
            throw new BpfUnwind(7);
        });
        var assembly = """
                r1 = subprog[+3]
                call 1
                exit
                call 2
                exit
                """;
        assertEquals(7, run(assembly, new byte[0]));
        assertEquals(7, run(assembly, new byte[0]), "the runner serves the next program");
    }

    @Test
    void anAccessOutsideEveryRegionIsAFaultWithItsInstruction() {
        var fault = assertThrows(VmFault.class, () -> run("r1 = 4096\nr0 = *(u64 *)(r1 +0)\nexit", new byte[8]));
        assertEquals(1, fault.insn());
        assertTrue(fault.getMessage().contains("outside every region"), fault.getMessage());
    }

    @Test
    void endlessRecursionIsAFault() {
        assertThrows(VmFault.class, () -> run("call pc+1\nexit\nr1 = r10\ncall pc-2\nr0 = r1\nexit", new byte[0]));
    }

    /** Emitted code for a certain purpose, returning what the words leave in x0. */
    private static long runWords(Runner runner, VmCpu cpu, int... words) {
        long address = runner.publish(words);
        try {
            return runner.call(cpu, address, new long[5], cpu.stackEnd(), false);
        } finally {
            runner.retract(address, 4L * words.length);
        }
    }

    @Test
    void newCodeInThePlaceOfOldCodeIsWhatRuns() {
        var runner = Arm64Backend.runner();
        try (var cpu = new VmCpu(VmRuntime.bare(helpers), KernelServices.detached())) {
            long last = 0;
            for (int value = 1; value < 5; value++) {
                int move = Encoding.MOVZ.word("sid", 1, value, 0);
                long address = runner.publish(new int[] {move, Encoding.RET_LR.word("")});
                assertTrue(value == 1 || address == last, "the place is used again");
                last = address;
                assertEquals(value, runner.call(cpu, address, new long[5], cpu.stackEnd(), false));
                runner.retract(address, 8);
            }
        }
    }

    @Test
    void whatRunsOverAStackIsAFaultInItsGuard() {
        var runner = Arm64Backend.runner();
        try (var cpu = new VmCpu(VmRuntime.bare(helpers), KernelServices.detached())) {
            int below = 2 + VmCpu.FRAME_BYTES * VmCpu.MAX_FRAMES >> 12;
            int subtract = Encoding.SUB_IMM.word("shind", 1, 1, below + 1, 31, 31);
            int store = Encoding.STR_UIMM.word("xind", 3, 0, 31, 0);
            var fault = assertThrows(
                    Runner.Fault.class, () -> runWords(runner, cpu, subtract, store, Encoding.RET_LR.word("")));
            assertTrue(fault.getMessage().contains("guard"), fault.getMessage());
            assertEquals(4, (fault.codeAddress() - SharedPool.CODE) % 64, "the second instruction of its line");
        }
    }

    @Test
    void codeCannotBeWrittenWhereItRuns() {
        var runner = Arm64Backend.runner();
        try (var cpu = new VmCpu(VmRuntime.bare(helpers), KernelServices.detached())) {
            int own = Encoding.ADR.word("d", 1);
            int store = Encoding.STR_UIMM.word("xind", 3, 0, 1, 0);
            var fault =
                    assertThrows(Runner.Fault.class, () -> runWords(runner, cpu, own, store, Encoding.RET_LR.word("")));
            assertTrue(fault.getMessage().contains("signal 11"), fault.getMessage());
        }
    }

    @Test
    void dataCannotBeExecuted() {
        var runner = Arm64Backend.runner();
        try (var cpu = new VmCpu(VmRuntime.bare(helpers), KernelServices.detached());
                var block = Memory.allocate(64, 64)) {
            Memory.putInt(block.address(), Encoding.RET_LR.word(""));
            var fault = assertThrows(
                    Runner.Fault.class, () -> runner.call(cpu, block.address(), new long[5], cpu.stackEnd(), false));
            assertEquals(block.address(), fault.codeAddress());
        }
    }

    @Test
    void aFaultOfAVerifiedProgramNamesItsInstructionAndSourceLine() {
        var line = new LineTable.Entry(0, "probe.bt", 0, 5, 3, "  @ = args.x;");
        var code = Assembler.assemble("r0 = *(u64 *)(r1 +0)\nr0 = 0\nexit");
        var spec = new ProgramSpec(
                "test", ProgramType.KPROBE, Optional.empty(), "", "GPL", code, List.of(), new LineTable(List.of(line)));
        try (var machine = new Machine(Machine.Config.ofCpus(1));
                var cpu = new VmCpu(machine, KernelServices.detached())) {
            var program = machine.loadProgram(spec, code, new LoadOptions(0, "arm64"));
            var fault = assertThrows(VmFault.class, () -> program.run(cpu, 16));
            assertEquals(0, fault.insn());
            assertTrue(fault.getMessage().contains("probe.bt:3: @ = args.x;"), fault.getMessage());
            machine.releaseProgram(program.id());
        }
    }

    @Test
    void aProcessorSaysWhetherItHasAtomicsInOneInstruction() {
        var words = java.nio.ByteBuffer.allocate(48).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        words.putLong(6).putLong(4096).putLong(16).putLong(0xff).putLong(0).putLong(0);
        assertEquals(false, Processor.hasLse(words.array()), "a Cortex-A72");
        words.putLong(24, 0x1ff);
        assertEquals(true, Processor.hasLse(words.array()));
        assertEquals(false, Processor.hasLse(new byte[0]));
    }

    @Test
    void theConstantsOfAnUnprivilegedProgramAreHidden() {
        var code = Assembler.assemble("r0 = 0x1a2b3c4d\nexit");
        for (var privilege : Privilege.values()) {
            var input = VerifierInput.of(code, ProgramType.SOCKET_FILTER)
                    .privilege(privilege)
                    .build();
            if (Verifier.verify(input) instanceof Verdict.Accepted accepted) {
                boolean hidden =
                        Arm64Backend.options(accepted.program()).blinding().isPresent();
                assertEquals(privilege != Privilege.FULL, hidden, privilege.name());
                try (var cpu = new VmCpu(VmRuntime.bare(helpers), KernelServices.detached());
                        var program = backend.compile(accepted.program(), cpu.runtime())) {
                    assertEquals(hidden, !program.dump().contains("#" + 0x3c4d), privilege.name());
                    assertEquals(0x1a2b_3c4d, program.run(cpu, 0));
                }
            }
        }
    }

    @Test
    void aTailCallGoesOnWithTheOtherProgramAsOftenAsItMay() {
        var count = new long[1];
        helpers.put(1, (cpu, a, b, c, d, e) -> ++count[0]);
        var runtime = new TailCalls(VmRuntime.bare(helpers));
        try (var cpu = new VmCpu(runtime, KernelServices.detached());
                var program = backend.compile(new UnverifiedProgram("test", Assembler.assemble("""
                                r6 = r1
                                call 1
                                r1 = r6
                                r2 = 0xba000000000001 ll
                                r3 = 0
                                call 12
                                r0 = r6
                                exit
                                """)), runtime)) {
            runtime.next = Optional.of(program);
            assertEquals(77, program.run(cpu, 77));
            assertEquals(1 + VmCpu.MAX_TAIL_CALLS, count[0]);
        }
    }

    /** A runtime with one program array, whose every element is one program. */
    private static final class TailCalls implements VmRuntime {
        private final VmRuntime bare;
        private Optional<Executable> next = Optional.empty();

        TailCalls(VmRuntime bare) {
            this.bare = bare;
        }

        @Override
        public AddressSpace addressSpace() {
            return bare.addressSpace();
        }

        @Override
        public FunctionTable functions() {
            return bare.functions();
        }

        @Override
        public Optional<HelperFunction> helper(int number) {
            return bare.helper(number);
        }

        @Override
        public Optional<HelperFunction> kfunc(int btfId, int module) {
            return Optional.empty();
        }

        @Override
        public Optional<VmMap> mapByFd(int fd) {
            return Optional.empty();
        }

        @Override
        public Optional<VmMap> mapByIndex(int index) {
            return Optional.empty();
        }

        @Override
        public Optional<VmMap> map(long handle) {
            return Optional.of(new VmMap.Programs() {
                @Override
                public Optional<Executable> program(int index) {
                    return next;
                }

                @Override
                public int id() {
                    return 1;
                }

                @Override
                public MapSpec spec() {
                    return new MapSpec("programs", MapType.PROG_ARRAY, 4, 4, 1, 0);
                }
            });
        }
    }

    @Test
    void theListingShowsBytecodeAndMachineCode() {
        var listing = compile("r0 = 5\nexit", VmRuntime.bare(helpers)).dump();
        assertTrue(listing.contains("; 0: r0 = 5"), listing);
        assertTrue(listing.contains("mov x7, #5"), listing);
    }
}
