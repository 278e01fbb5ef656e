package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.isa.kernel.Arch;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.kernel.Unsupported;
import skep.isa.object.BpfObject;
import skep.session.ScriptException;
import skep.session.Session;
import skep.session.SessionOptions;
import skep.session.Targets;
import skep.session.view.TextRenderer;
import skep.target.Target;
import skep.target.TargetException;

/**
 * Each probe kind on each kernel at hand: the one this runs on, those of virtual machines and the embedded one. A probe
 * either works or is refused with the reason that {@code doctor} gives, and the same script gives the same answer where
 * the workload is the same.
 *
 * <p>{@code mvn -o -pl cli -am test -Dslow -Dtest=KernelsTest} runs all of it; with {@code -Dskep.rewrite=true} the table
 * goes into docs/kernels.md. The short form boots one ARM64 kernel.
 */
class KernelsTest {
    private static final Path DOCUMENT = Path.of(System.getProperty("skep.root", ".."), "docs", "kernels.md");
    private static final String BEGIN_TABLE = "<!-- table of KernelsTest -->\n";
    private static final String END_TABLE = "<!-- end of table -->\n";

    /** What is traced: a program that exists everywhere and does the same everywhere. */
    private static final String WORK = "cat /etc/passwd";

    /** A probe kind, a script that shows it, the command that it traces and what must come out. */
    private record Row(String kind, Optional<Feature> feature, String script, String command, String expected) {}

    private static Row row(String kind, Feature feature, String script, String expected) {
        return new Row(kind, Optional.of(feature), script, WORK, expected);
    }

    private static final List<Row> ROWS = List.of(
            new Row(
                    "begin, end",
                    Optional.empty(),
                    "begin { printf(\"a\"); exit(); } end { printf(\"b\"); }",
                    "",
                    "ab"),
            new Row("interval", Optional.empty(), "interval:ms:20 { @++; if (@ == 3) { exit(); } }", "", "@: 3"),
            row("kprobe", Feature.KPROBE, "kprobe:vfs_read /pid == cpid/ { @ = count(); }", "@: [1-9]"),
            row(
                    "kprobe with a wildcard",
                    Feature.KPROBE,
                    "kprobe:vfs_rea* /pid == cpid/ { @[func] = count(); }",
                    "@\\[vfs_read\\]: [1-9]"),
            row(
                    "kprobe of a module",
                    Feature.KPROBE,
                    "kprobe:ext4:ext4_file_read_iter /pid == cpid/ { @ = count(); }",
                    "@: [1-9]"),
            row(
                    "kretprobe",
                    Feature.KPROBE,
                    "kretprobe:vfs_read /pid == cpid && retval > 0/ { @ = max(retval); }",
                    "@: [1-9]"),
            row(
                    "kernel stack",
                    Feature.KPROBE,
                    "kprobe:vfs_read /pid == cpid/ { @[kstack(2)] = count(); }",
                    "vfs_read\\+"),
            row("fentry", Feature.FENTRY, "fentry:vfs_read /pid == cpid/ { @ = max(args.count); }", "@: [1-9]"),
            row(
                    "fentry of a module, with its types",
                    Feature.FENTRY,
                    "fentry:ext4:ext4_file_open /pid == cpid/ { @[sizeof(struct ext4_inode_info) > 100] = max(args.filp->f_flags); }",
                    "@\\[true\\]: [1-9]"),
            row("fexit", Feature.FENTRY, "fexit:vfs_read /pid == cpid/ { @ = max(retval); }", "@: [1-9]"),
            row(
                    "tracepoint",
                    Feature.TRACEPOINT,
                    "tracepoint:syscalls:sys_enter_openat /pid == cpid && str(args.filename) == \"/etc/passwd\"/ { @ = count(); }",
                    "@: 1"),
            row(
                    "tracepoint with a wildcard",
                    Feature.TRACEPOINT,
                    "tracepoint:syscalls:sys_enter_open* /pid == cpid/ { @[probe] = count(); }",
                    "sys_enter_openat\\]: [1-9]"),
            row(
                    "rawtracepoint",
                    Feature.RAW_TRACEPOINT,
                    "rawtracepoint:sys_enter /pid == cpid/ { @ = count(); }",
                    "@: [1-9]"),
            row(
                    "rawtracepoint with types",
                    Feature.BTF_TRACEPOINT,
                    "rawtracepoint:sched_process_exec { if (args.p.tgid == cpid) { @[args.p.comm] = count(); } }",
                    "@\\[cat\\]: 1"),
            row("uprobe", Feature.UPROBE, "uprobe:libc:read /pid == cpid/ { @ = count(); }", "@: [1-9]"),
            row(
                    "uprobe with a wildcard",
                    Feature.UPROBE,
                    "uprobe:libc:writ* /pid == cpid/ { @ = count(); }",
                    "@: [1-9]"),
            row(
                    "uretprobe",
                    Feature.UPROBE,
                    "uretprobe:libc:read /pid == cpid && retval > 0/ { @ = count(); }",
                    "@: [1-9]"),
            row(
                    "user stack by unwinding tables",
                    Feature.USER_STACK_COPY,
                    "uprobe:libc:read /pid == cpid/ { @[dw_ustack(2)] = count(); }",
                    "read\\+"),
            row("profile", Feature.PERF_SOFTWARE, "profile:hz:199 { @ = count(); exit(); }", "@: [1-9]"),
            row("software", Feature.PERF_SOFTWARE, "software:page-faults:1 /pid == cpid/ { @ = count(); }", "@: [1-9]"),
            row("hardware", Feature.PERF_HARDWARE, "hardware:cpu-cycles:100000 { @ = count(); exit(); }", "@: [1-9]"),
            row("iter", Feature.ITER, "iter:task { @ = count(); } interval:ms:50 { exit(); }", "@: [1-9]"));

    /** What attaches without the tracing language: a program that counts its runs, where, and a command that makes it run. */
    private record ObjectRow(String kind, Feature feature, BpfObject object, ProbeSpec probe, String command) {}

    private static ObjectRow row(
            String kind, Feature feature, ProgramType type, AttachType attach, ProbeSpec probe, String command) {
        boolean typed = type == ProgramType.LSM || type == ProgramType.TRACING;
        // Packets are let through: 2 to XDP, 1 to control groups; 0 to all others lets things be as they are.
        int result = type == ProgramType.XDP ? 2 : type == ProgramType.CGROUP_SKB ? 1 : 0;
        var attachType = type == ProgramType.SOCKET_FILTER ? Optional.<AttachType>empty() : Optional.of(attach);
        var object = AttachmentsTest.counting(type, attachType, typed ? probe.target() : "", result);
        return new ObjectRow(kind, feature, object, probe, command);
    }

    private static final String CGROUPS = "/tmp/skep-cgroups";
    private static final String CGROUP =
            CGROUPS + "/skep-" + ProcessHandle.current().pid();
    private static final String PACKET = "echo x >/dev/udp/127.0.0.1/9";

    /** The loopback interface is up, and there is a control group: in a guest, or in namespaces of a test's own. */
    private static final List<String> PREPARE = List.of(
            "bash -c 'ip link set lo up || python3 -c \"import _socket,fcntl,struct;fcntl.ioctl(_socket.socket(2,2).fileno(),0x8914,"
                    + "struct.pack(str(16)+chr(115)+chr(104)+str(22)+chr(120),bytes([108,111]),73))\"'",
            "bash -c 'mkdir -p " + CGROUPS + " && mount -t cgroup2 none " + CGROUPS + " && mkdir " + CGROUP + "'");

    private static final String CLEAN_UP =
            "bash -c 'rmdir " + CGROUP + "; umount " + CGROUPS + "; rmdir " + CGROUPS + "'";

    private static final List<ObjectRow> OBJECT_ROWS = List.of(
            row(
                    "kprobe multi link",
                    Feature.KPROBE_MULTI,
                    ProgramType.KPROBE,
                    AttachType.TRACE_KPROBE_MULTI,
                    AttachmentsTest.probe(ProbeKind.KPROBE, "", "vfs_rea*"),
                    WORK),
            row(
                    "kprobe session link",
                    Feature.KPROBE_SESSION,
                    ProgramType.KPROBE,
                    AttachType.TRACE_KPROBE_SESSION,
                    AttachmentsTest.probe(ProbeKind.KPROBE, "", "vfs_rea*"),
                    WORK),
            row(
                    "uprobe multi link",
                    Feature.UPROBE_MULTI,
                    ProgramType.KPROBE,
                    AttachType.TRACE_UPROBE_MULTI,
                    AttachmentsTest.probe(ProbeKind.UPROBE, "libc", "writ*"),
                    WORK),
            row(
                    "uprobe session link",
                    Feature.UPROBE_SESSION,
                    ProgramType.KPROBE,
                    AttachType.TRACE_UPROBE_SESSION,
                    AttachmentsTest.probe(ProbeKind.UPROBE, "libc", "writ*"),
                    WORK),
            row(
                    "fmod_ret",
                    Feature.FMOD_RET,
                    ProgramType.TRACING,
                    AttachType.MODIFY_RETURN,
                    AttachmentsTest.probe(ProbeKind.FMOD_RET, "", "security_file_open"),
                    WORK),
            row(
                    "LSM hook",
                    Feature.LSM,
                    ProgramType.LSM,
                    AttachType.LSM_MAC,
                    AttachmentsTest.probe(ProbeKind.LSM, "", "file_open"),
                    WORK),
            row(
                    "socket filter",
                    Feature.SOCKET_FILTER,
                    ProgramType.SOCKET_FILTER,
                    AttachType.CGROUP_INET_INGRESS,
                    AttachmentsTest.probe(ProbeKind.SOCKET, "", "lo"),
                    "bash -c '" + PACKET + "'"),
            row(
                    "XDP",
                    Feature.XDP,
                    ProgramType.XDP,
                    AttachType.XDP,
                    AttachmentsTest.probe(ProbeKind.XDP, "", "lo"),
                    "bash -c '" + PACKET + "'"),
            row(
                    "tc",
                    Feature.TC,
                    ProgramType.SCHED_CLS,
                    AttachType.TCX_INGRESS,
                    AttachmentsTest.probe(ProbeKind.TC, "ingress", "lo"),
                    "bash -c '" + PACKET + "'"),
            row(
                    "cgroup",
                    Feature.CGROUP,
                    ProgramType.CGROUP_SKB,
                    AttachType.CGROUP_INET_EGRESS,
                    AttachmentsTest.probe(ProbeKind.CGROUP, CGROUP, ""),
                    "bash -c 'echo $$ >" + CGROUP + "/cgroup.procs; " + PACKET + "'"));

    /** The rows for programs of object files, on a target that {@link #PREPARE} may be run on. */
    private static Map<String, String> objectColumn(Target target, List<String> wrong) throws InterruptedException {
        var column = new LinkedHashMap<String, String>();
        boolean embedded = target.spec().startsWith("embedded");
        for (var command : embedded ? List.<String>of() : PREPARE) {
            AttachmentsTest.run(target, command);
        }
        for (var row : OBJECT_ROWS) {
            column.put(row.kind(), outcome(target, row, wrong));
        }
        if (!embedded) {
            AttachmentsTest.run(target, CLEAN_UP);
        }
        return column;
    }

    private static String outcome(Target target, ObjectRow row, List<String> wrong) throws InterruptedException {
        var refusal = target.kernel().unsupported(row.feature());
        try {
            if (AttachmentsTest.runs(target, row.object(), row.probe(), row.command()) > 0) {
                return "yes";
            }
            wrong.add(target.spec() + ", " + row.kind() + ": it did not run");
        } catch (TargetException failure) {
            if (refusal.isPresent()) {
                return "no";
            }
            wrong.add(target.spec() + ", " + row.kind() + ": " + failure.getMessage());
        }
        return "wrong";
    }

    private static String run(Target target, String script, String command) {
        var renderer = new TextRenderer();
        var text = new StringBuilder();
        var options = SessionOptions.DEFAULT.withDuration(Duration.ofSeconds(30));
        if (!command.isEmpty()) {
            options = options.withCommand(command);
        }
        try (var session = Session.prepare(target, "stdin", script, options, view -> {
            if (!renderer.isForStandardError(view)) {
                text.append(renderer.render(view));
            }
        })) {
            session.run();
        }
        return text.toString();
    }

    private static String message(RuntimeException failure) {
        return failure instanceof ScriptException refused
                ? refused.diagnostics().stream().map(d -> d.message()).reduce(failure + "", (a, b) -> a + "\n" + b)
                : String.valueOf(failure.getMessage());
    }

    /** {@code yes}, or why not; fails if neither the answer nor the refusal is what it should be. */
    private static String outcome(Target target, Row row, List<String> wrong) {
        var refusal = row.feature().flatMap(target.kernel()::unsupported);
        try {
            var said = run(target, row.script(), row.command());
            if (!Pattern.compile(row.expected()).matcher(said).find()) {
                wrong.add(target.spec() + ", " + row.kind() + ": " + row.script() + " says " + said);
                return "wrong";
            }
            return "yes";
        } catch (ScriptException | TargetException failure) {
            var why = message(failure);
            if (refusal.isEmpty() || !why.contains(refusal.get().reason())) {
                wrong.add(target.spec() + ", " + row.kind() + ": " + row.script() + ": " + why);
                return "wrong";
            }
            return "no";
        }
    }

    private static Map<String, String> column(Target target, List<String> wrong) {
        var column = new LinkedHashMap<String, String>();
        for (var row : ROWS) {
            column.put(row.kind(), outcome(target, row, wrong));
        }
        return column;
    }

    private static Optional<Target> live() {
        try {
            return Optional.of(Targets.open(Targets.LIVE));
        } catch (TargetException refused) {
            return Optional.empty();
        }
    }

    @Test
    void everyProbeKindWorksOnThisKernelOrIsRefusedWithItsReason() {
        var target = live();
        Assumptions.assumeTrue(target.isPresent(), "this user may not trace the live kernel");
        var wrong = new ArrayList<String>();
        // Idle processors take no samples: one is kept busy.
        var busy = new AtomicBoolean(true);
        Thread.ofPlatform().daemon().start(() -> {
            while (busy.get()) {
                Thread.onSpinWait();
            }
        });
        try (var kernel = target.get()) {
            column(kernel, wrong);
        } finally {
            busy.set(false);
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void aProbeAtTheFunctionOfASystemCallWorksWithoutKprobesTooAndIsSaid() {
        var opened = live();
        Assumptions.assumeTrue(opened.isPresent(), "this user may not trace the live kernel");
        try (var target = opened.get()) {
            var prefix = target.kernel().arch() == Arch.X86_64 ? "__x64_sys_" : "__arm64_sys_";
            boolean kprobes = target.kernel().unsupported(Feature.KPROBE).isEmpty();
            var script = "kprobe:" + prefix + "openat /pid == cpid && arg0 != 0/ { @ = count(); } kretprobe:" + prefix
                    + "openat /pid == cpid && retval < 1000/ { @ok = count(); }";
            assertTrue(run(target, script, WORK).matches("(?s)\\s*@: [1-9].*@ok: [1-9].*"));
            try (var session =
                    Session.prepare(target, "stdin", script, SessionOptions.DEFAULT.withCommand("true"), view -> {})) {
                boolean said = session.warnings().stream()
                        .anyMatch(w -> w.contains("is traced at the tracepoint of system calls instead"));
                assertEquals(!kprobes, said);
            }
            if (!kprobes) {
                var registers = "kprobe:" + prefix + "openat { @ = reg(\"ip\"); }";
                var refused = assertThrows(RuntimeException.class, () -> run(target, registers, ""));
                assertTrue(message(refused).contains("built without kprobes"), message(refused));
            }
        }
    }

    @Test
    void aKprobeFiresOnAnArm64KernelThroughTheAgent() throws Exception {
        var missing = SmallGuest.missing();
        Assumptions.assumeTrue(missing.isEmpty(), () -> "SKIPPED: no ARM64 kernel was tried: " + missing.orElseThrow());
        try (var guest = SmallGuest.boot();
                var target = guest.open()) {
            assertEquals(Arch.ARM64, target.kernel().arch());
            var said = run(
                    target,
                    "kprobe:vfs_read /pid == cpid/ { @[comm] = count(); } "
                            + "kretprobe:vfs_read /pid == cpid && retval > 0/ { @bytes = max(retval); }",
                    "/bin/sh -c 'read line </etc/passwd'");
            assertTrue(said.contains("@[sh]: ") && said.contains("@bytes: "), said);
        }
    }

    @Test
    void programsOfObjectFilesAttachToEverythingOrAreRefused(@TempDir Path folder) throws Exception {
        var wrong = new ArrayList<String>();
        try (var target = AttachmentsTest.inNamespaces(folder)) {
            objectColumn(target, wrong);
        }
        assertEquals(List.of(), wrong);
    }

    @Tag("slow")
    @Test
    void everyProbeKindOnEveryKernel(@TempDir Path folder) throws Exception {
        var wrong = new ArrayList<String>();
        var columns = new LinkedHashMap<String, Map<String, String>>();
        try (var kernel = live().orElseThrow();
                var apart = AttachmentsTest.inNamespaces(folder)) {
            var column = column(kernel, wrong);
            column.putAll(objectColumn(apart, wrong));
            columns.put(kernel.kernel().description(), column);
        }
        for (var arch : List.of("amd64", "amd64-6.12", "arm64", "arm64-6.12")) {
            var missing = GuestKernel.missing(arch);
            if (missing.isPresent()) {
                System.err.println("SKIPPED: " + missing.get());
                continue;
            }
            try (var guest = GuestKernel.boot(arch);
                    var target = guest.open()) {
                var column = column(target, wrong);
                column.putAll(objectColumn(target, wrong));
                columns.put(target.kernel().description(), column);
            }
        }
        try (var kernel = Targets.open("embedded:speed=max")) {
            var column = column(kernel, wrong);
            column.putAll(objectColumn(kernel, wrong));
            columns.put("embedded kernel", column);
        }
        var table = table(columns);
        if (Boolean.getBoolean("skep.rewrite")) {
            rewrite(table);
        }
        assertEquals(List.of(), wrong, table);
    }

    /** A kernel that answers as if it had no kprobes. */
    private static Target withoutKprobes(Target target) {
        var kernel = (KernelInfo) standIn(KernelInfo.class, target.kernel(), "unsupported", arguments -> {
            var feature = (Feature) arguments[0];
            return feature == Feature.KPROBE
                    ? Optional.of(new Unsupported(feature, "kprobes are refused here", ""))
                    : target.kernel().unsupported(feature);
        });
        return (Target) standIn(Target.class, target, "kernel", arguments -> kernel);
    }

    private static Object standIn(Class<?> type, Object real, String method, Function<Object[], Object> answer) {
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, called, arguments) -> {
            try {
                return called.getName().equals(method) ? answer.apply(arguments) : called.invoke(real, arguments);
            } catch (InvocationTargetException thrown) {
                throw thrown.getCause();
            }
        });
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(strings = {"amd64", "amd64-6.12", "arm64-6.12"})
    void aKprobeAndTheTrampolineThatStandsForItTellTheSame(String arch) throws Exception {
        var missing = GuestKernel.missing(arch);
        Assumptions.assumeTrue(missing.isEmpty(), () -> "SKIPPED: " + missing.orElseThrow());
        var script = "kprobe:vfs_read /pid == cpid/ { @bytes = sum(arg2); @[func, probe, probetype] = count(); "
                + "@file = max(((struct file *)arg0)->f_flags); } "
                + "kprobe:vfs_re* /pid == cpid/ { @all[func, arg0 != 0] = count(); } "
                + "kretprobe:vfs_read /pid == cpid/ { @read = sum(retval); }";
        try (var guest = GuestKernel.boot(arch);
                var target = guest.open()) {
            var kprobes = run(target, script, WORK);
            assertTrue(kprobes.contains("@[vfs_read, kprobe:vfs_read, kprobe]: "), kprobes);
            assertEquals(kprobes, run(withoutKprobes(target), script, WORK));
        }
    }

    private static String table(Map<String, Map<String, String>> columns) {
        var table = new StringBuilder("| probe |");
        columns.keySet().forEach(name -> table.append(' ').append(name).append(" |"));
        table.append("\n|---|").append("---|".repeat(columns.size())).append('\n');
        for (var kind : columns.values().iterator().next().keySet()) {
            table.append("| ").append(kind).append(" |");
            columns.values()
                    .forEach(
                            column -> table.append(' ').append(column.get(kind)).append(" |"));
            table.append('\n');
        }
        return table.toString();
    }

    private static void rewrite(String table) throws IOException {
        var text = Files.readString(DOCUMENT);
        int start = text.indexOf(BEGIN_TABLE) + BEGIN_TABLE.length();
        int end = text.indexOf(END_TABLE);
        Files.writeString(DOCUMENT, text.substring(0, start) + table + text.substring(end));
    }

    /** Scripts whose answer depends on the command alone. */
    private static final List<String[]> SAME = List.of(
            new String[] {
                "begin { @h = hist(5); @l = lhist(7, 0, 10, 1); @s = stats(3); @[1, \"x\"] = sum(4); printf(\"%s %d\\n\", \"x\", 1 << 5); exit(); }",
                ""
            },
            new String[] {
                "tracepoint:syscalls:sys_enter_openat /pid == cpid && str(args.filename) == \"/etc/passwd\"/ { @ = count(); }",
                "cat /etc/passwd"
            },
            new String[] {"tracepoint:sched:sched_process_exec /pid == cpid/ { @[comm] = count(); }", "cat /etc/passwd"
            },
            new String[] {"tracepoint:sched:sched_process_exit /pid == cpid/ { @[comm] = count(); }", "cat /etc/passwd"
            },
            new String[] {
                "tracepoint:syscalls:sys_enter_exit_group /pid == cpid/ { printf(\"%s ends\\n\", comm); }", "true"
            });

    private static List<String> answers(Target target) {
        return SAME.stream().map(work -> run(target, work[0], work[1])).toList();
    }

    @Test
    void theSameScriptGivesTheSameAnswerOnTheEmbeddedAndTheLiveKernel() {
        var target = live();
        Assumptions.assumeTrue(target.isPresent(), "this user may not trace the live kernel");
        try (var kernel = target.get()) {
            for (var work : SAME) {
                try (var fresh = Targets.open("embedded:speed=max")) {
                    assertEquals(run(kernel, work[0], work[1]), run(fresh, work[0], work[1]), work[0]);
                }
            }
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(strings = {"amd64", "amd64-6.12", "arm64", "arm64-6.12"})
    void theSameScriptGivesTheSameAnswerInAVirtualMachine(String arch) throws Exception {
        var missing = GuestKernel.missing(arch);
        Assumptions.assumeTrue(missing.isEmpty(), () -> "SKIPPED: " + missing.orElseThrow());
        try (var guest = GuestKernel.boot(arch);
                var target = guest.open();
                var live = live().orElseThrow()) {
            assertEquals(answers(live), answers(target));
        }
    }
}
