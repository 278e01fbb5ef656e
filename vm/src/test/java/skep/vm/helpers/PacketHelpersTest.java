package skep.vm.helpers;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import skep.isa.kernel.Helper;
import skep.isa.kernel.ProgramType;
import skep.vm.KernelServices;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.Packet;
import skep.vm.VmCpu;

class PacketHelpersTest {
    /** Ethernet, IPv4 (checksum b1e6), UDP, four bytes. */
    private static final byte[] UDP = HexFormat.of()
            .parseHex("ffffffffffff0202020202020800" + "4500002000004000401100000a0000010a000002" + "04d200350000000c"
                    + "01020304");

    private final Machine machine = new Machine(Machine.Config.ofCpus(1));
    private final VmCpu cpu = new VmCpu(machine, KernelServices.detached());
    private final Memory.Block room = Memory.allocate(1024, 8);
    private final long a = room.address();
    private Packet packet = new Packet(machine, ProgramType.SCHED_CLS);

    PacketHelpersTest() {
        use(packet);
    }

    private void use(Packet next) {
        packet = next;
        packet.load(UDP);
        cpu.setPacket(packet);
    }

    @AfterEach
    void close() {
        packet.close();
        cpu.close();
        machine.close();
        room.close();
    }

    private long call(Helper helper, long... arguments) {
        var r = Arrays.copyOf(arguments, 5);
        return machine.helper(helper.number()).orElseThrow().call(cpu, r[0], r[1], r[2], r[3], r[4]);
    }

    private int big16(long offset) {
        return Short.toUnsignedInt(Short.reverseBytes(Memory.getShort(packet.data() + offset)));
    }

    /** The Internet checksum over a part of the packet: 0 if a checksum in it is right. */
    private int sum(int from, int length) {
        int sum = 0;
        for (int i = 0; i < length; i += 2) {
            sum += big16(from + i);
        }
        while (sum >> 16 != 0) {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return ~sum & 0xffff;
    }

    @Test
    void bytesAreCopiedWithinThePacketOnly() {
        long context = packet.context();
        assertEquals(0, call(Helper.SKB_LOAD_BYTES, context, 42, a, 4));
        assertEquals(0x0403_0201, Memory.getInt(a));
        assertEquals(-14, call(Helper.SKB_LOAD_BYTES, context, 43, a, 4));
        assertEquals(0, Memory.getInt(a));
        assertEquals(0, call(Helper.SKB_LOAD_BYTES_RELATIVE, context, 12, a, 4, 1));
        assertEquals(0x0100_000a, Memory.getInt(a));
        assertEquals(-14, call(Helper.SKB_LOAD_BYTES_RELATIVE, context, 12, a, 4, 2));
        Memory.putInt(a, 0x1111_1111);
        assertEquals(0, call(Helper.SKB_STORE_BYTES, context, 42, a, 4, 0));
        assertEquals(0x1111, big16(42));
        assertEquals(-14, call(Helper.SKB_STORE_BYTES, context, 44, a, 4, 0));
        assertEquals(-22, call(Helper.SKB_STORE_BYTES, context, 42, a, 4, 4));
    }

    @Test
    void checksumsStayRightWhenFieldsChange() {
        long context = packet.context();
        int right = sum(14, 20);
        Memory.putShort(packet.data() + 24, Short.reverseBytes((short) right));
        assertEquals(0, sum(14, 20));
        int old = Memory.getInt(packet.data() + 26);
        int changed = 0x0909_0909;
        Memory.putInt(packet.data() + 26, changed);
        assertEquals(0, call(Helper.L3_CSUM_REPLACE, context, 24, old & 0xffff_ffffL, changed, 4));
        assertEquals(0, sum(14, 20));
        Memory.putInt(a, old);
        Memory.putInt(a + 4, changed);
        long difference = call(Helper.CSUM_DIFF, a, 4, a + 4, 4, 0);
        Memory.putInt(packet.data() + 26, old);
        assertEquals(0, call(Helper.L3_CSUM_REPLACE, context, 24, 0, call(Helper.CSUM_DIFF, a + 4, 4, a, 4, 0), 0));
        assertEquals(0, sum(14, 20));
        assertEquals(-22, call(Helper.L3_CSUM_REPLACE, context, 24, 1, difference, 0));
        assertEquals(-14, call(Helper.L3_CSUM_REPLACE, context, 400, 0, difference, 0));
        assertEquals(-22, call(Helper.CSUM_DIFF, a, 3, a, 4, 0));
        assertEquals(0, call(Helper.L4_CSUM_REPLACE, context, 40, 1, 2, 0x20 | 2), "no checksum in UDP stays none");
    }

    @Test
    void packetsGrowAndShrink() {
        long context = packet.context();
        assertEquals(0, call(Helper.SKB_CHANGE_TAIL, context, 60, 0));
        assertEquals(60, packet.field(Packet.SKB_LEN));
        assertEquals(-22, call(Helper.SKB_CHANGE_TAIL, context, 10, 0));
        assertEquals(0, call(Helper.SKB_CHANGE_HEAD, context, 14, 0));
        assertEquals(74, packet.length());
        assertEquals(0xffff, big16(14));
        packet.load(UDP);
        assertEquals(0, call(Helper.SKB_ADJUST_ROOM, context, 8, 1, 0));
        assertEquals(UDP.length + 8, packet.length());
        assertEquals(0x0800, big16(12));
        assertEquals(0x4500, big16(22));
        assertEquals(0, call(Helper.SKB_ADJUST_ROOM, context, -8, 1, 0));
        assertArrayEquals(UDP, packet.bytes());
        assertEquals(-524, call(Helper.SKB_ADJUST_ROOM, context, 8, 7, 0));
    }

    @Test
    void vlanTagsLieBesideThePacketAndInIt() {
        long context = packet.context();
        long type = Short.toUnsignedInt(Short.reverseBytes((short) 0x8100));
        assertEquals(0, call(Helper.SKB_VLAN_PUSH, context, type, 5));
        assertEquals(1, packet.field(Packet.SKB_VLAN_PRESENT));
        assertEquals(5, packet.field(Packet.SKB_VLAN_TCI));
        assertArrayEquals(UDP, packet.bytes());
        assertEquals(0, call(Helper.SKB_VLAN_PUSH, context, type, 6));
        assertEquals(UDP.length + 4, packet.length());
        assertEquals(0x8100, big16(12));
        assertEquals(5, big16(14));
        assertEquals(0, call(Helper.SKB_VLAN_POP, context));
        assertEquals(5, packet.field(Packet.SKB_VLAN_TCI));
        assertArrayEquals(UDP, packet.bytes());
        assertEquals(0, call(Helper.SKB_VLAN_POP, context));
        assertEquals(0, packet.field(Packet.SKB_VLAN_PRESENT));
        assertEquals(0, call(Helper.SKB_VLAN_POP, context));
        assertArrayEquals(UDP, packet.bytes());
    }

    @Test
    void tunnelKeysAreKept() {
        long context = packet.context();
        assertEquals(-22, call(Helper.SKB_GET_TUNNEL_KEY, context, a, 28, 0));
        Memory.putInt(a, 77);
        assertEquals(0, call(Helper.SKB_SET_TUNNEL_KEY, context, a, 28, 0));
        Memory.putInt(a, 0);
        assertEquals(0, call(Helper.SKB_GET_TUNNEL_KEY, context, a, 28, 0));
        assertEquals(77, Memory.getInt(a));
    }

    @Test
    void congestionMarksKeepTheHeaderChecksumRight() {
        Memory.putByte(packet.data() + 15, (byte) 1);
        Memory.putShort(packet.data() + 24, Short.reverseBytes((short) sum(14, 20)));
        assertEquals(1, call(Helper.SKB_ECN_SET_CE, packet.context()));
        assertEquals(3, Memory.getByte(packet.data() + 15));
        assertEquals(0, sum(14, 20));
        Memory.putByte(packet.data() + 15, (byte) 0);
        assertEquals(0, call(Helper.SKB_ECN_SET_CE, packet.context()), "the packet does not take part");
    }

    @Test
    void xdpMovesBothEndsAndMetadata() {
        packet.close();
        use(new Packet(machine, ProgramType.XDP));
        long context = packet.context();
        assertEquals(0, call(Helper.XDP_ADJUST_HEAD, context, -20));
        assertEquals(UDP.length + 20, packet.length());
        assertEquals(-22, call(Helper.XDP_ADJUST_HEAD, context, -1000));
        assertEquals(-22, call(Helper.XDP_ADJUST_HEAD, context, UDP.length + 10));
        assertEquals(0, call(Helper.XDP_ADJUST_TAIL, context, -10));
        assertEquals(UDP.length + 10, call(Helper.XDP_GET_BUFF_LEN, context));
        assertEquals(0, call(Helper.XDP_ADJUST_META, context, -8));
        assertEquals(-13, call(Helper.XDP_ADJUST_META, context, -30));
        assertEquals(0, call(Helper.XDP_LOAD_BYTES, context, 20, a, 8));
        assertEquals(-22, call(Helper.XDP_LOAD_BYTES, context, UDP.length + 4, a, 8));
        assertEquals(4, call(Helper.REDIRECT, 1, 0));
    }

    @Test
    void ipv4BecomesIpv6AndBack() {
        long context = packet.context();
        long v6 = Short.toUnsignedInt(Short.reverseBytes((short) 0x86dd));
        long v4 = Short.toUnsignedInt(Short.reverseBytes((short) 0x0800));
        assertEquals(0, call(Helper.SKB_CHANGE_PROTO, context, v6, 0));
        assertEquals(UDP.length + 20, packet.length());
        assertEquals(-524, call(Helper.SKB_CHANGE_PROTO, context, v6, 0));
        assertEquals(0, call(Helper.SKB_CHANGE_PROTO, context, v4, 0));
        assertEquals(UDP.length, packet.length());
    }
}
