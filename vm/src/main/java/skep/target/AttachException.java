package skep.target;

import skep.isa.kernel.ProbeSpec;

/** A probe could not be attached. The message is one sentence with the reason; the hint says what to do instead. */
public final class AttachException extends TargetException {
    private static final long serialVersionUID = 1;

    private final transient ProbeSpec probe;
    private final String hint;

    public AttachException(ProbeSpec probe, String message, String hint) {
        super(message);
        this.probe = probe;
        this.hint = hint;
    }

    public ProbeSpec probe() {
        return probe;
    }

    /** One sentence, or empty. */
    public String hint() {
        return hint;
    }
}
