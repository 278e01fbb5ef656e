package skep.events.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.events.embedded.TcpSocket.State;

/** TCP as tools see it: states in lawful order, losses and latencies as they truly were. */
class NetworkLawsTest {
    private static final Map<Integer, Set<Integer>> LAWFUL = Map.of(
            State.CLOSE.number, Set.of(State.SYN_SENT.number, State.LISTEN.number, State.SYN_RECV.number),
            State.SYN_SENT.number, Set.of(State.ESTABLISHED.number, State.CLOSE.number),
            State.SYN_RECV.number, Set.of(State.ESTABLISHED.number, State.FIN_WAIT1.number),
            State.ESTABLISHED.number, Set.of(State.FIN_WAIT1.number, State.CLOSE_WAIT.number),
            State.CLOSE_WAIT.number, Set.of(State.LAST_ACK.number),
            State.LAST_ACK.number, Set.of(State.CLOSE.number),
            State.FIN_WAIT1.number, Set.of(State.FIN_WAIT2.number),
            State.FIN_WAIT2.number, Set.of(State.TIME_WAIT.number),
            State.TIME_WAIT.number, Set.of(State.CLOSE.number),
            State.LISTEN.number, Set.of(State.CLOSE.number));

    @Test
    void socketsChangeTheirStateAsTheProtocolSays() {
        var states = new HashMap<Long, Integer>();
        var seen = new HashSet<Integer>();
        var families = new HashSet<Integer>();
        try (var observed = new Observed("scenario=web-server")) {
            observed.event("sock", "inet_sock_set_state", (point, f) -> {
                        int from = (int) f.field(point, "oldstate");
                        int to = (int) f.field(point, "newstate");
                        assertEquals(states.getOrDefault(f.field(point, "skaddr"), State.CLOSE.number), from);
                        assertTrue(LAWFUL.get(from).contains(to), from + " to " + to);
                        states.put(f.field(point, "skaddr"), to);
                        seen.add(to);
                        families.add((int) f.field(point, "family"));
                        assertEquals(6, f.field(point, "protocol"));
                    })
                    .run(5000);
        }
        assertEquals(State.values().length, seen.size(), seen.toString());
        assertEquals(Set.of(Network.AF_INET, Network.AF_INET6), families);
    }

    @Test
    void retransmissionsAreCountedAsTheyHappen() {
        int[] seen = {0, 0};
        try (var observed = new Observed("scenario=network-loss")) {
            observed.event("tcp", "tcp_retransmit_skb", (point, f) -> seen[0]++)
                    .entry("tcp_retransmit_skb", f -> seen[1]++)
                    .run(10_000);
            var truth = observed.kernel.groundTruth().counters();
            assertEquals(truth.get("retransmits"), seen[0]);
            assertEquals(seen[0], seen[1]);
            assertTrue(seen[0] > 50, seen[0] + " retransmissions");
            assertTrue(truth.get("packets lost") >= seen[0], "nothing is sent again that was not lost");
        }
    }

    @Test
    void theLatencyOfConnectsIsTheTruth() {
        var started = new HashMap<Integer, Long>();
        long[] sum = {0, 0};
        try (var observed = new Observed("scenario=web-server")) {
            observed.entry("__sys_connect", f -> started.put(f.task().tid, f.nanos))
                    .exit("__sys_connect", f -> {
                        sum[0] += f.nanos - started.remove(f.task().tid);
                        sum[1]++;
                        assertEquals(0, f.result());
                    })
                    .run(10_000);
            var truth = observed.kernel.groundTruth().distributions().get("connect latency");
            assertEquals(truth.count(), sum[1]);
            assertEquals(truth.mean(), (double) sum[0] / sum[1], 100.0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"web-server", "network-loss"})
    void whatIsInFlightKeepsToTheCongestionWindow(String scenario) {
        int[] seen = {0, 0};
        try (var observed = new Observed("scenario=" + scenario)) {
            Consumer<Observed.Firing> transmit = f -> {
                var frame = f.task().caller();
                var socket = (TcpSocket) frame.object();
                var message = (Channels.Datagram) Objects.requireNonNull(frame.other);
                if (message.bytes == 0) {
                    return;
                }
                seen[0]++;
                var segment = socket.unacknowledged.stream()
                        .filter(s -> s.data == message)
                        .findFirst()
                        .orElseThrow();
                if (segment.transmissions > 0) {
                    return;
                }
                int inFlight = socket.packetsInFlight();
                assertTrue(
                        inFlight <= Math.max(socket.congestionWindow, segment.packets()),
                        inFlight + " packets in flight, the window has " + socket.congestionWindow);
                seen[1] += socket.unsent() != null ? 1 : 0;
            };
            observed.entry("ip_queue_xmit", transmit)
                    .entry("inet6_csk_xmit", transmit)
                    .run(5000);
            assertTrue(seen[0] > 1000, seen[0] + " segments");
            assertTrue(seen[1] > 100, "the window holds nothing back");
            var wait = observed.kernel.groundTruth().distributions().get("tcp window wait");
            assertTrue(wait.max() > 800_000, "what waits for an acknowledgement waits a round trip");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"scenario=web-server", "scenario=network-loss", "scenario=network-loss,cpus=128"})
    void everyByteSentIsAcknowledgedDiscardedOrOnItsWay(String options) {
        var sockets = new HashMap<Long, TcpSocket>();
        long[] bytes = {0, 0};
        try (var observed = new Observed(options)) {
            observed.entry("tcp_write_xmit", f -> {
                        if (f.task().caller().object instanceof TcpSocket socket) {
                            sockets.put(socket.address, socket);
                        }
                    })
                    .exit(
                            "__sk_destruct",
                            f -> sockets.remove(((TcpSocket) f.task().top().object()).address))
                    .exit("tcp_sendmsg", f -> bytes[0] += Math.max(0, f.result()))
                    .exit("tcp_recvmsg", f -> bytes[1] += Math.max(0, f.result()))
                    .run(options.contains("128") ? 1000 : 5000);
            var truth = observed.kernel.groundTruth().counters();
            long onItsWay = sockets.values().stream()
                    .mapToLong(TcpSocket::unacknowledgedBytes)
                    .sum();
            assertEquals(
                    truth.get("tcp bytes queued"),
                    truth.get("tcp bytes acknowledged") + truth.getOrDefault("tcp bytes discarded", 0L) + onItsWay);
            assertEquals(truth.get("tcp bytes sent"), bytes[0]);
            assertTrue(bytes[0] > 100_000 && bytes[1] <= truth.get("tcp bytes received"), bytes[1] + " bytes read");
        }
    }
}
