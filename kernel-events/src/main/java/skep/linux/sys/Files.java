package skep.linux.sys;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.isa.kernel.Arch;

/**
 * Files of the machine whose kernel is traced, read through its system calls. What cannot be read is empty: most of these
 * files are questions to the kernel, and absence is an answer.
 */
public final class Files {
    private static final int AT_FDCWD = -100;
    private static final int O_RDONLY = 0;
    private static final int O_WRONLY = 1;
    private static final int O_APPEND = 0x400;
    private static final int O_DIRECTORY_X86 = 0x10000;
    private static final int O_DIRECTORY_ARM = 0x4000;
    private static final int O_CLOEXEC = 0x80000;
    private static final int DT_DIR = 4;
    private static final int FIRST_READ_BYTES = 16 << 10;
    private static final int READ_BYTES = 1 << 20;

    private final Syscalls kernel;

    public Files(Syscalls kernel) {
        this.kernel = kernel;
    }

    /** Opens a file for reading, close-on-exec: a descriptor or minus an errno. */
    public long open(String path) {
        return open(path, O_RDONLY);
    }

    private long open(String path, int flags) {
        try (var name = kernel.allocate(path.length() * 3L + 1)) {
            long end = name.putString(0, path);
            return kernel.call(Sys.OPENAT, AT_FDCWD, name.pushed(end), flags | O_CLOEXEC, 0);
        }
    }

    public boolean exists(String path) {
        long fd = open(path);
        if (Errno.isError(fd)) {
            return fd == -Errno.EACCES || fd == -Errno.EPERM;
        }
        kernel.call(Sys.CLOSE, fd);
        return true;
    }

    /** The whole file, or empty if it cannot be opened or read. */
    public Optional<byte[]> read(String path) {
        long fd = open(path);
        if (Errno.isError(fd)) {
            return Optional.empty();
        }
        var bytes = drain((int) fd);
        kernel.call(Sys.CLOSE, fd);
        return bytes;
    }

    /** What a descriptor gives up to its end; the descriptor stays open. Empty on an error. */
    public Optional<byte[]> drain(int fd) {
        var all = new ByteArrayOutputStream();
        int step = FIRST_READ_BYTES;
        while (true) {
            try (var buffer = kernel.allocate(step)) {
                for (int i = 0; i < 2; i++) {
                    long n = kernel.call(Sys.READ, fd, buffer.address(), step);
                    if (n == -Errno.EINTR) {
                        continue;
                    }
                    if (Errno.isError(n)) {
                        return Optional.empty();
                    }
                    if (n == 0) {
                        return Optional.of(all.toByteArray());
                    }
                    buffer.pulled(0, n);
                    all.writeBytes(buffer.getBytes(0, (int) n));
                }
            }
            step = READ_BYTES;
        }
    }

    /** Bytes at an offset; fewer at the end of the file, none if it cannot be read. */
    public byte[] read(String path, long offset, int length) {
        long fd = open(path);
        if (Errno.isError(fd)) {
            return new byte[0];
        }
        try (var buffer = kernel.allocate(length)) {
            int done = 0;
            while (done < length) {
                long n = kernel.call(Sys.PREAD64, fd, buffer.address() + done, length - done, offset + done);
                if (n == -Errno.EINTR) {
                    continue;
                }
                if (n <= 0) {
                    break;
                }
                done += (int) n;
            }
            buffer.pulled(0, done);
            return buffer.getBytes(0, done);
        } finally {
            kernel.call(Sys.CLOSE, fd);
        }
    }

    /** Whether this user may execute a file. */
    public boolean executable(String path) {
        try (var name = kernel.allocate(path.length() * 3L + 1)) {
            long end = name.putString(0, path);
            return kernel.call(Sys.FACCESSAT, AT_FDCWD, name.pushed(end), 1) == 0;
        }
    }

    /** The file as text without its final newline. */
    public Optional<String> text(String path) {
        return read(path).map(bytes -> new String(bytes, StandardCharsets.UTF_8).stripTrailing());
    }

    /** The number that a file holds, or empty. */
    public Optional<Long> number(String path) {
        return text(path).flatMap(text -> {
            try {
                return Optional.of(Long.decode(text.strip()));
            } catch (NumberFormatException notNumber) {
                return Optional.empty();
            }
        });
    }

    /** Names in a folder without {@code .} and {@code ..}, unsorted; an empty list if it cannot be read. */
    public List<String> list(String folder) {
        return entries(folder).stream()
                .map(Entry::name)
                .filter(name -> !name.equals(".") && !name.equals(".."))
                .toList();
    }

    /** The inode of a folder, or 0. */
    public long inode(String folder) {
        return entries(folder).stream()
                .filter(entry -> entry.name().equals("."))
                .mapToLong(Entry::inode)
                .findFirst()
                .orElse(0);
    }

    /** An entry of a folder; {@code .} and {@code ..} are entries too. */
    public record Entry(String name, long inode, boolean folder) {
        public boolean isFolder() {
            return folder && !name.equals(".") && !name.equals("..");
        }
    }

    /** All entries of a folder as the kernel lists them; none if it cannot be read. */
    public List<Entry> entries(String folder) {
        long fd = open(folder, kernel.arch() == Arch.X86_64 ? O_DIRECTORY_X86 : O_DIRECTORY_ARM);
        if (Errno.isError(fd)) {
            return List.of();
        }
        var entries = new ArrayList<Entry>();
        try (var buffer = kernel.allocate(32 << 10)) {
            while (true) {
                long n = kernel.call(Sys.GETDENTS64, fd, buffer.address(), buffer.sizeBytes());
                if (n <= 0) {
                    break;
                }
                buffer.pulled(0, n);
                // struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name
                for (long at = 0; at < n; ) {
                    int length = buffer.getInt(at + 16) & 0xffff;
                    boolean isFolder = (buffer.getInt(at + 16) >>> 16 & 0xff) == DT_DIR;
                    entries.add(new Entry(buffer.getString(at + 19, length - 19), buffer.getLong(at), isFolder));
                    at += length;
                }
            }
        }
        kernel.call(Sys.CLOSE, fd);
        return entries;
    }

    /** Where a symbolic link points, or empty. */
    public Optional<String> link(String path) {
        try (var name = kernel.allocate(path.length() * 3L + 1);
                var target = kernel.allocate(4096)) {
            long end = name.putString(0, path);
            long n = kernel.call(Sys.READLINKAT, AT_FDCWD, name.pushed(end), target.address(), 4096);
            if (n <= 0) {
                return Optional.empty();
            }
            target.pulled(0, n);
            return Optional.of(target.getString(0, (int) n));
        }
    }

    /** Writes a short text to a file of the kernel; 0 or minus an errno. */
    public long write(String path, String text) {
        return write(path, text, O_WRONLY);
    }

    /** The same at the end of the file: files that are lists take an entry so. */
    public long append(String path, String text) {
        return write(path, text, O_WRONLY | O_APPEND);
    }

    private long write(String path, String text, int flags) {
        long fd = open(path, flags);
        if (Errno.isError(fd)) {
            return fd;
        }
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        try (var buffer = kernel.allocate(bytes.length)) {
            buffer.putBytes(0, bytes);
            long n = kernel.call(Sys.WRITE, fd, buffer.pushed(bytes.length), bytes.length);
            return Math.min(n, 0);
        } finally {
            kernel.call(Sys.CLOSE, fd);
        }
    }
}
