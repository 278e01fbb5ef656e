package skep.vm;

import skep.isa.kernel.ProgramType;

/**
 * The contexts of packet programs. Their pointers to the packet are 32-bit fields of the structure that programs are compiled against
 * ({@code struct __sk_buff}, {@code struct xdp_md}; include/uapi/linux/bpf.h); as the kernel rewrites loads of those, so does the VM:
 * the real, 64-bit pointers stand behind the structure.
 *
 * <pre>
 *   0                     size          +8          +16         +24
 *  +---------------------+-----------+-----------+-----------+
 *  | the structure       | data      | data_end  | data_meta |
 *  +---------------------+-----------+-----------+-----------+
 * </pre>
 */
public final class PacketContext {
    /** Size of {@code struct __sk_buff} (Linux 6.18). */
    public static final int SKB_BYTES = 192;

    /** Size of {@code struct xdp_md}. */
    public static final int XDP_BYTES = 24;

    /** What the three pointers add. */
    public static final int POINTER_BYTES = 24;

    private PacketContext() {}

    /** Size of a context with its pointers, or 0 if programs of this type are given none of these. */
    public static int sizeBytes(ProgramType type) {
        int structure = structureBytes(type);
        return structure == 0 ? 0 : structure + POINTER_BYTES;
    }

    /** Where the 64-bit pointer of a 32-bit field lies, or -1 if the field is no packet pointer. */
    static int pointerSlot(ProgramType type, int fieldOffBytes) {
        int structure = structureBytes(type);
        int index = structure == XDP_BYTES
                ? switch (fieldOffBytes) {
                    case 0 -> 0;
                    case 4 -> 1;
                    case 8 -> 2;
                    default -> -1;
                }
                : structure == SKB_BYTES
                        ? switch (fieldOffBytes) {
                            case 76 -> 0;
                            case 80 -> 1;
                            case 140 -> 2;
                            default -> -1;
                        }
                        : -1;
        return index < 0 ? -1 : structure + 8 * index;
    }

    /** Points the context to a packet. */
    public static void setPointers(ProgramType type, long context, long data, long dataEnd, long dataMeta) {
        int structure = structureBytes(type);
        if (structure == 0) {
            throw new IllegalArgumentException(type + " programs are given no packet");
        }
        Memory.putLong(context + structure, data);
        Memory.putLong(context + structure + 8, dataEnd);
        Memory.putLong(context + structure + 16, dataMeta);
    }

    /** Where the structure ends and the pointers begin; 0 for program types without one. */
    public static int structureBytes(ProgramType type) {
        return switch (type) {
            case XDP -> XDP_BYTES;
            case SOCKET_FILTER, SCHED_CLS, SCHED_ACT, CGROUP_SKB, LWT_IN, LWT_OUT, LWT_XMIT, LWT_SEG6LOCAL, SK_SKB ->
                SKB_BYTES;
            default -> 0;
        };
    }
}
