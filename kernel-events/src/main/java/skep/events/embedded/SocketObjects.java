package skep.events.embedded;

import java.nio.charset.StandardCharsets;
import skep.events.embedded.KernelTypes.Field;

/** What sockets, packets and the network card look like in memory, at the offsets of the real layouts. */
final class SocketObjects {
    private static final int SOCK_STREAM = 1;
    /** Where headers begin within a packet's data. */
    private static final int NETWORK_OFFSET = 64;

    private static final int IPV4_HEADER_BYTES = 20;
    private static final int IPV6_HEADER_BYTES = 40;

    private final EmbeddedKernel kernel;
    private final SparseMemory memory;
    private final Field family;
    private final Field state;
    private final Field number;
    private final Field remotePort;
    private final Field localAddress;
    private final Field remoteAddress;
    private final Field localAddress6;
    private final Field remoteAddress6;
    private final Field network;
    private final Field protocol;
    private final Field type;
    private final Field socket;
    private final Field backlog;
    private final Field maxBacklog;
    private final Field sourcePort;
    private final Field sourceAddress;
    private final Field roundTrip;
    private final Field received;
    private final Field acknowledged;
    private final Field window;
    private final Field threshold;
    private final Field retransmits;
    private final Field sk;
    private final Field socketType;
    private final Field length;
    private final Field skbSocket;
    private final Field skbDevice;
    private final Field skbQueue;
    private final Field skbHead;
    private final Field skbData;
    private final Field networkHeader;
    private final Field transportHeader;
    private final Field skbProtocol;
    private final long device;

    SocketObjects(EmbeddedKernel kernel) {
        this.kernel = kernel;
        memory = kernel.memory;
        var types = kernel.types;
        family = types.field("sock", "__sk_common.skc_family");
        state = types.field("sock", "__sk_common.skc_state");
        number = types.field("sock", "__sk_common.skc_num");
        remotePort = types.field("sock", "__sk_common.skc_dport");
        localAddress = types.field("sock", "__sk_common.skc_rcv_saddr");
        remoteAddress = types.field("sock", "__sk_common.skc_daddr");
        localAddress6 = types.field("sock", "__sk_common.skc_v6_rcv_saddr");
        remoteAddress6 = types.field("sock", "__sk_common.skc_v6_daddr");
        network = types.field("sock", "__sk_common.skc_net.net");
        protocol = types.field("sock", "sk_protocol");
        type = types.field("sock", "sk_type");
        socket = types.field("sock", "sk_socket");
        backlog = types.field("sock", "sk_ack_backlog");
        maxBacklog = types.field("sock", "sk_max_ack_backlog");
        sourcePort = types.field("inet_sock", "inet_sport");
        sourceAddress = types.field("inet_sock", "inet_saddr");
        roundTrip = types.field("tcp_sock", "srtt_us");
        received = types.field("tcp_sock", "bytes_received");
        acknowledged = types.field("tcp_sock", "bytes_acked");
        window = types.field("tcp_sock", "snd_cwnd");
        threshold = types.field("tcp_sock", "snd_ssthresh");
        retransmits = types.field("inet_connection_sock", "icsk_retransmits");
        sk = types.field("socket", "sk");
        socketType = types.field("socket", "type");
        length = types.field("sk_buff", "len");
        skbSocket = types.field("sk_buff", "sk");
        skbDevice = types.field("sk_buff", "dev");
        skbQueue = types.field("sk_buff", "queue_mapping");
        skbHead = types.field("sk_buff", "head");
        skbData = types.field("sk_buff", "data");
        networkHeader = types.field("sk_buff", "network_header");
        transportHeader = types.field("sk_buff", "transport_header");
        skbProtocol = types.field("sk_buff", "protocol");
        device = kernel.objects.make("net_device");
        memory.putBytes(
                device + types.field("net_device", "name").offBytes(), "eth0".getBytes(StandardCharsets.US_ASCII));
        types.field("net_device", "ifindex").put(memory, device, 2);
    }

    /** Address of the card's {@code struct net_device}. */
    long device() {
        return device;
    }

    void socket(TcpSocket socket) {
        long at = socket.address;
        if (at == 0) {
            return;
        }
        family.put(memory, at, socket.family);
        state.put(memory, at, socket.state.number);
        number.put(memory, at, socket.localPort);
        remotePort.put(memory, at, swap(socket.remotePort));
        localAddress.put(memory, at, socket.localAddress);
        remoteAddress.put(memory, at, socket.remoteAddress);
        if (socket.isV6()) {
            memory.putBytes(at + localAddress6.offBytes(), socket.localAddress6);
            memory.putBytes(at + remoteAddress6.offBytes(), socket.remoteAddress6);
        }
        network.put(memory, at, kernel.objects.net());
        protocol.put(memory, at, socket.protocol);
        type.put(memory, at, socket.protocol == Udp.PROTOCOL ? Network.SOCK_DGRAM : SOCK_STREAM);
        sourcePort.put(memory, at, swap(socket.localPort));
        sourceAddress.put(memory, at, socket.localAddress);
        if (socket.protocol == Udp.PROTOCOL) {
            owner(socket);
            return;
        }
        // the kernel keeps eight times the smoothed round trip
        roundTrip.put(memory, at, socket.remote.roundTripNanos() / 1000 * 8);
        received.put(memory, at, socket.bytesReceived);
        acknowledged.put(memory, at, socket.bytesAcknowledged);
        congestion(socket);
        owner(socket);
        backlog(socket);
    }

    /** The {@code struct socket} of a process that has it. */
    private void owner(TcpSocket socket) {
        this.socket.put(memory, socket.address, socket.socketAddress);
        if (socket.socketAddress != 0) {
            sk.put(memory, socket.socketAddress, socket.address);
            socketType.put(
                    memory, socket.socketAddress, socket.protocol == Udp.PROTOCOL ? Network.SOCK_DGRAM : SOCK_STREAM);
        }
    }

    /** State, window and threshold of congestion control. */
    void congestion(TcpSocket socket) {
        window.put(memory, socket.address, socket.congestionWindow);
        threshold.put(memory, socket.address, socket.slowStartThreshold);
        retransmits.put(memory, socket.address, socket.retransmits & 0xff);
        // icsk_ca_state is a bit field of five bits in the byte before
        memory.put(socket.address + retransmits.offBytes() - 1, socket.congestionState, 1);
    }

    void backlog(TcpSocket socket) {
        backlog.put(memory, socket.address, socket.accepted.size());
        maxBacklog.put(memory, socket.address, socket.backlog);
    }

    /**
     * A packet with its headers, as far as its buffer has room.
     *
     * @param incoming the other end is its source
     * @param flags the flags of the TCP header
     */
    void packet(Channels.Datagram message, TcpSocket socket, boolean incoming, int flags, int queue) {
        long at = message.skb;
        boolean v6 = socket.isV6();
        int ip = v6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
        length.put(memory, at, message.bytes + ip + 20L);
        skbSocket.put(memory, at, socket.address);
        skbDevice.put(memory, at, device);
        skbQueue.put(memory, at, queue);
        skbHead.put(memory, at, message.data);
        skbData.put(memory, at, message.data + NETWORK_OFFSET);
        networkHeader.put(memory, at, NETWORK_OFFSET);
        transportHeader.put(memory, at, NETWORK_OFFSET + ip);
        skbProtocol.put(memory, at, swap(v6 ? 0x86dd : 0x0800));
        if (message.data == 0) {
            return;
        }
        long header = message.data + NETWORK_OFFSET;
        if (v6) {
            memory.put(header, 0x60, 1);
            memory.put(header + 6, socket.protocol, 1);
            memory.putBytes(header + 8, incoming ? socket.remoteAddress6 : socket.localAddress6);
            memory.putBytes(header + 24, incoming ? socket.localAddress6 : socket.remoteAddress6);
        } else {
            memory.put(header, 0x45, 1);
            memory.put(header + 9, socket.protocol, 1);
            memory.putInt(header + 12, incoming ? socket.remoteAddress : socket.localAddress);
            memory.putInt(header + 16, incoming ? socket.localAddress : socket.remoteAddress);
        }
        long tcp = header + ip;
        memory.put(tcp, swap(incoming ? socket.remotePort : socket.localPort), 2);
        memory.put(tcp + 2, swap(incoming ? socket.localPort : socket.remotePort), 2);
        memory.put(tcp + 12, 0x50, 1);
        memory.put(tcp + 13, flags, 1);
    }

    /** A buffer of a socket within the machine: its length and where its data is. */
    void plain(Channels.Datagram message) {
        length.put(memory, message.skb, message.bytes);
        skbHead.put(memory, message.skb, message.data);
        skbData.put(memory, message.skb, message.data);
    }

    static int swap(int port) {
        return port >>> 8 & 0xff | (port & 0xff) << 8;
    }
}
