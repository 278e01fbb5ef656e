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
    /** Not acknowledged: those that were sent, then those that wait for the window. */
    final ArrayDeque<Segment> unacknowledged = new ArrayDeque<>();

    final WaitQueue waiters = new WaitQueue();
    /** A process is in {@code tcp_sendmsg}: more may come. */
    boolean sending;
    /** Those that wait for room in the send buffer. */
    final WaitQueue writers = new WaitQueue();

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
    /** Packets that were acknowledged since the window last grew, beyond the threshold. */
    private int windowCredit;
    /** The last time that something could be sent, more waited than the window had room for. */
    private boolean windowLimited;
    /** A probe for a loss at the end of what was sent is on its way. */
    boolean probing;

    @Nullable
    TcpSocket listener;

    private static final byte[] NONE = new byte[16];
    private static final int MAX_SEGMENT_PACKETS = 22;

    TcpSocket(long address, Remote remote) {
        this.address = address;
        this.remote = remote;
    }

    /** Whether data may be sent. */
    boolean open() {
        return state == State.ESTABLISHED || state == State.CLOSE_WAIT;
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

    /** Packets that were handed to the card and are not acknowledged. */
    int packetsInFlight() {
        int packets = 0;
        for (var segment : unacknowledged) {
            packets += segment.taken ? segment.packets() : 0;
        }
        return packets;
    }

    int unacknowledgedBytes() {
        int bytes = 0;
        for (var segment : unacknowledged) {
            bytes += segment.data.bytes;
        }
        return bytes;
    }

    /** How long a segment is made: half a window at most, so that acknowledgements come while there is more to send. */
    int segmentGoalBytes() {
        int packets = Math.clamp(congestionWindow / 2, 2, MAX_SEGMENT_PACKETS);
        return packets * Network.MAX_WIRE_BYTES;
    }

    /** The first segment that was not sent yet, if there is one. */
    @Nullable
    Segment unsent() {
        for (var segment : unacknowledged) {
            if (!segment.taken) {
                return segment;
            }
        }
        return null;
    }

    /**
     * Takes the next segment to send, if the congestion window has room for it. A segment is not split: when the window has
     * become smaller than one, it goes when nothing else is on its way.
     */
    @Nullable
    Segment takeUnsent() {
        var segment = unsent();
        if (segment == null) {
            windowLimited = false;
            return null;
        }
        int inFlight = packetsInFlight();
        if (inFlight > 0 && inFlight + segment.packets() > congestionWindow) {
            windowLimited = true;
            return null;
        }
        segment.taken = true;
        return segment;
    }

    /** The window grows by what was acknowledged, if it held something back: by as much below the threshold, by one a window above. */
    void growWindow(int packets) {
        if (!windowLimited || congestionState == LossRecovery.CWR || congestionState == LossRecovery.RECOVERY) {
            return;
        }
        if (congestionWindow < slowStartThreshold) {
            congestionWindow = (int) Math.min(slowStartThreshold, (long) congestionWindow + packets);
            return;
        }
        windowCredit += packets;
        if (windowCredit >= congestionWindow) {
            windowCredit -= congestionWindow;
            congestionWindow++;
        }
    }

    /** Bytes on their way out. */
    static final class Segment {
        final Channels.Datagram data;
        final long queuedNanos;
        /** The window had room: it was handed on, and counts as in flight until it is acknowledged. */
        boolean taken;

        int transmissions;
        /** The network has lost it. */
        boolean lost;

        Segment(Channels.Datagram data, long queuedNanos) {
            this.data = data;
            this.queuedNanos = queuedNanos;
        }

        int packets() {
            return Math.max(1, (data.bytes + Network.MAX_WIRE_BYTES - 1) / Network.MAX_WIRE_BYTES);
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
