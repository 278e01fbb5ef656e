package skep.elf;

/** Bytes that are no ELF file, or not one that can be read. The message says what is wrong with them. */
public final class MalformedElfException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public MalformedElfException(String message) {
        super(message);
    }
}
