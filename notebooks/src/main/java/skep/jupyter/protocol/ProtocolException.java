package skep.jupyter.protocol;

/** Bytes that are no message of ours: wrong signature, missing frames, broken JSON. The message says which. */
public final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ProtocolException(String message) {
        super(message);
    }
}
