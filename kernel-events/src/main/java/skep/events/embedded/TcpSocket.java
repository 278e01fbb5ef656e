package skep.events.embedded;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** A TCP socket: a listener or one end of a connection, whose other end is a machine that the model does not step through. */
final class TcpSocket {
    /** States with the kernel's numbers. */
    enum State {
        ESTABLISHED(1),
        SYN_SENT(2),
        SYN_RECV(3),
        FIN_WAIT1(4),
        FIN_WAIT2(5),
        TIME_WAIT(6),
        CLOSE(7),
        CLOSE_WAIT(8),
        LAST_ACK(9),
        LISTEN(10);

        final int number;

        State(int number) {
            this.number = number;
        }
    }

    /** Addresses of its {@code struct tcp_sock} and {@code struct socket}; the latter is 0 until a process has it. */
    final long address;

    long socketAddress;
    State state = State.CLOSE;
    /** {@code AF_INET} or {@code AF_INET6}. */
    int family = Network.AF_INET;
    /** {@code IPPROTO_TCP}, or UDP's number for a socket of datagrams. */
    int protocol = 6;

    int localAddress;
    int remoteAddress;
    int localPort;
    int remotePort;
    final Remote remote;

    /** Connections that wait for accept. */
    final ArrayDeque<TcpSocket> accepted = new ArrayDeque<>();

    int backlog;
    final ArrayDeque<Channels.Datagram> received = new ArrayDeque<>();
    /** Sent and not acknowledged. */
    final ArrayDeque<Segment> unacknowledged = new ArrayDeque<>();

    final WaitQueue waiters = new WaitQueue();
    boolean finished;
    long bytesReceived;
    long bytesAcknowledged;
    int retransmits;
    byte[] localAddress6 = NONE;
    byte[] remoteAddress6 = NONE;
    /** State of congestion control: open, disorder, CWR, recovery or loss, with the kernel's numbers. */
    int congestionState;

    int congestionWindow = 10;
    int slowStartThreshold = Integer.MAX_VALUE;
    /** A probe for a loss at the end of what was sent is on its way. */
    boolean probing;

    @Nullable
    TcpSocket listener;

    private static final byte[] NONE = new byte[16];

    TcpSocket(long address, Remote remote) {
        this.address = address;
        this.remote = remote;
    }

    boolean isV6() {
        return family == Network.AF_INET6;
    }

    /** The addresses and ports of another one. */
    void sameEnds(TcpSocket other) {
        family = other.family;
        localPort = other.localPort;
        remotePort = other.remotePort;
        remoteAddress = other.remoteAddress;
        localAddress6 = other.localAddress6;
        remoteAddress6 = other.remoteAddress6;
    }

    /** Bytes on their way out. */
    static final class Segment {
        final Channels.Datagram data;
        int transmissions;
        /** The network has lost it. */
        boolean lost;

        Segment(Channels.Datagram data) {
            this.data = data;
        }
    }

    /**
     * The other end.
     *
     * @param roundTripNanos time to there and back
     * @param requestBytes what it sends once connected, or 0 if it answers only
     * @param answerBytes what it sends after each of our requests, or 0
     */
    record Remote(long roundTripNanos, int requestBytes, int answerBytes) {}
}
