package skep.linux.agent;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import skep.elf.ElfFile;
import skep.isa.kernel.Arch;

/** The agent as a static ELF program of one segment: headers, then code. */
public final class AgentImage {
    /** {@code SKEP} in the order of its bytes. */
    static final int MAGIC = 'S' | 'K' << 8 | 'E' << 16 | 'P' << 24;

    static final int X86_64 = ElfFile.MACHINE_X86_64;
    static final int ARM64 = ElfFile.MACHINE_ARM64;

    static final int REQUEST_BYTES = 56;

    private static final int HEADER_BYTES = 64;
    private static final int SEGMENT_BYTES = 56;
    private static final long BASE = 0x400000;
    private static final int READ_AND_EXECUTE = 5;

    private AgentImage() {}

    public static byte[] of(Arch arch) {
        var code = arch == Arch.X86_64 ? X86Agent.code() : Arm64Agent.code();
        int start = HEADER_BYTES + SEGMENT_BYTES;
        long size = start + code.length;
        var file = ByteBuffer.allocate((int) size).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(0x464c_457f).put(new byte[] {2, 1, 1, 0}).putLong(0);
        file.putShort((short) ElfFile.TYPE_EXECUTABLE);
        file.putShort((short) (arch == Arch.X86_64 ? X86_64 : ARM64)).putInt(1);
        file.putLong(BASE + start).putLong(HEADER_BYTES).putLong(0).putInt(0);
        file.putShort((short) HEADER_BYTES).putShort((short) SEGMENT_BYTES).putShort((short) 1);
        file.putShort((short) 64).putShort((short) 0).putShort((short) 0);
        file.putInt(ElfFile.SEGMENT_LOAD).putInt(READ_AND_EXECUTE);
        file.putLong(0).putLong(BASE).putLong(BASE).putLong(size).putLong(size).putLong(0x10000);
        file.put(code);
        return file.array();
    }
}
