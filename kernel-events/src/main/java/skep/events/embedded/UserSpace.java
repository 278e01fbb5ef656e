package skep.events.embedded;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.isa.kernel.Arch;

/**
 * User memory and binaries. All processes see the same pages: strings and argument vectors that system calls point to, and
 * one large buffer.
 */
final class UserSpace {
    private static final long STRINGS_BYTES = 4L << 20;
    private static final long BUFFER_BYTES = 4L << 20;
    /** Libraries are loaded this far apart. */
    private static final long LIBRARY_BYTES = 0x80_0000;

    private final EmbeddedKernel kernel;
    private final Map<String, Long> strings = new HashMap<>();
    private final Map<List<String>, Long> vectors = new HashMap<>();
    private final Map<String, UserImage> images = new LinkedHashMap<>();
    private final Map<String, Program> programs = new LinkedHashMap<>();
    private final Map<List<Long>, Long> pairs = new HashMap<>();
    private final long buffer;
    private long nextString;
    private long nextLibrary;

    UserSpace(EmbeddedKernel kernel) {
        this.kernel = kernel;
        nextString = kernel.addresses.userData();
        buffer = nextString + STRINGS_BYTES;
        nextLibrary = kernel.addresses.userLibraries();
        kernel.userMemory.map(nextString, STRINGS_BYTES + BUFFER_BYTES);
    }

    /** The binary at a path, made if it is not there yet. */
    UserImage image(String path) {
        return images.computeIfAbsent(path, p -> {
            if (p.contains(".so")) {
                long base = nextLibrary;
                nextLibrary += LIBRARY_BYTES;
                return new UserImage(p, base, kernel.registers);
            }
            return new UserImage(p, kernel.addresses.userText(), kernel.registers);
        });
    }

    /** The library of this file name, in the folder of the architecture; made if it is not there yet. */
    UserImage library(String file) {
        var triplet = kernel.arch == Arch.ARM64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
        return image("/usr/lib/" + triplet + "/" + file);
    }

    /**
     * A binary by any of its names: a path, also one through {@code /bin} or {@code /lib}; a command; a library with or
     * without its ending ({@code libc}, {@code libc.so.6}).
     */
    Optional<UserImage> find(String name) {
        var exact = images.get(name);
        if (exact != null) {
            return Optional.of(exact);
        }
        if (name.startsWith("/")) {
            var merged = images.get("/usr" + name);
            var file = name.substring(name.lastIndexOf('/') + 1);
            return merged != null
                    ? Optional.of(merged)
                    : name.contains("/lib") && file.contains(".so") ? libraryNamed(file) : Optional.empty();
        }
        var program = Optional.ofNullable(programs.get(name)).map(p -> images.get(p.path()));
        return program.isPresent() ? program : libraryNamed(name);
    }

    private Optional<UserImage> libraryNamed(String name) {
        return images.values().stream()
                .filter(UserImage::isLibrary)
                .filter(image -> {
                    var file = image.path().substring(image.path().lastIndexOf('/') + 1);
                    return file.equals(name) || file.startsWith(name + ".so") || file.startsWith("lib" + name + ".so");
                })
                .findFirst();
    }

    Map<String, UserImage> images() {
        return images;
    }

    /** The binary that a process runs and the libraries that are mapped beside it; none for kernel threads. */
    List<UserImage> mapped(Process process) {
        var invocation = process.invocation;
        if (invocation == null) {
            return List.of();
        }
        var own = image(invocation.program().path());
        var all = new ArrayList<UserImage>();
        all.add(own);
        all.addAll(own.libraries);
        all.add(library("libc.so.6"));
        return all;
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

    /** Address of two words. */
    long vectorOf(long first, long second) {
        return pairs.computeIfAbsent(List.of(first, second), pair -> {
            long at = place(new byte[16]);
            kernel.userMemory.putLong(at, first);
            kernel.userMemory.putLong(at + 8, second);
            return at;
        });
    }

    /** A {@code struct sockaddr} of a port on an IPv4 or IPv6 address. */
    long socketAddress(byte[] address, int port) {
        boolean v6 = address.length == 16;
        var key = new ArrayList<Long>(List.of((long) port));
        for (byte one : address) {
            key.add((long) one);
        }
        return pairs.computeIfAbsent(key, k -> {
            var bytes = new byte[v6 ? 28 : 16];
            bytes[0] = (byte) (v6 ? Network.AF_INET6 : Network.AF_INET);
            bytes[2] = (byte) (port >>> 8);
            bytes[3] = (byte) port;
            System.arraycopy(address, 0, bytes, v6 ? 8 : 4, address.length);
            return place(Arrays.copyOf(bytes, 32));
        });
    }

    /** A {@code struct sigaction} with this handler, which ends in the C library's trampoline. */
    long signalAction(Routine handler, long flags) {
        return pairs.computeIfAbsent(List.of(handler.address, flags, -1L), key -> {
            long at = place(new byte[32]);
            kernel.userMemory.putLong(at, handler.address);
            kernel.userMemory.putLong(at + 8, flags);
            return at;
        });
    }

    /** The word at an address. */
    long word(long address) {
        var bytes = new byte[8];
        return kernel.userMemory.read(address, bytes, 8)
                ? java.nio.ByteBuffer.wrap(bytes)
                        .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                        .getLong()
                : 0;
    }

    /** A {@code struct timespec} with this time, in a place that belongs to a thread. */
    long timespec(int tid, long nanos) {
        long at = buffer + BUFFER_BYTES - 16_384 + 16L * (tid & 0x1ff);
        kernel.userMemory.putLong(at, nanos / 1_000_000_000);
        kernel.userMemory.putLong(at + 8, nanos % 1_000_000_000);
        return at;
    }

    /** A lock of a user program, by number. */
    long lock(int number) {
        return buffer + BUFFER_BYTES - 4096 + 64L * number;
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
