package skep.truffle.backend;

import com.oracle.truffle.api.Truffle;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import skep.vm.Backend;
import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.UnverifiedProgram;
import skep.vm.VmRuntime;
import skep.vm.verifier.VerifiedProgram;

/**
 * The backend {@code truffle}: programs are Truffle root nodes, which the Graal compiler compiles when they are hot, if it is there
 * ({@code --upgrade-module-path} with its modules); otherwise they are interpreted, which is said once.
 */
public final class TruffleBackend implements Backend {
    static final String NAME = "truffle";

    private static final AtomicBoolean SAID = new AtomicBoolean();

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Optional<String> unavailableReason() {
        return Optional.empty();
    }

    /** Whether hot programs are compiled. */
    public static boolean isOptimizing() {
        return !Truffle.getRuntime().getName().contains("Interpreted");
    }

    @Override
    public Optional<String> remark() {
        if (isOptimizing() || SAID.getAndSet(true)) {
            return Optional.empty();
        }
        return Optional.of("backend truffle: the Graal compiler is not on the module path, so programs are interpreted;"
                + " docs/scripting.md says how to add it");
    }

    @Override
    public Executable compile(UnverifiedProgram program, VmRuntime runtime) {
        return new TruffleProgram(LinkedProgram.of(program, runtime));
    }

    @Override
    public Executable compile(VerifiedProgram program, VmRuntime runtime) {
        return new TruffleProgram(LinkedProgram.of(program, runtime));
    }
}
