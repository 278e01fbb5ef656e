package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.isa.Assembler;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
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
    private static BpfObject counting(ProgramType type, Optional<AttachType> attachType, String attachTo, int result) {
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

    private static long count(LoadedObject object) {
        return ByteBuffer.wrap(object.map("counts").lookup(new byte[4]).orElseThrow())
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    private static ProbeSpec probe(ProbeKind kind, String module, String target) {
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

    /** Runs a command in the guest and says how often the program ran meanwhile. */
    private static long runs(Target target, BpfObject object, ProbeSpec probe) throws InterruptedException {
        try (var loaded = target.load(object, LoadOptions.DEFAULT);
                var child = target.spawn("cat /etc/passwd")) {
            loaded.attach("count", probe);
            child.start();
            for (int i = 0; i < 6_000 && child.exitStatus().isEmpty(); i++) {
                Thread.sleep(20);
            }
            return count(loaded);
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(strings = {"amd64", "arm64", "arm64-6.12"})
    void hooksAndDevicesOfAVirtualMachineTakeProgramsOrSayWhyNot(String arch) throws Exception {
        var missing = GuestKernel.missing(arch);
        Assumptions.assumeTrue(missing.isEmpty(), () -> "SKIPPED: " + missing.orElseThrow());
        try (var guest = GuestKernel.boot(arch);
                var target = guest.open()) {
            var kernel = target.kernel();
            var lsm = counting(ProgramType.LSM, Optional.of(AttachType.LSM_MAC), "file_open", 0);
            if (kernel.unsupported(Feature.LSM).isEmpty()) {
                assertTrue(runs(target, lsm, probe(ProbeKind.LSM, "", "file_open")) > 0);
            } else {
                var hook = probe(ProbeKind.LSM, "", "file_open");
                assertThrows(TargetException.class, () -> runs(target, lsm, hook));
            }
            if (kernel.unsupported(Feature.FMOD_RET).isEmpty()) {
                var change =
                        counting(ProgramType.TRACING, Optional.of(AttachType.MODIFY_RETURN), "security_file_open", 0);
                assertTrue(runs(target, change, probe(ProbeKind.FMOD_RET, "", "security_file_open")) > 0);
            }
            var xdp = counting(ProgramType.XDP, Optional.of(AttachType.XDP), "", 2);
            assertEquals(0, runs(target, xdp, probe(ProbeKind.XDP, "", "lo")));
            var tc = counting(ProgramType.SCHED_CLS, Optional.of(AttachType.TCX_INGRESS), "", 0);
            if (kernel.unsupported(Feature.TC).isEmpty()) {
                assertEquals(0, runs(target, tc, probe(ProbeKind.TC, "ingress", "lo")));
            } else {
                assertThrows(TargetException.class, () -> runs(target, tc, probe(ProbeKind.TC, "ingress", "lo")));
            }
        }
    }
}
