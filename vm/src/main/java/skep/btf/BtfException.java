package skep.btf;

/** BTF that is malformed, or a question that a type cannot answer. The message names the type and the offence. */
public final class BtfException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public BtfException(String message) {
        super(message);
    }
}
