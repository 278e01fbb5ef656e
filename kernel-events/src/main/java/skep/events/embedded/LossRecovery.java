package skep.events.embedded;

import java.util.Objects;
import skep.events.embedded.TcpSocket.State;

/**
 * What TCP does about losses: the retransmission timer, the probe for a loss at the end, the answer to duplicate
 * acknowledgements, and the states of congestion control that go with them.
 */
final class LossRecovery {
    // States of congestion control, with the kernel's numbers
    static final int OPEN = 0;
    private static final int DISORDER = 1;
    static final int CWR = 2;
    static final int RECOVERY = 3;
    private static final int LOSS = 4;

    private final EmbeddedKernel kernel;
    private final Network network;
    final Routine retransmitTimer;
    final Routine sendLossProbe;
    private final Routine retransmitSkb;
    private final Routine enterLoss;
    private final Routine enterRecovery;
    private final Routine enterCwr;
    private final Routine fastRetransmitAlert;
    private final Routine processProbeAck;
    private final Tracepoint retransmitEvent;
    private final Tracepoint congestionEvent;

    LossRecovery(EmbeddedKernel kernel, Network network) {
        this.kernel = kernel;
        this.network = network;
        retransmitEvent = kernel.tracepoint(
                "tcp",
                "tcp_retransmit_skb",
                "const void *skbaddr; const void *skaddr; int state; " + Network.PORTS + "; " + Network.ADDRESSES,
                "const struct sock *sk, const struct sk_buff *skb");
        congestionEvent = kernel.tracepoint(
                "tcp",
                "tcp_cong_state_set",
                "const void *skaddr; " + Network.PORTS + "; " + Network.ADDRESSES + "; __u8 cong_state",
                "struct sock *sk, const u8 ca_state");
        retransmitTimer = kernel.function("void tcp_retransmit_timer(struct sock *sk)", this::retransmitTimer);
        retransmitSkb = kernel.function(
                "int tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs)", this::retransmitSkb);
        sendLossProbe = kernel.function("void tcp_send_loss_probe(struct sock *sk)", this::sendLossProbe);
        enterLoss = kernel.function("void tcp_enter_loss(struct sock *sk)", congestion(LOSS));
        enterRecovery = kernel.function("void tcp_enter_recovery(struct sock *sk, bool ece_ack)", congestion(RECOVERY));
        enterCwr = kernel.function("void tcp_enter_cwr(struct sock *sk)", congestion(CWR));
        fastRetransmitAlert = kernel.function(
                "void tcp_fastretrans_alert(struct sock *sk, const u32 prior_snd_una, int num_dupack, int *ack_flag, int *rexmit)",
                this::fastRetransmitAlert);
        processProbeAck =
                kernel.function("void tcp_process_tlp_ack(struct sock *sk, u32 ack, int flag)", this::processProbeAck);
    }

    /** An acknowledgement came that says something of losses. */
    void callAlert(Task task, Network.Packet packet, int duplicates) {
        task.call(fastRetransmitAlert, packet.socket.address, 0, duplicates, task.local(0xf80), task.local(0xf88))
                .object = packet;
    }

    void callProbeAck(Task task, TcpSocket socket) {
        task.call(processProbeAck, socket.address, 0, 0).object = socket;
    }

    private void retransmitTimer(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(150);
            case 1 -> {
                if (socket.state == State.SYN_SENT) {
                    frame.pc = 3;
                    frame.v0 = 1;
                    callRetransmit(task, socket, network.control(task));
                    return;
                }
                if (socket.unacknowledged.isEmpty()) {
                    frame.pc = 3;
                    return;
                }
                task.call(enterLoss, socket.address).object = socket;
            }
            case 2 -> callRetransmitLost(task, socket);
            case 3 -> {
                if (frame.v0 == 1) {
                    network.sendSyn(socket);
                }
            }
            default -> task.ret(0);
        }
    }

    private void callRetransmitLost(Task task, TcpSocket socket) {
        for (var segment : socket.unacknowledged) {
            if (segment.lost) {
                callRetransmit(task, socket, segment.data);
                return;
            }
        }
    }

    private void callRetransmit(Task task, TcpSocket socket, Channels.Datagram message) {
        var callee = task.call(retransmitSkb, socket.address, message.skb, 1);
        callee.object = socket;
        callee.other = message;
    }

    private void sendLossProbe(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.count("loss probes", 1);
                task.spend(160);
            }
            case 1 -> {
                socket.probing = !socket.unacknowledged.isEmpty();
                callRetransmitLost(task, socket);
            }
            default -> task.ret(0);
        }
    }

    /** The probe was what was missing: the window shrinks. */
    private void processProbeAck(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        switch (frame.next()) {
            case 0 -> {
                socket.probing = false;
                task.work(40);
            }
            case 1 -> task.call(enterCwr, socket.address).object = socket;
            default -> task.ret(0);
        }
    }

    /** Enters or leaves a state of congestion control, by what an acknowledgement says. */
    private void fastRetransmitAlert(Task task, Frame frame) {
        var packet = (Network.Packet) frame.object();
        var socket = packet.socket;
        switch (frame.next()) {
            case 0 -> task.spend(70);
            case 1 -> {
                if (packet.kind != Network.Kind.DUPLICATE_ACK) {
                    if (socket.unacknowledged.isEmpty()) {
                        setCongestion(task, socket, OPEN);
                    }
                    frame.pc = 4;
                    return;
                }
                if (socket.congestionState == OPEN) {
                    setCongestion(task, socket, DISORDER);
                }
                task.work(60);
            }
            case 2 -> task.call(enterRecovery, socket.address, 0).object = socket;
            case 3 -> callRetransmitLost(task, socket);
            default -> task.ret(0);
        }
    }

    private Body congestion(int state) {
        return (task, frame) -> {
            if (frame.next() == 0) {
                setCongestion(task, (TcpSocket) frame.object(), state);
                task.work(60);
            } else {
                task.ret(0);
            }
        };
    }

    private void setCongestion(Task task, TcpSocket socket, int state) {
        if (state != OPEN && state != DISORDER) {
            socket.slowStartThreshold = Math.max(2, socket.congestionWindow * 7 / 10);
            socket.congestionWindow = state == LOSS ? 1 : socket.slowStartThreshold;
        }
        socket.congestionState = state;
        kernel.truth.count("congestion state changes", 1);
        kernel.sockets.congestion(socket);
        if (congestionEvent.active()) {
            kernel.tracer.raw(congestionEvent, task, socket.address, state);
            Network.endpoints(kernel.tracer.begin(congestionEvent, task).num(socket.address), socket, false)
                    .num(state)
                    .fire();
        }
    }

    private void retransmitSkb(Task task, Frame frame) {
        var socket = (TcpSocket) frame.object();
        var message = (Channels.Datagram) Objects.requireNonNull(frame.other);
        switch (frame.next()) {
            case 0 -> {
                socket.retransmits++;
                kernel.truth.count("retransmits", 1);
                if (retransmitEvent.active()) {
                    kernel.tracer.raw(retransmitEvent, task, socket.address, message.skb);
                    Network.endpoints(
                                    kernel.tracer
                                            .begin(retransmitEvent, task)
                                            .num(message.skb)
                                            .num(socket.address)
                                            .num(socket.state.number),
                                    socket,
                                    false)
                            .fire();
                }
                task.spend(120);
            }
            case 1 -> {
                network.callTransmitSkb(task, socket, message);
            }
            default -> task.ret(0);
        }
    }
}
