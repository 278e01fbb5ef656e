package skep.vm;

/** Ends the running program, from however deep in subprograms and callbacks, with a result. Carries no stack trace. */
public final class BpfUnwind extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final long result;

    public BpfUnwind(long result) {
        super("program ended by a helper", null, false, false);
        this.result = result;
    }

    public long result() {
        return result;
    }
}
