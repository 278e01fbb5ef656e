package skep.session.bcc;

/** Something that a BCC program or its loader did wrong, or a target refused. The message is whole sentences for people. */
public final class BccException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What failed. */
    public enum Step {
        COMPILE,
        LOAD,
        ATTACH,
        TABLE
    }

    private final Step step;

    public BccException(Step step, String message) {
        super(message);
        this.step = step;
    }

    public BccException(Step step, String message, Throwable cause) {
        super(message, cause);
        this.step = step;
    }

    public Step step() {
        return step;
    }
}
