package skep.vm;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import skep.isa.Bytecode;
import skep.isa.kernel.KernelVersion;

/**
 * The kernel's short name for a program's code: the first eight bytes of a digest of its instructions, in which the
 * descriptors of maps count as zero ({@code bpf_prog_calc_tag}). SHA-1 up to Linux 6.17, SHA-256 since.
 */
public final class ProgramTag {
    private static final int TAG_BYTES = 8;
    private static final int LOAD_IMM64 = 0x18;
    private static final int PSEUDO_MAP_FD = 1;
    private static final int PSEUDO_MAP_VALUE = 2;

    private ProgramTag() {}

    /** Sixteen hexadecimal digits. */
    public static String of(Bytecode code, KernelVersion kernel) {
        var slots = code.slots();
        for (int i = 0; i + 1 < slots.length; i++) {
            if (code.opcode(i) == LOAD_IMM64) {
                if (code.src(i) == PSEUDO_MAP_FD || code.src(i) == PSEUDO_MAP_VALUE) {
                    slots[i] &= 0xffff_ffffL;
                    slots[i + 1] &= 0xffff_ffffL;
                }
                i++;
            }
        }
        try {
            var digest = MessageDigest.getInstance(kernel.isAtLeast(6, 18) ? "SHA-256" : "SHA-1")
                    .digest(Bytecode.of(slots).toBytes());
            return HexFormat.of().formatHex(digest, 0, TAG_BYTES);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
