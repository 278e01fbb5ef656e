package skep.vm.jit;

import java.util.Optional;
import java.util.function.Supplier;
import skep.vm.Backend;
import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.UnverifiedProgram;
import skep.vm.VmRuntime;
import skep.vm.interp.Interpreter;
import skep.vm.verifier.VerifiedProgram;

/**
 * The backend {@code tiered}: a program is interpreted at first, which costs nothing to prepare, and compiled to JVM bytecode on a
 * thread of its own once it is hot. Right for programs of which one does not know how often they will run.
 */
public final class TieredBackend implements Backend {
    private final Interpreter interpreter = new Interpreter();

    @Override
    public String name() {
        return "tiered";
    }

    @Override
    public Optional<String> unavailableReason() {
        return Optional.empty();
    }

    @Override
    public Executable compile(UnverifiedProgram program, VmRuntime runtime) {
        return tiered(interpreter.compile(program, runtime), () -> LinkedProgram.of(program, runtime));
    }

    @Override
    public Executable compile(VerifiedProgram program, VmRuntime runtime) {
        return tiered(interpreter.compile(program, runtime), () -> LinkedProgram.of(program, runtime));
    }

    private static Executable tiered(Executable interpreted, Supplier<LinkedProgram> linked) {
        return new TieredProgram(interpreted, () -> JitCompiler.compile(linked.get()));
    }
}
