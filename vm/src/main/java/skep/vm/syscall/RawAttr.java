package skep.vm.syscall;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import skep.isa.kernel.Errno;

/**
 * One {@code union bpf_attr} (Linux 6.18, {@code include/uapi/linux/bpf.h}): a copy of what the process passed, little-endian, and where
 * results go.
 */
final class RawAttr {
    /** {@code sizeof(union bpf_attr)}. */
    static final int BYTES = 168;

    private static final int PAGE_BYTES = 4096;

    final BpfCommand command;
    final UserMemory memory;
    private final long address;
    private final ByteBuffer bytes;

    private RawAttr(BpfCommand command, UserMemory memory, long address, byte[] bytes) {
        this.command = command;
        this.memory = memory;
        this.address = address;
        this.bytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Copies a union in. A caller may know a longer or a shorter one: what is missing is zero, and what the kernel does not know must be.
     */
    static RawAttr read(BpfCommand command, UserMemory memory, long address, int size) {
        if (size < 0 || size > PAGE_BYTES) {
            throw new BpfException(command, Errno.E2BIG, "attributes of " + Integer.toUnsignedString(size) + " bytes");
        }
        var passed = memory.bytes(command, address, size);
        for (int i = BYTES; i < size; i++) {
            if (passed[i] != 0) {
                throw new BpfException(command, Errno.E2BIG, "byte " + i + " of the attributes is not known");
            }
        }
        var attr = new RawAttr(command, memory, address, java.util.Arrays.copyOf(passed, BYTES));
        for (int i = command.attrBytes(); i < BYTES; i++) {
            if (attr.bytes.get(i) != 0) {
                throw attr.invalid("byte " + i + " of the attributes means nothing to this command");
            }
        }
        return attr;
    }

    int u32(int offset) {
        return bytes.getInt(offset);
    }

    long u64(int offset) {
        return bytes.getLong(offset);
    }

    /** A name: up to the first zero of 16 bytes, of letters, digits, underscores and dots. */
    String name(int offset) {
        var name = new StringBuilder();
        for (int i = 0; i < 16; i++) {
            char c = (char) (bytes.get(offset + i) & 0xff);
            if (c == 0) {
                return name.toString();
            }
            if (!(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.')) {
                throw invalid("a name with the character " + (int) c);
            }
            name.append(c);
        }
        throw invalid("a name of more than 15 characters");
    }

    /** Bytes that an address in the union leads to. */
    byte[] pointed(int offset, int size) {
        return memory.bytes(command, u64(offset), size);
    }

    String string(int offset) {
        return memory.string(command, u64(offset));
    }

    /** Writes where an address in the union leads to. */
    void putPointed(int offset, byte[] content) {
        memory.put(command, u64(offset), content);
    }

    /** Writes a result into the caller's union. */
    void putU32(int offset, int value) {
        memory.put(command, address + offset, le32(value));
    }

    void putU64(int offset, long value) {
        memory.put(
                command,
                address + offset,
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(value)
                        .array());
    }

    static byte[] le32(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }

    BpfException invalid(String reason) {
        return new BpfException(command, Errno.EINVAL, reason);
    }

    BpfException failed(Errno errno, String reason) {
        return new BpfException(command, errno, reason);
    }

    void require(boolean condition, String rule) {
        if (!condition) {
            throw invalid(rule);
        }
    }
}
