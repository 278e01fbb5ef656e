package skep.isa.object;

import java.util.List;
import java.util.Optional;
import skep.isa.Bytecode;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProgramType;

/**
 * One program of an object.
 *
 * @param name unique within its object; at most 15 bytes reach the kernel
 * @param attachType expected attach type, where the program type needs one
 * @param attachTo kernel function or tracepoint that a typed program is loaded for, {@code MODULE:NAME} if it is a module's, or empty
 * @param license as the kernel judges it, for example {@code GPL}
 * @param functions where the functions of the program begin, itself first; may be empty if it is the only one
 * @param sleepable whether it may call what sleeps ({@code BPF_F_SLEEPABLE})
 */
public record ProgramSpec(
        String name,
        ProgramType type,
        Optional<AttachType> attachType,
        String attachTo,
        String license,
        Bytecode code,
        List<MapReference> mapReferences,
        LineTable lines,
        List<FunctionEntry> functions,
        boolean sleepable) {
    public ProgramSpec {
        mapReferences = List.copyOf(mapReferences);
        functions = List.copyOf(functions);
    }

    /** A program that must not sleep. */
    public ProgramSpec(
            String name,
            ProgramType type,
            Optional<AttachType> attachType,
            String attachTo,
            String license,
            Bytecode code,
            List<MapReference> mapReferences,
            LineTable lines,
            List<FunctionEntry> functions) {
        this(name, type, attachType, attachTo, license, code, mapReferences, lines, functions, false);
    }

    /** A program of one function. */
    public ProgramSpec(
            String name,
            ProgramType type,
            Optional<AttachType> attachType,
            String attachTo,
            String license,
            Bytecode code,
            List<MapReference> mapReferences,
            LineTable lines) {
        this(name, type, attachType, attachTo, license, code, mapReferences, lines, List.of());
    }

    /**
     * A function of a program. The kernel calls one back only if BTF describes it.
     *
     * @param insn its first slot
     * @param parameters how many registers it takes
     * @param global whether it is judged on its own, from the types of its parameters, rather than at each call
     * @param typeId the function in the object's types, 0 if those say nothing of it
     */
    public record FunctionEntry(int insn, String name, int parameters, boolean global, int typeId) {
        /** A function that types say nothing of. */
        public FunctionEntry(int insn, String name, int parameters) {
            this(insn, name, parameters, false, 0);
        }
    }

    public ProgramSpec withCode(Bytecode other) {
        return new ProgramSpec(
                name, type, attachType, attachTo, license, other, mapReferences, lines, functions, sleepable);
    }

    public ProgramSpec withAttachType(AttachType other) {
        return new ProgramSpec(
                name, type, Optional.of(other), attachTo, license, code, mapReferences, lines, functions, sleepable);
    }
}
