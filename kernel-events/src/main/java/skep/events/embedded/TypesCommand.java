package skep.events.embedded;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import skep.btf.Btf;
import skep.btf.BtfException;
import skep.target.ToolCommand;

/** {@code embedded types IN OUT}: makes the type database of the embedded kernel from that of a real one. */
public final class TypesCommand implements ToolCommand {
    private static final int MAGIC = 0x0001_eb9f;
    private static final int HEADER_BYTES = 24;

    @Override
    public String name() {
        return "embedded types";
    }

    @Override
    public String summary() {
        return """
                cut a kernel's types down to those the embedded kernel models
                  embedded types IN OUT [MODULE…]
                  IN is raw BTF (/sys/kernel/btf/vmlinux) or an uncompressed or gzip-compressed kernel image,
                  MODULE is an uncompressed module of that kernel, or its raw BTF""";
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        if (arguments.size() < 2) {
            err.println("embedded types: two arguments are needed: a kernel's BTF or image, and the file to write");
            return 2;
        }
        try {
            var kernel = Btf.parse(find(gunzip(Files.readAllBytes(Path.of(arguments.get(0))))));
            var modules = new ArrayList<Btf>();
            for (var module : arguments.subList(2, arguments.size())) {
                modules.add(Btf.parseSplit(find(Files.readAllBytes(Path.of(module))), kernel));
            }
            var trimmed = TypeTrimmer.trim(kernel, modules);
            var bytes = new ByteArrayOutputStream();
            try (var zip = new GZIPOutputStream(bytes)) {
                zip.write(trimmed.bytes());
            }
            Files.write(Path.of(arguments.get(1)), bytes.toByteArray());
            out.println((kernel.endId() - 1) + " types cut to " + (trimmed.endId() - 1) + ", " + trimmed.bytes().length
                    + " bytes, " + bytes.size() + " compressed");
            return 0;
        } catch (IOException | BtfException failure) {
            err.println("embedded types: " + failure.getMessage());
            return 1;
        }
    }

    private static byte[] gunzip(byte[] bytes) throws IOException {
        if (bytes.length < 2 || (bytes[0] & 0xff) != 0x1f || (bytes[1] & 0xff) != 0x8b) {
            return bytes;
        }
        try (var zip = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
            return zip.readAllBytes();
        }
    }

    /** The largest BTF in an image; the bytes themselves if they begin with one. */
    private static byte[] find(byte[] image) {
        var buffer = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        byte[] best = {};
        for (int at = 0; at + HEADER_BYTES <= image.length; at += 4) {
            if (buffer.getInt(at) == MAGIC && buffer.getInt(at + 4) == HEADER_BYTES) {
                long length = (long) HEADER_BYTES + buffer.getInt(at + 16) + buffer.getInt(at + 20);
                if (length > best.length && at + length <= image.length) {
                    best = java.util.Arrays.copyOfRange(image, at, (int) (at + length));
                }
            }
        }
        return best;
    }
}
