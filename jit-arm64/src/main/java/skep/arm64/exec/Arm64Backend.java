package skep.arm64.exec;

import java.util.Optional;
import skep.arm64.lower.LoweringOptions;
import skep.arm64.lower.UnsupportedInsnException;
import skep.vm.Backend;
import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.RefusedProgramException;
import skep.vm.UnverifiedProgram;
import skep.vm.VmRuntime;
import skep.vm.verifier.VerifiedProgram;

/** The backend {@code arm64}: machine code, run by a process of its own, on aarch64 directly and elsewhere under an emulator. */
public final class Arm64Backend implements Backend {
    private static final class Holder {
        static final Runner RUNNER = Runner.create();
    }

    static Runner runner() {
        return Holder.RUNNER;
    }

    @Override
    public String name() {
        return "arm64";
    }

    @Override
    public Optional<String> unavailableReason() {
        return Runner.unavailableReason();
    }

    @Override
    public void prepare() {
        Holder.RUNNER.takeMemory();
    }

    @Override
    public Executable compile(UnverifiedProgram program, VmRuntime runtime) {
        return compile(LinkedProgram.of(program, runtime), LoweringOptions.CHECKED);
    }

    @Override
    public Executable compile(VerifiedProgram program, VmRuntime runtime) {
        return compile(LinkedProgram.of(program, runtime), LoweringOptions.VERIFIED);
    }

    private static Executable compile(LinkedProgram linked, LoweringOptions options) {
        try {
            return Arm64Executable.of(Holder.RUNNER, linked, options);
        } catch (UnsupportedInsnException unsupported) {
            throw new RefusedProgramException(unsupported.slot(), String.valueOf(unsupported.getMessage()));
        }
    }
}
