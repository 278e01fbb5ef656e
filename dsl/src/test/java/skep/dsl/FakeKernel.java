package skep.dsl;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.TracepointFormat;
import skep.isa.kernel.Unsupported;
import skep.isa.kernel.UsdtArgument;
import skep.isa.kernel.UsdtProbe;
import skep.isa.kernel.UserBinary;

/**
 * A kernel for tests of the compiler: every function exists but {@code no_such_function}, a few tracepoints with made-up
 * layouts, no types.
 */
public record FakeKernel(Arch arch, Optional<Btf> types) implements KernelInfo {
    public static final FakeKernel X86 = new FakeKernel(Arch.X86_64, Optional.empty());
    public static final FakeKernel ARM = new FakeKernel(Arch.ARM64, Optional.empty());

    @Override
    public String description() {
        return "a kernel for tests";
    }

    @Override
    public KernelVersion version() {
        return new KernelVersion(6, 18, 0);
    }

    @Override
    public int possibleCpus() {
        return 2;
    }

    private static TracepointFormat.Field field(String type, String name, int offset, int size, boolean signed) {
        return new TracepointFormat.Field(type, name, offset, size, signed, 0, false);
    }

    @Override
    public Optional<TracepointFormat> tracepoint(String category, String event) {
        var common = Stream.of(field("unsigned short", "common_type", 0, 2, false));
        var own = switch (category + ":" + event) {
            case "raw_syscalls:sys_enter" ->
                Stream.of(
                        field("long", "id", 8, 8, true),
                        new TracepointFormat.Field("unsigned long", "args", 16, 48, false, 6, false));
            case "raw_syscalls:sys_exit" ->
                Stream.of(field("long", "id", 8, 8, true), field("long", "ret", 16, 8, true));
            case "syscalls:sys_enter_openat", "syscalls:sys_enter_open", "syscalls:sys_enter_execve" ->
                Stream.of(
                        field("int", "__syscall_nr", 8, 4, true),
                        field("int", "dfd", 16, 8, true),
                        field("const char *", "filename", 24, 8, false),
                        field("const char *const *", "argv", 32, 8, false));
            case "syscalls:sys_exit_read" -> Stream.of(field("long", "ret", 16, 8, true));
            case "sched:sched_switch" ->
                Stream.of(
                        new TracepointFormat.Field("char", "prev_comm", 8, 16, true, 16, false),
                        field("pid_t", "prev_pid", 24, 4, true));
            case "sched:sched_process_exec" ->
                Stream.of(new TracepointFormat.Field("char[]", "filename", 8, 4, true, 0, true));
            case "block:block_rq_issue" -> Stream.of(field("unsigned int", "bytes", 28, 4, false));
            default -> types.isPresent() ? fromTypes(category, event) : null;
        };
        return Optional.ofNullable(own)
                .map(fields -> new TracepointFormat(
                        category, event, Stream.concat(common, fields).toList()));
    }

    /** With the types of a real kernel: its events, and system calls with the arguments that documents show. */
    private @Nullable Stream<TracepointFormat.Field> fromTypes(String category, String event) {
        if (event.startsWith("sys_exit_")) {
            return Stream.of(field("long", "ret", 16, 8, true));
        }
        if (event.startsWith("sys_enter_")) {
            return Stream.of(
                    field("int", "fd", 16, 8, true),
                    field("char *", "buf", 24, 8, false),
                    field("size_t", "count", 32, 8, false),
                    field("void *", "buff", 40, 8, false),
                    field("size_t", "len", 48, 8, false),
                    field("int", "pid", 56, 8, true));
        }
        var btf = types.orElseThrow();
        var id = btf.find("trace_event_raw_" + event, BtfKind.STRUCT);
        if (id.isEmpty() || !(btf.type(id.getAsInt()) instanceof BtfType.Struct struct)) {
            return category.startsWith("category") ? Stream.of() : null;
        }
        return struct.members().stream()
                .filter(m -> !m.name().isEmpty() && m.bitFieldBits() == 0)
                .map(m -> {
                    int size = (int) btf.sizeBytes(m.typeId());
                    boolean array = btf.resolved(m.typeId()) instanceof BtfType.Array;
                    return new TracepointFormat.Field(
                            array ? "__u8" : "int",
                            m.name(),
                            (int) (m.offsetBits() / 8),
                            size,
                            false,
                            array ? size : 0,
                            false);
                });
    }

    /** A fake with the types of the kernel that the test runs on, if it publishes them. */
    public static FakeKernel withLiveTypes() {
        var path = Path.of("/sys/kernel/btf/vmlinux");
        try {
            return Files.isReadable(path)
                    ? new FakeKernel(Arch.X86_64, Optional.of(Btf.parse(Files.readAllBytes(path))))
                    : X86;
        } catch (IOException unreadable) {
            return X86;
        }
    }

    @Override
    public Stream<String> probes(ProbeKind kind) {
        return switch (kind) {
            case TRACEPOINT ->
                Stream.of(
                        "raw_syscalls:sys_enter",
                        "raw_syscalls:sys_exit",
                        "sched:sched_process_exec",
                        "sched:sched_switch",
                        "syscalls:sys_enter_execve",
                        "syscalls:sys_enter_open",
                        "syscalls:sys_enter_openat",
                        "syscalls:sys_exit_read",
                        "xdp:mem_connect");
            case KPROBE, KRETPROBE, FENTRY, FEXIT ->
                Stream.of(
                        "func_1",
                        "sys_read",
                        "sys_write",
                        "tcp_reset",
                        "tcp_v4_rcv",
                        "vfs_open",
                        "vfs_read",
                        "vfs_write",
                        "sys_socket");
            case RAWTRACEPOINT -> Stream.of("event_rt", "foo_bar", "sched_switch");
            default -> Stream.empty();
        };
    }

    @Override
    public boolean hasFunction(String module, String function) {
        return !function.equals("no_such_function");
    }

    @Override
    public Optional<Long> symbolAddress(String name) {
        return !name.startsWith("no_such") ? Optional.of(0xffffffff81000000L) : Optional.empty();
    }

    @Override
    public OptionalLong cgroupId(String path) {
        return path.contains("no_such") ? OptionalLong.empty() : OptionalLong.of(77);
    }

    @Override
    public Optional<UserBinary> binary(String nameOrPath) {
        return nameOrPath.contains("notexist") ? Optional.empty() : Optional.of(new FakeBinary(nameOrPath));
    }

    @Override
    public boolean knowsFiles() {
        return true;
    }

    @Override
    public List<UserBinary> binaries(String nameOrPattern, OptionalInt pid) {
        return List.of(new FakeBinary("/bin/sh"));
    }

    /** A program that has every symbol but {@code no_such_function}. */
    private record FakeBinary(String path) implements UserBinary {
        @Override
        public List<String> functions() {
            return List.of("first_open", "main", "readline", "rl_init", "rl_read");
        }

        @Override
        public boolean hasFunction(String name) {
            return !name.equals("no_such_function");
        }

        @Override
        public Optional<Symbol> symbol(String name) {
            return hasFunction(name) ? Optional.of(new Symbol(0x1000 + 16L * name.length(), 4)) : Optional.empty();
        }

        @Override
        public List<UsdtProbe> staticProbes() {
            return List.of(
                    new UsdtProbe("tick", "loop", 8, 0, UsdtArgument.parse("8@%rdi -4@%esi", Arch.X86_64)),
                    new UsdtProbe("prov1", "tp1", 16, 0, List.of()));
        }
    }

    @Override
    public Optional<Symbol> symbolAt(long address) {
        return Optional.empty();
    }

    @Override
    public Optional<Unsupported> unsupported(Feature feature) {
        return Optional.empty();
    }

    /** All stages. */
    public static List<CompileOptions.Stage> stages() {
        return List.of(CompileOptions.Stage.values());
    }
}
