package skep.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import skep.isa.Assembler;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.AttachException;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.LoadedMap.Entry;
import skep.target.LoadedObject;
import skep.target.LoadedObject.AttachRequest;
import skep.target.Target;
import skep.target.TargetException;

/** Many links at once, programs that come later, and maps by batches, on the live kernel. */
class LiveObjectsTest {
    private static final MapSpec COUNTS = new MapSpec("counts", MapType.ARRAY, 4, 8, 1, 0);

    private Target target;

    @BeforeEach
    void open() {
        try {
            target = new LinuxTargetProvider().open("");
        } catch (TargetException refusal) {
            Assumptions.abort("Unsupported " + refusal.getMessage());
        }
    }

    @AfterEach
    void close() {
        target.close();
    }

    /** Adds one to the only entry of {@code counts} when this process runs it. */
    private static ProgramSpec counting(String name, ProgramType type) {
        var code = Assembler.assemble("""
                call bpf_get_current_pid_tgid
                r0 >>= 32
                if w0 != %d goto out
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
                """.formatted(ProcessHandle.current().pid()));
        int load = 0;
        while (code.opcode(load) != 0x18) {
            load++;
        }
        return new ProgramSpec(
                name,
                type,
                Optional.empty(),
                "",
                "GPL",
                code,
                List.of(new MapReference(load, "counts")),
                LineTable.EMPTY);
    }

    private static long count(LoadedObject object) {
        return ByteBuffer.wrap(object.map("counts").lookup(new byte[4]).orElseThrow())
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    private static long descriptors() throws java.io.IOException {
        try (var list = Files.list(Path.of("/proc/self/fd"))) {
            return list.count();
        }
    }

    private LoadedObject load(ProgramSpec program) {
        return target.load(new BpfObject(List.of(program), List.of(COUNTS)), LoadOptions.DEFAULT);
    }

    private List<AttachRequest> systemCalls(int howMany) {
        return target.kernel()
                .probes(ProbeKind.TRACEPOINT)
                .filter(name -> name.startsWith("syscalls:sys_enter_"))
                .limit(howMany)
                .map(name -> new AttachRequest("count", ProbeSpec.tracepoint("syscalls", name.substring(9))))
                .toList();
    }

    @Test
    void manyTracepointsFireAndOnceDetachedTogetherNoneDoesAndNoDescriptorIsLeft() throws Exception {
        try (var object = load(counting("count", ProgramType.TRACEPOINT))) {
            long before = descriptors();
            var requests = new ArrayList<>(systemCalls(40));
            requests.add(new AttachRequest("count", ProbeSpec.tracepoint("raw_syscalls", "sys_enter")));
            var links = object.attachAll(requests);
            assertEquals(
                    requests.stream().map(AttachRequest::probe).toList(),
                    links.stream().map(l -> l.probe()).toList());
            assertTrue(Files.exists(Path.of("/")));
            object.detachAll(links);
            long seen = count(object);
            assertTrue(seen > 0);
            assertTrue(Files.exists(Path.of("/")));
            assertEquals(seen, count(object));
            assertEquals(before, descriptors());
        }
    }

    @Test
    void aFailureAmongManyLeavesNothingAttached() throws Exception {
        try (var object = load(counting("count", ProgramType.TRACEPOINT))) {
            long before = descriptors();
            var requests = new ArrayList<>(systemCalls(20));
            requests.add(new AttachRequest("count", ProbeSpec.tracepoint("raw_syscalls", "sys_enter")));
            requests.add(new AttachRequest("count", ProbeSpec.tracepoint("sched", "no_such_event")));
            assertThrows(AttachException.class, () -> object.attachAll(requests));
            long seen = count(object);
            assertTrue(Files.exists(Path.of("/")));
            assertEquals(seen, count(object));
            assertEquals(before, descriptors());
        }
    }

    @Test
    void programsThatComeLaterShareTheMapsThatAreThere() {
        try (var object = target.load(new BpfObject(List.of(), List.of(COUNTS)), LoadOptions.DEFAULT)) {
            object.extend(
                    new BpfObject(List.of(counting("raw", ProgramType.RAW_TRACEPOINT)), List.of(COUNTS)),
                    LoadOptions.DEFAULT);
            object.extend(
                    new BpfObject(List.of(counting("perf", ProgramType.TRACEPOINT)), List.of()), LoadOptions.DEFAULT);
            object.runOnce("raw", new byte[0]);
            assertEquals(1, count(object));
            object.attach("perf", ProbeSpec.tracepoint("raw_syscalls", "sys_enter"))
                    .close();
            assertTrue(count(object) > 1);
        }
    }

    @Test
    void aFailingExtensionLeavesTheObjectAsItWas() throws Exception {
        try (var object = load(counting("count", ProgramType.RAW_TRACEPOINT))) {
            long before = descriptors();
            var bad = new ProgramSpec(
                    "bad",
                    ProgramType.RAW_TRACEPOINT,
                    Optional.empty(),
                    "",
                    "GPL",
                    Assembler.assemble("r0 = *(u64 *)(r0 +0)\nexit"),
                    List.of(),
                    LineTable.EMPTY);
            var more = new BpfObject(
                    List.of(counting("fine", ProgramType.RAW_TRACEPOINT), bad),
                    List.of(new MapSpec("new", MapType.HASH, 4, 4, 1, 0)));
            assertThrows(LoadException.class, () -> object.extend(more, LoadOptions.DEFAULT));
            var other = new BpfObject(List.of(), List.of(new MapSpec("counts", MapType.ARRAY, 4, 16, 1, 0)));
            assertThrows(TargetException.class, () -> object.extend(other, LoadOptions.DEFAULT));
            assertEquals(1, object.programs().size());
            assertThrows(IllegalArgumentException.class, () -> object.map("new"));
            assertEquals(before, descriptors());
        }
    }

    private static byte[] word(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }

    @ParameterizedTest
    @EnumSource(
            value = MapType.class,
            names = {"HASH", "PERCPU_HASH", "LRU_HASH", "LPM_TRIE"})
    void manyEntriesGoInAndComeOutTogether(MapType type) {
        // LPM tries have no batches that take entries out: there, one by one.
        boolean trie = type == MapType.LPM_TRIE;
        var spec = new MapSpec("m", type, trie ? 8 : 4, 8, 10_000, trie ? 1 : 0);
        try (var object = target.load(new BpfObject(List.of(), List.of(spec)), LoadOptions.DEFAULT)) {
            var map = object.map("m");
            int valueBytes = spec.perCpu() ? 8 * target.kernel().possibleCpus() : 8;
            var entries = new ArrayList<Entry>();
            for (int i = 0; i < 3000; i++) {
                var value = new byte[valueBytes];
                value[0] = (byte) i;
                var key =
                        trie ? ByteBuffer.allocate(8).put(word(32)).put(word(i)).array() : word(i);
                entries.add(new Entry(key, value));
            }
            map.updateAll(entries);
            assertEquals(3000, map.entries().size());
            var some = entries.subList(0, 1000).stream().map(Entry::key).toList();
            map.deleteAll(some);
            // Keys that are gone are passed over.
            map.deleteAll(entries.subList(500, 1500).stream().map(Entry::key).toList());
            assertEquals(1500, map.entries().size());
            assertArrayEquals(
                    entries.get(2000).value(),
                    map.lookupAndDelete(entries.get(2000).key()).orElseThrow());
            assertEquals(Optional.empty(), map.lookupAndDelete(entries.get(2000).key()));
            var taken = map.takeAll();
            assertEquals(1499, taken.size());
            assertEquals(
                    1499,
                    new HashSet<>(taken.stream()
                                    .map(e -> ByteBuffer.wrap(e.key()))
                                    .toList())
                            .size());
            assertEquals(List.of(), map.entries());
        }
    }

    @Test
    void whatDoesNotFitIsSaidAndWhatCameBeforeStays() {
        var spec = new MapSpec("m", MapType.HASH, 4, 8, 10, 0);
        try (var object = target.load(new BpfObject(List.of(), List.of(spec)), LoadOptions.DEFAULT)) {
            var entries = new ArrayList<Entry>();
            for (int i = 0; i < 40; i++) {
                entries.add(new Entry(word(i), new byte[8]));
            }
            var failure =
                    assertThrows(TargetException.class, () -> object.map("m").updateAll(entries));
            assertTrue(failure.getMessage().contains("E2BIG"), failure.getMessage());
            assertEquals(10, object.map("m").entries().size());
        }
    }

    @Test
    void aQueueHandsOutWhatWasPutInFirst() {
        var spec = new MapSpec("q", MapType.QUEUE, 0, 4, 8, 0);
        try (var object = target.load(new BpfObject(List.of(), List.of(spec)), LoadOptions.DEFAULT)) {
            var queue = object.map("q");
            queue.update(new byte[0], word(1), 0);
            queue.update(new byte[0], word(2), 0);
            assertArrayEquals(word(1), queue.lookupAndDelete(new byte[0]).orElseThrow());
            assertArrayEquals(word(2), queue.lookupAndDelete(new byte[0]).orElseThrow());
            assertEquals(Optional.empty(), queue.lookupAndDelete(new byte[0]));
        }
    }

    @Test
    void aPinOutsideABpfFileSystemIsRefusedWithTheReason() {
        try (var object = target.load(new BpfObject(List.of(), List.of(COUNTS)), LoadOptions.DEFAULT)) {
            var failure = assertThrows(
                    TargetException.class, () -> object.map("counts").pin("/proc/self/no-pin-here"));
            assertTrue(failure.getMessage().startsWith("map counts could not be pinned at "), failure.getMessage());
        }
    }
}
