package skep.vm;

import java.util.ArrayList;
import java.util.Optional;
import java.util.ServiceLoader;
import skep.vm.verifier.VerifiedProgram;

/**
 * One way to run programs: the interpreter, JVM bytecode, machine code. Found by {@link java.util.ServiceLoader}.
 * The interpreter is the reference of all others.
 */
public interface Backend {
    /** The name that users give, for example {@code interp}. */
    String name();

    /** Why it cannot run here, in one sentence; empty if it can. */
    Optional<String> unavailableReason();

    /** What its user should know, in one sentence; once a process. */
    default Optional<String> remark() {
        return Optional.empty();
    }

    /** Whether the verifier shall remember what it believed of every instruction ({@code VerifierInput.recordFacts}). */
    default boolean wantsBeliefs() {
        return false;
    }

    /** Called before any memory that programs will see is allocated; a backend that needs it in a certain place arranges that. */
    default void prepare() {}

    /**
     * Compiles a program that nobody verified: every access is tested against the runtime's regions and the stack, calls
     * and jumps are bounded.
     *
     * @throws RefusedProgramException for malformed code, and for what this backend cannot do
     */
    Executable compile(UnverifiedProgram program, VmRuntime runtime);

    /**
     * Compiles a verified program; what the verifier proved need not be tested again.
     *
     * @throws RefusedProgramException for what this backend cannot do
     */
    Executable compile(VerifiedProgram program, VmRuntime runtime);

    /**
     * The backend with this name.
     *
     * @throws IllegalArgumentException naming those there are
     */
    static Backend named(String name) {
        var names = new ArrayList<String>();
        for (var backend : ServiceLoader.load(Backend.class)) {
            if (backend.name().equals(name)) {
                return backend;
            }
            names.add(backend.name());
        }
        throw new IllegalArgumentException("no backend " + name + "; there are " + String.join(", ", names));
    }
}
