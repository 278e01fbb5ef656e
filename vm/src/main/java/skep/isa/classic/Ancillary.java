package skep.isa.classic;

/**
 * What Linux lets filters read besides the packet, by loads from offsets at the top of the 32-bit range
 * ({@code SKF_AD_*}, include/uapi/linux/filter.h).
 */
public enum Ancillary {
    PROTOCOL(0),
    PACKET_TYPE(4),
    INTERFACE_INDEX(8),
    NLATTR(12),
    NLATTR_NEST(16),
    MARK(20),
    QUEUE(24),
    HARDWARE_TYPE(28),
    RX_HASH(32),
    CPU(36),
    ALU_XOR_X(40),
    VLAN_TAG(44),
    VLAN_TAG_PRESENT(48),
    PAYLOAD_OFFSET(52),
    RANDOM(56),
    VLAN_PROTOCOL(60);

    /** {@code SKF_AD_OFF}: offsets from here up are ancillary. */
    public static final int BASE = -0x1000;

    /** {@code SKF_NET_OFF}: offsets from here up to {@link #BASE} are relative to the network header. */
    public static final int NETWORK_BASE = -0x10_0000;

    /** {@code SKF_LL_OFF}: offsets from here up to {@link #NETWORK_BASE} are relative to the link layer header. */
    public static final int LINK_BASE = -0x20_0000;

    private static final Ancillary[] ALL = values();

    private final int offset;

    Ancillary(int offset) {
        this.offset = offset;
    }

    /** The row that a load from this offset reads, or null if there is none. */
    public static @org.jspecify.annotations.Nullable Ancillary at(int k) {
        int index = k - BASE;
        if (index < 0 || index % 4 != 0 || index / 4 >= ALL.length) {
            return null;
        }
        return ALL[index / 4];
    }

    /** The offset that reads it. */
    public int k() {
        return BASE + offset;
    }
}
