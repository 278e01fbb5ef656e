package skep.vm.conformance;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import skep.isa.classic.ClassicProgram;
import skep.isa.classic.ClassicText;
import skep.isa.classic.ClassicTranslator;
import skep.isa.classic.InvalidClassicException;
import skep.isa.kernel.ProgramType;
import skep.target.ToolCommand;
import skep.vm.KernelServices;
import skep.vm.Memory;
import skep.vm.PacketContext;
import skep.vm.PacketLoad;
import skep.vm.UnverifiedProgram;

/** {@code skep pcap -f 'FILTER-DUMP' file.pcap}: keeps the packets that a classic filter keeps. */
public final class PcapCommand implements ToolCommand {
    private static final int MAGIC_MICROS = 0xa1b2c3d4;
    private static final int MAGIC_NANOS = 0xa1b23c4d;
    private static final int FILE_HEADER_BYTES = 24;
    private static final int RECORD_HEADER_BYTES = 16;
    private static final int MAX_PACKET_BYTES = 1 << 18;
    private static final int ETHER_HEADER_BYTES = 14;

    @Override
    public String name() {
        return "pcap";
    }

    @Override
    public String summary() {
        return """
                filters a packet capture with the output of tcpdump -ddd (or -d, or -dd)
                usage: skep pcap -f FILTER [-w OUT.pcap] [--backend NAME] FILE.pcap
                FILTER is the program's text, or @FILE to read it from. Prints a line for each packet kept and the totals;
                with -w the packets kept are written as a capture ("-" for standard output).
                """;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        try {
            var options = Options.parse(arguments, Set.of("-f", "-w", Options.BACKEND));
            if (options.words().size() != 1 || options.value("-f", "").isEmpty()) {
                throw new IllegalArgumentException("a filter (-f) and one capture are needed");
            }
            var text = options.value("-f", "");
            var filter = ClassicText.read(text.startsWith("@") ? Files.readString(Path.of(text.substring(1))) : text);
            filter(options, filter, Path.of(options.words().getFirst()), out, err);
            return 0;
        } catch (InvalidClassicException e) {
            err.println("pcap: filter: " + e.getMessage());
            return 1;
        } catch (IllegalArgumentException e) {
            err.println("pcap: " + e.getMessage());
            return 2;
        } catch (IOException e) {
            err.println("pcap: " + e.getMessage());
            return 1;
        }
    }

    private static void filter(Options options, ClassicProgram filter, Path file, PrintStream out, PrintStream err)
            throws IOException {
        var target = options.value("-w", "");
        var code = ClassicTranslator.translate(filter);
        try (var input = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)));
                var written = target.isEmpty() || target.equals("-")
                        ? out
                        : new PrintStream(Files.newOutputStream(Path.of(target)), false);
                var machine = new TestMachine(Map.of(), KernelServices.detached(), PacketLoad.ETHERNET);
                var packet = machine.lend(new byte[MAX_PACKET_BYTES]);
                var context = machine.lend(new byte[PacketContext.SKB_BYTES + PacketContext.POINTER_BYTES]);
                var executable = options.backend()
                        .compile(new UnverifiedProgram("filter", ProgramType.SOCKET_FILTER, code), machine.runtime())) {
            var header = new byte[FILE_HEADER_BYTES];
            input.readFully(header);
            var order = order(header, file);
            if (!target.isEmpty()) {
                written.write(header);
            }
            int kept = 0;
            int total = 0;
            for (var next = Packet.read(input, order); next.captured() >= 0; next = Packet.read(input, order)) {
                total++;
                Memory.copy(next.data, 0, packet.address(), next.data.length);
                describe(context.address(), packet.address(), next);
                long keepBytes = executable.run(machine.cpu(), context.address()) & 0xffff_ffffL;
                if (keepBytes != 0) {
                    kept++;
                    if (target.isEmpty()) {
                        out.println(next.line(total));
                    } else {
                        next.write(written, order, (int) Math.min(keepBytes, next.data.length));
                    }
                }
            }
            (target.equals("-") ? err : out).println(kept + " of " + total + " packets");
            if (written != out) {
                written.flush();
            }
        }
    }

    private static ByteOrder order(byte[] header, Path file) throws IOException {
        for (var order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
            int magic = ByteBuffer.wrap(header).order(order).getInt();
            if (magic == MAGIC_MICROS || magic == MAGIC_NANOS) {
                return order;
            }
        }
        throw new IOException(file + " is no pcap file");
    }

    private static void describe(long context, long address, Packet packet) {
        Memory.fill(context, PacketContext.SKB_BYTES, (byte) 0);
        Memory.putInt(context, packet.original);
        if (packet.data.length >= ETHER_HEADER_BYTES) {
            Memory.putInt(context + 16, Memory.getShort(address + ETHER_HEADER_BYTES - 2) & 0xffff);
        }
        PacketContext.setPointers(ProgramType.SOCKET_FILTER, context, address, address + packet.data.length, address);
    }

    /**
     * A record of the file.
     *
     * @param original the packet's length on the wire
     */
    private record Packet(int seconds, int fraction, int captured, int original, byte[] data) {
        private static final Packet END = new Packet(0, 0, -1, 0, new byte[0]);

        static Packet read(DataInputStream input, ByteOrder order) throws IOException {
            var header = input.readNBytes(RECORD_HEADER_BYTES);
            if (header.length == 0) {
                return END;
            }
            if (header.length < RECORD_HEADER_BYTES) {
                throw new EOFException("the capture ends within a packet's header");
            }
            var fields = ByteBuffer.wrap(header).order(order);
            int seconds = fields.getInt();
            int fraction = fields.getInt();
            int captured = fields.getInt();
            int original = fields.getInt();
            if (captured < 0 || captured > MAX_PACKET_BYTES) {
                throw new IOException("a packet of " + Integer.toUnsignedString(captured) + " bytes is too long");
            }
            var data = input.readNBytes(captured);
            if (data.length < captured) {
                throw new EOFException("the capture ends within a packet");
            }
            return new Packet(seconds, fraction, captured, original, data);
        }

        String line(int number) {
            return "%d: %d.%06d length %d".formatted(number, Integer.toUnsignedLong(seconds), fraction, original);
        }

        void write(PrintStream out, ByteOrder order, int keptBytes) {
            var record = ByteBuffer.allocate(RECORD_HEADER_BYTES + keptBytes).order(order);
            record.putInt(seconds).putInt(fraction).putInt(keptBytes).putInt(original);
            record.put(data, 0, keptBytes);
            out.write(record.array(), 0, record.capacity());
        }

        @Override
        public boolean equals(@org.jspecify.annotations.Nullable Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }
}
