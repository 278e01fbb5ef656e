package skep.c.bcc;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Set;
import skep.c.pp.IncludeProvider;
import skep.source.Source;

/**
 * The header library. Types come from the kernel's BTF by name, so that most headers have nothing to say: any header of
 * the kernel or of the compiler's libraries can be included, and what its macros and functions would give is in a few
 * files of our own, of which {@code base.h} and {@code kernel.h} are always there.
 */
final class Headers implements IncludeProvider {
    private static final Set<String> ROOTS = Set.of(
            "linux",
            "uapi",
            "net",
            "asm",
            "asm-generic",
            "bcc",
            "bpf",
            "rdma",
            "scsi",
            "sound",
            "drm",
            "trace",
            "crypto",
            "kvm",
            "sys",
            "netinet",
            "arpa",
            "xen",
            "acpi",
            "vdso");
    private static final Set<String> FILES = Set.of(
            "vmlinux.h",
            "stdint.h",
            "stddef.h",
            "stdbool.h",
            "stdlib.h",
            "stdio.h",
            "string.h",
            "errno.h",
            "limits.h",
            "inttypes.h",
            "unistd.h",
            "time.h",
            "fcntl.h");

    private final IncludeProvider user;

    Headers(IncludeProvider user) {
        this.user = user;
    }

    @Override
    public Optional<Source> find(String name, boolean angled, String includer) {
        return user.find(name, angled, includer).or(() -> library(name));
    }

    private static Optional<Source> library(String name) {
        if (name.equals("linux/fs.h") || name.equals("uapi/linux/fs.h")) {
            return Optional.of(read("fs.h"));
        }
        int slash = name.indexOf('/');
        boolean known = slash > 0 ? ROOTS.contains(name.substring(0, slash)) : FILES.contains(name);
        return known && name.endsWith(".h") ? Optional.of(new Source(name, "")) : Optional.empty();
    }

    /** A file of the library. */
    static Source read(String file) {
        try (InputStream in = Headers.class.getResourceAsStream("include/" + file)) {
            if (in == null) {
                throw new IllegalStateException("the header library has no " + file);
            }
            return new Source("<" + file + ">", new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
