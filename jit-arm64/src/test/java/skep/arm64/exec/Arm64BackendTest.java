package skep.arm64.exec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import skep.isa.Assembler;
import skep.vm.AddressSpace;
import skep.vm.BpfUnwind;
import skep.vm.Executable;
import skep.vm.HelperFunction;
import skep.vm.KernelServices;
import skep.vm.Memory;
import skep.vm.UnverifiedProgram;
import skep.vm.VmCpu;
import skep.vm.VmFault;
import skep.vm.VmRuntime;

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

    @Test
    void theListingShowsBytecodeAndMachineCode() {
        var listing = compile("r0 = 5\nexit", VmRuntime.bare(helpers)).dump();
        assertTrue(listing.contains("; 0: r0 = 5"), listing);
        assertTrue(listing.contains("mov x7, #5"), listing);
    }
}
