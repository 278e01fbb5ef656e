package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import skep.events.embedded.TcpSocket.Remote;
import skep.events.embedded.TcpSocket.Segment;
import skep.events.embedded.TcpSocket.State;

/**
 * TCP over one network card: handshakes, data, acknowledgements, losses with retransmission, closing; the packets of other
 * machines arrive by interrupt and are received in the soft interrupt.
 */
final class Network {
    static final int ECONNREFUSED = 111;
    static final int ENOTCONN = 107;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int EACCES = 13;
    private static final int EPIPE = 32;
    static final int SOCK_DGRAM = 2;
    private static final int FIRST_UNPRIVILEGED_PORT = 1024;
    private static final long SYN_TIMEOUT_NANOS = 1_000_000_000;
    // Flags of TCP headers
    private static final int FIN_FLAG = 1;
    private static final int SYN_FLAG = 2;
    private static final int PSH_FLAG = 8;
    private static final int ACK_FLAG = 16;
    /** fd00::2, fd00::… as they lie in memory. */
    private static final byte[] LOCAL_ADDRESS6 = address6(2);

    static byte[] address6(int last) {
        var address = new byte[16];
        address[0] = (byte) 0xfd;
        address[14] = (byte) (last >>> 8);
        address[15] = (byte) last;
        return address;
    }

    /** Fields of tracepoints that several share. */
    static final String PORTS = "__u16 sport; __u16 dport; __u16 family";

    static final String ADDRESSES = "__u8 saddr[4]; __u8 daddr[4]; __u8 saddr_v6[16]; __u8 daddr_v6[16]";

    private static final int TCP = 6;
    /** 10.0.0.2 as the kernel stores it: in network order. */
    private static final int LOCAL_ADDRESS = 0x0200_000a;

    /** What a socket keeps unacknowledged before its writers wait. */
    static final int SEND_BUFFER_BYTES = 87_040;

    private static final int RECEIVE_BUFFER_BYTES = 1536;
    /** Bytes of a packet on the wire. */
    static final int MAX_WIRE_BYTES = 1448;

    private static final long MIN_RTO_NANOS = 200_000_000;
    private static final byte[] DEVICE = "eth0".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    private static final int NO_SOCKET_REASON = 3;
    /** So many packets behind a lost one tell of the loss by duplicate acknowledgements. */
    private static final int DUPLICATES_OF_LOSS = 4;

    private final EmbeddedKernel kernel;
    private final SlabCache tcpSockets;
    private final SlabCache socketInodes;
    private final Map<Integer, TcpSocket> listeners = new HashMap<>();
    private final ArrayList<ArrayDeque<Packet>> arrived = new ArrayList<>();
    private final Interrupts.Source[] interrupts;
    private final boolean[] polling;
    /** A buffer a CPU for packets without data. */
    private final Channels.Datagram[] controls;

    private int nextPort = 32_768;
    /** Of a thousand packets that leave, so many get lost. */
    int lossPerMille;

    final Routine sysSocket;
    final Routine sysBind;
    final Routine sysListen;
    final Routine sysAccept;
    final Routine sysConnect;
    final Vfs.FileOps ops;
    private final Routine inetBind;
    private final Routine inet6Bind;
    private final Routine inetListen;
    private final Routine inetAccept;
    private final Routine tcpV4Connect;
    private final Routine tcpV6Connect;
    private final Routine tcpConnect;
    private final Routine tcpSendmsg;
    private final Routine tcpRecvmsg;
    private final Routine cleanupRbuf;
    private final Routine tcpClose;
    private final Routine tcpSetState;
    private final Routine skbCopy;
    private final Routine writeXmit;
    private final Routine pushFrames;
    private final Routine waitMemory;
    private final Routine writeSpace;
    private final Routine transmitSkb;
    private final Routine ipQueueXmit;
    private final Routine ip6Xmit;
    private final Routine devQueueXmit;
    private final Routine devHardStartXmit;
    private final Routine netRxAction;
    private final Routine receiveSkb;
    private final Routine ipRcv;
    private final Routine ipv6Rcv;
    private final Routine tcpRcv;
    private final Routine tcpV6Rcv;
    private final Routine rcvEstablished;
    private final Routine rcvStateProcess;
    private final Routine connRequest;
    private final Routine synRecvSock;
    private final Routine synRecvSock6;
    private final Routine sendReset;
    private final Routine tcpAck;
    private final Routine dataReady;
    private final Routine dropSkb;
    private final Routine startXmit;
    private final Routine freeSkb;
    private final Routine skFree;

    private final LossRecovery recovery;
    private final Tracepoint setStateEvent;
    private final Tracepoint devQueue;
    private final Tracepoint devStartXmit;
    private final Tracepoint devXmit;
    private final Tracepoint receive;
    private final Tracepoint kfreeSkb;
    private final int oldDataReason;

    final GroundTruth.Distribution connectLatency;
    private final GroundTruth.Distribution windowWait;

    /** What a packet of another machine brings. */
    enum Kind {
        SYN,
        SYN_ACK,
        ACK,
        DATA,
        FIN,
        /** Acknowledges nothing new: something before it is missing. */
        DUPLICATE_ACK,
        /** Brings what is there already. */
        OLD_DATA,
        /** Asks for or answers a name; of a datagram socket. */
        DATAGRAM,
        /** The retransmission timer, and the one for a loss at the end. */
        TIMEOUT,
        PROBE
    }

    /** A packet that arrives, or a retransmission timer that expires. */
    final class Packet extends Event {
        final Kind kind;
        final TcpSocket socket;

        final int bytes;
        Channels.Datagram skb = new Channels.Datagram(0);
        /** Its buffer belongs to the receiver now, who may have freed it already on another CPU. */
        boolean queued;
        /** Nobody took it: it is freed. */
        boolean dropped;
        /** What it acknowledges. */
        @Nullable
        Segment segment;

        Packet(Kind kind, TcpSocket socket, int bytes) {
            this.kind = kind;
            this.socket = socket;
            this.bytes = bytes;
        }

        @Override
        void happen() {
            int cpu = Math.floorMod(socket.remotePort * 31 + socket.localPort, kernel.cpus.length);
            arrived.get(cpu).add(this);
            if (!polling[cpu]) {
                polling[cpu] = true;
                kernel.interrupts.deliver(kernel.cpus[cpu], interrupts[cpu]);
            }
        }
    }

    Network(EmbeddedKernel kernel) {
        this.kernel = kernel;
        tcpSockets = kernel.slab.cache("TCP", kernel.types.sizeBytes("tcp_sock"));
        socketInodes = kernel.slab.cache("sock_inode_cache", kernel.types.sizeBytes("socket") + 640);
        connectLatency = kernel.truth.distribution("connect latency");
        windowWait = kernel.truth.distribution("tcp window wait");
        setStateEvent = kernel.tracepoint(
                "sock",
                "inet_sock_set_state",
                "const void *skaddr; int oldstate; int newstate; " + PORTS + "; __u16 protocol; " + ADDRESSES,
                "const struct sock *sk, const int oldstate, const int newstate");
        devQueue = kernel.tracepoint(
                "net",
                "net_dev_queue",
                "void *skbaddr; unsigned int len; __data_loc char[] name",
                "struct sk_buff *skb");
        devStartXmit = kernel.tracepoint(
                "net",
                "net_dev_start_xmit",
                "__data_loc char[] name; u16 queue_mapping; const void *skbaddr; bool vlan_tagged; u16 vlan_proto; u16 vlan_tci;"
                        + " u16 protocol; u8 ip_summed; unsigned int len; unsigned int data_len; int network_offset;"
                        + " bool transport_offset_valid; int transport_offset; u8 tx_flags; u16 gso_size; u16 gso_segs; u16 gso_type",
                "const struct sk_buff *skb, const struct net_device *dev");
        devXmit = kernel.tracepoint(
                "net",
                "net_dev_xmit",
                "void *skbaddr; unsigned int len; int rc; __data_loc char[] name",
                "struct sk_buff *skb, int rc, struct net_device *dev, unsigned int skb_len");
        receive = kernel.tracepoint(
                "net",
                "netif_receive_skb",
                "void *skbaddr; unsigned int len; __data_loc char[] name",
                "struct sk_buff *skb");
        kfreeSkb = kernel.tracepoint(
                "skb",
                "kfree_skb",
                "void *skbaddr; void *location; void *rx_sk; unsigned short protocol; enum skb_drop_reason reason",
                "struct sk_buff *skb, void *location, enum skb_drop_reason reason, struct sock *rx_sk");

        oldDataReason = kernel.types.constant("skb_drop_reason", "SKB_DROP_REASON_TCP_OLD_DATA");

        sysSocket = kernel.function("int __sys_socket(int family, int type, int protocol)", this::socket);
        inetBind = kernel.function(
                "int inet_bind(struct socket *sock, struct sockaddr *uaddr, int addr_len)", this::inetBind);
        inet6Bind = kernel.function(
                "int inet6_bind(struct socket *sock, struct sockaddr *uaddr, int addr_len)", this::inetBind);
        sysBind = kernel.function("int __sys_bind(int fd, struct sockaddr *umyaddr, int addrlen)", this::bind);
        inetListen = kernel.function("int inet_listen(struct socket *sock, int backlog)", this::inetListen);
        sysListen = kernel.function("int __sys_listen(int fd, int backlog)", this::listen);
        inetAccept = kernel.function(
                "struct sock *inet_csk_accept(struct sock *sk, struct proto_accept_arg *arg)", this::inetAccept);
        sysAccept = kernel.function(
                "int __sys_accept4(int fd, struct sockaddr *upeer_sockaddr, int *upeer_addrlen, int flags)",
                this::accept);
        tcpV4Connect = kernel.function(
                "int tcp_v4_connect(struct sock *sk, struct sockaddr *uaddr, int addr_len)", this::tcpVersionConnect);
        tcpV6Connect = kernel.function(
                "int tcp_v6_connect(struct sock *sk, struct sockaddr *uaddr, int addr_len)", this::tcpVersionConnect);
        tcpConnect = kernel.function("int tcp_connect(struct sock *sk)", this::tcpConnect);
        sysConnect =
                kernel.function("int __sys_connect(int fd, struct sockaddr *uservaddr, int addrlen)", this::connect);
        tcpSendmsg =
                kernel.function("int tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t size)", this::tcpSendmsg);
        tcpRecvmsg = kernel.function(
                "int tcp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len)",
                this::tcpRecvmsg);
        // of kernels before 6.5, for tools that attach to it; nothing calls it any more
        kernel.leaf("int tcp_sendpage(struct sock *sk, struct page *page, int offset, size_t size, int flags)", 150);
        cleanupRbuf = kernel.leaf("void tcp_cleanup_rbuf(struct sock *sk, int copied)", 60);
        tcpClose = kernel.function("void tcp_close(struct sock *sk, long timeout)", this::tcpClose);
        tcpSetState = kernel.function("void tcp_set_state(struct sock *sk, int state)", this::tcpSetState);
        skbCopy = kernel.function(
                "int skb_copy_datagram_iter(const struct sk_buff *skb, int offset, struct iov_iter *to, int len)",
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.spend(60 + frame.a3 / 14);
                    } else {
                        task.ret(0);
                    }
                });
        writeXmit = kernel.function(
                "bool tcp_write_xmit(struct sock *sk, unsigned int mss_now, int nonagle, int push_one, gfp_t gfp)",
                this::writeXmit);
        pushFrames = kernel.function(
                "void __tcp_push_pending_frames(struct sock *sk, unsigned int cur_mss, int nonagle)", (task, frame) -> {
                    if (frame.next() == 0) {
                        task.call(writeXmit(), frame.a0, MAX_WIRE_BYTES, frame.a2, 0).object = frame.object;
                    } else {
                        task.ret(0);
                    }
                });
        waitMemory = kernel.function("int sk_stream_wait_memory(struct sock *sk, long *timeo_p)", this::waitMemory);
        writeSpace = kernel.function("void sk_stream_write_space(struct sock *sk)", (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.work(40);
                case 1 -> kernel.channels.callWakeUp(task, ((TcpSocket) frame.object()).writers);
                default -> task.ret(0);
            }
        });
        transmitSkb = kernel.function(
                "int __tcp_transmit_skb(struct sock *sk, struct sk_buff *skb, int clone_it, gfp_t gfp_mask, u32 rcv_nxt)",
                hand(160, null));
        ipQueueXmit = kernel.function(
                "int ip_queue_xmit(struct sock *sk, struct sk_buff *skb, struct flowi *fl)",
                hand(130, () -> devQueueXmit()));
        ip6Xmit = kernel.function(
                "int inet6_csk_xmit(struct sock *sk, struct sk_buff *skb, struct flowi *fl)",
                hand(140, () -> devQueueXmit()));
        startXmit = kernel.function(
                "netdev_tx_t start_xmit(struct sk_buff *skb, struct net_device *dev)", (task, frame) -> {
                    var message = (Channels.Datagram) frame.object();
                    switch (frame.next()) {
                        case 0 -> task.spend(60);
                        case 1 -> kernel.virtio.callTransmit(task, message.bytes + 66L, frame.a0);
                        default -> task.ret(0);
                    }
                });
        devQueueXmit = kernel.function(
                "int __dev_queue_xmit(struct sk_buff *skb, struct net_device *sb_dev)", this::devQueueXmit);
        devHardStartXmit = kernel.function(
                "struct sk_buff *dev_hard_start_xmit(struct sk_buff *first, struct net_device *dev, struct netdev_queue *txq, int *ret)",
                this::devHardStartXmit);
        netRxAction = kernel.function("void net_rx_action(void)", this::netRxAction);
        receiveSkb = kernel.function(
                "int __netif_receive_skb_core(struct sk_buff **pskb, bool pfmemalloc, struct packet_type **ppt_prev)",
                this::receiveSkb);
        ipRcv = kernel.function(
                "int ip_rcv(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt, struct net_device *orig_dev)",
                this::ipRcv);
        ipv6Rcv = kernel.function(
                "int ipv6_rcv(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt, struct net_device *orig_dev)",
                this::ipRcv);
        tcpRcv = kernel.function("int tcp_v4_rcv(struct sk_buff *skb)", this::tcpRcv);
        tcpV6Rcv = kernel.function("int tcp_v6_rcv(struct sk_buff *skb)", this::tcpRcv);
        rcvEstablished =
                kernel.function("void tcp_rcv_established(struct sock *sk, struct sk_buff *skb)", this::rcvEstablished);
        rcvStateProcess = kernel.function(
                "enum skb_drop_reason tcp_rcv_state_process(struct sock *sk, struct sk_buff *skb)",
                this::rcvStateProcess);
        connRequest = kernel.function(
                "int tcp_conn_request(struct request_sock_ops *rsk_ops, const struct tcp_request_sock_ops *af_ops, struct sock *sk, struct sk_buff *skb)",
                this::connRequest);
        synRecvSock = kernel.function(
                "struct sock *tcp_v4_syn_recv_sock(const struct sock *sk, struct sk_buff *skb, struct request_sock *req, struct dst_entry *dst)",
                this::synRecvSock);
        synRecvSock6 = kernel.function(
                "struct sock *tcp_v6_syn_recv_sock(const struct sock *sk, struct sk_buff *skb, struct request_sock *req, struct dst_entry *dst)",
                this::synRecvSock);
        sendReset = kernel.leaf("void tcp_v4_send_reset(const struct sock *sk, struct sk_buff *skb)", 500);
        tcpAck = kernel.function("int tcp_ack(struct sock *sk, const struct sk_buff *skb, int flag)", this::tcpAck);
        dataReady = kernel.function("void sock_def_readable(struct sock *sk)", this::dataReady);
        recovery = new LossRecovery(kernel, this);
        dropSkb = kernel.function(
                "void sk_skb_reason_drop(struct sock *sk, struct sk_buff *skb, enum skb_drop_reason reason)",
                this::dropSkb);
        freeSkb = kernel.function("void __kfree_skb(struct sk_buff *skb)", this::freeSkb);
        skFree = kernel.function("void __sk_destruct(struct callback_head *head)", this::skFree);
        var irq = kernel.function("irqreturn_t vp_vring_interrupt(int irq, void *opaque)", this::cardInterrupt);

        kernel.interrupts.softirqAction(Interrupts.NET_RX_SOFTIRQ, netRxAction);
        polling = new boolean[kernel.cpus.length];
        interrupts = new Interrupts.Source[kernel.cpus.length];
        controls = new Channels.Datagram[kernel.cpus.length];
        for (int i = 0; i < polling.length; i++) {
            arrived.add(new ArrayDeque<>());
            interrupts[i] = new Interrupts.Source(irq, 60 + i, "virtio0-input." + i);
            controls[i] = kernel.channels.bootSkb();
        }
        var read = kernel.function("ssize_t sock_read_iter_tcp(struct kiocb *iocb, struct iov_iter *to)", file(false));
        var write =
                kernel.function("ssize_t sock_write_iter_tcp(struct kiocb *iocb, struct iov_iter *from)", file(true));
        var release = kernel.function("int inet_release(struct socket *sock)", this::release);
        ops = kernel.vfs.ops("TCP", "tcp_file_ops", read, write, Routine.NONE, release, false);
    }

    private Routine writeXmit() {
        return writeXmit;
    }

    private Routine devQueueXmit() {
        return devQueueXmit;
    }

    /** Takes time, then passes socket and buffer on. */
    private Body hand(long nanos, java.util.function.@Nullable Supplier<Routine> next) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.spend(nanos);
                case 1 -> {
                    var routine =
                            next != null ? next.get() : ((TcpSocket) frame.object()).isV6() ? ip6Xmit : ipQueueXmit;
                    var skb = ((Channels.Datagram) Objects.requireNonNull(frame.other)).skb;
                    var callee =
                            routine == devQueueXmit ? task.call(routine, skb, 0) : task.call(routine, frame.a0, skb, 0);
                    callee.object = frame.object;
                    callee.other = frame.other;
                    callee.v0 = frame.v0;
                }
                default -> task.ret(0);
            }
        };
    }

    private Body file(boolean send) {
        return (task, frame) -> {
            if (frame.next() == 0) {
                var socket = (TcpSocket) ((OpenFile) frame.object()).target;
                callTransfer(task, socket, send, frame.v1);
            } else {
                task.ret(task.result);
            }
        };
    }

    /** Calls {@code tcp_sendmsg} or {@code tcp_recvmsg}. */
    void callTransfer(Task task, TcpSocket socket, boolean send, long bytes) {
        if (socket.protocol == Udp.PROTOCOL) {
            kernel.udp.callTransfer(task, socket, send, bytes);
            return;
        }
        var callee = task.call(send ? tcpSendmsg : tcpRecvmsg, socket.address, task.local(0xd80), bytes, 0);
        callee.object = socket;
        callee.v1 = bytes;
    }

    void callAllocSocketInode(Task task) {
        kernel.slab.callAllocLru(task, socketInodes);
    }

    void callDataReady(Task task, TcpSocket socket) {
        task.call(dataReady, socket.address).object = socket;
    }

    /** Sends a packet that the network acknowledges to nobody. */
    void callTransmit(Task task, TcpSocket socket, Channels.Datagram message) {
        var callee = task.call(devQueueXmit, message.skb, 0);
        callee.object = socket;
        callee.other = message;
    }

    /** The answer to a datagram comes after a round trip. */
    void postDatagram(TcpSocket socket, int bytes) {
        kernel.post(new Packet(Kind.DATAGRAM, socket, bytes), kernel.clockNanos() + socket.remote.roundTripNanos());
    }

    /** Where a listener is found: its port and family. */
    private static int key(TcpSocket socket) {
        return socket.localPort | (socket.isV6() ? 1 << 16 : 0);
    }

    /** A buffer for a packet without data. */
    Channels.Datagram control(Task task) {
        return controls[task.cpu.id];
    }

    /** Calls what hands a packet of a connection to the card, for the first time or again. */
    void callTransmitSkb(Task task, TcpSocket socket, Channels.Datagram message) {
        var callee = task.call(transmitSkb, socket.address, message.skb, 1, 0);
        callee.object = socket;
        callee.other = message;
    }

    // System calls

    private TcpSocket newSocket(long address, Remote remote) {
        return newSocket(address, remote, TCP);
    }

    TcpSocket newSocket(long address, Remote remote, int protocol) {
        var socket = new TcpSocket(address, remote);
        socket.protocol = protocol;
        socket.localAddress = LOCAL_ADDRESS;
        kernel.sockets.socket(socket);
        return socket;
    }

    private static TcpSocket socketOf(Task task, long fd) {
        return task.process.file(fd) instanceof OpenFile file && file.target instanceof TcpSocket socket
                ? socket
                : throwMissing(fd);
    }

    private static TcpSocket throwMissing(long fd) {
        throw new IllegalStateException("the model's descriptor " + fd + " is no TCP socket");
    }

    private void socket(Task task, Frame frame) {
        if ((frame.a1 & 0xf) == SOCK_DGRAM && frame.a0 != 1) {
            kernel.udp.socket(task, frame);
            return;
        }
        switch (frame.next()) {
            case 0 -> kernel.slab.callAllocLru(task, socketInodes);
            case 1 -> {
                frame.v0 = task.result;
                kernel.slab.callAlloc(task, tcpSockets);
            }
            case 2 -> {
                frame.v1 = task.result;
                kernel.vfs.callAllocFile(task);
            }
            default -> {
                var socket = newSocket(
                        frame.v1,
                        new Remote(2_000_000 + kernel.rng.below(30_000_000), 0, 4_000 + kernel.rng.below(60_000)));
                socket.socketAddress = frame.v0;
                socket.family = (int) frame.a0;
                if (socket.isV6()) {
                    socket.localAddress = 0;
                    socket.localAddress6 = LOCAL_ADDRESS6;
                }
                kernel.sockets.socket(socket);
                task.ret(task.process.install(new OpenFile(kernel, task.result, ops, socket, null, 2)));
            }
        }
    }

    private void bind(Task task, Frame frame) {
        var socket = socketOf(task, frame.a0);
        switch (frame.next()) {
            case 0 ->
                task.call(socket.isV6() ? inet6Bind : inetBind, socket.socketAddress, frame.a1, frame.a2).object =
                        socket;
            default -> task.ret(task.result);
        }
    }

    private void inetBind(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                frame.v0 = port(frame.a1);
                if (frame.v0 < FIRST_UNPRIVILEGED_PORT) {
                    kernel.security.callCapable(task, Security.CAP_NET_BIND_SERVICE);
                } else {
                    task.work(30);
                }
            }
            case 1 -> {
                if (frame.v0 < FIRST_UNPRIVILEGED_PORT && task.result != 0) {
                    task.ret(-EACCES);
                    return;
                }
                socket.localPort = (int) frame.v0;
                kernel.sockets.socket(socket);
                task.spend(160);
            }
            default -> task.ret(0);
        }
    }

    /** The port in a user's {@code struct sockaddr}; 80 where the program of the model gives none. */
    private int port(long address) {
        var bytes = new byte[4];
        if (!kernel.userMemory.read(address, bytes, 4) || bytes[0] == 0) {
            return 80;
        }
        return (bytes[2] & 0xff) << 8 | bytes[3] & 0xff;
    }

    private void listen(Task task, Frame frame) {
        var socket = socketOf(task, frame.a0);
        switch (frame.next()) {
            case 0 -> task.call(inetListen, socket.socketAddress, frame.a1).object = socket;
            default -> task.ret(0);
        }
    }

    private void inetListen(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                socket.backlog = (int) frame.a1;
                listeners.put(key(socket), socket);
                callSetState(task, socket, State.LISTEN);
            }
            default -> task.ret(0);
        }
    }

    private void accept(Task task, Frame frame) {
        var socket = socketOf(task, frame.a0);
        switch (frame.next()) {
            case 0 -> kernel.slab.callAllocLru(task, socketInodes);
            case 1 -> {
                frame.v0 = task.result;
                task.call(inetAccept, socket.address, task.local(0xd40)).object = socket;
            }
            case 2 -> {
                frame.other = task.resultObject;
                if (frame.other == null) {
                    frame.pc = 4;
                    kernel.slab.callFree(task, socketInodes, frame.v0);
                    return;
                }
                kernel.vfs.callAllocFile(task);
            }
            case 4 -> task.ret(-Signals.ERESTARTSYS);
            default -> {
                var connection = (TcpSocket) Objects.requireNonNull(frame.other);
                connection.socketAddress = frame.v0;
                kernel.sockets.socket(connection);
                task.ret(task.process.install(new OpenFile(kernel, task.result, ops, connection, null, 2)));
            }
        }
    }

    private void inetAccept(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (socket.accepted.isEmpty()) {
                    if (task.signalled()) {
                        task.resultObject = null;
                        task.ret(0);
                        return;
                    }
                    frame.pc = 0;
                    socket.waiters.add(task);
                    kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
                    return;
                }
                socket.waiters.remove(task);
                task.spend(150);
            }
            default -> {
                var connection = socket.accepted.poll();
                if (connection == null) {
                    frame.pc = 0;
                    return;
                }
                kernel.sockets.backlog(socket);
                task.resultObject = connection;
                task.ret(connection.address);
            }
        }
    }

    private void connect(Task task, Frame frame) {
        var socket = socketOf(task, frame.a0);
        switch (frame.next()) {
            case 0 -> {
                destination(socket, frame.a1);
                if (socket.protocol == Udp.PROTOCOL) {
                    kernel.sockets.socket(socket);
                    task.ret(0);
                    return;
                }
                socket.localPort = nextPort;
                nextPort = nextPort >= 60_999 ? 32_768 : nextPort + 1;
                frame.v0 = kernel.clockNanos();
                task.call(socket.isV6() ? tcpV6Connect : tcpV4Connect, socket.address, frame.a1, frame.a2).object =
                        socket;
            }
            case 1 -> {
                if (socket.state == State.SYN_SENT) {
                    frame.pc = 1;
                    socket.waiters.add(task);
                    kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
                    return;
                }
                socket.waiters.remove(task);
                task.work(60);
            }
            default -> {
                connectLatency.add(kernel.clockNanos() - frame.v0);
                task.ret(socket.state == State.ESTABLISHED ? 0 : -ECONNREFUSED);
            }
        }
    }

    /** Where a connection goes: what the program's address says, or some machine. */
    private void destination(TcpSocket socket, long address) {
        var bytes = new byte[28];
        boolean given = kernel.userMemory.read(address, bytes, 28) && bytes[0] != 0;
        socket.remotePort = given ? (bytes[2] & 0xff) << 8 | bytes[3] & 0xff : 443;
        int other = kernel.rng.below(200) + 10;
        if (socket.isV6()) {
            socket.remoteAddress6 = given ? java.util.Arrays.copyOfRange(bytes, 8, 24) : address6(other << 8 | 1);
        } else {
            socket.remoteAddress = given
                    ? bytes[4] & 0xff | (bytes[5] & 0xff) << 8 | (bytes[6] & 0xff) << 16 | bytes[7] << 24
                    : 0x0800_0000 | other << 8 | 0x22;
        }
    }

    private void tcpVersionConnect(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(400);
            case 1 -> callSetState(task, socket, State.SYN_SENT);
            case 2 -> {
                kernel.sockets.socket(socket);
                task.call(tcpConnect, socket.address).object = socket;
            }
            default -> task.ret(0);
        }
    }

    private void tcpConnect(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> callSendBare(task, socket);
            case 1 -> {
                sendSyn(socket);
                task.work(30);
            }
            default -> task.ret(0);
        }
    }

    /** The network takes the first packet of a handshake: it is answered, or lost and sent again. */
    void sendSyn(TcpSocket socket) {
        long now = kernel.clockNanos();
        if (kernel.rng.below(1000) < lossPerMille) {
            kernel.truth.count("packets lost", 1);
            kernel.post(new Packet(Kind.TIMEOUT, socket, 0), now + SYN_TIMEOUT_NANOS);
        } else {
            kernel.post(new Packet(Kind.SYN_ACK, socket, 0), now + socket.remote.roundTripNanos());
        }
    }

    private void release(Task task, Frame frame) {
        var socket = (TcpSocket) ((OpenFile) frame.object()).target;
        switch (frame.next()) {
            case 0 -> {
                if (socket.protocol == Udp.PROTOCOL) {
                    kernel.udp.callDestroy(task, socket);
                } else {
                    task.call(tcpClose, socket.address, 0).object = socket;
                }
            }
            case 1 -> {
                if (socket.socketAddress != 0) {
                    kernel.slab.callFree(task, socketInodes, socket.socketAddress);
                }
            }
            default -> task.ret(0);
        }
    }

    private void tcpClose(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(260);
            case 1 -> {
                switch (socket.state) {
                    case CLOSE_WAIT -> callSetState(task, socket, State.LAST_ACK);
                    case ESTABLISHED, SYN_RECV -> callSetState(task, socket, State.FIN_WAIT1);
                    case LISTEN, SYN_SENT -> {
                        listeners.remove(key(socket), socket);
                        callSetState(task, socket, State.CLOSE);
                    }
                    default -> {}
                }
            }
            case 2 -> {
                if (socket.state == State.CLOSE) {
                    frame.pc = 4;
                    kernel.interrupts.callRcu(task.cpu, skFree, socket);
                    return;
                }
                callSendBare(task, socket);
            }
            case 3 -> {
                kernel.post(new Packet(Kind.FIN, socket, 0), kernel.clockNanos() + socket.remote.roundTripNanos());
                task.work(30);
            }
            default -> task.ret(0);
        }
    }

    private void skFree(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var queue = ((TcpSocket) frame.object()).received;
                if (!queue.isEmpty()) {
                    frame.pc = 0;
                    callFreeSkb(task, queue.remove());
                }
            }
            case 1 -> {
                var queue = ((TcpSocket) frame.object()).unacknowledged;
                if (!queue.isEmpty()) {
                    frame.pc = 1;
                    var data = queue.remove().data;
                    kernel.truth.count("tcp bytes discarded", data.bytes);
                    callFreeSkb(task, data);
                }
            }
            case 2 -> kernel.slab.callFree(task, tcpSockets, ((TcpSocket) frame.object()).address);
            default -> task.ret(0);
        }
    }

    private void callSetState(Task task, TcpSocket socket, State state) {
        var callee = task.call(tcpSetState, socket.address, state.number);
        callee.object = socket;
        callee.other = state;
    }

    private void tcpSetState(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                var state = (State) Objects.requireNonNull(frame.other);
                if (setStateEvent.active()) {
                    kernel.tracer.raw(setStateEvent, task, socket.address, socket.state.number, state.number);
                    var writer = kernel.tracer
                            .begin(setStateEvent, task)
                            .num(socket.address)
                            .num(socket.state.number)
                            .num(state.number);
                    endpoints(writer, socket, true).fire();
                }
                if (state == State.CLOSE && socket.state != State.LISTEN) {
                    kernel.truth.count("connections closed", 1);
                }
                socket.state = state;
                kernel.sockets.socket(socket);
                task.work(40);
            }
            default -> task.ret(0);
        }
    }

    /** The fields with ports and addresses that several tracepoints share. */
    static TraceWriter endpoints(TraceWriter writer, TcpSocket socket, boolean protocol) {
        writer.num(socket.localPort).num(socket.remotePort).num(socket.family);
        if (protocol) {
            writer.num(TCP);
        }
        writer.quad(socket.localAddress).quad(socket.remoteAddress);
        return socket.isV6()
                ? writer.bytes(socket.localAddress6).bytes(socket.remoteAddress6)
                : writer.mapped(socket.localAddress).mapped(socket.remoteAddress);
    }

    // Sending

    /** Sends a segment without data: a handshake, an acknowledgement, the end. */
    private void callSendBare(Task task, TcpSocket socket) {
        var callee = task.call(writeXmit, socket.address, MAX_WIRE_BYTES, 0, 0);
        callee.object = socket;
        callee.other = controls[task.cpu.id];
    }

    /** Sends what waits and the window has room for. */
    private void callPush(Task task, TcpSocket socket) {
        task.call(pushFrames, socket.address, MAX_WIRE_BYTES, 0).object = socket;
    }

    private void tcpSendmsg(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (!socket.open()) {
                    task.ret(-EPIPE);
                    return;
                }
                frame.v0 = frame.v1;
                socket.sending = true;
                task.spend(120);
            }
            case 1 -> {
                if (frame.v0 <= 0) {
                    frame.pc = 4;
                    return;
                }
                if (task.signalled() || !socket.open()) {
                    frame.v1 -= frame.v0;
                    frame.pc = 4;
                    return;
                }
                if (socket.unacknowledgedBytes() >= SEND_BUFFER_BYTES) {
                    frame.pc = 1;
                    task.call(waitMemory, socket.address, task.local(0xd88)).object = socket;
                    return;
                }
                var message = new Channels.Datagram((int) Math.min(frame.v0, socket.segmentGoalBytes()));
                frame.other = message;
                kernel.channels.callAllocSkb(task, message);
            }
            case 2 -> {
                var message = (Channels.Datagram) Objects.requireNonNull(frame.other);
                socket.unacknowledged.add(new Segment(message, kernel.clockNanos()));
                kernel.truth.count("tcp bytes queued", message.bytes);
                task.spend(60 + message.bytes / 12);
            }
            case 3 -> {
                var message = (Channels.Datagram) Objects.requireNonNull(frame.other);
                frame.v0 -= message.bytes;
                frame.pc = 1;
                task.call(writeXmit, socket.address, MAX_WIRE_BYTES, 0, 0).object = socket;
            }
            default -> {
                kernel.truth.count("tcp bytes sent", frame.v1);
                socket.sending = false;
                if (socket.unacknowledged.isEmpty() && socket.state == State.ESTABLISHED && frame.v1 > 0) {
                    // all of it was acknowledged before its writer came back to the CPU
                    proceed(socket);
                }
                task.ret(frame.v1 > 0 || frame.v0 == 0 ? frame.v1 : -Signals.ERESTARTSYS);
            }
        }
    }

    /** A writer waits until enough of what it sent is acknowledged. */
    private void waitMemory(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.count("waits for send buffers", 1);
                socket.writers.add(task);
                kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
            }
            default -> {
                socket.writers.remove(task);
                task.ret(0);
            }
        }
    }

    /** Sends the bare segment that it is given, or the waiting ones for which the congestion window has room. */
    private void writeXmit(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(90);
            case 1 -> {
                if (frame.other != null) {
                    frame.pc = 2;
                    callTransmitSkb(task, socket, (Channels.Datagram) frame.other);
                    return;
                }
                var segment = socket.takeUnsent();
                if (segment == null) {
                    task.ret(0);
                    return;
                }
                windowWait.add(kernel.clockNanos() - segment.queuedNanos);
                frame.pc = 1;
                callTransmitSkb(task, socket, segment.data);
            }
            default -> task.ret(0);
        }
    }

    private void devQueueXmit(Task task, Frame frame) {
        var message = (Channels.Datagram) Objects.requireNonNull(frame.other);
        switch (frame.next()) {
            case 0 -> {
                if (devQueue.active()) {
                    kernel.tracer.raw(devQueue, task, message.skb);
                    kernel.tracer
                            .begin(devQueue, task)
                            .num(message.skb)
                            .num(message.bytes + 54)
                            .bytes(DEVICE)
                            .fire();
                }
                task.spend(90);
            }
            case 1 -> {
                var callee = task.call(devHardStartXmit, message.skb, kernel.sockets.device(), 0, 0);
                callee.object = frame.object;
                callee.other = message;
            }
            default -> task.ret(0);
        }
    }

    private void devHardStartXmit(Task task, Frame frame) {
        var message = (Channels.Datagram) Objects.requireNonNull(frame.other);
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                kernel.sockets.packet(message, socket, false, flags(socket, message), task.cpu.id);
                if (devStartXmit.active()) {
                    kernel.tracer.raw(devStartXmit, task, message.skb, kernel.sockets.device());
                    kernel.tracer
                            .begin(devStartXmit, task)
                            .bytes(DEVICE)
                            .num(task.cpu.id)
                            .num(message.skb)
                            .num(0)
                            .num(0)
                            .num(0)
                            .num(socket.isV6() ? 0x86dd : 0x0800)
                            .num(3)
                            .num(message.bytes + 54)
                            .num(message.bytes)
                            .num(14)
                            .num(1)
                            .num(34)
                            .num(0)
                            .num(message.bytes > 1448 ? 1448 : 0)
                            .num(message.bytes > 1448 ? (message.bytes + 1447) / 1448 : 0)
                            .num(message.bytes > 1448 ? 1 : 0)
                            .fire();
                }
                task.spend(180);
            }
            case 1 -> task.call(startXmit, message.skb, kernel.sockets.device()).object = message;
            case 2 -> {
                kernel.truth.count("packets sent", 1);
                if (devXmit.active()) {
                    kernel.tracer.raw(devXmit, task, message.skb, 0, kernel.sockets.device(), message.bytes + 54);
                    kernel.tracer
                            .begin(devXmit, task)
                            .num(message.skb)
                            .num(message.bytes + 54)
                            .num(0)
                            .bytes(DEVICE)
                            .fire();
                }
                if (message.bytes > 0) {
                    carry(socket, message);
                }
                task.work(30);
            }
            default -> task.ret(0);
        }
    }

    private static int flags(TcpSocket socket, Channels.Datagram message) {
        if (message.bytes > 0) {
            return PSH_FLAG | ACK_FLAG;
        }
        return switch (socket.state) {
            case SYN_SENT -> SYN_FLAG;
            case FIN_WAIT1, LAST_ACK -> FIN_FLAG | ACK_FLAG;
            default -> ACK_FLAG;
        };
    }

    /**
     * The network takes a data segment: it is acknowledged after a round trip, or lost. A loss within a long burst shows by
     * duplicate acknowledgements, one at the end by nothing at all: then a probe is sent, or the timer expires.
     */
    private void carry(TcpSocket socket, Channels.Datagram message) {
        long now = kernel.clockNanos();
        Segment segment = null;
        for (var one : socket.unacknowledged) {
            if (one.data == message) {
                segment = one;
            }
        }
        if (segment == null) {
            return;
        }
        segment.transmissions++;
        segment.lost = false;
        long roundTrip = socket.remote.roundTripNanos() + kernel.rng.below(200_000);
        if (kernel.rng.below(1000) >= lossPerMille) {
            var acknowledgement = new Packet(Kind.ACK, socket, message.bytes);
            acknowledgement.segment = segment;
            kernel.post(acknowledgement, now + roundTrip);
            return;
        }
        segment.lost = true;
        kernel.truth.count("packets lost", 1);
        if (segment.transmissions == 1 && socket.packetsInFlight() > DUPLICATES_OF_LOSS) {
            kernel.post(new Packet(Kind.DUPLICATE_ACK, socket, 0), now + roundTrip);
        } else if (segment.transmissions == 1 && kernel.rng.oneIn(2)) {
            kernel.post(new Packet(Kind.PROBE, socket, 0), now + 2 * roundTrip);
        } else {
            long timeout = Math.max(MIN_RTO_NANOS, 2 * roundTrip) << Math.min(6, segment.transmissions - 1);
            kernel.post(new Packet(Kind.TIMEOUT, socket, 0), now + timeout);
        }
    }

    // Receiving

    private void cardInterrupt(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.work(90);
            default -> {
                kernel.interrupts.raiseSoftirq(task.cpu, Interrupts.NET_RX_SOFTIRQ);
                task.ret(1);
            }
        }
    }

    private void netRxAction(Task task, Frame frame) {
        int cpu = task.cpu.id;
        switch (frame.next()) {
            case 0 -> task.work(80);
            case 1 -> {
                var packet = arrived.get(cpu).poll();
                if (packet == null) {
                    polling[cpu] = false;
                    task.ret(0);
                    return;
                }
                frame.object = packet;
                if (packet.kind == Kind.TIMEOUT || packet.kind == Kind.PROBE) {
                    frame.pc = 5;
                    if (packet.socket.state == State.CLOSE) {
                        return;
                    }
                    var timer = packet.kind == Kind.PROBE ? recovery.sendLossProbe : recovery.retransmitTimer;
                    task.call(timer, packet.socket.address).object = packet.socket;
                    return;
                }
                packet.skb = new Channels.Datagram(
                        packet.kind == Kind.DATA || packet.kind == Kind.DATAGRAM ? packet.bytes : 0);
                kernel.channels.callAllocSkb(task, packet.skb);
            }
            case 2 -> {
                var packet = (Packet) frame.object();
                kernel.truth.count("packets received", 1);
                kernel.sockets.packet(packet.skb, packet.socket, true, flags(packet.kind), task.cpu.id + 1);
                if (receive.active()) {
                    kernel.tracer.raw(receive, task, packet.skb.skb);
                    kernel.tracer
                            .begin(receive, task)
                            .num(packet.skb.skb)
                            .num(packet.bytes + 40)
                            .bytes(DEVICE)
                            .fire();
                }
                task.work(60);
            }
            case 3 -> task.call(receiveSkb, task.local(0xf40), 0, 0).object = frame.object;
            case 4 -> kernel.virtio.callRefill(task, RECEIVE_BUFFER_BYTES, 0);
            default -> {
                frame.pc = 1;
                task.work(30);
            }
        }
    }

    private static int flags(Kind kind) {
        return switch (kind) {
            case SYN -> SYN_FLAG;
            case SYN_ACK -> SYN_FLAG | ACK_FLAG;
            case DATA, OLD_DATA -> PSH_FLAG | ACK_FLAG;
            case FIN -> FIN_FLAG | ACK_FLAG;
            default -> ACK_FLAG;
        };
    }

    private void receiveSkb(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.work(70);
            case 1 -> {
                var packet = (Packet) frame.object();
                long device = kernel.sockets.device();
                task.call(packet.socket.isV6() ? ipv6Rcv : ipRcv, packet.skb.skb, device, 0, device).object = packet;
            }
            default -> task.ret(0);
        }
    }

    private void ipRcv(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(110);
            case 1 -> {
                var packet = (Packet) frame.object();
                if (packet.kind == Kind.DATAGRAM) {
                    kernel.udp.callReceive(task, packet);
                } else {
                    task.call(packet.socket.isV6() ? tcpV6Rcv : tcpRcv, packet.skb.skb).object = packet;
                }
            }
            default -> task.ret(0);
        }
    }

    private void tcpRcv(Task task, Frame frame) {
        var packet = (Packet) frame.object();
        var socket = packet.socket;
        switch (frame.next()) {
            case 0 -> task.spend(120);
            case 1 -> {
                if (packet.kind == Kind.SYN ? !listeners.containsKey(key(socket)) : socket.state == State.CLOSE) {
                    frame.pc = 4;
                    task.call(sendReset, 0, packet.skb.skb);
                    return;
                }
                var routine = socket.state == State.ESTABLISHED ? rcvEstablished : rcvStateProcess;
                long address = packet.kind == Kind.SYN
                        ? Objects.requireNonNull(listeners.get(key(socket))).address
                        : socket.address;
                task.call(routine, address, packet.skb.skb).object = packet;
            }
            case 2 -> {
                if (packet.queued || packet.dropped) {
                    frame.pc = 6;
                }
            }
            case 3 -> {
                frame.pc = 6;
                callFreeSkb(task, packet.skb);
            }
            case 4 -> callDrop(task, packet, 0, NO_SOCKET_REASON);
            default -> task.ret(0);
        }
    }

    /** Drops a packet: it is counted, shown with its reason, and freed. */
    private void callDrop(Task task, Packet packet, long socket, int reason) {
        packet.dropped = true;
        var callee = task.call(dropSkb, socket, packet.skb.skb, reason);
        callee.object = packet;
    }

    private void dropSkb(Task task, Frame frame) {
        var packet = (Packet) frame.object();
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.count("packets dropped", 1);
                if (kfreeSkb.active()) {
                    long location = Firing.returnAddress(task, task.depth);
                    kernel.tracer.raw(kfreeSkb, task, packet.skb.skb, location, frame.a2, frame.a0);
                    kernel.tracer
                            .begin(kfreeSkb, task)
                            .num(packet.skb.skb)
                            .num(location)
                            .num(frame.a0)
                            .num(packet.socket.isV6() ? 0x86dd : 0x0800)
                            .num(frame.a2)
                            .fire();
                }
                task.work(30);
            }
            case 1 -> callFreeSkb(task, packet.skb);
            default -> task.ret(0);
        }
    }

    void callFreeSkb(Task task, Channels.Datagram skb) {
        task.call(freeSkb, skb.skb).object = skb;
    }

    private void freeSkb(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.channels.callReleaseData(task, (Channels.Datagram) frame.object());
            case 1 -> kernel.channels.callFreeSkbMem(task, (Channels.Datagram) frame.object());
            default -> task.ret(0);
        }
    }

    private void rcvEstablished(Task task, Frame frame) {
        var packet = (Packet) frame.object();
        var socket = packet.socket;
        switch (frame.next()) {
            case 0 -> task.spend(120);
            case 1 -> {
                switch (packet.kind) {
                    case ACK, DUPLICATE_ACK -> task.call(tcpAck, socket.address, packet.skb.skb, 0).object = packet;
                    case OLD_DATA -> callDrop(task, packet, socket.address, oldDataReason);
                    case DATA -> {
                        socket.received.add(packet.skb);
                        packet.queued = true;
                        socket.bytesReceived += packet.bytes;
                        kernel.truth.count("tcp bytes received", packet.bytes);
                        if (kernel.rng.below(1000) < lossPerMille) {
                            // our acknowledgement gets lost: the other end sends the data once more
                            kernel.post(
                                    new Packet(Kind.OLD_DATA, socket, packet.bytes),
                                    kernel.clockNanos() + 2 * socket.remote.roundTripNanos());
                        }
                        kernel.sockets.socket(socket);
                        task.call(dataReady, socket.address).object = socket;
                    }
                    case FIN -> {
                        socket.finished = true;
                        callSetState(task, socket, State.CLOSE_WAIT);
                    }
                    default -> {}
                }
            }
            case 2 -> {
                if (packet.kind == Kind.FIN) {
                    task.call(dataReady, socket.address).object = socket;
                } else if (packet.kind != Kind.DATA && socket.unsent() != null) {
                    callPush(task, socket);
                }
            }
            default -> task.ret(0);
        }
    }

    private void rcvStateProcess(Task task, Frame frame) {
        var packet = (Packet) frame.object();
        var socket = packet.socket;
        switch (frame.next()) {
            case 0 -> task.spend(150);
            case 1 -> {
                switch (packet.kind) {
                    case SYN -> task.call(connRequest, 0, 0, frame.a0, frame.a1).object = packet;
                    case SYN_ACK -> callSetState(task, socket, State.ESTABLISHED);
                    case ACK -> {
                        if (socket.state == State.SYN_RECV) {
                            callSetState(task, socket, State.ESTABLISHED);
                        } else {
                            task.call(tcpAck, socket.address, packet.skb.skb, 0).object = packet;
                        }
                    }
                    case FIN -> {
                        // the other end's acknowledgement of ours, with its own end where that is missing
                        callSetState(task, socket, socket.state == State.FIN_WAIT1 ? State.FIN_WAIT2 : State.CLOSE);
                    }
                    default -> {}
                }
            }
            case 2 -> {
                if (packet.kind == Kind.FIN && socket.state == State.FIN_WAIT2) {
                    callSetState(task, socket, State.TIME_WAIT);
                } else if (packet.kind == Kind.SYN_ACK) {
                    task.call(dataReady, socket.address).object = socket;
                } else if (packet.kind == Kind.ACK && socket.listener != null && socket.state == State.ESTABLISHED) {
                    var listener = socket.listener;
                    socket.listener = null;
                    listener.accepted.add(socket);
                    kernel.sockets.backlog(listener);
                    kernel.post(
                            new Packet(Kind.DATA, socket, socket.remote.requestBytes()),
                            kernel.clockNanos() + 40_000 + kernel.rng.below(60_000));
                    task.call(dataReady, listener.address).object = listener;
                } else if (packet.kind == Kind.ACK && socket.unsent() != null) {
                    callPush(task, socket);
                }
            }
            case 3 -> {
                if (packet.kind == Kind.FIN && socket.state == State.TIME_WAIT) {
                    callSetState(task, socket, State.CLOSE);
                }
            }
            default -> {
                if (packet.kind == Kind.FIN && socket.state == State.CLOSE) {
                    kernel.interrupts.callRcu(task.cpu, skFree, socket);
                }
                task.ret(0);
            }
        }
    }

    private void connRequest(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(300);
            case 1 -> {
                var packet = (Packet) frame.object();
                var listener = listeners.get(key(packet.socket));
                if (listener == null || listener.accepted.size() >= listener.backlog) {
                    callDrop(task, packet, frame.a2, NO_SOCKET_REASON);
                    return;
                }
                task.call(packet.socket.isV6() ? synRecvSock6 : synRecvSock, frame.a2, frame.a3, 0, 0).object = packet;
            }
            default -> task.ret(0);
        }
    }

    private void synRecvSock(Task task, Frame frame) {
        var packet = (Packet) frame.object();
        switch (frame.next()) {
            case 0 -> kernel.slab.callAlloc(task, tcpSockets);
            case 1 -> {
                var listener = Objects.requireNonNull(listeners.get(key(packet.socket)));
                var connection = newSocket(task.result, packet.socket.remote);
                frame.other = connection;
                connection.sameEnds(packet.socket);
                connection.listener = listener;
                callSetState(task, connection, State.SYN_RECV);
            }
            default -> {
                var connection = (TcpSocket) Objects.requireNonNull(frame.other);
                kernel.post(
                        new Packet(Kind.ACK, connection, 0), kernel.clockNanos() + connection.remote.roundTripNanos());
                task.ret(connection.address);
            }
        }
    }

    /** Frees what was acknowledged; then the other end goes on: it answers, or it is done. */
    private void tcpAck(Task task, Frame frame) {
        var packet = (Packet) frame.object();
        var socket = packet.socket;
        switch (frame.next()) {
            case 0 -> task.spend(90);
            case 1 -> {
                if (packet.kind == Kind.DUPLICATE_ACK) {
                    frame.pc = 6;
                    recovery.callAlert(task, packet, 3);
                    return;
                }
                var segment = packet.segment;
                if (segment == null || !socket.unacknowledged.remove(segment)) {
                    frame.pc = 6;
                    return;
                }
                socket.bytesAcknowledged += packet.bytes;
                kernel.truth.count("tcp bytes acknowledged", packet.bytes);
                socket.growWindow(segment.packets());
                kernel.sockets.socket(socket);
                callFreeSkb(task, segment.data);
            }
            case 2 -> {
                if (socket.probing) {
                    recovery.callProbeAck(task, socket);
                }
            }
            case 3 -> {
                if (socket.congestionState != LossRecovery.OPEN) {
                    recovery.callAlert(task, packet, 0);
                }
            }
            case 4 -> {
                if (!socket.writers.isEmpty() && 3 * socket.unacknowledgedBytes() <= 2 * SEND_BUFFER_BYTES) {
                    task.call(writeSpace, socket.address).object = socket;
                }
            }
            case 5 -> {
                if (socket.unacknowledged.isEmpty() && !socket.sending && socket.state == State.ESTABLISHED) {
                    proceed(socket);
                }
            }
            default -> task.ret(0);
        }
    }

    private void proceed(TcpSocket socket) {
        long now = kernel.clockNanos();
        if (socket.remote.answerBytes() > 0) {
            kernel.post(
                    new Packet(Kind.DATA, socket, socket.remote.answerBytes()),
                    now + 300_000 + kernel.rng.exponential(2_000_000));
        } else {
            kernel.post(new Packet(Kind.FIN, socket, 0), now + 100_000 + kernel.rng.exponential(400_000));
        }
    }

    private void dataReady(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(40);
            case 1 -> {
                if (socket.state == State.LISTEN) {
                    kernel.channels.callWakeUpOne(task, socket.waiters);
                } else {
                    kernel.channels.callWakeUp(task, socket.waiters);
                }
            }
            default -> task.ret(0);
        }
    }

    private void tcpRecvmsg(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(80);
            case 1 -> {
                var skb = socket.received.poll();
                if (skb != null) {
                    socket.waiters.remove(task);
                    frame.other = skb;
                    frame.v0 = Math.min(skb.bytes, frame.v1);
                    task.call(skbCopy, skb.skb, 0, task.local(0xd80), frame.v0);
                    return;
                }
                if (socket.finished
                        || task.signalled()
                        || socket.state != State.ESTABLISHED && socket.state != State.SYN_RECV) {
                    task.ret(task.signalled() ? -Signals.ERESTARTSYS : 0);
                    return;
                }
                frame.pc = 1;
                socket.waiters.add(task);
                kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
            }
            case 2 -> callFreeSkb(task, (Channels.Datagram) Objects.requireNonNull(frame.other));
            case 3 -> task.call(cleanupRbuf, socket.address, frame.v0);
            default -> task.ret(frame.v0);
        }
    }

    // Other machines

    /** A machine out there that connects to one of our ports now and then. */
    void bootClient(int port, long meanNanos, int requestBytes, int family) {
        kernel.post(
                new Event() {
                    @Override
                    void happen() {
                        var shape = new TcpSocket(
                                0, new Remote(800_000 + kernel.rng.exponential(12_000_000), requestBytes, 0));
                        shape.localPort = port;
                        shape.remotePort = 20_000 + kernel.rng.below(40_000);
                        shape.family = family;
                        if (family == AF_INET6) {
                            shape.localAddress6 = LOCAL_ADDRESS6;
                            shape.remoteAddress6 = address6(kernel.rng.below(250) + 2 << 8 | 9);
                        }
                        shape.remoteAddress = family == AF_INET6 ? 0 : 0x0a | kernel.rng.below(250) + 2 << 24 | 1 << 16;
                        new Packet(Kind.SYN, shape, 0).happen();
                        kernel.post(this, timeNanos + kernel.rng.exponential(meanNanos));
                    }
                },
                EmbeddedKernel.BOOT_NANOS + 20_000_000 + kernel.rng.exponential(meanNanos));
    }
}
