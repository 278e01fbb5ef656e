package skep.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import skep.btf.Btf;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Block;
import skep.linux.sys.Bpf;
import skep.linux.sys.Errno;

/** The types of one object in the kernel, for its maps and functions. A kernel that refuses them leaves them out. */
final class ObjectTypes implements AutoCloseable {
    private static final int LOG_BYTES = 1 << 20;

    private final Host host;
    private int fd = -1;
    private String refusal = "";

    ObjectTypes(Host host) {
        this.host = host;
    }

    void load(Btf types) {
        var bytes = types.bytes();
        try (var block = host.syscalls().allocate(bytes.length)) {
            block.putBytes(0, bytes);
            long address = block.pushed(bytes.length);
            long loaded = host.bpf().btfLoad(address, bytes.length, 0, 0);
            if (Errno.isError(loaded)) {
                refusal = Errno.name(-loaded) + verdict(address, bytes.length);
            } else {
                fd = (int) loaded;
            }
        }
    }

    /** The last line of the kernel's log on types that it refuses. */
    private String verdict(long types, int sizeBytes) {
        try (var log = host.syscalls().allocate(LOG_BYTES)) {
            host.bpf().btfLoad(types, sizeBytes, log.address(), LOG_BYTES);
            return Bpf.logText(log)
                    .strip()
                    .lines()
                    .reduce((_, last) -> ": " + last)
                    .orElse("");
        }
    }

    /** Why the kernel did not take the types; empty if it did or there are none. */
    String refusal() {
        return refusal;
    }

    boolean isLoaded() {
        return fd >= 0;
    }

    int fd() {
        return fd;
    }

    /** Whether these types describe every function of a program of several: the kernel wants all or none. */
    boolean describes(ProgramSpec program) {
        return isLoaded()
                && program.functions().size() > 1
                && program.functions().stream().allMatch(function -> function.typeId() != 0);
    }

    /** {@code struct bpf_func_info} records of a program. */
    Block records(ProgramSpec program) {
        var records = ByteBuffer.allocate(program.functions().size() * Bpf.FunctionInfo.RECORD_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        for (var function : program.functions()) {
            records.putInt(function.insn()).putInt(function.typeId());
        }
        var block = host.syscalls().allocate(records.capacity());
        block.putBytes(0, records.array());
        return block;
    }

    @Override
    public void close() {
        if (fd >= 0) {
            host.close(fd);
            fd = -1;
        }
    }
}
