package skep.vm;

import skep.isa.classic.Ancillary;

/**
 * What legacy packet loads do in programs whose context is a {@link PacketContext} of {@code struct __sk_buff}: big-endian
 * numbers out of the packet, or the kernel's ancillary data. A load from behind the packet's end ends the program with 0.
 *
 * @param deviceType the link type of the device ({@code ARPHRD_*}); {@link #ETHERNET} for most
 */
public record PacketLoad(int deviceType) implements HelperFunction {
    /** {@code ARPHRD_ETHER}. */
    public static final int ETHERNET = 1;

    /** Added to the size of an indirect load, which reads no ancillary data. */
    public static final int INDIRECT = 0x100;

    /** Size of an Ethernet header: where the network header begins. */
    private static final int LINK_HEADER_BYTES = 14;

    /** Offsets in {@code struct __sk_buff}. */
    private static final int PACKET_TYPE_OFF = 4;

    private static final int MARK_OFF = 8;
    private static final int QUEUE_OFF = 12;
    private static final int PROTOCOL_OFF = 16;
    private static final int VLAN_PRESENT_OFF = 20;
    private static final int VLAN_TCI_OFF = 24;
    private static final int VLAN_PROTOCOL_OFF = 28;
    private static final int INTERFACE_INDEX_OFF = 40;
    private static final int HASH_OFF = 68;
    private static final int DATA_OFF = PacketContext.SKB_BYTES;
    private static final int DATA_END_OFF = PacketContext.SKB_BYTES + 8;

    private static final int NETLINK_ALIGN_BYTES = 4;

    @Override
    public long call(VmCpu cpu, long context, long off, long size, long accumulator, long index) {
        int sizeBytes = (int) size & INDIRECT - 1;
        int from = (int) off;
        var ancillary = (size & INDIRECT) == 0 ? Ancillary.at(from) : null;
        if (ancillary != null) {
            return ancillary(cpu, ancillary, context, (int) accumulator, (int) index) & 0xffff_ffffL;
        }
        long data = Memory.getLong(context + DATA_OFF);
        long length = Memory.getLong(context + DATA_END_OFF) - data;
        long at = from >= 0
                ? from
                : from >= Ancillary.NETWORK_BASE
                        ? (long) from - Ancillary.NETWORK_BASE + Math.min(length, LINK_HEADER_BYTES)
                        : (long) from - Ancillary.LINK_BASE;
        if (at < 0 || at > length - sizeBytes) {
            throw new BpfUnwind(0);
        }
        return bigEndian(data + at, sizeBytes);
    }

    private static long bigEndian(long address, int sizeBytes) {
        return switch (sizeBytes) {
            case 1 -> Memory.getByte(address) & 0xffL;
            case 2 -> Short.reverseBytes(Memory.getShort(address)) & 0xffffL;
            default -> Integer.reverseBytes(Memory.getInt(address)) & 0xffff_ffffL;
        };
    }

    private long ancillary(VmCpu cpu, Ancillary what, long context, int accumulator, int index) {
        return switch (what) {
            case PROTOCOL -> networkOrder(context + PROTOCOL_OFF);
            case PACKET_TYPE -> Memory.getInt(context + PACKET_TYPE_OFF);
            case INTERFACE_INDEX -> Memory.getInt(context + INTERFACE_INDEX_OFF);
            case NLATTR -> attribute(context, accumulator, index);
            case NLATTR_NEST -> nestedAttribute(context, accumulator, index);
            case MARK -> Memory.getInt(context + MARK_OFF);
            case QUEUE -> Memory.getInt(context + QUEUE_OFF);
            case HARDWARE_TYPE -> deviceType;
            case RX_HASH -> Memory.getInt(context + HASH_OFF);
            case CPU -> cpu.services().cpu();
            case ALU_XOR_X -> accumulator ^ index;
            case VLAN_TAG -> Memory.getInt(context + VLAN_TCI_OFF);
            case VLAN_TAG_PRESENT -> Memory.getInt(context + VLAN_PRESENT_OFF);
            case PAYLOAD_OFFSET -> payloadOffset(context);
            case RANDOM -> cpu.services().random();
            case VLAN_PROTOCOL -> networkOrder(context + VLAN_PROTOCOL_OFF);
        };
    }

    private static int networkOrder(long address) {
        return Short.reverseBytes(Memory.getShort(address)) & 0xffff;
    }

    /** Offset of the netlink attribute of this type in the packet from {@code from} on, or 0. */
    private static int attribute(long context, int from, int type) {
        return attribute(context, Integer.toUnsignedLong(from), length(context), type);
    }

    /** The same among the attributes nested in the one at {@code from}. */
    private static int nestedAttribute(long context, int from, int type) {
        long at = Integer.toUnsignedLong(from);
        if (at + NETLINK_ALIGN_BYTES > length(context)) {
            return 0;
        }
        int size = Memory.getShort(Memory.getLong(context + DATA_OFF) + at) & 0xffff;
        if (size < NETLINK_ALIGN_BYTES || at + size > length(context)) {
            return 0;
        }
        return attribute(context, at + NETLINK_ALIGN_BYTES, at + size, type);
    }

    private static int attribute(long context, long from, long end, int type) {
        long data = Memory.getLong(context + DATA_OFF);
        for (long at = from; at + NETLINK_ALIGN_BYTES <= end; ) {
            int size = Memory.getShort(data + at) & 0xffff;
            if (size < NETLINK_ALIGN_BYTES || at + size > end) {
                return 0;
            }
            if ((Memory.getShort(data + at + 2) & 0x3fff) == (type & 0xffff)) {
                return (int) at;
            }
            at += size + NETLINK_ALIGN_BYTES - 1 & -NETLINK_ALIGN_BYTES;
        }
        return 0;
    }

    /** Where the payload of TCP, UDP and the like begins; 0 if the packet is not understood. */
    private static int payloadOffset(long context) {
        long data = Memory.getLong(context + DATA_OFF);
        long length = length(context);
        int network = LINK_HEADER_BYTES;
        if (length < network + 20) {
            return 0;
        }
        int version = Memory.getByte(data + network) >> 4 & 0xf;
        int transport;
        int protocol;
        if (version == 4) {
            transport = network + 4 * (Memory.getByte(data + network) & 0xf);
            protocol = Memory.getByte(data + network + 9) & 0xff;
        } else if (version == 6 && length >= network + 40) {
            transport = network + 40;
            protocol = Memory.getByte(data + network + 6) & 0xff;
        } else {
            return network;
        }
        return switch (protocol) {
            case 6 ->
                transport + 13 <= length
                        ? transport + Math.max(20, (Memory.getByte(data + transport + 12) >> 4 & 0xf) * 4)
                        : transport;
            case 17, 136 -> transport + 8;
            case 1, 58 -> transport + 8;
            default -> transport;
        };
    }

    private static long length(long context) {
        return Memory.getLong(context + DATA_END_OFF) - Memory.getLong(context + DATA_OFF);
    }
}
