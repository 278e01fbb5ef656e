package skep.vm.interp;

import java.util.Optional;
import skep.vm.Backend;
import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.UnverifiedProgram;
import skep.vm.VmRuntime;
import skep.vm.verifier.VerifiedProgram;

/**
 * The backend {@code interp-beliefs}: the interpreter, and before every instruction of a verified program a check that each
 * register and stack slot holds what the verifier believed possible. Slow; a test of the verifier.
 */
public final class BeliefBackend implements Backend {
    @Override
    public String name() {
        return "interp-beliefs";
    }

    @Override
    public Optional<String> unavailableReason() {
        return Optional.empty();
    }

    @Override
    public boolean wantsBeliefs() {
        return true;
    }

    @Override
    public Executable compile(UnverifiedProgram program, VmRuntime runtime) {
        return new Interpreter().compile(program, runtime);
    }

    @Override
    public Executable compile(VerifiedProgram program, VmRuntime runtime) {
        return new Interpreter.Interpreted(name(), LinkedProgram.of(program, runtime), BeliefWatch.of(program));
    }
}
