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
 * @param attachTo kernel function or tracepoint that a typed program is loaded for, or empty
 * @param license as the kernel judges it, for example {@code GPL}
 */
public record ProgramSpec(
        String name,
        ProgramType type,
        Optional<AttachType> attachType,
        String attachTo,
        String license,
        Bytecode code,
        List<MapReference> mapReferences,
        LineTable lines) {
    public ProgramSpec {
        mapReferences = List.copyOf(mapReferences);
    }
}
