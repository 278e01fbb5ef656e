package skep.vm.syscall;

import skep.isa.kernel.Errno;

/** A command failed. The message names the command, the thing and the error. */
public final class BpfException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Errno errno;
    private final String log;

    public BpfException(BpfCommand command, Errno errno, String reason) {
        this(command, errno, reason, "");
    }

    /** {@code log} is the verifier's, for a program that it rejects. */
    public BpfException(BpfCommand command, Errno errno, String reason, String log) {
        super(command.kernelName() + ": " + reason + ": " + errno.name() + " (" + errno.text() + ")");
        this.errno = errno;
        this.log = log;
    }

    public Errno errno() {
        return errno;
    }

    public String log() {
        return log;
    }
}
