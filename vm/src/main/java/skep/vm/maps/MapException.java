package skep.vm.maps;

import skep.isa.kernel.Errno;

/** An operation on a map failed with an error number of the kernel. */
public final class MapException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Errno errno;

    public MapException(Errno errno, String message) {
        super(message + ": " + errno.name() + " (" + errno.text() + ")", null, false, false);
        this.errno = errno;
    }

    public Errno errno() {
        return errno;
    }
}
