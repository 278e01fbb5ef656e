package skep.linux.sys;

/** Error numbers as system calls return them (negated), with their names ({@code asm-generic/errno.h}). */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int E2BIG = 7;
    public static final int EBADF = 9;
    public static final int ECHILD = 10;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EFAULT = 14;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int ENODEV = 19;
    public static final int ENOTDIR = 20;
    public static final int EINVAL = 22;
    public static final int EMFILE = 24;
    public static final int ENOSPC = 28;
    public static final int ENOSYS = 38;
    public static final int EOPNOTSUPP = 95;
    /** Internal to the kernel, yet returned by map operations that a map type lacks. */
    public static final int ENOTSUPP = 524;

    /** Errors are the values -1 to -4095; anything else, addresses included, is a result. */
    public static boolean isError(long result) {
        return result < 0 && result >= -4095;
    }

    /** The name of a positive number, for example {@code EPERM}, or {@code errno 133}. */
    public static String name(long errno) {
        return switch ((int) errno) {
            case EPERM -> "EPERM";
            case ENOENT -> "ENOENT";
            case ESRCH -> "ESRCH";
            case EINTR -> "EINTR";
            case EIO -> "EIO";
            case E2BIG -> "E2BIG";
            case EBADF -> "EBADF";
            case ECHILD -> "ECHILD";
            case EAGAIN -> "EAGAIN";
            case ENOMEM -> "ENOMEM";
            case EACCES -> "EACCES";
            case EFAULT -> "EFAULT";
            case EBUSY -> "EBUSY";
            case EEXIST -> "EEXIST";
            case ENODEV -> "ENODEV";
            case ENOTDIR -> "ENOTDIR";
            case 21 -> "EISDIR";
            case EINVAL -> "EINVAL";
            case 23 -> "ENFILE";
            case EMFILE -> "EMFILE";
            case 26 -> "ETXTBSY";
            case ENOSPC -> "ENOSPC";
            case 29 -> "ESPIPE";
            case 30 -> "EROFS";
            case 32 -> "EPIPE";
            case 34 -> "ERANGE";
            case ENOSYS -> "ENOSYS";
            case 75 -> "EOVERFLOW";
            case 84 -> "EILSEQ";
            case EOPNOTSUPP -> "EOPNOTSUPP";
            case 110 -> "ETIMEDOUT";
            case ENOTSUPP -> "ENOTSUPP";
            default -> "errno " + errno;
        };
    }

    private Errno() {}
}
