package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import skep.elf.ElfFile;
import skep.isa.Assembler;
import skep.isa.kernel.Arch;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.linux.agent.AgentImage;
import skep.linux.agent.RemoteSyscalls;
import skep.linux.sys.Errno;
import skep.linux.sys.Sys;
import skep.target.LoadOptions;
import skep.target.TargetException;

class AgentTest {
    private static final Arch OWN = System.getProperty("os.arch").equals("aarch64") ? Arch.ARM64 : Arch.X86_64;

    @TempDir
    Path folder;

    private String agent(Arch arch) throws Exception {
        var file = folder.resolve("agent-" + arch);
        Files.write(file, AgentImage.of(arch));
        assertTrue(file.toFile().setExecutable(true));
        var emulator = Path.of("/usr/bin/qemu-aarch64");
        if (arch == OWN) {
            return file.toString();
        }
        Assumptions.assumeTrue(arch == Arch.ARM64 && Files.exists(emulator), "no emulator for " + arch);
        return emulator + " " + file;
    }

    private static RemoteSyscalls connect(String command) throws Exception {
        Assumptions.assumeTrue(System.getProperty("os.name").equals("Linux"), "agents run on Linux");
        var process = new ProcessBuilder("/bin/sh", "-c", "exec " + command).start();
        return new RemoteSyscalls(process.getInputStream(), process.getOutputStream(), process::destroy);
    }

    @Test
    void aMachineMayBeNamedWithAPort() {
        assertEquals(
                List.of("ssh", "-T", "-p", "2222", "root@board"),
                RemoteTargets.command("root@board:2222").subList(0, 5));
        assertEquals("root@board", RemoteTargets.command("root@board").get(2));
        assertEquals("root@fe80::1", RemoteTargets.command("root@fe80::1").get(2));
    }

    @ParameterizedTest
    @EnumSource(Arch.class)
    void anAgentIsASmallStaticProgramThatMakesCallsAndMovesMemory(Arch arch) throws Exception {
        var image = AgentImage.of(arch);
        assertTrue(image.length < 1024, image.length + " bytes");
        assertEquals(1, ElfFile.of(image).segments().size());
        try (var calls = connect(agent(arch))) {
            assertEquals(arch, calls.arch());
            long pid = calls.call(Sys.GETPID);
            assertTrue(pid > 0 && pid != ProcessHandle.current().pid());
            assertEquals(-Errno.EBADF, calls.call(Sys.CLOSE, 999));
            for (int bytes : List.of(1, 16, 4096, 300_000)) {
                try (var block = calls.allocate(bytes)) {
                    for (int i = 0; i < bytes; i++) {
                        block.segment().set(ValueLayout.JAVA_BYTE, i, (byte) (i * 7));
                    }
                    block.pushed(bytes);
                    var back = new byte[bytes];
                    calls.copy(block.address(), back);
                    for (int i = 0; i < bytes; i++) {
                        assertEquals((byte) (i * 7), back[i]);
                    }
                }
            }
            var host = Host.of(calls);
            assertTrue(host.files().text("/proc/self/status").orElseThrow().contains("Pid:\t"));
            assertTrue(host.files().list("/proc/self").contains("maps"));
            long before = System.nanoTime();
            long now = host.monotonicNanos();
            assertTrue(before <= now && now <= System.nanoTime());
        }
    }

    @ParameterizedTest
    @EnumSource(Arch.class)
    void aCommandWaitsAtItsGateAndReportsItsExit(Arch arch) throws Exception {
        try (var calls = connect(agent(arch))) {
            var child = TracedChild.prepare(Host.of(calls), "sh -c 'exit 3'", gone -> {});
            Thread.sleep(30);
            assertEquals(OptionalInt.empty(), child.exitStatus());
            child.start();
            for (int i = 0; i < 12_000 && child.exitStatus().isEmpty(); i++) {
                Thread.sleep(5);
            }
            assertEquals(OptionalInt.of(3), child.exitStatus());
        }
    }

    @Test
    void anAgentEndsWithItsStream() throws Exception {
        var process = new ProcessBuilder(agent(OWN)).start();
        try (var calls = new RemoteSyscalls(process.getInputStream(), process.getOutputStream(), () -> {})) {
            assertTrue(calls.call(Sys.GETPID) > 0);
        }
        assertTrue(process.waitFor(60, java.util.concurrent.TimeUnit.SECONDS));
    }

    @Test
    void whatIsNoAgentIsRefused() {
        for (var answer : List.of("", "bash: no such file", "SKEPxxxx")) {
            var in = new ByteArrayInputStream(answer.getBytes(StandardCharsets.US_ASCII));
            assertThrows(
                    TargetException.class, () -> new RemoteSyscalls(in, OutputStream.nullOutputStream(), () -> {}));
        }
    }

    @Test
    void aShellTakesTheAgentAndRunsIt() throws Exception {
        Assumptions.assumeTrue(System.getProperty("os.name").equals("Linux"), "agents run on Linux");
        var shell = new ProcessBuilder("/bin/sh", "-c", RemoteTargets.bootstrap()).start();
        try (var calls = RemoteTargets.boot(shell, "here")) {
            assertEquals(OWN, calls.arch());
            assertTrue(calls.call(Sys.GETPID) > 0);
        }
    }

    @Test
    void aPerfBufferIsReadThroughAnAgentAlsoWhereItsRingsWrap() throws Exception {
        skep.target.Target opened;
        try {
            opened = new RemoteTargets.Exec().open(agent(OWN));
        } catch (TargetException refusal) {
            Assumptions.abort("Unsupported " + refusal.getMessage());
            return;
        }
        var code = Assembler.assemble("""
                r6 = *(u64 *)(r1 +0)
                *(u64 *)(r10 -24) = r6
                *(u64 *)(r10 -16) = 7
                *(u64 *)(r10 -8) = 8
                r2 = map[fd:0]
                r3 = 0xffffffff ll
                r4 = r10
                r4 += -24
                r5 = 20
                call bpf_perf_event_output
                exit
                """);
        int load = 0;
        while (code.opcode(load) != 0x18) {
            load++;
        }
        var program = new ProgramSpec(
                "emit",
                ProgramType.RAW_TRACEPOINT,
                Optional.empty(),
                "",
                "GPL",
                code,
                List.of(new MapReference(load, "events")),
                LineTable.EMPTY);
        var maps = List.of(new MapSpec("events", MapType.PERF_EVENT_ARRAY, 4, 4, 0, 0));
        try (var target = opened;
                var object = target.load(new BpfObject(List.of(program), maps), LoadOptions.DEFAULT)) {
            var reader = object.openRingBuffer("events", 4096);
            var seen = new java.util.TreeSet<Long>();
            var expected = new java.util.TreeSet<Long>();
            for (long i = 0; i < 1000; i++) {
                object.runOnce(
                        "emit",
                        ByteBuffer.allocate(8)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .putLong(i)
                                .array());
                expected.add(i);
                if (i % 50 == 49) {
                    reader.poll(100, record -> seen.add(record.get(ValueLayout.JAVA_LONG, 0)));
                }
            }
            assertEquals(expected, seen);
            assertEquals(0, reader.lost());
            for (int refused = 0; refused < 100; ) {
                refused += object.runOnce("emit", new byte[8]) == 0 ? 0 : 1;
            }
            reader.close();
            if (target.kernel().version().isAtLeast(6, 0)) {
                assertEquals(100, reader.lost());
            }
        }
    }

    @Test
    void programsMapsAndRingBuffersWorkThroughAnAgent() throws Exception {
        skep.target.Target opened;
        try {
            opened = new RemoteTargets.Exec().open(agent(OWN));
        } catch (TargetException refusal) {
            Assumptions.abort("Unsupported " + refusal.getMessage());
            return;
        }
        var code = Assembler.assemble("""
                r6 = *(u64 *)(r1 +0)
                *(u64 *)(r10 -8) = r6
                r1 = map[fd:0]
                r2 = r10
                r2 += -8
                r3 = 8
                r4 = 0
                call bpf_ringbuf_output
                exit
                """);
        var program = new ProgramSpec(
                "emit",
                ProgramType.RAW_TRACEPOINT,
                Optional.empty(),
                "",
                "GPL",
                code,
                List.of(new MapReference(2, "events")),
                LineTable.EMPTY);
        var maps = List.of(
                new MapSpec("events", MapType.RINGBUF, 0, 0, 4096, 0), new MapSpec("m", MapType.HASH, 4, 8, 1000, 0));
        try (var target = opened;
                var object = target.load(new BpfObject(List.of(program), maps), LoadOptions.DEFAULT);
                var reader = object.openRingBuffer("events")) {
            var seen = new ArrayList<Long>();
            var expected = new ArrayList<Long>();
            for (long i = 0; i < 600; i++) {
                object.runOnce(
                        "emit",
                        ByteBuffer.allocate(8)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .putLong(i)
                                .array());
                expected.add(i);
                if (i % 100 == 99) {
                    reader.poll(100, record -> seen.add(record.get(ValueLayout.JAVA_LONG, 0)));
                }
            }
            assertEquals(expected, seen);
            assertEquals(0, reader.poll(0, record -> true));
            var map = object.map("m");
            for (int i = 0; i < 500; i++) {
                var key = ByteBuffer.allocate(4)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(i)
                        .array();
                map.update(key, ByteBuffer.allocate(8).putLong(i).array(), 0);
            }
            assertEquals(500, map.entries().size());
            assertFalse(target.kernel().description().isEmpty());
        }
    }
}
