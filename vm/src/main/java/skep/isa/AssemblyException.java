package skep.isa;

/** Text that is no instruction. The message has line and column, from 1. */
public final class AssemblyException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int line;
    private final int column;

    public AssemblyException(int line, int column, String reason) {
        super(line + ":" + column + ": " + reason);
        this.line = line;
        this.column = column;
    }

    public int line() {
        return line;
    }

    public int column() {
        return column;
    }
}
