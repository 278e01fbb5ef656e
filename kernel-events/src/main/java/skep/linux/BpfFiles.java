package skep.linux;

import skep.linux.sys.Errno;
import skep.target.TargetException;

/** Files of a BPF file system: each stands for a map, program or link, and keeps it until it is removed. */
final class BpfFiles {
    private BpfFiles() {}

    /**
     * Makes a file that stands for what a descriptor is.
     *
     * @param what how a refusal names it
     * @throws TargetException with the reason if the kernel refuses
     */
    static void pin(Host host, int fd, String what, String path) {
        long result;
        try (var name = host.syscalls().allocate(path.length() * 3L + 1)) {
            long end = name.putString(0, path);
            result = host.bpf().pin(fd, name.pushed(end));
        }
        if (Errno.isError(result)) {
            var why = (int) -result == Errno.EEXIST ? "there is something of that name" : reason(-result);
            throw new TargetException(what + " could not be pinned at " + path + ": " + why);
        }
    }

    /**
     * A descriptor of what a file stands for; the caller closes it.
     *
     * @throws TargetException if it stands for nothing
     */
    static int open(Host host, String path) {
        long fd;
        try (var name = host.syscalls().allocate(path.length() * 3L + 1)) {
            long end = name.putString(0, path);
            fd = host.bpf().pinned(name.pushed(end));
        }
        if (Errno.isError(fd)) {
            var why = (int) -fd == Errno.ENOENT ? "there is no such file" : reason(-fd);
            throw new TargetException("nothing is pinned at " + path + ": " + why);
        }
        return (int) fd;
    }

    private static String reason(long errno) {
        return switch ((int) errno) {
            case Errno.ENOENT -> "its folder does not exist";
            case Errno.EINVAL, Errno.EPERM, Errno.EACCES ->
                "that is no folder of a mounted BPF file system (" + Errno.name(errno) + ")";
            default -> Errno.name(errno);
        };
    }
}
