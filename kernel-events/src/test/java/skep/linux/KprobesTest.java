package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import skep.isa.Assembler;
import skep.isa.kernel.Arch;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Block;
import skep.linux.sys.Errno;
import skep.linux.sys.LocalSyscalls;
import skep.linux.sys.Sys;
import skep.linux.sys.Syscalls;
import skep.target.LoadOptions;
import skep.target.LoadedObject;
import skep.target.LoadedObject.AttachRequest;
import skep.target.TargetException;

/**
 * What is asked of a kernel that has multi links of kprobes. No kernel at hand has: this one's calls go through, but the
 * machine seems to have a kprobe device, and such links are written down and granted.
 */
class KprobesTest {
    private static final int LINK_CREATE = 28;
    private static final String DEVICE = "/sys/bus/event_source/devices/kprobe/type";

    /** A link to many functions as {@code BPF_LINK_CREATE} has it: program 4, target 4, type 4, flags 4, kprobe flags 4, count 4, names 8. */
    private record Asked(int type, int flags, List<String> functions) {}

    private static final class Pretending implements Syscalls {
        private final Syscalls real = LocalSyscalls.instance();
        private final List<Asked> asked = new ArrayList<>();
        private boolean grants = true;

        @Override
        public Arch arch() {
            return real.arch();
        }

        @Override
        public long call(Sys call, long a, long b, long c, long d, long e, long f) {
            if (call == Sys.OPENAT) {
                var path = text(b);
                if (path.equals("/proc/config.gz") || path.startsWith("/boot/config-")) {
                    return -Errno.ENOENT;
                }
                if (path.equals(DEVICE)) {
                    try (var name = real.allocate(16)) {
                        name.putString(0, "/dev/null");
                        return real.call(Sys.OPENAT, a, name.pushed(10), c, d, e, f);
                    }
                }
            }
            if (call == Sys.BPF && a == LINK_CREATE) {
                var attributes = memory(b, 40);
                int type = attributes.get(ValueLayout.JAVA_INT, 8);
                if (type == AttachType.TRACE_KPROBE_MULTI.number()
                        || type == AttachType.TRACE_KPROBE_SESSION.number()) {
                    return multi(attributes, type);
                }
            }
            return real.call(call, a, b, c, d, e, f);
        }

        private long multi(MemorySegment attributes, int type) {
            int count = attributes.get(ValueLayout.JAVA_INT, 20);
            if (count == 0 || !grants) {
                return -Errno.EINVAL;
            }
            var functions = new ArrayList<String>();
            var names = memory(attributes.get(ValueLayout.JAVA_LONG, 24), 8L * count);
            for (int i = 0; i < count; i++) {
                functions.add(text(names.getAtIndex(ValueLayout.JAVA_LONG, i)));
            }
            asked.add(new Asked(type, attributes.get(ValueLayout.JAVA_INT, 16), functions));
            return real.call(Sys.EVENTFD2, 0, 0);
        }

        private MemorySegment memory(long address, long bytes) {
            return real.view(address, bytes).orElseThrow();
        }

        private String text(long address) {
            return memory(address, 4096).getString(0);
        }

        @Override
        public Block allocate(long bytes) {
            return real.allocate(bytes);
        }

        @Override
        public Block allocateShared(long bytes) {
            return real.allocateShared(bytes);
        }

        @Override
        public Optional<MemorySegment> view(long address, long bytes) {
            return real.view(address, bytes);
        }

        @Override
        public void copy(long address, byte[] to) {
            real.copy(address, to);
        }

        @Override
        public void release(long address, long value) {
            real.release(address, value);
        }

        @Override
        public long spawnGated(List<String> arguments, int gate) {
            return real.spawnGated(arguments, gate);
        }

        @Override
        public void close() {}
    }

    private final Pretending kernel = new Pretending();
    private LinuxTarget target;

    @BeforeEach
    void open() {
        try {
            new LinuxTargetProvider().open("").close();
        } catch (TargetException refused) {
            Assumptions.abort("Unsupported " + refused.getMessage());
        }
        target = new LinuxTarget("pretending", Host.of(kernel));
    }

    @AfterEach
    void close() {
        if (target != null) {
            target.close();
        }
    }

    private LoadedObject nothing(Optional<AttachType> type) {
        var code = Assembler.assemble("r0 = 0\nexit\n");
        var program = new ProgramSpec("nothing", ProgramType.KPROBE, type, "", "GPL", code, List.of(), LineTable.EMPTY);
        return target.load(new BpfObject(List.of(program), List.of()), LoadOptions.DEFAULT);
    }

    private static List<AttachRequest> requests(ProbeKind kind, String... functions) {
        return List.of(functions).stream()
                .map(name -> new AttachRequest("nothing", new ProbeSpec(kind, "", name, 0, 0, OptionalInt.empty())))
                .toList();
    }

    @Test
    void manyFunctionsAreOneLinkAndTheirReturnsAnother() {
        try (var object = nothing(Optional.empty())) {
            var links = object.attachAll(requests(ProbeKind.KPROBE, "vfs_read", "vfs_write", "vfs_open"));
            object.attachAll(requests(ProbeKind.KRETPROBE, "vfs_read", "vfs_write"));
            int multi = AttachType.TRACE_KPROBE_MULTI.number();
            assertEquals(
                    List.of(
                            new Asked(multi, 0, List.of("vfs_read", "vfs_write", "vfs_open")),
                            new Asked(multi, 1, List.of("vfs_read", "vfs_write"))),
                    kernel.asked);
            assertEquals(
                    List.of("vfs_read", "vfs_write", "vfs_open"),
                    links.stream().map(link -> link.probe().target()).toList());
            assertEquals("kprobe multi", links.getFirst().mechanism());
        }
    }

    @Test
    void aProgramMadeForMultiLinksGetsOneForAWildcardOrASingleFunction() {
        try (var object = nothing(Optional.of(AttachType.TRACE_KPROBE_MULTI))) {
            object.attach("nothing", ProbeSpec.of(ProbeKind.KPROBE, "vfs_read"));
            object.attach("nothing", ProbeSpec.of(ProbeKind.KRETPROBE, "vfs_rea?"));
            int multi = AttachType.TRACE_KPROBE_MULTI.number();
            assertEquals(
                    List.of(new Asked(multi, 0, List.of("vfs_read")), new Asked(multi, 1, List.of("vfs_read"))),
                    kernel.asked);
        }
    }

    @Test
    void placesWithinFunctionsAndSingleOnesShareNoLink() {
        var probes = List.of(
                ProbeSpec.of(ProbeKind.KPROBE, "vfs_read"),
                new ProbeSpec(ProbeKind.KPROBE, "", "vfs_write", 4, 0, OptionalInt.empty()),
                ProbeSpec.of(ProbeKind.KPROBE, "0xffffffff81000000"),
                ProbeSpec.of(ProbeKind.KRETPROBE, "vfs_open"));
        var program = new ProgramSpec(
                "nothing",
                ProgramType.KPROBE,
                Optional.empty(),
                "",
                "GPL",
                Assembler.assemble("r0 = 0\nexit\n"),
                List.of(),
                LineTable.EMPTY);
        assertEquals(
                0,
                Kprobes.groups(probes.stream().map(p -> program).toList(), probes)
                        .size());
    }
}
