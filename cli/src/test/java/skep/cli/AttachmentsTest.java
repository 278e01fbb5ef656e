package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import skep.isa.Assembler;
import skep.isa.kernel.Arch;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.linux.agent.AgentImage;
import skep.session.Targets;
import skep.target.AttachException;
import skep.target.LoadOptions;
import skep.target.LoadedObject;
import skep.target.Target;
import skep.target.TargetException;

/** What attaches without the tracing language: packets on this machine, hooks and devices on virtual ones. */
class AttachmentsTest {
    private static final MapSpec COUNTS = new MapSpec("counts", MapType.ARRAY, 4, 8, 1, 0);

    /** Counts its runs and answers {@code result}. */
    static BpfObject counting(ProgramType type, Optional<AttachType> attachType, String attachTo, int result) {
        var code = Assembler.assemble("""
                *(u32 *)(r10 -4) = 0
                r2 = r10
                r2 += -4
                r1 = map[fd:0]
                call bpf_map_lookup_elem
                if r0 == 0 goto out
                r1 = 1
                lock *(u64 *)(r0 +0) += r1
                out: r0 = %d
                exit
                """.formatted(result));
        int load = 0;
        while (code.opcode(load) != 0x18) {
            load++;
        }
        var references = List.of(new MapReference(load, "counts"));
        var program = new ProgramSpec("count", type, attachType, attachTo, "GPL", code, references, LineTable.EMPTY);
        return new BpfObject(List.of(program), List.of(COUNTS));
    }

    static long count(LoadedObject object) {
        return ByteBuffer.wrap(object.map("counts").lookup(new byte[4]).orElseThrow())
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    static ProbeSpec probe(ProbeKind kind, String module, String target) {
        return new ProbeSpec(kind, module, target, 0, 0, OptionalInt.empty());
    }

    private static Target live() {
        try {
            return Targets.open(Targets.LIVE);
        } catch (TargetException refused) {
            Assumptions.abort("Unsupported " + refused.getMessage());
            throw refused;
        }
    }

    @Test
    void aPacketSocketsFilterSeesPacketsOfItsInterfaceUntilItCloses() throws Exception {
        try (var target = live();
                var object =
                        target.load(counting(ProgramType.SOCKET_FILTER, Optional.empty(), "", 0), LoadOptions.DEFAULT);
                var socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            var link = object.attach("count", probe(ProbeKind.SOCKET, "", "lo"));
            socket.send(new DatagramPacket(new byte[4], 4, socket.getLocalSocketAddress()));
            assertTrue(count(object) >= 1);
            link.close();
            var unknown = probe(ProbeKind.SOCKET, "", "no-such-net");
            var failure = assertThrows(AttachException.class, () -> object.attach("count", unknown));
            assertTrue(failure.hint().contains("lo"), failure.hint());
        }
    }

    @Test
    void aCgroupThatDoesNotExistIsNamed() {
        try (var target = live();
                var object = target.load(
                        counting(ProgramType.CGROUP_SKB, Optional.of(AttachType.CGROUP_INET_EGRESS), "", 1),
                        LoadOptions.DEFAULT)) {
            var failure = assertThrows(
                    AttachException.class,
                    () -> object.attach("count", probe(ProbeKind.CGROUP, "/sys/fs/cgroup/no-such-group", "")));
            assertTrue(failure.getMessage().contains("/sys/fs/cgroup/no-such-group"), failure.getMessage());
        }
    }

    /** Runs a command on the target and says how often the program ran meanwhile. */
    static long runs(Target target, BpfObject object, ProbeSpec probe, String command) throws InterruptedException {
        try (var loaded = target.load(object, LoadOptions.DEFAULT)) {
            loaded.attach("count", probe);
            run(target, command);
            return count(loaded);
        }
    }

    /** Runs a command on the target to its end. */
    static void run(Target target, String command) throws InterruptedException {
        try (var child = target.spawn(command)) {
            child.start();
            for (int i = 0; i < 6_000 && child.exitStatus().isEmpty(); i++) {
                Thread.sleep(20);
            }
        }
    }

    /**
     * This machine's kernel with a network, mounts and a folder of their own: an agent in new namespaces, which end with it.
     */
    static Target inNamespaces(Path folder) throws IOException {
        var arch = System.getProperty("os.arch").equals("aarch64") ? Arch.ARM64 : Arch.X86_64;
        var agent = Files.write(folder.resolve("agent"), AgentImage.of(arch));
        assertTrue(agent.toFile().setExecutable(true));
        try {
            return Targets.open("exec:exec unshare -n -m " + agent);
        } catch (TargetException refused) {
            Assumptions.abort("Unsupported " + refused.getMessage());
            throw refused;
        }
    }

    @Test
    void whatIsPinnedStaysUntilItsFileIsRemoved(@TempDir Path folder) throws Exception {
        try (var target = inNamespaces(folder)) {
            var mounted = Files.createDirectory(folder.resolve("bpf"));
            run(target, "mount -t bpf none " + mounted);
            var pin = mounted + "/counts";
            var inventory = target.inventory().orElseThrow();
            try (var object = target.load(new BpfObject(List.of(), List.of(COUNTS)), LoadOptions.DEFAULT)) {
                object.map("counts").update(new byte[4], new byte[] {7, 0, 0, 0, 0, 0, 0, 0}, 0);
                object.map("counts").pin(pin);
                var twice = assertThrows(
                        TargetException.class, () -> object.map("counts").pin(pin));
                assertTrue(twice.getMessage().contains("there is something of that name"), twice.getMessage());
            }
            int id = inventory.pinnedMap(pin);
            assertEquals(7, inventory.entries(id).getFirst().value()[0]);
            inventory.pinMap(id, pin + "-too");
            assertEquals(id, inventory.pinnedMap(pin + "-too"));
            var other = assertThrows(TargetException.class, () -> inventory.pinnedProgram(pin));
            assertTrue(other.getMessage().endsWith("stands for no program"), other.getMessage());
            run(target, "rm " + pin + " " + pin + "-too");
            var gone = assertThrows(TargetException.class, () -> inventory.pinnedMap(pin));
            assertTrue(gone.getMessage().contains("there is no such file"), gone.getMessage());
            // The kernel frees it when nobody can be using it any more.
            for (int i = 0; i < 6_000 && inventory.maps().stream().anyMatch(row -> row.id() == id); i++) {
                Thread.sleep(10);
            }
            assertTrue(inventory.maps().stream().noneMatch(row -> row.id() == id));
        }
    }
}
