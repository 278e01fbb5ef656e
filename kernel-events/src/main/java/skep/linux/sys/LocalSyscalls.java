package skep.linux.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.isa.kernel.Arch;

/**
 * System calls of this process. One handle, of one shape, calls everything: making a handle costs more than all the
 * calls of a short script.
 */
@SuppressWarnings("restricted")
public final class LocalSyscalls implements Syscalls {
    /** {@code (function, captured errno, number, a … f) -> long}; unbound, so that libc's functions share it. */
    private static final MethodHandle CALL;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final MemorySegment SYSCALL = libc("syscall");

    static {
        var word = ValueLayout.JAVA_LONG;
        CALL = LINKER.downcallHandle(
                FunctionDescriptor.of(word, word, word, word, word, word, word, word),
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(1));
    }

    private static final LocalSyscalls INSTANCE = new LocalSyscalls(ofHost());

    /** Where libc's errno is captured, one a thread; a few bytes for each thread that ever called. */
    private final ThreadLocal<MemorySegment> errno =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(ValueLayout.JAVA_INT));

    private final Arch arch;

    private LocalSyscalls(Arch arch) {
        this.arch = arch;
    }

    public static LocalSyscalls instance() {
        return INSTANCE;
    }

    private static Arch ofHost() {
        return System.getProperty("os.arch").equals("aarch64") ? Arch.ARM64 : Arch.X86_64;
    }

    private static MemorySegment libc(String function) {
        return LINKER.defaultLookup().find(function).orElseThrow(() -> new AssertionError("libc without " + function));
    }

    @Override
    public Arch arch() {
        return arch;
    }

    @Override
    public long call(Sys call, long a, long b, long c, long d, long e, long f) {
        var capture = errno.get();
        long result = invoke(SYSCALL, capture, call.number(arch), a, b, c, d, e, f);
        return result == -1 ? -capture.get(ValueLayout.JAVA_INT, 0) : result;
    }

    private static long invoke(
            MemorySegment function, MemorySegment capture, long n, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) CALL.invokeExact(function, capture, n, a, b, c, d, e, f);
        } catch (Throwable impossible) {
            throw new AssertionError("a system call cannot throw", impossible);
        }
    }

    @Override
    public Block allocate(long bytes) {
        var arena = Arena.ofConfined();
        return new LocalBlock(arena, arena.allocate(Math.max(bytes, 1), 16), true);
    }

    /** Freed by the garbage collector: closing a shared arena would stop every thread. */
    @Override
    public Block allocateShared(long bytes) {
        var arena = Arena.ofAuto();
        return new LocalBlock(arena, arena.allocate(Math.max(bytes, 1), 16), false);
    }

    @Override
    public Optional<MemorySegment> view(long address, long bytes) {
        return Optional.of(MemorySegment.ofAddress(address).reinterpret(bytes));
    }

    @Override
    public void copy(long address, byte[] to) {
        var from = MemorySegment.ofAddress(address).reinterpret(to.length);
        MemorySegment.copy(from, ValueLayout.JAVA_BYTE, 0, to, 0, to.length);
    }

    @Override
    public void release(long address, long value) {
        VarHandle.releaseFence();
        MemorySegment.ofAddress(address).reinterpret(Long.BYTES).set(ValueLayout.JAVA_LONG, 0, value);
    }

    /**
     * A shell waits at the gate, since a JVM cannot fork: {@code posix_spawn} of {@code sh}, which reads a line from
     * descriptor 9 and then executes the command in its own process. All descriptors that Skep opens are close-on-exec.
     */
    @Override
    public long spawnGated(List<String> arguments, int gate) {
        var shell = new ArrayList<>(List.of("/bin/sh", "-c", "read g <&9 || exit 127; exec 9<&-; exec \"$@\"", "sh"));
        shell.addAll(arguments);
        try (var arena = Arena.ofConfined()) {
            var word = ValueLayout.JAVA_LONG;
            var argv = arena.allocate(word, shell.size() + 1);
            for (int i = 0; i < shell.size(); i++) {
                argv.setAtIndex(word, i, arena.allocateFrom(shell.get(i)).address());
            }
            var environment = System.getenv();
            var envp = arena.allocate(word, environment.size() + 1);
            int at = 0;
            for (var variable : environment.entrySet()) {
                var text = variable.getKey() + "=" + variable.getValue();
                envp.setAtIndex(word, at++, arena.allocateFrom(text).address());
            }
            var pid = arena.allocate(word);
            var actions = arena.allocate(SPAWN_ACTIONS_BYTES, 16);
            var attributes = arena.allocate(SPAWN_ATTRIBUTES_BYTES, 16);
            var capture = errno.get();
            invoke(libc("posix_spawn_file_actions_init"), capture, actions.address(), 0, 0, 0, 0, 0, 0);
            invoke(libc("posix_spawn_file_actions_adddup2"), capture, actions.address(), gate, GATE, 0, 0, 0, 0);
            invoke(libc("posix_spawnattr_init"), capture, attributes.address(), 0, 0, 0, 0, 0, 0);
            // The JVM's threads block signals that a command expects: an empty mask, and all signals' default actions.
            var noSignals = arena.allocate(SIGNAL_SET_BYTES, 8);
            var allSignals = arena.allocate(SIGNAL_SET_BYTES, 8);
            invoke(libc("sigfillset"), capture, allSignals.address(), 0, 0, 0, 0, 0, 0);
            invoke(
                    libc("posix_spawnattr_setsigmask"),
                    capture,
                    attributes.address(),
                    noSignals.address(),
                    0,
                    0,
                    0,
                    0,
                    0);
            invoke(
                    libc("posix_spawnattr_setsigdefault"),
                    capture,
                    attributes.address(),
                    allSignals.address(),
                    0,
                    0,
                    0,
                    0,
                    0);
            invoke(
                    libc("posix_spawnattr_setflags"),
                    capture,
                    attributes.address(),
                    SETSIGDEF | SETSIGMASK,
                    0,
                    0,
                    0,
                    0,
                    0);
            var path = arena.allocateFrom("/bin/sh");
            int failure = (int) invoke(
                    libc("posix_spawn"),
                    capture,
                    pid.address(),
                    path.address(),
                    actions.address(),
                    attributes.address(),
                    argv.address(),
                    envp.address(),
                    0);
            invoke(libc("posix_spawn_file_actions_destroy"), capture, actions.address(), 0, 0, 0, 0, 0, 0);
            invoke(libc("posix_spawnattr_destroy"), capture, attributes.address(), 0, 0, 0, 0, 0, 0);
            return failure != 0 ? -failure : pid.get(ValueLayout.JAVA_INT, 0);
        }
    }

    @Override
    public void close() {}

    /** Room for {@code posix_spawn_file_actions_t} and {@code posix_spawnattr_t}: 80 and 336 in glibc, 80 and 336 in musl. */
    private static final long SPAWN_ACTIONS_BYTES = 256;

    private static final long SPAWN_ATTRIBUTES_BYTES = 512;
    private static final long SIGNAL_SET_BYTES = 128;
    private static final int SETSIGDEF = 0x04;
    private static final int SETSIGMASK = 0x08;
    private static final int GATE = 9;

    private record LocalBlock(Arena arena, MemorySegment segment, boolean closing) implements Block {
        @Override
        public long address() {
            return segment.address();
        }

        @Override
        public long pushed(long bytes) {
            return segment.address();
        }

        @Override
        public MemorySegment pulled(long offset, long bytes) {
            return segment;
        }

        @Override
        public void close() {
            if (closing) {
                arena.close();
            }
        }
    }
}
