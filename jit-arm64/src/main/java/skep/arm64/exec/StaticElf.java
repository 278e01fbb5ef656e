package skep.arm64.exec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Writes a static aarch64 executable of two segments: code that cannot be written and data that cannot be executed (System V
 * ABI, ELF-64 object file format; AAELF64).
 */
public final class StaticElf {
    /** Where the code segment begins in memory; the file's headers lie in front of the code. */
    public static final long CODE_BASE = 0x40_0000;

    /** Where the data segment begins in memory. */
    public static final long DATA_BASE = 0x4000_0000;

    /** Size of the headers in front of the code. */
    public static final int HEADER_BYTES = 64 + 2 * 56;

    private static final int PAGE = 0x1_0000;
    private static final short ET_EXEC = 2;
    private static final short EM_AARCH64 = 183;
    private static final int PT_LOAD = 1;
    private static final int READ = 4;
    private static final int WRITE = 2;
    private static final int EXECUTE = 1;

    private StaticElf() {}

    /** Address of a word of code. */
    public static long addressOfWord(int word) {
        return CODE_BASE + HEADER_BYTES + 4L * word;
    }

    /**
     * The file.
     *
     * @param code instructions; the first of them is word 0
     * @param entryWord where execution begins
     * @param data initial contents of the data segment
     * @param dataBytes size of the data segment in memory; what {@code data} does not fill is zero
     */
    public static byte[] write(int[] code, int entryWord, byte[] data, long dataBytes) {
        int codeEnd = HEADER_BYTES + code.length * 4;
        int dataAt = (codeEnd + PAGE - 1) / PAGE * PAGE;
        var out = ByteBuffer.allocate(dataAt + data.length).order(ByteOrder.LITTLE_ENDIAN);
        out.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0});
        out.putLong(0);
        out.putShort(ET_EXEC).putShort(EM_AARCH64).putInt(1);
        out.putLong(addressOfWord(entryWord)).putLong(64).putLong(0).putInt(0);
        out.putShort((short) 64).putShort((short) 56).putShort((short) 2);
        out.putShort((short) 0).putShort((short) 0).putShort((short) 0);
        segment(out, READ | EXECUTE, 0, CODE_BASE, codeEnd, codeEnd);
        segment(out, READ | WRITE, dataAt, DATA_BASE, data.length, Math.max(dataBytes, data.length));
        for (int word : code) {
            out.putInt(word);
        }
        out.position(dataAt);
        out.put(data);
        return out.array();
    }

    private static void segment(
            ByteBuffer out, int flags, long fileAt, long address, long fileBytes, long memoryBytes) {
        out.putInt(PT_LOAD).putInt(flags).putLong(fileAt).putLong(address).putLong(address);
        out.putLong(fileBytes).putLong(memoryBytes).putLong(PAGE);
    }
}
