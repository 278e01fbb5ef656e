package skep.vm;

import skep.isa.Bytecode;
import skep.isa.kernel.ProgramType;

/**
 * A program that no verifier has seen; backends run it with every access tested.
 *
 * @param name for people
 */
public record UnverifiedProgram(String name, ProgramType type, Bytecode code) {
    public UnverifiedProgram(String name, Bytecode code) {
        this(name, ProgramType.UNSPEC, code);
    }
}
