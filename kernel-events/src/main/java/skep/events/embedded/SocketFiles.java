package skep.events.embedded;

import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** {@code /proc/net/tcp} and the like: the sockets that processes have, in the kernel's notation. */
final class SocketFiles {
    private static final int TCP = 6;

    private final EmbeddedKernel kernel;

    SocketFiles(EmbeddedKernel kernel) {
        this.kernel = kernel;
    }

    void into(Map<String, Supplier<String>> files) {
        files.put("/proc/net/tcp", () -> sockets(TCP, false));
        files.put("/proc/net/tcp6", () -> sockets(TCP, true));
        files.put("/proc/net/udp", () -> sockets(Udp.PROTOCOL, false));
        files.put("/proc/net/udp6", () -> sockets(Udp.PROTOCOL, true));
    }

    private record Owned(TcpSocket socket, int uid) {}

    private Set<Owned> owned() {
        var seen = new LinkedHashSet<TcpSocket>();
        var all = new LinkedHashSet<Owned>();
        for (var task : kernel.processes.all().values()) {
            for (var file : task.process.files) {
                if (file != null && file.target instanceof TcpSocket socket && seen.add(socket)) {
                    all.add(new Owned(socket, task.process.uid));
                }
            }
        }
        return all;
    }

    private String sockets(int protocol, boolean v6) {
        var text = new StringBuilder(
                "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
        int row = 0;
        for (var one : owned()) {
            var socket = one.socket;
            if (socket.protocol == protocol && socket.isV6() == v6) {
                boolean listens = socket.state == TcpSocket.State.LISTEN;
                long unread = listens
                        ? socket.accepted.size()
                        : socket.received.stream().mapToLong(data -> data.bytes).sum();
                long unsent = listens
                        ? socket.backlog
                        : socket.unacknowledged.stream()
                                .mapToLong(segment -> segment.data.bytes)
                                .sum();
                text.append(String.format(
                        Locale.ROOT,
                        "%4d: %s:%04X %s:%04X %02X %08X:%08X 00:00000000 %08X %5d        0 %d 1 %016x%n",
                        row++,
                        v6 ? address(socket.localAddress6) : address(listens ? 0 : socket.localAddress),
                        socket.localPort,
                        v6 ? address(socket.remoteAddress6) : address(socket.remoteAddress),
                        socket.remotePort,
                        socket.state.number,
                        unsent,
                        unread,
                        socket.retransmits,
                        one.uid,
                        socket.socketAddress >>> 6 & 0xff_ffff,
                        socket.address));
            }
        }
        return text.toString();
    }

    /** As the kernel prints an address: by words as they lie in memory. */
    private static String address(int word) {
        return String.format(Locale.ROOT, "%08X", word);
    }

    private static String address(byte[] bytes) {
        var words = java.nio.ByteBuffer.wrap(bytes)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer();
        return address(words.get(0)) + address(words.get(1)) + address(words.get(2)) + address(words.get(3));
    }
}
