package skep.vm;

import java.util.Optional;

/**
 * One way to run programs: the interpreter, JVM bytecode, machine code. Found by {@link java.util.ServiceLoader}.
 * The interpreter is the reference of all others.
 */
public interface Backend {
    /** The name that users give, for example {@code interp}. */
    String name();

    /** Why it cannot run here, in one sentence; empty if it can. */
    Optional<String> unavailableReason();

    /**
     * Compiles a program that nobody verified: every access is tested against the runtime's regions and the stack, calls
     * and jumps are bounded.
     *
     * @throws RefusedProgramException for malformed code, and for what this backend cannot do
     */
    Executable compile(UnverifiedProgram program, VmRuntime runtime);
}
