package skep.events.embedded;

import java.util.Objects;
import skep.events.embedded.TcpSocket.Remote;

/** Datagrams over the network card: questions to a name server and their answers. */
final class Udp {
    static final int PROTOCOL = 17;
    private static final int ANSWER_BYTES = 120;

    private final EmbeddedKernel kernel;
    private final SlabCache sockets;
    private final Routine sendmsg;
    private final Routine sendmsg6;
    private final Routine recvmsg;
    private final Routine recvmsg6;
    private final Routine rcv;
    private final Routine rcv6;
    private final Routine queueRcv;
    private final Routine queueRcv6;
    private final Routine destroy;

    Udp(EmbeddedKernel kernel) {
        this.kernel = kernel;
        sockets = kernel.slab.cache("UDP", kernel.types.sizeBytes("udp_sock"));
        sendmsg = kernel.function("int udp_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)", this::sendmsg);
        sendmsg6 = kernel.function("int udpv6_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)", this::sendmsg);
        recvmsg = kernel.function(
                "int udp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len)",
                this::recvmsg);
        recvmsg6 = kernel.function(
                "int udpv6_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len)",
                this::recvmsg);
        rcv = kernel.function("int udp_rcv(struct sk_buff *skb)", this::rcv);
        rcv6 = kernel.function("int udpv6_rcv(struct sk_buff *skb)", this::rcv);
        queueRcv = kernel.function("int udp_queue_rcv_one_skb(struct sock *sk, struct sk_buff *skb)", this::queueRcv);
        queueRcv6 =
                kernel.function("int udpv6_queue_rcv_one_skb(struct sock *sk, struct sk_buff *skb)", this::queueRcv);
        destroy = kernel.function("void udp_destroy_sock(struct sock *sk)", this::destroy);
    }

    /** The steps of {@code socket} for datagrams. */
    void socket(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.network.callAllocSocketInode(task);
            case 1 -> {
                frame.v0 = task.result;
                kernel.slab.callAlloc(task, sockets);
            }
            case 2 -> {
                frame.v1 = task.result;
                kernel.vfs.callAllocFile(task);
            }
            default -> {
                var socket = kernel.network.newSocket(
                        frame.v1, new Remote(1_000_000 + kernel.rng.below(20_000_000), 0, ANSWER_BYTES), PROTOCOL);
                socket.socketAddress = frame.v0;
                socket.family = (int) frame.a0;
                socket.localPort = 33_000 + kernel.rng.below(20_000);
                socket.remotePort = 53;
                socket.remoteAddress = 0x0100_000a;
                if (socket.isV6()) {
                    socket.localAddress = 0;
                    socket.remoteAddress = 0;
                    socket.localAddress6 = Network.address6(2);
                    socket.remoteAddress6 = Network.address6(1);
                }
                kernel.sockets.socket(socket);
                task.ret(task.process.install(new OpenFile(kernel, task.result, kernel.network.ops, socket, null, 2)));
            }
        }
    }

    /** Calls what sends or receives a datagram. */
    void callTransfer(Task task, TcpSocket socket, boolean send, long bytes) {
        var routine = send ? socket.isV6() ? sendmsg6 : sendmsg : socket.isV6() ? recvmsg6 : recvmsg;
        var callee = task.call(routine, socket.address, task.local(0xd80), bytes, 0);
        callee.object = socket;
        callee.v1 = bytes;
    }

    private void sendmsg(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(220);
            case 1 -> {
                var message = new Channels.Datagram((int) frame.v1);
                frame.other = message;
                kernel.channels.callAllocSkb(task, message);
            }
            case 2 ->
                kernel.network.callTransmit(task, socket, (Channels.Datagram) Objects.requireNonNull(frame.other));
            case 3 -> {
                kernel.network.postDatagram(socket, ANSWER_BYTES);
                kernel.network.callFreeSkb(task, (Channels.Datagram) Objects.requireNonNull(frame.other));
            }
            default -> task.ret(frame.v1);
        }
    }

    private void recvmsg(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(90);
            case 1 -> {
                var message = socket.received.poll();
                if (message == null) {
                    if (task.signalled()) {
                        task.ret(-Signals.ERESTARTSYS);
                        return;
                    }
                    frame.pc = 1;
                    socket.waiters.add(task);
                    kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
                    return;
                }
                socket.waiters.remove(task);
                frame.v0 = Math.min(message.bytes, frame.v1);
                kernel.network.callFreeSkb(task, message);
            }
            default -> task.ret(frame.v0);
        }
    }

    /** A datagram has arrived. */
    void callReceive(Task task, Network.Packet packet) {
        task.call(packet.socket.isV6() ? rcv6 : rcv, packet.skb.skb).object = packet;
    }

    private void rcv(Task task, Frame frame) {
        var packet = (Network.Packet) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(130);
            case 1 -> {
                if (packet.socket.finished) {
                    frame.pc = 2;
                    kernel.network.callFreeSkb(task, packet.skb);
                    return;
                }
                var routine = packet.socket.isV6() ? queueRcv6 : queueRcv;
                task.call(routine, packet.socket.address, packet.skb.skb).object = packet;
            }
            default -> task.ret(0);
        }
    }

    private void queueRcv(Task task, Frame frame) {
        var packet = (Network.Packet) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(80);
            case 1 -> {
                packet.socket.received.add(packet.skb);
                kernel.network.callDataReady(task, packet.socket);
            }
            default -> task.ret(0);
        }
    }

    /** Calls what gives a datagram socket back. */
    void callDestroy(Task task, TcpSocket socket) {
        task.call(destroy, socket.address).object = socket;
    }

    private void destroy(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                socket.finished = true;
                task.spend(120);
            }
            case 1 -> {
                var message = socket.received.poll();
                if (message != null) {
                    frame.pc = 1;
                    kernel.network.callFreeSkb(task, message);
                }
            }
            case 2 -> kernel.slab.callFree(task, sockets, socket.address);
            default -> task.ret(0);
        }
    }
}
