package skep.vm;

import java.io.ByteArrayOutputStream;
import skep.isa.kernel.Errno;

/** What an iterator program writes, until somebody reads it: the VM's {@code struct seq_file}. */
public final class SeqFile {
    /** What one call of the program may write; the kernel gives up at 8 pages of a reader that asks for less. */
    private static final int MAX_BYTES = 1 << 20;

    private final long address;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** The file that programs know by this address. */
    SeqFile(long address) {
        this.address = address;
    }

    /** A helper writes: 0, -EINVAL if that is not the file of the iterator that runs, -EOVERFLOW if it is full. */
    public static long write(VmCpu cpu, long seqFile, byte[] text) {
        var file = cpu.seqFile().filter(open -> open.address == seqFile);
        if (file.isEmpty()) {
            return Errno.EINVAL.negated();
        }
        var bytes = file.get().bytes;
        if (bytes.size() + text.length > MAX_BYTES) {
            return Errno.EOVERFLOW.negated();
        }
        bytes.writeBytes(text);
        return 0;
    }

    /** Takes what was written. */
    byte[] take() {
        var taken = bytes.toByteArray();
        bytes.reset();
        return taken;
    }
}
