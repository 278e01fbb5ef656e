package skep.vm.verifier;

import java.util.Locale;

/** Stops the walk: the program is rejected. Its sentence is already in the log. Carries no stack trace. */
final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    static final int EPERM = 1;
    static final int E2BIG = 7;
    static final int EBADF = 9;
    static final int EACCES = 13;
    static final int EFAULT = 14;
    static final int EINVAL = 22;
    static final int ENOENT = 2;
    static final int ERANGE = 34;
    static final int ENOTSUPP = 524;
    static final int EOPNOTSUPP = 95;

    final int errno;

    private Refusal(int errno, String message) {
        super(message, null, false, false);
        this.errno = errno;
    }

    /** Logs a sentence and makes the refusal; the caller throws it. */
    static Refusal of(Log log, int errno, String format, Object... arguments) {
        var message = arguments.length == 0 ? format : String.format(Locale.ROOT, format, arguments);
        log.line(message);
        return new Refusal(errno, message);
    }

    /** When everything was said already. */
    static Refusal silent(int errno) {
        return new Refusal(errno, "");
    }

    /** Whether a barrier against speculation makes this harmless on a path that cannot really happen. */
    boolean harmlessUnderSpeculation() {
        return errno == EPERM || errno == EACCES || errno == EINVAL;
    }
}
