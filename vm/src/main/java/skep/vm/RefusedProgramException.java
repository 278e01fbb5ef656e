package skep.vm;

/** A backend will not run this program; nothing has run. The message says which instruction and why. */
public final class RefusedProgramException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int insn;
    private final String reason;

    /**
     * @param insn slot of the instruction, or -1 if the program as a whole is at fault
     */
    public RefusedProgramException(int insn, String reason) {
        super(insn < 0 ? reason : "insn " + insn + ": " + reason);
        this.insn = insn;
        this.reason = reason;
    }

    public int insn() {
        return insn;
    }

    public String reason() {
        return reason;
    }
}
