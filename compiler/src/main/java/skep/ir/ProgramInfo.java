package skep.ir;

import java.util.Optional;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProgramType;

/**
 * What makes a function a program: see {@link skep.isa.object.ProgramSpec}.
 *
 * @param attachTo kernel function or tracepoint that a typed program is loaded for, or empty
 */
public record ProgramInfo(ProgramType type, Optional<AttachType> attachType, String attachTo, String license) {
    public static ProgramInfo of(ProgramType type) {
        return new ProgramInfo(type, Optional.empty(), "", "GPL");
    }
}
