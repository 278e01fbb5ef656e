package skep.linux;

import java.util.HexFormat;
import skep.linux.sys.Block;

/** What the kernel tells of a loaded program ({@code struct bpf_prog_info}, Linux 6.18). */
record ProgramInfo(
        int type,
        int id,
        String tag,
        int jitedBytes,
        int xlatedBytes,
        long loadedAtNanos,
        int uid,
        String name,
        int mapCount,
        long runNanos,
        long runCount,
        long missedRuns,
        int verifiedInsns) {
    static final int BYTES = 232;

    static ProgramInfo read(Block info) {
        return new ProgramInfo(
                info.getInt(0),
                info.getInt(4),
                HexFormat.of().formatHex(info.getBytes(8, 8)),
                info.getInt(16),
                info.getInt(20),
                info.getLong(40),
                info.getInt(48),
                info.getString(64, 16),
                info.getInt(52),
                info.getLong(192),
                info.getLong(200),
                info.getLong(208),
                info.getInt(216));
    }
}
