package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.isa.Assembler;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.kernel.UserBinary;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.AttachException;
import skep.target.LoadOptions;
import skep.target.LoadedObject;
import skep.target.Target;
import skep.target.TargetException;

/** Probes in programs of our own making, run as children and traced by pid where the kind allows it. */
class UserProbeTest {
    private Target target;

    @TempDir
    Path folder;

    @BeforeEach
    void open() {
        try {
            target = new LinuxTargetProvider().open("");
        } catch (TargetException refusal) {
            Assumptions.abort("Unsupported " + refusal.getMessage());
        }
        var refusal = target.kernel().unsupported(Feature.UPROBE);
        Assumptions.assumeTrue(
                refusal.isEmpty(), () -> "Unsupported " + refusal.orElseThrow().reason());
    }

    @AfterEach
    void close() {
        if (target != null) {
            target.close();
        }
    }

    private static final String COUNT = """
            *(u32 *)(r10 -4) = 0
            r2 = r10
            r2 += -4
            r1 = map[fd:0]
            call bpf_map_lookup_elem
            if r0 == 0 goto out
            r1 = 1
            lock *(u64 *)(r0 +0) += r1
            out: r0 = 0
            exit
            """;

    private LoadedObject counting(ProgramType type, Optional<AttachType> attachType, String attachTo) {
        var code = Assembler.assemble(COUNT);
        int load = 0;
        while (code.opcode(load) != 0x18) {
            load++;
        }
        var program = new ProgramSpec(
                "count",
                type,
                attachType,
                attachTo,
                "GPL",
                code,
                List.of(new MapReference(load, "counts")),
                LineTable.EMPTY);
        return target.load(
                new BpfObject(List.of(program), List.of(new MapSpec("counts", MapType.ARRAY, 4, 8, 1, 0))),
                LoadOptions.DEFAULT);
    }

    private LoadedObject counting() {
        return counting(ProgramType.KPROBE, Optional.empty(), "");
    }

    private static long counted(LoadedObject object) {
        return ByteBuffer.wrap(object.map("counts").lookup(new byte[4]).orElseThrow())
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    private Path compiled(String name, String source, String... options) throws Exception {
        Assumptions.assumeTrue(Files.exists(Path.of("/usr/bin/cc")), "no C compiler");
        var file = folder.resolve(name + ".c");
        Files.writeString(file, source);
        var binary = folder.resolve(name);
        var command = new java.util.ArrayList<>(List.of("cc", "-O1", "-o", binary.toString(), file.toString()));
        command.addAll(List.of(options));
        var compiler = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(compiler.getInputStream().readAllBytes());
        assertEquals(0, compiler.waitFor(), output);
        return binary;
    }

    private static final String PROGRAM = """
            #include <unistd.h>
            __attribute__((noinline)) int twice_a(int x) { __asm__ volatile(""); return 2 * x; }
            __attribute__((noinline)) int twice_b(int x) { __asm__ volatile(""); return 2 * x + 1; }
            int main(void) { int s = 0; for (int i = 0; i < 50; i++) s += twice_a(i) + twice_b(i); return s == 0; }
            """;

    @ParameterizedTest
    @ValueSource(strings = {"-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5", "-g -gz=zlib", "-g -O2", "-g -O0"})
    void aLineOfASourceFileIsFoundWhereverItsCodeIs(String options) throws Exception {
        var binary = compiled("lines", PROGRAM, options.split(" "));
        for (var name : List.of("lines.c", folder + "/lines.c")) {
            try (var object = counting()) {
                var link = object.attach("count", line(binary, name + ":3"));
                run(binary);
                link.close();
                assertEquals(50, counted(object));
            }
        }
        try (var object = counting()) {
            var noCode = assertThrows(AttachException.class, () -> object.attach("count", line(binary, "lines.c:1")));
            assertTrue(noCode.getMessage().contains("line 1 of lines.c has no code"), noCode.getMessage());
            assertEquals("The next line that has code is 2.", noCode.hint());
            var noFile = assertThrows(AttachException.class, () -> object.attach("count", line(binary, "other.c:1")));
            assertTrue(noFile.getMessage().contains("not made from a file other.c"), noFile.getMessage());
        }
    }

    private static ProbeSpec line(Path binary, String place) {
        return new ProbeSpec(ProbeKind.UPROBE, binary.toString(), "@" + place, 0, 0, OptionalInt.empty());
    }

    @Test
    void aProgramWithoutLineNumbersIsNamed() throws Exception {
        var binary = compiled("plain", PROGRAM);
        try (var object = counting()) {
            var failure = assertThrows(AttachException.class, () -> object.attach("count", line(binary, "plain.c:3")));
            assertTrue(failure.getMessage().endsWith("has no line numbers"), failure.getMessage());
        }
    }

    private static void run(Path binary) throws Exception {
        assertEquals(0, new ProcessBuilder(binary.toString()).start().waitFor());
    }

    private static ProbeSpec probe(ProbeKind kind, Path binary, String target, long offset) {
        return new ProbeSpec(kind, binary.toString(), target, offset, 0, OptionalInt.empty());
    }

    @Test
    void aFunctionIsProbedAtItsEntryAndItsReturnWithAndWithoutPositionIndependence() throws Exception {
        for (var option : List.of("-pie", "-no-pie")) {
            var binary = compiled("calls" + option, PROGRAM, option);
            for (var kind : List.of(ProbeKind.UPROBE, ProbeKind.URETPROBE)) {
                try (var object = counting()) {
                    object.attach("count", probe(kind, binary, "twice_a", 0));
                    run(binary);
                    assertEquals(50, counted(object), kind + " " + option);
                }
            }
        }
    }

    @Test
    void aWildcardCoversAllItsFunctionsWithOneLink() throws Exception {
        var binary = compiled("calls", PROGRAM);
        try (var object = counting()) {
            var link = object.attach("count", probe(ProbeKind.UPROBE, binary, "twice_*", 0));
            run(binary);
            assertEquals(100, counted(object));
            link.close();
            run(binary);
            assertEquals(100, counted(object));
            boolean many = target.kernel().unsupported(Feature.UPROBE_MULTI).isEmpty();
            assertEquals(many ? "uprobe multi" : "perf uprobe", link.mechanism());
        }
    }

    @Test
    void onlyTheGivenProcessIsProbed() throws Exception {
        var binary = compiled("calls", PROGRAM);
        var child = target.spawn(binary.toString());
        try (var object = counting()) {
            object.attach(
                    "count",
                    new ProbeSpec(ProbeKind.UPROBE, binary.toString(), "twice_a", 0, 0, OptionalInt.of(child.pid())));
            run(binary);
            assertEquals(0, counted(object));
            child.start();
            for (int i = 0; i < 12_000 && child.exitStatus().isEmpty(); i++) {
                Thread.sleep(5);
            }
            assertEquals(50, counted(object));
        }
    }

    @Test
    void aCppFunctionIsFoundByTheNameItsAuthorGaveIt() throws Exception {
        Assumptions.assumeTrue(Files.exists(Path.of("/usr/bin/c++")), "no C++ compiler");
        var source = """
                namespace geometry { struct Shape { __attribute__((noinline)) int area(int x) { __asm__ volatile(""); return x * x; } }; }
                int main() { geometry::Shape s; int t = 1; for (int i = 0; i < 7; i++) t += s.area(i); return t == 0; }
                """;
        var file = folder.resolve("shapes.cc");
        Files.writeString(file, source);
        var binary = folder.resolve("shapes");
        assertEquals(
                0,
                new ProcessBuilder("c++", "-O1", "-o", binary.toString(), file.toString())
                        .start()
                        .waitFor());
        for (var name :
                List.of("cpp:geometry::Shape::area", "cpp:geometry::Shape::area(int)", "cpp:geometry::*::area")) {
            try (var object = counting()) {
                object.attach("count", probe(ProbeKind.UPROBE, binary, name, 0));
                run(binary);
                assertEquals(7, counted(object), name);
            }
        }
        var listed = target.kernel().binary(binary.toString()).orElseThrow().cppFunctions("geometry::*");
        assertEquals(
                List.of("geometry::Shape::area(int)"),
                listed.stream().map(UserBinary.CppFunction::readable).toList());
    }

    @Test
    void aStaticProbeIsFoundTurnedOnByItsSemaphoreAndCounted() throws Exception {
        var source = """
                unsigned short gate __attribute__((section(".probes"))) = 0;
                #define PROBE(x) __asm__ volatile( \\
                  "990: nop\\n" \\
                  ".pushsection .note.stapsdt,\\"?\\",\\"note\\"\\n.balign 4\\n" \\
                  ".4byte 992f-991f, 994f-993f, 3\\n991: .asciz \\"stapsdt\\"\\n992: .balign 4\\n" \\
                  "993: .8byte 990b\\n.8byte _.stapsdt.base\\n.8byte gate\\n" \\
                  ".asciz \\"shop\\"\\n.asciz \\"sold\\"\\n.asciz \\"-4@%%edi 8@$5\\"\\n994: .balign 4\\n.popsection\\n" \\
                  ".ifndef _.stapsdt.base\\n.pushsection .stapsdt.base,\\"aG\\",\\"progbits\\",.stapsdt.base,comdat\\n" \\
                  ".weak _.stapsdt.base\\n.hidden _.stapsdt.base\\n_.stapsdt.base: .space 1\\n.size _.stapsdt.base, 1\\n.popsection\\n.endif\\n" :: "D"(x))
                int main(void) { for (int i = 0; i < 9; i++) if (*(volatile unsigned short *)&gate) PROBE(i); return 0; }
                """;
        var binary = compiled("shop", source, "-no-pie");
        var places = target.kernel().binary(binary.toString()).orElseThrow().staticProbes();
        assertEquals(1, places.size());
        assertEquals("sold", places.getFirst().name());
        assertTrue(places.getFirst().semaphoreOffset() > 0);
        assertEquals(2, places.getFirst().arguments().size());
        for (var name : List.of("shop:sold", "sold", "sh*:s*")) {
            try (var object = counting()) {
                object.attach("count", probe(ProbeKind.USDT, binary, name, 0));
                run(binary);
                assertEquals(9, counted(object), name);
            }
        }
    }

    @Test
    void librariesAndCommandsAreFoundByName() {
        var libc = target.kernel().binary("libc").orElseThrow();
        assertTrue(libc.path().contains("libc.so"), libc.path());
        assertTrue(libc.hasFunction("malloc"));
        assertFalse(libc.hasFunction("no_such_function"));
        assertTrue(target.kernel().binary("sh").orElseThrow().path().endsWith("/sh"));
        assertEquals(Optional.empty(), target.kernel().binary("no-such-thing"));
    }

    @Test
    void whatIsNotThereIsNamed() {
        try (var object = counting()) {
            var noFile = assertThrows(
                    AttachException.class,
                    () -> object.attach("count", probe(ProbeKind.UPROBE, Path.of("/no/such/file"), "f", 0)));
            assertTrue(noFile.getMessage().contains("no program or library /no/such/file"), noFile.getMessage());
            var noFunction = assertThrows(
                    AttachException.class,
                    () -> object.attach("count", probe(ProbeKind.UPROBE, Path.of("libc"), "no_such_f", 0)));
            assertTrue(noFunction.getMessage().contains("has no function no_such_f"), noFunction.getMessage());
        }
    }

    @Test
    void aUserStackIsNamedEvenWhenItsProcessHasEnded() throws Exception {
        var binary = compiled("calls", PROGRAM, "-O0");
        var code = Assembler.assemble("""
                r2 = map[fd:0]
                r3 = 256
                call bpf_get_stackid
                *(u64 *)(r10 -16) = r0
                *(u32 *)(r10 -4) = 0
                r2 = r10
                r2 += -4
                r3 = r10
                r3 += -16
                r1 = map[fd:0]
                r4 = 0
                call bpf_map_update_elem
                r0 = 0
                exit
                """);
        var program = new ProgramSpec(
                "stack",
                ProgramType.KPROBE,
                Optional.empty(),
                "",
                "GPL",
                code,
                List.of(new MapReference(0, "stacks"), new MapReference(10, "ids")),
                LineTable.EMPTY);
        var maps = List.of(
                new MapSpec("stacks", MapType.STACK_TRACE, 4, 8 * 16, 64, 0),
                new MapSpec("ids", MapType.ARRAY, 4, 8, 1, 0));
        var child = target.spawn(binary.toString());
        try (var object = target.load(new BpfObject(List.of(program), maps), LoadOptions.DEFAULT)) {
            object.attach("stack", probe(ProbeKind.UPROBE, binary, "twice_b", 0));
            child.start();
            for (int i = 0; i < 12_000 && child.exitStatus().isEmpty(); i++) {
                Thread.sleep(5);
            }
            var id = object.map("ids").lookup(new byte[4]).orElseThrow();
            var frames = ByteBuffer.wrap(object.map("stacks")
                            .lookup(java.util.Arrays.copyOf(id, 4))
                            .orElseThrow())
                    .order(ByteOrder.LITTLE_ENDIAN);
            var first = target.userSymbol(child.pid(), frames.getLong()).orElseThrow();
            assertEquals("twice_b", first.name());
            assertEquals(0, first.offset());
            assertEquals(binary.toString(), first.module());
            var second = target.userSymbol(child.pid(), frames.getLong()).orElseThrow();
            assertEquals("main", second.name());
        }
    }

    @Test
    void theSymbolsOfThisProcessAreFound() {
        long mapped = 0;
        for (var line : read("/proc/self/maps").lines().toList()) {
            if (line.contains("libjvm.so") && line.contains(" r-xp ")) {
                mapped = Long.parseLong(line.substring(0, line.indexOf('-')), 16);
            }
        }
        Assumptions.assumeTrue(mapped != 0, "no libjvm mapped");
        var symbol = target.userSymbol(pid(), mapped + 0x100000).orElseThrow();
        assertTrue(symbol.module().endsWith("libjvm.so"), symbol.module());
        assertFalse(symbol.name().isEmpty());
        assertEquals(Optional.empty(), target.userSymbol(pid(), 8));
    }

    private static String read(String path) {
        try {
            return Files.readString(Path.of(path));
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void usersAndCgroupsHaveNames() {
        assertEquals(Optional.of("root"), target.userName(0));
        assertEquals(Optional.empty(), target.userName(4_000_000_000L));
        assertEquals(Optional.empty(), target.cgroupPath(1L << 60));
        assertTrue(target.isAlive(pid()));
        assertFalse(target.isAlive(4_190_000));
    }

    @Test
    void aMapsLineIsRead() {
        assertEquals(
                Optional.of(new MappingRecorder.Mapping(0x1000, 0x3000, 0x200, "/a b/c [x]")),
                UserSymbols.parse("1000-3000 r-xp 00000200 08:01 123    /a b/c [x]"));
        assertEquals(
                Optional.of(new MappingRecorder.Mapping(0x1000, 0x3000, 0, "")),
                UserSymbols.parse("1000-3000 rwxp 00000000 00:00 0 "));
        assertEquals(Optional.empty(), UserSymbols.parse("1000-3000 rw-p 00000000 00:00 0 [heap]"));
        assertEquals(Optional.empty(), UserSymbols.parse(""));
    }

    @Test
    void aWatchpointSeesEachWriteToItsAddress() throws Exception {
        var refusal = target.kernel().unsupported(Feature.WATCHPOINT);
        Assumptions.assumeTrue(
                refusal.isEmpty(), () -> "Unsupported " + refusal.orElseThrow().reason());
        var binary = compiled("writer", """
                #include <stdio.h>
                #include <sys/mman.h>
                int main(void) {
                  volatile long *p = mmap((void *)0x10000000, 4096, 3, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                  long sum = 0;
                  puts("ready"); fflush(stdout); getchar();
                  for (int i = 0; i < 5; i++) *p = i;
                  for (int i = 0; i < 4; i++) sum += *p;
                  return sum == 1;
                }
                """);
        record Watch(String access, long hits) {}
        // Reading alone cannot be watched on x86-64: r is an error there, and rw sees both.
        for (var watch : List.of(new Watch("w", 5), new Watch("rw", 9))) {
            var child = new ProcessBuilder(binary.toString()).start();
            try (var object = counting(ProgramType.PERF_EVENT, Optional.empty(), "")) {
                assertEquals("ready", child.inputReader().readLine());
                var pid = OptionalInt.of((int) child.pid());
                object.attach("count", new ProbeSpec(ProbeKind.WATCHPOINT, watch.access(), "0x10000000", 0, 8, pid));
                child.outputWriter().append('\n').close();
                assertTrue(child.waitFor(60, TimeUnit.SECONDS));
                assertEquals(watch.hits(), counted(object), watch.access());
            } finally {
                child.destroyForcibly();
            }
        }
    }

    @Test
    void aProgramThatOnlyItsOwnMountNamespaceHasIsFoundByTheProcess() throws Exception {
        var binary = compiled(
                "apart", "#include <stdio.h>\nint main(void) { puts(\"up\"); fflush(stdout); return getchar(); }");
        var hidden = folder.resolve("hidden");
        Files.createDirectory(hidden);
        var script = "mount -t tmpfs none " + hidden + " && cp " + binary + " " + hidden + "/only && exec " + hidden
                + "/only";
        var child = new ProcessBuilder("unshare", "-m", "/bin/sh", "-c", script).start();
        try {
            Assumptions.assumeTrue("up".equals(child.inputReader().readLine()), "no mount namespaces here");
            var path = hidden + "/only";
            var pid = OptionalInt.of((int) child.pid());
            assertEquals(List.of(), target.kernel().binaries(path, OptionalInt.empty()));
            var found = target.kernel().binary(path, pid).orElseThrow();
            assertTrue(found.hasFunction("main"), found.path());
            try (var object = counting()) {
                object.attach("count", new ProbeSpec(ProbeKind.UPROBE, path, "main", 0, 0, pid));
            }
        } finally {
            child.destroyForcibly();
        }
    }

    @Test
    void anIteratorSeesEveryTask() {
        var refusal = target.kernel().unsupported(Feature.ITER);
        Assumptions.assumeTrue(
                refusal.isEmpty(), () -> "Unsupported " + refusal.orElseThrow().reason());
        try (var object = counting(ProgramType.TRACING, Optional.of(AttachType.TRACE_ITER), "task")) {
            // Processes come and go: those count that were there before and are there still.
            var before = ProcessHandle.allProcesses().toList();
            object.attach("count", ProbeSpec.of(ProbeKind.ITER, "task"));
            long processes = before.stream().filter(ProcessHandle::isAlive).count();
            assertTrue(counted(object) >= processes, counted(object) + " tasks seen, " + processes + " processes");
        }
    }

    @Test
    void anIteratorOverAProcessSeesItsThreadsAlone() throws Exception {
        var refusal = target.kernel().unsupported(Feature.ITER);
        Assumptions.assumeTrue(
                refusal.isEmpty(), () -> "Unsupported " + refusal.orElseThrow().reason());
        Assumptions.assumeTrue(target.kernel().version().isAtLeast(6, 1), "Unsupported before Linux 6.1");
        var child = new ProcessBuilder("cat").start();
        try (var object = counting(ProgramType.TRACING, Optional.of(AttachType.TRACE_ITER), "task")) {
            var pid = OptionalInt.of((int) child.pid());
            object.attach("count", new ProbeSpec(ProbeKind.ITER, "", "task", 0, 0, pid));
            // The thread, and the end of the walk.
            assertEquals(2, counted(object));
        } finally {
            child.destroy();
        }
    }

    @Test
    void softwareEventsAndProfilesSampleThisProcess() {
        for (var probe : List.of(
                new ProbeSpec(ProbeKind.SOFTWARE, "", "page-faults", 0, 1, OptionalInt.of(pid())),
                new ProbeSpec(ProbeKind.PROFILE, "", "hz", 0, 999, OptionalInt.of(pid())),
                new ProbeSpec(ProbeKind.PROFILE, "", "ns", 0, 1_000_000, OptionalInt.empty()))) {
            try (var object = counting(ProgramType.PERF_EVENT, Optional.empty(), "")) {
                object.attach("count", probe);
                // A process's event follows the thread that has its pid, which may sleep: only all CPUs must tick.
                long wanted = probe.pid().isPresent() ? 0 : 10;
                long begun = System.nanoTime();
                long giveUp = begun + 60_000_000_000L;
                long sum = 0;
                while (counted(object) < wanted && System.nanoTime() < giveUp
                        || System.nanoTime() < begun + 50_000_000) {
                    sum += new byte[1 << 16].length;
                }
                assertTrue(sum > 0);
                assertTrue(counted(object) >= wanted, probe + " " + counted(object));
            }
        }
    }

    private static int pid() {
        return (int) ProcessHandle.current().pid();
    }

    private static final String TWO_FUNCTIONS = """
            #include <unistd.h>
            static __attribute__((noinline)) int %s(int x) { __asm__ volatile(""); return 2 * x; }
            int main(int n, char **v) { int s = %s(n); sleep(30); return s == 0; }
            """;

    private static void command(Path folder, String... words) throws Exception {
        var process = new ProcessBuilder(words)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        var said = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), said);
    }

    @Test
    void aStrippedProgramHasTheNamesOfItsDebuggingFile() throws Exception {
        Assumptions.assumeTrue(Files.exists(Path.of("/usr/bin/objcopy")), "no objcopy");
        var binary = compiled("linked", TWO_FUNCTIONS.formatted("hidden_one", "hidden_one"), "-g");
        command(folder, "objcopy", "--only-keep-debug", "linked", "linked.debug");
        command(folder, "objcopy", "--strip-all", "linked");
        assertFalse(target.kernel().binary(binary.toString()).orElseThrow().hasFunction("hidden_one"));
        command(folder, "objcopy", "--add-gnu-debuglink=linked.debug", "linked", "linked2");
        var linked =
                target.kernel().binary(folder.resolve("linked2").toString()).orElseThrow();
        assertTrue(linked.hasFunction("hidden_one"));
    }

    /** Where a program that is not position-independent has a function. */
    private long address(Path binary, String function) {
        return target.kernel()
                .binary(binary.toString())
                .flatMap(b -> b.symbol(function))
                .orElseThrow()
                .address();
    }

    @Test
    void aProcessInAContainerIsNamedByTheFilesThatItSees() throws Exception {
        var outside = compiled("program", TWO_FUNCTIONS.formatted("outside", "outside"), "-no-pie");
        var inside = compiled("other", TWO_FUNCTIONS.formatted("within", "within"), "-no-pie");
        long address = address(inside, "within");
        assertEquals(address, address(outside, "outside"));
        var process = new ProcessBuilder(
                        "unshare", "-m", "sh", "-c", "mount --bind " + inside + " " + outside + " && exec " + outside)
                .redirectErrorStream(true)
                .start();
        try {
            var running = false;
            for (int i = 0; i < 3_000 && !running && process.isAlive(); i++) {
                Thread.sleep(20);
                running = Files.readString(Path.of("/proc/" + process.pid() + "/comm"))
                        .strip()
                        .equals("program");
            }
            Assumptions.assumeTrue(running, "no mount namespaces for this user");
            assertEquals(
                    "within",
                    target.userSymbol((int) process.pid(), address + 2)
                            .orElseThrow()
                            .name());
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void codeOfAJustInTimeCompilerIsNamedByItsMap() throws Exception {
        var process = new ProcessBuilder("sleep", "30").start();
        var map = Path.of("/tmp/perf-" + process.pid() + ".map");
        try {
            Files.writeString(map, "1000 100 Interpreter\n2000 80 LShop;::sell(int)\nnot a line\n");
            var symbol = target.userSymbol((int) process.pid(), 0x2010).orElseThrow();
            assertEquals("LShop;::sell(int)", symbol.name());
            assertEquals(0x10, symbol.offset());
            assertTrue(target.userSymbol((int) process.pid(), 0x2090).isEmpty());
        } finally {
            Files.deleteIfExists(map);
            process.destroyForcibly();
        }
    }
}
