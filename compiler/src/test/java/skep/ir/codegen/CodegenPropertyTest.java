package skep.ir.codegen;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import skep.ir.IrInterpreter;
import skep.ir.IrPrinter;
import skep.ir.Module;
import skep.ir.RandomModule;
import skep.ir.pass.Optimizer;
import skep.isa.Bytecode;
import skep.isa.kernel.Helper;
import skep.source.Diagnostics;
import skep.vm.AddressSpace;
import skep.vm.Backend;
import skep.vm.HelperFunction;
import skep.vm.KernelServices;
import skep.vm.Memory;
import skep.vm.UnverifiedProgram;
import skep.vm.VmCpu;
import skep.vm.VmRuntime;

/** Random programs mean on the machine what they mean in the IR, with and without the passes, on every CPU level. */
class CodegenPropertyTest {
    private static final long BUDGET_INSNS = 10_000_000;
    private static final int CONTEXTS = 3;

    @Property(seed = "20261130", tries = 200, edgeCases = EdgeCasesMode.NONE)
    void the_passes_keep_the_meaning(@ForAll long seed) {
        var module = RandomModule.of(seed);
        var optimized = Optimizer.optimize(module);
        for (var context : contexts(seed)) {
            assertEquals(interpret(module, context), interpret(optimized, context), () -> IrPrinter.print(optimized));
        }
    }

    /** Seeds that found something: a truth value xor false was taken for its negation. */
    @Example
    void what_was_found_stays_mended() {
        for (long seed : new long[] {-28538}) {
            the_passes_keep_the_meaning(seed);
            machine_code_keeps_the_meaning(seed);
        }
    }

    @Property(seed = "20261130", tries = 200, edgeCases = EdgeCasesMode.NONE)
    void machine_code_keeps_the_meaning(@ForAll long seed) {
        var module = RandomModule.of(seed);
        var optimized = seed % 2 == 0 ? Optimizer.optimize(module) : module;
        var cpu = seed % 3 == 0 ? CpuLevel.V4 : CpuLevel.V3;
        var code = compile(optimized, cpu);
        if (code.size() == 0) {
            return;
        }
        for (var context : contexts(seed)) {
            assertEquals(interpret(module, context), execute(code, context), () -> IrPrinter.print(optimized));
        }
    }

    private static byte[][] contexts(long seed) {
        var random = new Random(seed);
        var contexts = new byte[CONTEXTS][RandomModule.CONTEXT_BYTES];
        for (int i = 1; i < CONTEXTS; i++) {
            random.nextBytes(contexts[i]);
        }
        return contexts;
    }

    /** Empty if the stack does not suffice, which random programs may come to. */
    private static Bytecode compile(Module module, CpuLevel cpu) {
        var diagnostics = new Diagnostics();
        var object = Codegen.compile(module, new CodegenOptions(cpu), diagnostics);
        if (object.isEmpty()) {
            assertEquals("stack-limit", diagnostics.list().getFirst().code());
            return Bytecode.of();
        }
        return object.get().programs().getFirst().code();
    }

    private static long interpret(Module module, byte[] context) {
        return new IrInterpreter(module, CodegenPropertyTest::helper).run(module.function("main"), context);
    }

    private static long helper(int number, long[] args) {
        long sum = number * 0x9e3779b97f4a7c15L;
        for (long arg : args) {
            sum = Long.rotateLeft(sum, 13) * 31 + arg;
        }
        return sum;
    }

    private static long execute(Bytecode code, byte[] context) {
        Map<Integer, HelperFunction> helpers = new HashMap<>();
        for (var h : new Helper[] {Helper.GET_PRANDOM_U32, Helper.GET_CURRENT_PID_TGID}) {
            helpers.put(h.number(), (cpu, a, b, c, d, e) -> helper(h.number(), new long[0]));
        }
        helpers.put(
                Helper.SEQ_WRITE.number(),
                (cpu, a, b, c, d, e) -> helper(Helper.SEQ_WRITE.number(), new long[] {a, b, c}));
        helpers.put(
                Helper.STRTOL.number(),
                (cpu, a, b, c, d, e) -> helper(Helper.STRTOL.number(), new long[] {a, b, c, d, e}));
        var runtime = VmRuntime.bare(helpers);
        try (var memory = Memory.allocate(context.length, 8);
                var cpu = new VmCpu(runtime, KernelServices.detached());
                var executable = Backend.named("interp").compile(new UnverifiedProgram("random", code), runtime)) {
            Memory.copy(context, 0, memory.address(), context.length);
            runtime.addressSpace().add(memory, AddressSpace.Access.READ_ONLY, "context");
            cpu.setBudget(BUDGET_INSNS);
            return executable.run(cpu, memory.address());
        }
    }
}
