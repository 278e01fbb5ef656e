package skep.vm.helpers;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import skep.isa.kernel.Errno;
import skep.isa.kernel.Helper;
import skep.vm.HelperFunction;
import skep.vm.Memory;
import skep.vm.Packet;
import skep.vm.VmCpu;

/** Packets: reading, writing, resizing, checksums, redirection. There are no devices, so a redirected packet is dropped. */
final class PacketHelpers {
    private static final int ETHERNET_BYTES = 14;
    private static final int MAX_TRANSFER_BYTES = 1 << 16;
    private static final long TC_ACT_SHOT = 2;
    private static final long TC_ACT_REDIRECT = 7;
    private static final long XDP_REDIRECT = 4;
    private static final int TUNNEL_KEY_BYTES = 44;
    private static final int ETHERTYPE_VLAN = 0x8100;
    private static final int ETHERTYPE_VLAN_AD = 0x88a8;
    private static final int ETHERTYPE_IP = 0x0800;
    private static final int ETHERTYPE_IPV6 = 0x86dd;

    private PacketHelpers() {}

    /** What a helper does with the packet of the running program. */
    @FunctionalInterface
    private interface Action {
        long act(Packet packet, long b, long c, long d, long e);
    }

    static HelperFunction function(Helper helper) {
        return switch (helper) {
            case CSUM_DIFF -> PacketHelpers::checksumDifference;
            case SKB_LOAD_BYTES -> on(PacketHelpers::loadBytes);
            case SKB_LOAD_BYTES_RELATIVE -> on(PacketHelpers::loadRelative);
            case SKB_STORE_BYTES -> on(PacketHelpers::storeBytes);
            case XDP_LOAD_BYTES -> on(PacketHelpers::xdpLoad);
            case XDP_STORE_BYTES -> on(PacketHelpers::xdpStore);
            case XDP_GET_BUFF_LEN -> on((packet, _, _, _, _) -> packet.length());
            case SKB_PULL_DATA ->
                on((packet, length, _, _, _) -> (length & 0xffff_ffffL) > packet.length() ? Errno.ENOMEM.negated() : 0);
            case L3_CSUM_REPLACE ->
                on((packet, offset, from, to, flags) -> replaceChecksum(packet, offset, from, to, flags, false));
            case L4_CSUM_REPLACE ->
                on((packet, offset, from, to, flags) -> replaceChecksum(packet, offset, from, to, flags, true));
            case CSUM_UPDATE -> on((_, sum, _, _, _) -> sum & 0xffff_ffffL);
            case CSUM_LEVEL -> on((_, level, _, _, _) -> level == 0 ? 0 : Errno.EACCES.negated());
            case SKB_CHANGE_TAIL -> on(PacketHelpers::changeTail);
            case SKB_CHANGE_HEAD ->
                on((packet, room, flags, _, _) -> flags != 0 || room < 0
                        ? Errno.EINVAL.negated()
                        : packet.resizeAt(0, room & 0xffff_ffffL) ? 0 : Errno.ENOMEM.negated());
            case SKB_ADJUST_ROOM -> on(PacketHelpers::adjustRoom);
            case SKB_CHANGE_PROTO -> on(PacketHelpers::changeProtocol);
            case SKB_CHANGE_TYPE -> on(PacketHelpers::changeType);
            case SKB_VLAN_PUSH -> on(PacketHelpers::pushVlan);
            case SKB_VLAN_POP -> on(PacketHelpers::popVlan);
            case SKB_SET_TUNNEL_KEY -> on(PacketHelpers::setTunnelKey);
            case SKB_GET_TUNNEL_KEY -> on(PacketHelpers::getTunnelKey);
            case SKB_GET_TUNNEL_OPT ->
                on((_, opt, size, _, _) -> {
                    Memory.fill(opt, size, (byte) 0);
                    return Errno.ENOENT.negated();
                });
            case SKB_SET_TUNNEL_OPT -> new Refusal(Errno.EINVAL, "there is no tunnel device");
            case SKB_ECN_SET_CE -> on(PacketHelpers::markCongestion);
            case SKB_SET_TSTAMP ->
                on((packet, stamp, kind, _, _) -> {
                    Memory.putLong(packet.context() + 152, stamp);
                    Memory.putByte(packet.context() + 180, (byte) kind);
                    return 0;
                });
            case GET_HASH_RECALC -> on(PacketHelpers::hash);
            case SET_HASH_INVALID -> on((packet, _, _, _, _) -> setHash(packet, 0));
            case SET_HASH -> on((packet, hash, _, _, _) -> setHash(packet, (int) hash));
            case XDP_ADJUST_HEAD ->
                on((packet, delta, _, _, _) ->
                        packet.moveStart((int) delta, ETHERNET_BYTES) ? 0 : Errno.EINVAL.negated());
            case XDP_ADJUST_TAIL ->
                on((packet, delta, _, _, _) ->
                        packet.moveEnd((int) delta, ETHERNET_BYTES) ? 0 : Errno.EINVAL.negated());
            case XDP_ADJUST_META ->
                on((packet, delta, _, _, _) -> packet.moveMeta((int) delta) ? 0 : Errno.EACCES.negated());
            case REDIRECT -> (cpu, _, flags, _, _, _) -> redirect(cpu, flags);
            case REDIRECT_NEIGH, REDIRECT_PEER -> (_, _, _, _, _, _) -> TC_ACT_SHOT;
            case CLONE_REDIRECT -> new Refusal(Errno.EINVAL, "there is no device with this index");
            case CHECK_MTU -> new Refusal(Errno.ENODEV, "there is no device with this index");
            case GET_SOCKET_COOKIE -> socketCookies();
            case GET_ROUTE_REALM, GET_CGROUP_CLASSID, SKB_CGROUP_CLASSID, SKB_UNDER_CGROUP -> (_, _, _, _, _, _) -> 0;
            case GET_SOCKET_UID -> (_, _, _, _, _, _) -> 65534; // overflowuid: no full socket
            case GET_NETNS_COOKIE -> (_, _, _, _, _, _) -> 1;
            case SKB_CGROUP_ID, SKB_ANCESTOR_CGROUP_ID -> (_, _, _, _, _, _) -> 0;
            default -> throw new IllegalArgumentException(helper + " is not about packets");
        };
    }

    private static HelperFunction on(Action action) {
        return (cpu, _, b, c, d, e) -> {
            var packet = cpu.packet();
            return packet.isEmpty() ? Errno.EINVAL.negated() : action.act(packet.get(), b, c, d, e);
        };
    }

    /** A number for each socket, given out when it is first asked for; packets here belong to no socket. */
    private static HelperFunction socketCookies() {
        var numbers = new ConcurrentHashMap<Long, Long>();
        var next = new AtomicLong();
        return (cpu, socket, _, _, _, _) -> socket == 0 || cpu.packet().isPresent()
                ? 0
                : numbers.computeIfAbsent(socket, _ -> next.incrementAndGet());
    }

    private static boolean inside(Packet packet, long offset, long length) {
        return offset >= 0 && length >= 0 && length <= MAX_TRANSFER_BYTES && offset + length <= packet.length();
    }

    private static long loadBytes(Packet packet, long offset, long to, long length, long e) {
        long at = offset & 0xffff_ffffL;
        long bytes = length & 0xffff_ffffL;
        if (!inside(packet, at, bytes)) {
            Memory.fill(to, bytes, (byte) 0);
            return Errno.EFAULT.negated();
        }
        Memory.copy(packet.data() + at, to, bytes);
        return 0;
    }

    /** From the start of the link header (0) or of the network header (1). */
    private static long loadRelative(Packet packet, long offset, long to, long length, long start) {
        long base = start == 0 ? 0 : start == 1 ? ETHERNET_BYTES : -1;
        if (base < 0 || (offset & 0xffff_ffffL) > 0xffff) {
            Memory.fill(to, length & 0xffff_ffffL, (byte) 0);
            return Errno.EFAULT.negated();
        }
        return loadBytes(packet, (offset & 0xffff_ffffL) + base, to, length, 0);
    }

    private static long storeBytes(Packet packet, long offset, long from, long length, long flags) {
        if ((flags & ~3L) != 0) {
            return Errno.EINVAL.negated();
        }
        long at = offset & 0xffff_ffffL;
        if (!inside(packet, at, length & 0xffff_ffffL)) {
            return Errno.EFAULT.negated();
        }
        Memory.copy(from, packet.data() + at, length & 0xffff_ffffL);
        if ((flags & 2) != 0) {
            setHash(packet, 0);
        }
        return 0;
    }

    private static long xdpLoad(Packet packet, long offset, long to, long length, long e) {
        if (!inside(packet, offset & 0xffff_ffffL, length & 0xffff_ffffL)) {
            return Errno.EINVAL.negated();
        }
        Memory.copy(packet.data() + (offset & 0xffff_ffffL), to, length & 0xffff_ffffL);
        return 0;
    }

    private static long xdpStore(Packet packet, long offset, long from, long length, long e) {
        if (!inside(packet, offset & 0xffff_ffffL, length & 0xffff_ffffL)) {
            return Errno.EINVAL.negated();
        }
        Memory.copy(from, packet.data() + (offset & 0xffff_ffffL), length & 0xffff_ffffL);
        return 0;
    }

    // ---- checksums (RFC 1071, updates by RFC 1624)

    private static long checksumDifference(VmCpu cpu, long from, long fromSize, long to, long toSize, long seed) {
        if ((fromSize | toSize) < 0 || (fromSize | toSize) % 4 != 0 || fromSize + toSize > 512) {
            return Errno.EINVAL.negated();
        }
        long sum = seed & 0xffff_ffffL;
        for (int i = 0; i < fromSize; i += 4) {
            sum += ~Memory.getInt(from + i) & 0xffff_ffffL;
        }
        for (int i = 0; i < toSize; i += 4) {
            sum += Memory.getInt(to + i) & 0xffff_ffffL;
        }
        while (sum >>> 32 != 0) {
            sum = (sum & 0xffff_ffffL) + (sum >>> 32);
        }
        return sum;
    }

    private static int fold(long sum) {
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) sum;
    }

    private static long replaceChecksum(Packet packet, long offset, long from, long to, long flags, boolean layer4) {
        final int sizeMask = 0xf;
        final long pseudoHeader = 1 << 4;
        final long mangledZero = 1 << 5;
        final long enforce = 1 << 6;
        long permitted = layer4 ? sizeMask | pseudoHeader | mangledZero | enforce : sizeMask;
        int size = (int) flags & sizeMask;
        long at = offset & 0xffff_ffffL;
        if ((flags & ~permitted) != 0 || at > 0xffff || (at & 1) != 0) {
            return Errno.EINVAL.negated();
        }
        if (!inside(packet, at, 2)) {
            return Errno.EFAULT.negated();
        }
        int old = Memory.getShort(packet.data() + at) & 0xffff;
        if ((flags & mangledZero) != 0 && (flags & enforce) == 0 && old == 0) {
            return 0;
        }
        long sum = ~old & 0xffff;
        switch (size) {
            case 0 -> {
                if (from != 0) {
                    return Errno.EINVAL.negated();
                }
                sum += to & 0xffff_ffffL;
            }
            case 2 -> sum += (~from & 0xffff) + (to & 0xffff);
            case 4 -> sum += (~from & 0xffff_ffffL) + (to & 0xffff_ffffL);
            default -> {
                return Errno.EINVAL.negated();
            }
        }
        int result = ~fold(sum) & 0xffff;
        if ((flags & mangledZero) != 0 && result == 0) {
            result = 0xffff;
        }
        Memory.putShort(packet.data() + at, (short) result);
        return 0;
    }

    // ---- sizes

    private static long changeTail(Packet packet, long length, long flags, long d, long e) {
        long bytes = length & 0xffff_ffffL;
        if (flags != 0 || bytes < ETHERNET_BYTES) {
            return Errno.EINVAL.negated();
        }
        return packet.moveEnd(bytes - packet.length(), 0) ? 0 : Errno.EINVAL.negated();
    }

    /** Mode 0: behind the network header; mode 1: behind the link header. */
    private static long adjustRoom(Packet packet, long delta, long mode, long flags, long e) {
        int change = (int) delta;
        int protocol = protocol(packet);
        if (Math.abs(change) > 0xfff || protocol != ETHERTYPE_IP && protocol != ETHERTYPE_IPV6) {
            return protocol == ETHERTYPE_IP || protocol == ETHERTYPE_IPV6
                    ? Errno.EFAULT.negated()
                    : Errno.ENOTSUPP.negated();
        }
        int at = ETHERNET_BYTES;
        if ((int) mode == 0) {
            at += protocol == ETHERTYPE_IP ? 20 : 40;
        } else if ((int) mode != 1) {
            return Errno.ENOTSUPP.negated();
        }
        return packet.resizeAt(at, change) ? 0 : Errno.ENOTSUPP.negated();
    }

    private static int protocol(Packet packet) {
        return Short.toUnsignedInt(Short.reverseBytes((short) packet.field(Packet.SKB_PROTOCOL)));
    }

    private static void setProtocol(Packet packet, int protocol) {
        packet.setField(Packet.SKB_PROTOCOL, Short.toUnsignedInt(Short.reverseBytes((short) protocol)));
    }

    /** Between IPv4 and IPv6: makes room for the other header, whose bytes the program writes. */
    private static long changeProtocol(Packet packet, long protocol, long flags, long d, long e) {
        int target = Short.toUnsignedInt(Short.reverseBytes((short) protocol));
        if (flags != 0) {
            return Errno.EINVAL.negated();
        }
        int now = protocol(packet);
        boolean grows = now == ETHERTYPE_IP && target == ETHERTYPE_IPV6;
        if (!grows && !(now == ETHERTYPE_IPV6 && target == ETHERTYPE_IP)) {
            return Errno.ENOTSUPP.negated();
        }
        if (!packet.resizeAt(ETHERNET_BYTES, grows ? 20 : -20)) {
            return Errno.ENOMEM.negated();
        }
        setProtocol(packet, target);
        return 0;
    }

    private static long changeType(Packet packet, long type, long c, long d, long e) {
        // PACKET_HOST, BROADCAST, MULTICAST, OTHERHOST may be exchanged for each other.
        if (Integer.toUnsignedLong(packet.field(Packet.SKB_PACKET_TYPE)) > 3 || (type & 0xffff_ffffL) > 3) {
            return Errno.EINVAL.negated();
        }
        packet.setField(Packet.SKB_PACKET_TYPE, (int) type);
        return 0;
    }

    // ---- VLAN: the first tag lies beside the packet, as network cards leave it

    private static long pushVlan(Packet packet, long protocol, long tag, long d, long e) {
        int type = Short.toUnsignedInt(Short.reverseBytes((short) protocol));
        if (type != ETHERTYPE_VLAN && type != ETHERTYPE_VLAN_AD) {
            protocol = Short.toUnsignedInt(Short.reverseBytes((short) ETHERTYPE_VLAN));
        }
        if (packet.field(Packet.SKB_VLAN_PRESENT) != 0) {
            if (!packet.resizeAt(12, 4)) {
                return Errno.ENOMEM.negated();
            }
            Memory.putShort(packet.data() + 12, (short) packet.field(Packet.SKB_VLAN_PROTO));
            Memory.putShort(packet.data() + 14, Short.reverseBytes((short) packet.field(Packet.SKB_VLAN_TCI)));
            packet.setField(Packet.SKB_PROTOCOL, packet.field(Packet.SKB_VLAN_PROTO));
        }
        packet.setField(Packet.SKB_VLAN_PRESENT, 1);
        packet.setField(Packet.SKB_VLAN_TCI, (int) tag & 0xffff);
        packet.setField(Packet.SKB_VLAN_PROTO, (int) protocol & 0xffff);
        return 0;
    }

    private static long popVlan(Packet packet, long b, long c, long d, long e) {
        if (packet.field(Packet.SKB_VLAN_PRESENT) != 0) {
            packet.setField(Packet.SKB_VLAN_PRESENT, 0);
            packet.setField(Packet.SKB_VLAN_TCI, 0);
            packet.setField(Packet.SKB_VLAN_PROTO, 0);
        } else if (!isTagged(packet)) {
            return 0;
        } else if (!removeTag(packet)) {
            return Errno.ENOMEM.negated();
        }
        // A second tag in the packet becomes the one beside it.
        if (isTagged(packet)) {
            packet.setField(Packet.SKB_VLAN_PRESENT, 1);
            packet.setField(Packet.SKB_VLAN_PROTO, Memory.getShort(packet.data() + 12) & 0xffff);
            packet.setField(
                    Packet.SKB_VLAN_TCI, Short.toUnsignedInt(Short.reverseBytes(Memory.getShort(packet.data() + 14))));
            removeTag(packet);
        }
        return 0;
    }

    private static boolean isTagged(Packet packet) {
        int type = protocol(packet);
        return (type == ETHERTYPE_VLAN || type == ETHERTYPE_VLAN_AD) && packet.length() >= 18;
    }

    private static boolean removeTag(Packet packet) {
        if (!packet.resizeAt(12, -4)) {
            return false;
        }
        packet.setField(Packet.SKB_PROTOCOL, Memory.getShort(packet.data() + 12) & 0xffff);
        return true;
    }

    // ---- the rest

    private static long setTunnelKey(Packet packet, long key, long size, long flags, long e) {
        if (size <= 0 || size > TUNNEL_KEY_BYTES || (flags & ~0x3fL) != 0) {
            return Errno.EINVAL.negated();
        }
        Memory.copy(key, packet.tunnelKey(), size);
        Memory.fill(packet.tunnelKey() + size, TUNNEL_KEY_BYTES - size, (byte) 0);
        packet.setTunnelKeyBytes(size);
        return 0;
    }

    private static long getTunnelKey(Packet packet, long key, long size, long flags, long e) {
        if (packet.tunnelKeyBytes() == 0 || size <= 0 || size > TUNNEL_KEY_BYTES) {
            Memory.fill(key, Math.max(0, size), (byte) 0);
            return Errno.EINVAL.negated();
        }
        Memory.copy(packet.tunnelKey(), key, size);
        return 0;
    }

    /** 1 if the packet is marked now, 0 if it cannot carry the mark. */
    private static long markCongestion(Packet packet, long b, long c, long d, long e) {
        long ip = packet.data() + ETHERNET_BYTES;
        switch (protocol(packet)) {
            case ETHERTYPE_IP -> {
                if (packet.length() < ETHERNET_BYTES + 20) {
                    return 0;
                }
                int tos = Memory.getByte(ip + 1) & 0xff;
                if ((tos & 3) == 0) {
                    return 0;
                }
                if ((tos & 3) != 3) {
                    int old = Memory.getShort(ip) & 0xffff;
                    Memory.putByte(ip + 1, (byte) (tos | 3));
                    int now = Memory.getShort(ip) & 0xffff;
                    long sum = (~Memory.getShort(ip + 10) & 0xffffL) + (~old & 0xffff) + now;
                    Memory.putShort(ip + 10, (short) ~fold(sum));
                }
                return 1;
            }
            case ETHERTYPE_IPV6 -> {
                if (packet.length() < ETHERNET_BYTES + 40 || (Memory.getByte(ip + 1) >> 4 & 3) == 0) {
                    return 0;
                }
                Memory.putByte(ip + 1, (byte) (Memory.getByte(ip + 1) | 0x30));
                return 1;
            }
            default -> {
                return 0;
            }
        }
    }

    private static long hash(Packet packet, long b, long c, long d, long e) {
        int known = packet.field(Packet.SKB_HASH);
        if (known == 0) {
            int length = Math.min(packet.length(), 128);
            known = 1;
            for (int i = ETHERNET_BYTES; i < length; i++) {
                known = 31 * known + Memory.getByte(packet.data() + i);
            }
            setHash(packet, known);
        }
        return known & 0xffff_ffffL;
    }

    private static long setHash(Packet packet, int hash) {
        packet.setField(Packet.SKB_HASH, hash);
        return 0;
    }

    private static long redirect(VmCpu cpu, long flags) {
        boolean skb = cpu.packet().map(Packet::isSkb).orElse(true);
        if (skb) {
            return (flags & ~1L) != 0 ? TC_ACT_SHOT : TC_ACT_REDIRECT;
        }
        return flags != 0 ? 0 : XDP_REDIRECT;
    }
}
