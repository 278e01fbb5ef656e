package skep.truffle.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.isa.Assembler;
import skep.isa.Bytecode;
import skep.isa.Disassembler;
import skep.session.Overflow;
import skep.session.RunningScript;
import skep.session.SessionOptions;
import skep.session.Targets;
import skep.target.ToolCommand;
import skep.vm.AddressSpace.Access;
import skep.vm.Backend;
import skep.vm.KernelServices;
import skep.vm.Memory;
import skep.vm.RandomPrograms;
import skep.vm.RefusedProgramException;
import skep.vm.UnverifiedProgram;
import skep.vm.VmCpu;
import skep.vm.VmFault;
import skep.vm.VmRuntime;

@Timeout(300)
class TruffleBackendTest {
    private static final int MEMORY_BYTES = 64;

    @Test
    void itIsFoundByName() {
        assertEquals("truffle", Backend.named("truffle").name());
    }

    @ParameterizedTest
    @ValueSource(strings = {"conformance.jsonl", "test_bpf.jsonl.gz"})
    void publicSuitesComeOutAsInTheInterpreter(String suite) {
        var file = Path.of(System.getProperty("skep.root", "."), "../shared/data/isa", suite);
        Assumptions.assumeTrue(Files.exists(file), () -> "no " + file);
        assertEquals(verdicts("interp", file), verdicts("truffle", file));
    }

    /** The lines that {@code skep vm conformance} prints, without times. */
    private static List<String> verdicts(String backend, Path file) {
        var command = ServiceLoader.load(ToolCommand.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(tool -> tool.name().equals("vm conformance"))
                .findFirst()
                .orElseThrow();
        var out = new ByteArrayOutputStream();
        var print = new PrintStream(out, false, StandardCharsets.UTF_8);
        command.run(
                List.of("--backend", backend, file.toString()), new ByteArrayInputStream(new byte[0]), print, print);
        print.flush();
        var lines = out.toString(StandardCharsets.UTF_8)
                .lines()
                .map(line -> line.replaceAll("\"us\":\\s*\\d+", "").replace(backend, "BACKEND"))
                .toList();
        assertTrue(lines.size() > 100, lines.toString());
        return lines;
    }

    @Test
    void generatedProgramsDoWhatTheInterpreterDoes() {
        compare(1, 600);
    }

    @Test
    @Tag("slow")
    void manyGeneratedProgramsDoWhatTheInterpreterDoes() {
        compare(Long.getLong("skep.seed", System.nanoTime()), 10_000);
    }

    /** Both run on the same memory and the same stack: a program may compute with their addresses. */
    private static void compare(long seed, int programs) {
        var runtime = VmRuntime.bare(Map.of());
        try (var memory = Memory.allocate(MEMORY_BYTES, 64);
                var cpu = new VmCpu(runtime, KernelServices.detached())) {
            runtime.addressSpace().add(memory, Access.READ_WRITE, "test");
            for (long s = seed; s < seed + programs; s++) {
                var code = RandomPrograms.program(s, 120);
                var bytes = new byte[MEMORY_BYTES];
                new java.util.Random(s).nextBytes(bytes);
                var outcomes = new ArrayList<String>();
                for (var backend : List.of("interp", "truffle")) {
                    Memory.copy(bytes, 0, memory.address(), MEMORY_BYTES);
                    outcomes.add(run(Backend.named(backend), code, runtime, cpu, memory.address()));
                }
                long failing = s;
                assertEquals(
                        outcomes.getFirst(),
                        outcomes.getLast(),
                        () -> "seed " + failing + "\n" + Disassembler.text(code));
            }
        }
    }

    /** Result or fault, then the memory and the instructions that are left. */
    private static String run(Backend backend, Bytecode code, VmRuntime runtime, VmCpu cpu, long address) {
        String outcome;
        cpu.setBudget(100_000);
        try (var executable = backend.compile(new UnverifiedProgram("test", code), runtime)) {
            outcome = Long.toHexString(executable.run(cpu, address, MEMORY_BYTES)) + " left " + cpu.budget();
        } catch (VmFault fault) {
            outcome = fault.insn() + " " + fault.reason();
        } catch (RefusedProgramException refused) {
            outcome = "refused " + refused.getMessage();
        }
        return outcome + " " + HexFormat.of().formatHex(Memory.bytes(address, MEMORY_BYTES));
    }

    /** Long enough for a loop to be compiled while it runs, where there is a compiler. */
    @Test
    void aLongLoopComesToItsResult() {
        var code = Assembler.assemble("""
                r0 = 0
                r1 = 3000000
                again:
                r2 = r1
                r2 *= 7
                r0 += r2
                r0 ^= r1
                r1 -= 1
                if r1 != 0 goto again
                exit
                """);
        var runtime = VmRuntime.bare(Map.of());
        try (var cpu = new VmCpu(runtime, KernelServices.detached());
                var truffle = Backend.named("truffle").compile(new UnverifiedProgram("loop", code), runtime);
                var interp = Backend.named("interp").compile(new UnverifiedProgram("loop", code), runtime)) {
            assertEquals(interp.run(cpu, 0), truffle.run(cpu, 0));
        }
    }

    @Test
    void theLackOfACompilerIsSaidOnce() {
        var backend = new TruffleBackend();
        var first = backend.remark();
        assertTrue(TruffleBackend.isOptimizing() || backend.remark().isEmpty(), first.toString());
    }

    @Test
    void aWholeScriptRunsOnIt() {
        var script = "kprobe:vfs_read { @n = count(); @by[comm] = sum(arg2); @h = hist(arg2); }";
        assertEquals(maps(script, "interp"), maps(script, "truffle"));
    }

    private static String maps(String script, String backend) {
        try (var target = Targets.open("embedded:speed=max", backend)) {
            var options =
                    SessionOptions.DEFAULT.withDuration(Duration.ofMillis(200)).withBackend(backend);
            try (var running = new RunningScript(target, "test", script, options, Overflow.WAIT, 100)) {
                running.run();
                return running.views().toString();
            }
        }
    }
}
