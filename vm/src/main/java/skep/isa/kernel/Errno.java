package skep.isa.kernel;

import java.util.Optional;

/** Error numbers of Linux that the machine and its callers speak of; helpers and system calls return them negated. */
public enum Errno {
    EPERM(1, "Operation not permitted"),
    ENOENT(2, "No such file or directory"),
    ESRCH(3, "No such process"),
    EINTR(4, "Interrupted system call"),
    E2BIG(7, "Argument list too long"),
    EBADF(9, "Bad file descriptor"),
    EAGAIN(11, "Resource temporarily unavailable"),
    ENOMEM(12, "Cannot allocate memory"),
    EACCES(13, "Permission denied"),
    EFAULT(14, "Bad address"),
    EBUSY(16, "Device or resource busy"),
    EEXIST(17, "File exists"),
    ENODEV(19, "No such device"),
    ENOTDIR(20, "Not a directory"),
    EISDIR(21, "Is a directory"),
    EINVAL(22, "Invalid argument"),
    EMFILE(24, "Too many open files"),
    ENOSPC(28, "No space left on device"),
    ERANGE(34, "Numerical result out of range"),
    EDEADLK(35, "Resource deadlock avoided"),
    ENAMETOOLONG(36, "File name too long"),
    ENOSYS(38, "Function not implemented"),
    ENODATA(61, "No data available"),
    EPROTO(71, "Protocol error"),
    EOPNOTSUPP(95, "Operation not supported"),
    ENETUNREACH(101, "Network is unreachable"),
    /** Internal to the kernel, but its map operations let it out. */
    ENOTSUPP(524, "Operation is not supported");

    private static final Errno[] ALL = values();

    private final int number;
    private final String text;

    Errno(int number, String text) {
        this.number = number;
        this.text = text;
    }

    public int number() {
        return number;
    }

    /** What a helper returns: the number, negated. */
    public int negated() {
        return -number;
    }

    /** As {@code strerror} says it. */
    public String text() {
        return text;
    }

    /** The row with this (positive) number, if there is one. */
    public static Optional<Errno> ofNumber(int number) {
        for (var row : ALL) {
            if (row.number == number) {
                return Optional.of(row);
            }
        }
        return Optional.empty();
    }

    /** {@code ENOENT (No such file or directory)}, or the bare number for one that has no row. */
    public static String describe(int number) {
        return ofNumber(number).map(row -> row.name() + " (" + row.text + ")").orElse("errno " + number);
    }
}
