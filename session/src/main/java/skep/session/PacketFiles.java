package skep.session;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;

/** Packets as pcap files (the classic format with nanoseconds, Ethernet frames), which tcpdump and Wireshark read. */
final class PacketFiles {
    private static final int MAGIC_NANOS = 0xa1b23c4d;
    private static final int FILE_HEADER_BYTES = 24;
    private static final int PACKET_HEADER_BYTES = 16;
    private static final int SNAP_LENGTH = 65535;
    private static final int LINK_TYPE_ETHERNET = 1;

    private final Set<Path> begun = new HashSet<>();

    /** Appends a packet; the first one of a session starts the file anew. */
    void append(Path file, long wallNanos, byte[] bytes, int offset, int captured, long length) throws IOException {
        if (begun.add(file)) {
            var header = buffer(FILE_HEADER_BYTES);
            header.putInt(MAGIC_NANOS)
                    .putShort((short) 2)
                    .putShort((short) 4)
                    .putInt(0)
                    .putInt(0);
            header.putInt(SNAP_LENGTH).putInt(LINK_TYPE_ETHERNET);
            Files.write(file, header.array());
        }
        var packet = buffer(PACKET_HEADER_BYTES + captured);
        packet.putInt((int) (wallNanos / 1_000_000_000L)).putInt((int) (wallNanos % 1_000_000_000L));
        packet.putInt(captured).putInt((int) length).put(bytes, offset, captured);
        Files.write(file, packet.array(), StandardOpenOption.APPEND);
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
