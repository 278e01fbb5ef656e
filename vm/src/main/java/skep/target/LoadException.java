package skep.target;

import java.util.OptionalInt;
import skep.isa.object.ProgramSpec;

/** A program was refused, by the verifier or before it. */
public final class LoadException extends TargetException {
    private static final long serialVersionUID = 1;

    private final transient ProgramSpec program;
    private final int insn;
    private final String log;

    /**
     * @param insn slot of the instruction at fault, or -1
     * @param log the verifier's log, possibly empty
     */
    public LoadException(String message, ProgramSpec program, int insn, String log) {
        super(message);
        this.program = program;
        this.insn = insn;
        this.log = log;
    }

    public ProgramSpec program() {
        return program;
    }

    public OptionalInt insn() {
        return insn < 0 ? OptionalInt.empty() : OptionalInt.of(insn);
    }

    public String log() {
        return log;
    }
}
