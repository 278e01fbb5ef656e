package skep.elf;

/** A file that is no ELF, is malformed, or asks for what cannot be done. The message names the section or symbol. */
public final class ElfException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ElfException(String message) {
        super(message);
    }
}
