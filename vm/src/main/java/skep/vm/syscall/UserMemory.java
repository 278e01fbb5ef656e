package skep.vm.syscall;

import java.nio.charset.StandardCharsets;
import skep.isa.kernel.Errno;

/** The memory of a process as the kernel sees it: addresses that may lead nowhere. */
public interface UserMemory {
    /** {@code PATH_MAX}, with the final zero. */
    int MAX_STRING_BYTES = 4096;

    /** Copies in; {@code false} if not all of the range is there. */
    boolean read(long address, byte[] into);

    /** Copies out; {@code false} if not all of the range is there and writable. Nothing has been written then. */
    boolean write(long address, byte[] from);

    /** Bytes at an address; EFAULT where nothing is. */
    default byte[] bytes(BpfCommand command, long address, int size) {
        var bytes = new byte[size];
        if (!read(address, bytes)) {
            throw fault(command, address, size);
        }
        return bytes;
    }

    /** Writes bytes; EFAULT where nothing is. */
    default void put(BpfCommand command, long address, byte[] bytes) {
        if (!write(address, bytes)) {
            throw fault(command, address, bytes.length);
        }
    }

    /** A string with its final zero; EFAULT where nothing is, EINVAL if it does not end. */
    default String string(BpfCommand command, long address) {
        var text = new java.io.ByteArrayOutputStream();
        var one = new byte[1];
        for (int i = 0; i < MAX_STRING_BYTES; i++) {
            if (!read(address + i, one)) {
                throw fault(command, address + i, 1);
            }
            if (one[0] == 0) {
                return text.toString(StandardCharsets.UTF_8);
            }
            text.write(one[0]);
        }
        throw new BpfException(command, Errno.EINVAL, "a string of " + MAX_STRING_BYTES + " bytes does not end");
    }

    private static BpfException fault(BpfCommand command, long address, int size) {
        return new BpfException(
                command, Errno.EFAULT, size + " bytes at 0x" + Long.toHexString(address) + " are not the process's");
    }
}
