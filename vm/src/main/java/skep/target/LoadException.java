package skep.target;

import java.util.OptionalInt;
import skep.isa.object.ProgramSpec;

/** A program was refused, by the verifier or before it. */
public final class LoadException extends TargetException {
    private static final long serialVersionUID = 1;

    private final transient ProgramSpec program;
    private final int insn;
    private final String log;
    private final int errno;

    /** A program that did not come as far as a kernel that numbers its errors. */
    public LoadException(String message, ProgramSpec program, int insn, String log) {
        this(message, program, insn, log, 0);
    }

    /**
     * @param insn slot of the instruction at fault, or -1
     * @param log the verifier's log, possibly empty
     * @param errno the positive error number that the load gave, or 0
     */
    public LoadException(String message, ProgramSpec program, int insn, String log, int errno) {
        super(message);
        this.errno = errno;
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

    /** The positive error number of the kernel, if it came to one. */
    public OptionalInt errno() {
        return errno == 0 ? OptionalInt.empty() : OptionalInt.of(errno);
    }

    public String log() {
        return log;
    }
}
