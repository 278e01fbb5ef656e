package skep.isa.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;

/** Numbers and names of system calls, from the kernel's tables (syscall_64.tbl of x86 and the generic one, 6.18). */
public final class SystemCall {
    /**
     * Tracepoints are called after the functions of the kernel, whose names differ where a call came in a second form. It
     * is the newer one that 64-bit programs call.
     */
    private static final Map<String, String> CALLED_BY = Map.of(
            "newstat", "stat",
            "newfstat", "fstat",
            "newlstat", "lstat",
            "newfstatat", "fstatat",
            "newuname", "uname",
            "sendfile64", "sendfile",
            "umount", "umount2");

    private static final Map<Arch, SystemCall> TABLES = new ConcurrentHashMap<>();

    private final Map<Long, String> names = new HashMap<>();
    private final Map<String, Long> numbers = new HashMap<>();

    private SystemCall(Arch arch) {
        try (var in = SystemCall.class.getResourceAsStream("syscalls-" + arch.machine() + ".txt")) {
            if (in == null) {
                return;
            }
            // lines "number name"
            for (var line : new String(in.readAllBytes(), StandardCharsets.US_ASCII).split("\n")) {
                int space = line.indexOf(' ');
                names.put(Long.parseLong(line.substring(0, space)), line.substring(space + 1));
            }
            names.forEach((number, name) -> numbers.put(name, number));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static SystemCall table(Arch arch) {
        return TABLES.computeIfAbsent(arch, SystemCall::new);
    }

    /** The name of a system call, for example {@code openat}. */
    public static Optional<String> name(Arch arch, long number) {
        return Optional.ofNullable(table(arch).names.get(number));
    }

    public static OptionalLong number(Arch arch, String name) {
        var number = table(arch).numbers.get(name);
        return number == null ? OptionalLong.empty() : OptionalLong.of(number);
    }

    /** The number of the call that {@code sys_enter_NAME} and {@code sys_exit_NAME} are for. */
    public static OptionalLong numberOfTracepoint(Arch arch, String name) {
        var direct = number(arch, name);
        var second = CALLED_BY.get(name);
        return direct.isPresent() || second == null ? direct : number(arch, second);
    }

    /** Names by number. */
    public static Map<Long, String> names(Arch arch) {
        return Map.copyOf(table(arch).names);
    }
}
