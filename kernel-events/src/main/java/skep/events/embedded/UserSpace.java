package skep.events.embedded;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * User memory and binaries. All processes see the same pages: strings and argument vectors that system calls point to, and
 * one large buffer.
 */
final class UserSpace {
    private static final long STRINGS_BYTES = 4L << 20;
    private static final long BUFFER_BYTES = 4L << 20;

    private final EmbeddedKernel kernel;
    private final Map<String, Long> strings = new HashMap<>();
    private final Map<List<String>, Long> vectors = new HashMap<>();
    private final Map<String, Image> images = new LinkedHashMap<>();
    private final Map<String, Program> programs = new LinkedHashMap<>();
    private final long buffer;
    private long nextString;
    private long nextLibrary;

    /** A binary with its symbols. */
    final class Image {
        final String path;
        final Symbols symbols;

        private Image(String path, long base) {
            this.path = path;
            symbols = new Symbols(base);
        }

        Routine function(String declaration, Body body) {
            return symbols.add(new Routine(Prototype.parse(declaration), path, Routine.Space.USER, body));
        }
    }

    UserSpace(EmbeddedKernel kernel) {
        this.kernel = kernel;
        nextString = kernel.addresses.userData();
        buffer = nextString + STRINGS_BYTES;
        nextLibrary = kernel.addresses.userLibraries();
        kernel.userMemory.map(nextString, STRINGS_BYTES + BUFFER_BYTES);
    }

    /** The binary at a path, made if it is not there yet. */
    Image image(String path) {
        return images.computeIfAbsent(path, p -> {
            if (p.contains(".so")) {
                long base = nextLibrary;
                nextLibrary += 0x20_0000;
                return new Image(p, base);
            }
            return new Image(p, kernel.addresses.userText() + 0x1000);
        });
    }

    Map<String, Image> images() {
        return images;
    }

    /** Declares a program whose {@code main} is this body. */
    Program program(String path, Body main) {
        var image = image(path);
        var start = image.function("void _start(void)", (task, frame) -> {});
        var routine = image.function("int main(int argc, char **argv)", main);
        routine.callers = new Routine[] {start};
        var program = new Program(path, routine);
        programs.put(program.comm(), program);
        return program;
    }

    Optional<Program> findProgram(String name) {
        return Optional.ofNullable(programs.get(name.substring(name.lastIndexOf('/') + 1)));
    }

    List<String> programNames() {
        return programs.keySet().stream().sorted().toList();
    }

    /** Address of a string in user memory. */
    long string(String text) {
        return strings.computeIfAbsent(text, t -> {
            var bytes = t.getBytes(StandardCharsets.UTF_8);
            return place(Arrays.copyOf(bytes, bytes.length + 1));
        });
    }

    /** Address of a null-terminated vector of strings. */
    long vector(List<String> texts) {
        return vectors.computeIfAbsent(texts, list -> {
            var words = new long[list.size() + 1];
            for (int i = 0; i < list.size(); i++) {
                words[i] = string(list.get(i));
            }
            long at = place(new byte[8 * words.length]);
            for (int i = 0; i < words.length; i++) {
                kernel.userMemory.putLong(at + 8L * i, words[i]);
            }
            return at;
        });
    }

    private long place(byte[] bytes) {
        if (nextString + bytes.length + 8 > buffer) {
            throw new IllegalStateException("user strings of the model are full");
        }
        long at = nextString;
        kernel.userMemory.putBytes(at, bytes);
        nextString = at + bytes.length + 7 & -8L;
        return at;
    }

    /** A buffer that system calls may read and write. */
    long buffer() {
        return buffer;
    }
}
