package skep.target;

/** A failure of the environment. The message names the object in hand and, where there was one, the call and errno. */
public sealed class TargetException extends RuntimeException permits LoadException, AttachException {
    private static final long serialVersionUID = 1;

    public TargetException(String message) {
        super(message);
    }

    public TargetException(String message, Throwable cause) {
        super(message, cause);
    }
}
