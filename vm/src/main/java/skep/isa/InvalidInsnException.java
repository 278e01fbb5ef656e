package skep.isa;

/** A slot that is no instruction of the set, or breaks the rules of one. */
public final class InvalidInsnException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int slot;
    private final String reason;

    public InvalidInsnException(int slot, String reason) {
        super("insn " + slot + ": " + reason);
        this.slot = slot;
        this.reason = reason;
    }

    public int slot() {
        return slot;
    }

    /** One clause, for example {@code unknown opcode 0x06}. */
    public String reason() {
        return reason;
    }
}
