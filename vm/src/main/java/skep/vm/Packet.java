package skep.vm;

import skep.isa.kernel.ProgramType;
import skep.vm.AddressSpace.Access;

/**
 * The packet that a program on some CPU works on, with room to grow at both ends, and the context that the program is
 * given. One thread; reused from packet to packet.
 *
 * <pre>
 *  head ........ meta | data ................ end | ........ limit
 *   headroom            the packet                  tailroom
 * </pre>
 */
public final class Packet implements AutoCloseable {
    /** {@code XDP_PACKET_HEADROOM}. */
    public static final int HEADROOM_BYTES = 256;

    /** The longest packet, at load and after growing. */
    public static final int MAX_BYTES = 1 << 16;

    /** Offsets in {@code struct __sk_buff} (Linux 6.18). */
    public static final int SKB_LEN = 0;

    public static final int SKB_PACKET_TYPE = 4;
    public static final int SKB_PROTOCOL = 16;
    public static final int SKB_VLAN_PRESENT = 20;
    public static final int SKB_VLAN_TCI = 24;
    public static final int SKB_VLAN_PROTO = 28;
    public static final int SKB_HASH = 68;

    /** Context and tunnel key. */
    private static final int CONTEXT_BYTES = 320;

    private static final int TUNNEL_KEY_OFFSET = 256;

    private final VmRuntime runtime;
    private final ProgramType type;
    private final Memory.Block block;
    private final AddressSpace.Region region;
    private final boolean skb;
    private long meta;
    private long data;
    private long end;
    private long tunnelKeyBytes;

    public Packet(VmRuntime runtime, ProgramType type) {
        this.runtime = runtime;
        this.type = type;
        this.skb = PacketContext.structureBytes(type) == PacketContext.SKB_BYTES;
        this.block = Memory.allocate(CONTEXT_BYTES + HEADROOM_BYTES + MAX_BYTES, 64);
        this.region = runtime.addressSpace().add(block, Access.READ_WRITE, "packet");
    }

    /** Starts with a fresh packet and a zeroed context. */
    public void load(byte[] bytes) {
        if (bytes.length > MAX_BYTES) {
            throw new IllegalArgumentException("packet of " + bytes.length + " bytes, at most " + MAX_BYTES);
        }
        Memory.fill(context(), CONTEXT_BYTES, (byte) 0);
        data = block.address() + CONTEXT_BYTES + HEADROOM_BYTES;
        meta = data;
        end = data + bytes.length;
        tunnelKeyBytes = 0;
        Memory.copy(bytes, 0, data, bytes.length);
        if (skb && bytes.length >= 14) {
            Memory.putInt(context() + SKB_PROTOCOL, Memory.getShort(data + 12) & 0xffff);
        }
        publish();
    }

    /** Writes lengths and pointers into the context. */
    private void publish() {
        if (skb) {
            Memory.putInt(context() + SKB_LEN, length());
        }
        PacketContext.setPointers(type, context(), data, end, meta);
    }

    /** What a program of this type is given in r1. */
    public long context() {
        return block.address();
    }

    public ProgramType type() {
        return type;
    }

    public boolean isSkb() {
        return skb;
    }

    public long data() {
        return data;
    }

    public long end() {
        return end;
    }

    public int length() {
        return (int) (end - data);
    }

    public byte[] bytes() {
        return Memory.bytes(data, length());
    }

    /** A field of the context, 32 bits. */
    public int field(int offBytes) {
        return Memory.getInt(context() + offBytes);
    }

    public void setField(int offBytes, int value) {
        Memory.putInt(context() + offBytes, value);
    }

    private long head() {
        return block.address() + CONTEXT_BYTES;
    }

    private long limit() {
        return block.address() + block.sizeBytes();
    }

    /** Moves the start; metadata before it moves along. False if there is no room, or if nothing would be left. */
    public boolean moveStart(long deltaBytes, int leastBytes) {
        long metaBytes = data - meta;
        long moved = data + deltaBytes;
        if (moved - metaBytes < head() || moved > end - leastBytes) {
            return false;
        }
        Memory.copy(meta, moved - metaBytes, metaBytes);
        data = moved;
        meta = moved - metaBytes;
        publish();
        return true;
    }

    /** Moves the end; bytes that come in are zero. */
    public boolean moveEnd(long deltaBytes, int leastBytes) {
        long moved = end + deltaBytes;
        if (moved > limit() || moved < data + leastBytes) {
            return false;
        }
        if (moved > end) {
            Memory.fill(end, moved - end, (byte) 0);
        }
        end = moved;
        publish();
        return true;
    }

    /** Moves the start of the metadata before the packet: at most 32 bytes, a multiple of 4. */
    public boolean moveMeta(long deltaBytes) {
        long moved = meta + deltaBytes;
        long bytes = data - moved;
        if (moved < head() || moved > data || bytes > 32 || bytes % 4 != 0) {
            return false;
        }
        meta = moved;
        publish();
        return true;
    }

    /** Opens or closes a gap behind the first {@code offBytes} bytes. */
    public boolean resizeAt(int offBytes, long deltaBytes) {
        if (deltaBytes < 0 && offBytes - deltaBytes > length() || data - deltaBytes < head()) {
            return false;
        }
        long moved = data - deltaBytes;
        Memory.copy(data, moved, offBytes);
        if (deltaBytes > 0) {
            Memory.fill(moved + offBytes, deltaBytes, (byte) 0);
        }
        data = moved;
        meta = moved;
        publish();
        return true;
    }

    /** Where the tunnel key lies that a program sets: behind the context. */
    public long tunnelKey() {
        return context() + TUNNEL_KEY_OFFSET;
    }

    /** Bytes of the tunnel key that was set. */
    public long tunnelKeyBytes() {
        return tunnelKeyBytes;
    }

    public void setTunnelKeyBytes(long sizeBytes) {
        tunnelKeyBytes = sizeBytes;
    }

    @Override
    public void close() {
        runtime.addressSpace().remove(region);
        block.close();
    }
}
