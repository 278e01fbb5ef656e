package skep.vm.jit;

import java.util.Optional;
import skep.vm.Backend;
import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.UnverifiedProgram;
import skep.vm.VmRuntime;
import skep.vm.verifier.VerifiedProgram;

/** The backend {@code jvm}: programs become JVM bytecode, which HotSpot compiles when it is hot. */
public final class JvmBackend implements Backend {
    @Override
    public String name() {
        return "jvm";
    }

    @Override
    public Optional<String> unavailableReason() {
        return Optional.empty();
    }

    @Override
    public Executable compile(UnverifiedProgram program, VmRuntime runtime) {
        return JitCompiler.compile(LinkedProgram.of(program, runtime));
    }

    @Override
    public Executable compile(VerifiedProgram program, VmRuntime runtime) {
        return JitCompiler.compile(LinkedProgram.of(program, runtime));
    }
}
