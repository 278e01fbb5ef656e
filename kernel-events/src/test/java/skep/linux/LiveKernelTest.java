package skep.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
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
import skep.target.AttachException;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.LoadedObject;
import skep.target.Target;
import skep.target.TargetException;

/** The live target with programs assembled by hand; observes only this process and children of its own. */
class LiveKernelTest {
    private Target target;

    @BeforeEach
    void open() {
        target = LiveKernel.open();
    }

    @AfterEach
    void close() {
        target.close();
    }

    private void needs(Feature feature) {
        var refusal = target.kernel().unsupported(feature);
        Assumptions.assumeTrue(
                refusal.isEmpty(), () -> "Unsupported " + refusal.orElseThrow().reason());
    }

    private static ProgramSpec program(String name, ProgramType type, String text) {
        return program(name, type, Optional.empty(), "", text);
    }

    /** Lines that end in {@code # map NAME} are 64-bit loads of that map. */
    private static ProgramSpec program(
            String name, ProgramType type, Optional<AttachType> attachType, String attachTo, String text) {
        var code = Assembler.assemble(text);
        var references = new ArrayList<MapReference>();
        var names = text.lines()
                .filter(line -> line.contains("# map "))
                .map(line -> line.substring(line.indexOf("# map ") + 6).strip())
                .iterator();
        for (int i = 0; i < code.size(); i++) {
            if (code.opcode(i) == 0x18) {
                references.add(new MapReference(i++, names.next()));
            }
        }
        return new ProgramSpec(name, type, attachType, attachTo, "GPL", code, references, LineTable.EMPTY);
    }

    private static final String COUNT_MY_CALLS = """
            call bpf_get_current_pid_tgid
            r0 >>= 32
            if w0 != %d goto out
            *(u32 *)(r10 -4) = 0
            r2 = r10
            r2 += -4
            r1 = map[fd:0] # map counts
            call bpf_map_lookup_elem
            if r0 == 0 goto out
            r1 = 1
            lock *(u64 *)(r0 +0) += r1
            out: r0 = 0
            exit
            """;

    private static final MapSpec COUNTS = new MapSpec("counts", MapType.ARRAY, 4, 8, 1, 0);

    private static long counted(LoadedObject object) {
        return ByteBuffer.wrap(object.map("counts").lookup(new byte[4]).orElseThrow())
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    private LoadedObject load(ProgramSpec program, MapSpec... maps) {
        return target.load(new BpfObject(List.of(program), List.of(maps)), LoadOptions.DEFAULT);
    }

    private static int myPid() {
        return (int) ProcessHandle.current().pid();
    }

    private static void makeSystemCalls(int count) {
        for (int i = 0; i < count; i++) {
            assertTrue(Files.exists(Path.of("/")));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ProgramType.class,
            names = {"TRACEPOINT", "RAW_TRACEPOINT", "TRACING"})
    void aTracepointFiresForEachWayOfAttachingItUntilItsLinkCloses(ProgramType type) {
        needs(type == ProgramType.TRACING ? Feature.BTF_TRACEPOINT : Feature.TRACEPOINT);
        var attachType =
                type == ProgramType.TRACING ? Optional.of(AttachType.TRACE_RAW_TP) : Optional.<AttachType>empty();
        try (var object =
                load(program("count", type, attachType, "sys_enter", COUNT_MY_CALLS.formatted(myPid())), COUNTS)) {
            var link = object.attach("count", ProbeSpec.tracepoint("raw_syscalls", "sys_enter"));
            makeSystemCalls(100);
            link.close();
            long seen = counted(object);
            assertTrue(seen >= 100, "calls seen: " + seen);
            makeSystemCalls(100);
            assertEquals(seen, counted(object));
        }
    }

    @Test
    void aProgramIsRunOnceWithAContextAndItsResultComesBack() {
        var text = """
                r0 = *(u64 *)(r1 +8)
                exit
                """;
        try (var object = load(program("twice", ProgramType.RAW_TRACEPOINT, text))) {
            var context = new byte[16];
            context[8] = 42;
            assertEquals(42, object.runOnce("twice", context));
        }
    }

    @Test
    void recordsOfARingBufferArriveInOrder() {
        needs(Feature.RING_BUFFER);
        var text = """
                r6 = *(u64 *)(r1 +0)
                *(u64 *)(r10 -8) = r6
                r1 = map[fd:0] # map events
                r2 = r10
                r2 += -8
                r3 = 8
                r4 = 0
                call bpf_ringbuf_output
                exit
                """;
        var events = new MapSpec("events", MapType.RINGBUF, 0, 0, 4096, 0);
        try (var object = load(program("emit", ProgramType.RAW_TRACEPOINT, text), events);
                var reader = object.openRingBuffer("events")) {
            var seen = new ArrayList<Long>();
            var expected = new ArrayList<Long>();
            for (long i = 0; i < 1000; i++) {
                var context =
                        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(i);
                assertEquals(0, object.runOnce("emit", context.array()));
                expected.add(i);
                if (i % 100 == 99) {
                    reader.poll(100, record -> seen.add(record.get(ValueLayout.JAVA_LONG, 0)));
                }
            }
            assertEquals(expected, seen);
        }
    }

    @Test
    void aFullRingBufferRefusesARecordAndAReaderThatStopsFindsTheRestLater() {
        needs(Feature.RING_BUFFER);
        var text = """
                *(u64 *)(r10 -8) = 7
                r1 = map[fd:0] # map events
                r2 = r10
                r2 += -8
                r3 = 8
                r4 = 0
                call bpf_ringbuf_output
                exit
                """;
        var events = new MapSpec("events", MapType.RINGBUF, 0, 0, 4096, 0);
        try (var object = load(program("emit", ProgramType.RAW_TRACEPOINT, text), events);
                var reader = object.openRingBuffer("events")) {
            int fitted = 0;
            while (object.runOnce("emit", new byte[0]) == 0) {
                fitted++;
            }
            assertEquals(4096 / 16 - 1, fitted);
            assertEquals(1, reader.poll(0, record -> false));
            assertEquals(fitted - 1, reader.poll(0, record -> true));
            assertEquals(0, reader.poll(0, record -> true));
        }
    }

    /** A program that writes a word of its context into a perf buffer and returns what the kernel said of it. */
    private static ProgramSpec emitter() {
        var text = """
                r6 = *(u64 *)(r1 +0)
                *(u64 *)(r10 -8) = r6
                r2 = map[fd:0] # map events
                r3 = 0xffffffff ll
                r4 = r10
                r4 += -8
                r5 = 8
                call bpf_perf_event_output
                exit
                """;
        var code = Assembler.assemble(text);
        return new ProgramSpec(
                "emit",
                ProgramType.RAW_TRACEPOINT,
                Optional.empty(),
                "",
                "GPL",
                code,
                List.of(new MapReference(2, "events")),
                LineTable.EMPTY);
    }

    @Test
    void recordsOfAPerfBufferArriveAndLostOnesAreCounted() {
        try (var object = load(emitter(), new MapSpec("events", MapType.PERF_EVENT_ARRAY, 4, 4, 0, 0));
                var reader = object.openRingBuffer("events")) {
            long sum = 0;
            var seen = new long[2];
            for (long i = 1; i <= 20_000; i++) {
                object.runOnce(
                        "emit",
                        ByteBuffer.allocate(8)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .putLong(i)
                                .array());
                sum += i;
                if (i % 1000 == 0) {
                    reader.poll(0, record -> {
                        seen[0]++;
                        seen[1] += record.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
                        return true;
                    });
                }
            }
            assertEquals(20_000, seen[0]);
            assertEquals(sum, seen[1]);
            assertEquals(0, reader.lost());
            for (int i = 0; i < 60_000; i++) {
                object.runOnce("emit", new byte[8]);
            }
            int read = reader.poll(0, record -> true);
            object.runOnce("emit", new byte[8]);
            read += reader.poll(0, record -> true);
            // Each CPU on which this thread ran may still owe a note of its losses.
            assertTrue(reader.lost() > 0 && read + reader.lost() <= 60_001, read + " read, " + reader.lost() + " lost");
        }
    }

    private void needsCountsOfLostRecords() {
        Assumptions.assumeTrue(
                target.kernel().version().isAtLeast(6, 0), "Unsupported PERF_FORMAT_LOST before Linux 6.0");
    }

    /** Writes records until so many did not fit; what did. */
    private static int overfill(LoadedObject object, int refusals) {
        int fitted = 0;
        int refused = 0;
        while (refused < refusals) {
            if (object.runOnce("emit", new byte[8]) == 0) {
                fitted++;
            } else {
                refused++;
            }
        }
        return fitted;
    }

    @Test
    void lossesAfterWhichNoRecordComesAreToldByThePollsThatFindNothing() throws InterruptedException {
        needsCountsOfLostRecords();
        try (var object = load(emitter(), new MapSpec("events", MapType.PERF_EVENT_ARRAY, 4, 4, 0, 0))) {
            var reader = object.openRingBuffer("events", 4096);
            int fitted = overfill(object, 3000);
            assertEquals(fitted, reader.poll(0, record -> true));
            for (int i = 0; i < 3_000 && reader.lost() == 0; i++) {
                assertEquals(0, reader.poll(0, record -> true));
                Thread.sleep(20);
            }
            assertEquals(3000, reader.lost());
            // Now the kernel's own note comes as well, in front of this record: the same loss.
            assertEquals(0, object.runOnce("emit", new byte[8]));
            assertEquals(1, reader.poll(0, record -> true));
            assertEquals(3000, reader.lost());
            reader.close();
            assertEquals(3000, reader.lost());
        }
    }

    @Test
    void lossesAfterTheLastPollAreToldWhenThePerfBufferCloses() {
        needsCountsOfLostRecords();
        try (var object = load(emitter(), new MapSpec("events", MapType.PERF_EVENT_ARRAY, 4, 4, 0, 0))) {
            var reader = object.openRingBuffer("events", 4096);
            overfill(object, 1);
            reader.poll(0, record -> true);
            overfill(object, 700);
            reader.close();
            assertEquals(701, reader.lost());
        }
    }

    @Test
    void aWaitingReaderIsWokenByAnotherThread() throws InterruptedException {
        needs(Feature.RING_BUFFER);
        var nothing = program("nothing", ProgramType.RAW_TRACEPOINT, "r0 = 0\nexit");
        try (var object = load(nothing, new MapSpec("events", MapType.RINGBUF, 0, 0, 4096, 0));
                var reader = object.openRingBuffer("events")) {
            var waiting = Thread.ofPlatform().start(() -> reader.poll(-1, record -> true));
            Thread.sleep(50);
            assertTrue(waiting.isAlive());
            reader.wakeUp();
            waiting.join(60_000);
            assertFalse(waiting.isAlive());
        }
    }

    @Test
    void mapsHoldWhatIsPutAndClearEmptiesThem() {
        var nothing = program("nothing", ProgramType.RAW_TRACEPOINT, "r0 = 0\nexit");
        for (var type :
                List.of(MapType.HASH, MapType.LRU_HASH, MapType.PERCPU_HASH, MapType.ARRAY, MapType.PERCPU_ARRAY)) {
            boolean array = type == MapType.ARRAY || type == MapType.PERCPU_ARRAY;
            try (var object = load(nothing, new MapSpec("m", type, 4, 8, 4000, 0))) {
                var map = object.map("m");
                int values = map.spec().perCpu() ? target.kernel().possibleCpus() : 1;
                for (int i = 0; i < 1500; i++) {
                    map.update(key(i), value(i * 3L, values), 0);
                }
                assertArrayEquals(value(300, values), map.lookup(key(100)).orElseThrow());
                assertEquals(array ? 4000 : 1500, map.entries().size(), type.name());
                assertTrue(
                        map.entries().stream().anyMatch(e -> java.util.Arrays.equals(e.value(), value(4497, values))));
                if (!array) {
                    assertTrue(map.delete(key(7)));
                    assertFalse(map.delete(key(7)));
                    assertEquals(Optional.empty(), map.lookup(key(7)));
                    assertThrows(TargetException.class, () -> map.update(key(8), value(1, values), 1));
                }
                map.clear();
                var left = map.entries().stream()
                        .filter(e -> !array || !java.util.Arrays.equals(e.value(), value(0, values)))
                        .toList();
                assertEquals(0, left.size(), type.name());
            }
        }
    }

    private static byte[] key(int i) {
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(i).array();
    }

    private static byte[] value(long word, int times) {
        var bytes = ByteBuffer.allocate(8 * times).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < times; i++) {
            bytes.putLong(word);
        }
        return bytes.array();
    }

    @Test
    void aRejectionNamesTheInstructionItsSourceLineAndWhatTheVerifierSays() {
        var code = Assembler.assemble("r0 = 0\nr1 = *(u64 *)(r0 +8)\nexit");
        var lines = new LineTable(List.of(
                new LineTable.Entry(0, "stdin", 0, 5, 1, "BEGIN {"),
                new LineTable.Entry(1, "stdin", 8, 12, 2, "  $x->y")));
        var program =
                new ProgramSpec("bad", ProgramType.RAW_TRACEPOINT, Optional.empty(), "", "GPL", code, List.of(), lines);
        var rejection = assertThrows(LoadException.class, () -> load(program));
        assertEquals(OptionalInt.of(1), rejection.insn());
        assertTrue(rejection.getMessage().contains("stdin:2 \"$x->y\""), rejection.getMessage());
        assertTrue(rejection.getMessage().contains("R0 invalid mem access"), rejection.getMessage());
    }

    @ParameterizedTest
    @EnumSource(
            value = ProgramType.class,
            names = {"PERF_EVENT", "RAW_TRACEPOINT"})
    void anIntervalTicks(ProgramType type) throws InterruptedException {
        var text = COUNT_MY_CALLS.replace("if w0 != %d goto out", "");
        try (var object = load(program("tick", type, text), COUNTS)) {
            var link = object.attach("tick", ProbeSpec.interval(10_000_000));
            long begun = System.nanoTime();
            for (int i = 0; i < 3_000 && counted(object) < 3; i++) {
                Thread.sleep(20);
            }
            link.close();
            long elapsedMillis = (System.nanoTime() - begun) / 1_000_000;
            long seen = counted(object);
            // Never more ticks than the time allows; on a busy machine fewer.
            assertTrue(seen >= 3 && seen <= elapsedMillis / 10 + 2, seen + " ticks in " + elapsedMillis + " ms");
            Thread.sleep(50);
            assertEquals(seen, counted(object));
        }
    }

    @Test
    void aCommandRunsOnlyOnceStartedAndIsTracedFromItsFirstInstructionUnderTheSamePid() throws InterruptedException {
        var mark = Path.of("/proc/self/stat");
        assertTrue(Files.exists(mark));
        var child = target.spawn("sh -c 'exit 7'");
        try (var object =
                load(program("count", ProgramType.RAW_TRACEPOINT, COUNT_MY_CALLS.formatted(child.pid())), COUNTS)) {
            object.attach("count", ProbeSpec.tracepoint("raw_syscalls", "sys_enter"));
            Thread.sleep(100);
            assertEquals(OptionalInt.empty(), child.exitStatus());
            child.start();
            for (int i = 0; i < 12_000 && child.exitStatus().isEmpty(); i++) {
                Thread.sleep(5);
            }
            assertEquals(OptionalInt.of(7), child.exitStatus());
            assertTrue(counted(object) > 10, "calls seen: " + counted(object));
        }
    }

    @Test
    void aCommandThatIsNeverStartedLeavesNoProcess() {
        var child = target.spawn("sleep 100");
        assertTrue(ProcessHandle.of(child.pid()).isPresent());
        child.close();
        assertTrue(child.exitStatus().isPresent());
        assertFalse(ProcessHandle.of(child.pid()).isPresent());
    }

    @Test
    void aCommandThatDoesNotExistIsAnError() {
        var failure = assertThrows(TargetException.class, () -> target.spawn("no-such-command-here x"));
        assertTrue(failure.getMessage().contains("no-such-command-here"));
    }

    @Test
    void aProbeThatTheKernelRefusesSaysWhyAndWhatToDo() {
        var refusal = target.kernel().unsupported(Feature.KPROBE);
        Assumptions.assumeTrue(refusal.isPresent(), "this kernel has kprobes");
        try (var object = load(program("k", ProgramType.KPROBE, "r0 = 0\nexit"))) {
            var failure = assertThrows(
                    AttachException.class, () -> object.attach("k", ProbeSpec.of(ProbeKind.KPROBE, "vfs_read")));
            assertEquals("cannot attach kprobe:vfs_read: " + refusal.get().reason(), failure.getMessage());
            assertFalse(failure.hint().isEmpty());
        }
    }

    @Test
    void anUnknownTracepointIsNamed() {
        try (var object = load(program("t", ProgramType.RAW_TRACEPOINT, "r0 = 0\nexit"))) {
            var failure = assertThrows(
                    AttachException.class, () -> object.attach("t", ProbeSpec.tracepoint("sched", "no_such_event")));
            assertTrue(failure.getMessage().contains("no tracepoint sched:no_such_event"), failure.getMessage());
        }
    }

    @Test
    void everyFeatureIsAllowedOrRefusedWithAReason() {
        for (var feature : Feature.values()) {
            target.kernel()
                    .unsupported(feature)
                    .ifPresent(refusal -> assertFalse(refusal.reason().isBlank(), feature.name()));
        }
    }

    @Test
    void closingATargetLeavesNoDescriptor() throws Exception {
        long before = descriptors();
        for (int i = 0; i < 20; i++) {
            var object = load(program("count", ProgramType.RAW_TRACEPOINT, COUNT_MY_CALLS.formatted(1)), COUNTS);
            object.attach("count", ProbeSpec.tracepoint("raw_syscalls", "sys_enter"));
            object.close();
        }
        assertTrue(descriptors() <= before, descriptors() + " descriptors, " + before + " before");
    }

    private static long descriptors() throws java.io.IOException {
        try (var list = Files.list(Path.of("/proc/self/fd"))) {
            return list.count();
        }
    }

    @Test
    void theKernelIsDescribed() {
        var kernel = target.kernel();
        assertTrue(kernel.description().startsWith("Linux " + kernel.version().major() + "."));
        assertTrue(kernel.possibleCpus() >= Runtime.getRuntime().availableProcessors());
        assertTrue(kernel.probes(ProbeKind.TRACEPOINT).anyMatch("sched:sched_switch"::equals));
        assertTrue(kernel.probes(ProbeKind.RAWTRACEPOINT).anyMatch("vmlinux:sys_enter"::equals));
        var format = kernel.tracepoint("sched", "sched_switch").orElseThrow();
        var comm = format.field("prev_comm").orElseThrow();
        assertEquals("char", comm.type());
        assertEquals(16, comm.arrayLength());
        assertEquals(Optional.empty(), kernel.tracepoint("sched", "nothing"));
        assertTrue(kernel.hasFunction("", "vfs_read"));
        assertTrue(kernel.hasFunction("vmlinux", "vfs_read"));
        assertFalse(kernel.hasFunction("", "no_such_function"));
        long address = kernel.symbolAddress("vfs_read").orElseThrow();
        var symbol = kernel.symbolAt(address + 4).orElseThrow();
        assertEquals("vfs_read", symbol.name());
        assertEquals(4, symbol.offset());
    }

    @Test
    void aDurationEndsTheTarget() throws InterruptedException {
        long begun = System.nanoTime();
        target.start(Optional.of(Duration.ofMillis(30)));
        boolean ended = target.ended();
        assertTrue(!ended || System.nanoTime() - begun >= 30_000_000);
        Thread.sleep(60);
        assertTrue(target.ended());
    }

    /** Opens the live target, or skips with the kernel's reason. */
    private static final class LiveKernel {
        static Target open() {
            try {
                return new LinuxTargetProvider().open("");
            } catch (TargetException refusal) {
                Assumptions.abort("Unsupported " + refusal.getMessage());
                throw refusal;
            }
        }
    }
}
