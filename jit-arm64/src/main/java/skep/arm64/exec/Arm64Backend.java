package skep.arm64.exec;

import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import skep.arm64.lower.LoweringOptions;
import skep.arm64.lower.UnsupportedInsnException;
import skep.vm.Backend;
import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.Memory;
import skep.vm.RefusedProgramException;
import skep.vm.UnverifiedProgram;
import skep.vm.VmRuntime;
import skep.vm.verifier.VerifiedProgram;
import skep.vm.verifier.VerifierInput.Privilege;

/** The backend {@code arm64}: machine code, run by a process of its own, on aarch64 directly and elsewhere under an emulator. */
public final class Arm64Backend implements Backend {
    private static final boolean LSE = Processor.hasLse();

    private static final class Pool {
        static final SharedPool POOL = SharedPool.create();
    }

    /** Where programs run that no verifier has seen; and all, where this machine is no aarch64 one. */
    private static final class Process {
        static final Runner RUNNER = Runner.create(Pool.POOL);
    }

    /** Where verified programs run. */
    private static final class Host {
        static final CodeHost HOST = Processor.isHere() ? new NativeHost(Pool.POOL) : Process.RUNNER;
    }

    static Runner runner() {
        return Process.RUNNER;
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
        Memory.use(Pool.POOL);
    }

    @Override
    public Executable compile(UnverifiedProgram program, VmRuntime runtime) {
        return compile(Process.RUNNER, LinkedProgram.of(program, runtime), LoweringOptions.CHECKED.withLse(LSE));
    }

    @Override
    public Executable compile(VerifiedProgram program, VmRuntime runtime) {
        return compile(Host.HOST, LinkedProgram.of(program, runtime), options(program));
    }

    /** The constants of whoever may not load anything he likes are hidden. */
    static LoweringOptions options(VerifiedProgram program) {
        var options = LoweringOptions.VERIFIED.withLse(LSE);
        return program.input().privilege() == Privilege.FULL
                ? options
                : options.blinded(ThreadLocalRandom.current().nextLong());
    }

    private static Executable compile(CodeHost host, LinkedProgram linked, LoweringOptions options) {
        try {
            return Arm64Executable.of(host, linked, options);
        } catch (UnsupportedInsnException unsupported) {
            throw new RefusedProgramException(unsupported.slot(), String.valueOf(unsupported.getMessage()));
        }
    }
}
