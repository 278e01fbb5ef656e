package skep.isa.classic;

import java.util.Arrays;
import java.util.Optional;

/**
 * What Linux lets filters read besides the packet, by loads from offsets at the top of the 32-bit range
 * ({@code SKF_AD_*}, include/uapi/linux/filter.h).
 */
public enum Ancillary {
    PROTOCOL(0, "proto"),
    PACKET_TYPE(4, "type"),
    INTERFACE_INDEX(8, "ifidx"),
    NLATTR(12, "nla"),
    NLATTR_NEST(16, "nlan"),
    MARK(20, "mark"),
    QUEUE(24, "queue"),
    HARDWARE_TYPE(28, "hatype"),
    RX_HASH(32, "rxhash"),
    CPU(36, "cpu"),
    ALU_XOR_X(40, "xor_x"),
    VLAN_TAG(44, "vlan_tci"),
    VLAN_TAG_PRESENT(48, "vlanp"),
    PAYLOAD_OFFSET(52, "poff"),
    RANDOM(56, "random"),
    VLAN_PROTOCOL(60, "vlan_tpid");

    /** {@code SKF_AD_OFF}: offsets from here up are ancillary. */
    public static final int BASE = -0x1000;

    /** {@code SKF_NET_OFF}: offsets from here up to {@link #BASE} are relative to the network header. */
    public static final int NETWORK_BASE = -0x10_0000;

    /** {@code SKF_LL_OFF}: offsets from here up to {@link #NETWORK_BASE} are relative to the link layer header. */
    public static final int LINK_BASE = -0x20_0000;

    private static final Ancillary[] ALL = values();

    private final int offset;
    private final String label;

    Ancillary(int offset, String label) {
        this.offset = offset;
        this.label = label;
    }

    /** The row that tcpdump writes in this way, if there is one. */
    static Optional<Ancillary> labelled(String label) {
        return Arrays.stream(ALL).filter(row -> row.label.equals(label)).findFirst();
    }

    /** How tcpdump writes it: {@code ldb [vlanp]}. */
    String label() {
        return label;
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
