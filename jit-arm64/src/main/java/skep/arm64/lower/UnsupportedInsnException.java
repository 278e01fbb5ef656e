package skep.arm64.lower;

/** An instruction that has no A64 code; nothing has been made. */
public final class UnsupportedInsnException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int slot;

    /**
     * @param slot of the instruction, or -1 for the program as a whole
     */
    public UnsupportedInsnException(int slot, String reason) {
        super(reason);
        this.slot = slot;
    }

    public int slot() {
        return slot;
    }
}
