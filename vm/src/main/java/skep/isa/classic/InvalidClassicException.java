package skep.isa.classic;

/** Code or text that is no valid filter program. */
public final class InvalidClassicException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public InvalidClassicException(int insn, String reason) {
        super("(%03d) %s".formatted(insn, reason));
    }

    public InvalidClassicException(String reason) {
        super(reason);
    }
}
