package skep.vm;

/**
 * A running program did what the machine does not allow: an access outside its regions, too deep a call, too many
 * instructions. Only unverified programs can; with a verified one it is a bug of the VM.
 */
public final class VmFault extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int insn;
    private final String reason;

    /**
     * @param insn slot of the instruction, or -1 where only the caller knows
     * @param reason one clause, for example {@code read of 8 bytes at 0x10 is outside every region}
     */
    public VmFault(int insn, String reason) {
        super(insn < 0 ? reason : "insn " + insn + ": " + reason, null, false, false);
        this.insn = insn;
        this.reason = reason;
    }

    /** A fault inside a helper; the backend adds the instruction. */
    public VmFault(String reason) {
        this(-1, reason);
    }

    /** The slot of the instruction at fault, or -1 if not known. */
    public int insn() {
        return insn;
    }

    public String reason() {
        return reason;
    }
}
