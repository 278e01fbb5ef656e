package skep.events.embedded;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import skep.isa.Assembler;
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
import skep.target.AttachException;
import skep.target.LoadOptions;
import skep.target.LoadedMap;
import skep.target.LoadedObject;
import skep.target.TargetException;

/** Programs in the embedded kernel, from loading to the last record. */
class EmbeddedTargetTest {
    private static final String COUNT = """
            r1 = 0
            *(u32 *)(r10 -4) = r1
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

    /** Sends time and the first word of the context. */
    private static final String SEND = """
            r6 = *(u64 *)(r1 +0)
            call bpf_ktime_get_ns
            *(u64 *)(r10 -16) = r0
            *(u64 *)(r10 -8) = r6
            r2 = r10
            r2 += -16
            r1 = map[fd:0]
            r3 = 16
            r4 = 0
            call bpf_ringbuf_output
            r0 = 0
            exit
            """;

    private static BpfObject object(String code, int reference, ProgramType type, MapSpec map) {
        return new BpfObject(
                List.of(new ProgramSpec(
                        "main",
                        type,
                        Optional.empty(),
                        "",
                        "GPL",
                        Assembler.assemble(code),
                        List.of(new MapReference(reference, map.name())),
                        LineTable.EMPTY)),
                List.of(map));
    }

    private static BpfObject counter(ProgramType type) {
        return object(COUNT, 4, type, new MapSpec("count", MapType.ARRAY, 4, 8, 1, 0));
    }

    private static BpfObject sender(ProgramType type, int bytes) {
        return object(SEND, 6, type, new MapSpec("ring", MapType.RINGBUF, 0, 0, bytes, 0));
    }

    private static long value(LoadedMap map) {
        return ByteBuffer.wrap(map.lookup(new byte[4]).orElseThrow())
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    private static EmbeddedTarget target(String options) {
        return new EmbeddedTarget(EmbeddedOptions.parse(options));
    }

    private static void runToEnd(EmbeddedTarget target, Duration duration) {
        target.start(Optional.of(duration));
        while (!target.ended()) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"interp", "jvm"})
    void aProgramCountsWhatTrulyHappened(String backend) {
        try (var target = target("speed=max")) {
            var loaded = target.load(counter(ProgramType.TRACEPOINT), new LoadOptions(0, backend));
            loaded.attach("main", ProbeSpec.tracepoint("raw_syscalls", "sys_enter"));
            long start = target.monotonicNanos();
            runToEnd(target, Duration.ofSeconds(2));
            assertEquals(target.model().groundTruth().counters().get("syscall enters"), value(loaded.map("count")));
            assertEquals(start + 2_000_000_000L, target.monotonicNanos());
            assertEquals(value(loaded.map("count")), target.model().firings());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "KPROBE, KPROBE, vfs_read",
        "KRETPROBE, KPROBE, vfs_read",
        "RAWTRACEPOINT, RAW_TRACEPOINT, sched_switch",
    })
    void everyKindOfProbeFires(ProbeKind kind, ProgramType type, String name) {
        try (var target = target("speed=max")) {
            var loaded = target.load(counter(type), LoadOptions.DEFAULT);
            var link = loaded.attach("main", ProbeSpec.of(kind, name));
            runToEnd(target, Duration.ofSeconds(1));
            assertTrue(value(loaded.map("count")) > 500);
            link.close();
        }
    }

    @Test
    void typedProgramsSeeArguments() {
        var program = new ProgramSpec(
                "main",
                ProgramType.TRACING,
                Optional.of(AttachType.TRACE_FENTRY),
                "vfs_read",
                "GPL",
                Assembler.assemble(COUNT),
                List.of(new MapReference(4, "count")),
                LineTable.EMPTY);
        var object = new BpfObject(List.of(program), List.of(new MapSpec("count", MapType.ARRAY, 4, 8, 1, 0)));
        try (var target = target("speed=max")) {
            var loaded = target.load(object, LoadOptions.DEFAULT);
            loaded.attach("main", ProbeSpec.of(ProbeKind.FENTRY, "vfs_read"));
            runToEnd(target, Duration.ofSeconds(1));
            assertTrue(value(loaded.map("count")) > 500);
        }
    }

    @Test
    void tracingTakesVirtualTimeIfThatIsAskedFor() {
        long free = readsWhileCounted("off");
        long paid = readsWhileCounted("on");
        assertTrue(paid < 0.95 * free, paid + " reads with overhead, " + free + " without");
    }

    /** How many reads processes get done while a program counts them. */
    private static long readsWhileCounted(String overhead) {
        try (var target = target("speed=max,scenario=busy,cpus=1,overhead=" + overhead)) {
            var loaded = target.load(counter(ProgramType.KPROBE), LoadOptions.DEFAULT);
            loaded.attach("main", ProbeSpec.of(ProbeKind.KPROBE, "vfs_read"));
            loaded.attach("main", ProbeSpec.of(ProbeKind.KRETPROBE, "vfs_read"));
            runToEnd(target, Duration.ofMillis(300));
            var truth = target.model().groundTruth().counters();
            assertEquals(overhead.equals("on"), truth.getOrDefault("nanoseconds of tracing", 0L) > 1_000_000);
            return value(loaded.map("count"));
        }
    }

    @Test
    void intervalsFireAtTheirPeriod() {
        try (var target = target("speed=max")) {
            var loaded = target.load(counter(ProgramType.PERF_EVENT), LoadOptions.DEFAULT);
            loaded.attach("main", ProbeSpec.interval(100_000_000));
            runToEnd(target, Duration.ofMillis(2050));
            assertEquals(20, value(loaded.map("count")));
        }
    }

    @Test
    void aClosedLinkFiresNoMore() {
        try (var target = target("speed=max")) {
            var loaded = target.load(counter(ProgramType.KPROBE), LoadOptions.DEFAULT);
            loaded.attach("main", ProbeSpec.of(ProbeKind.KPROBE, "vfs_read")).close();
            runToEnd(target, Duration.ofSeconds(1));
            assertEquals(0, value(loaded.map("count")));
        }
    }

    /** All bytes of a run's records, read by a reader that dawdles. */
    private static byte[] trace(String options, int ringBytes) {
        try (var target = target(options)) {
            var loaded = target.load(sender(ProgramType.KPROBE, ringBytes), LoadOptions.DEFAULT);
            for (var name : new String[] {"vfs_read", "kmem_cache_free", "try_to_wake_up"}) {
                loaded.attach("main", ProbeSpec.of(ProbeKind.KPROBE, name));
            }
            var bytes = new ByteArrayOutputStream();
            try (var reader = loaded.openRingBuffer("ring")) {
                target.start(Optional.of(Duration.ofMillis(300)));
                boolean more = true;
                while (more) {
                    more = !target.ended();
                    more |= reader.poll(1, record -> {
                                bytes.writeBytes(record.toArray(ValueLayout.JAVA_BYTE));
                                return true;
                            })
                            > 0;
                }
            }
            assertEquals(16 * target.model().firings(), bytes.size(), "records are lost");
            return bytes.toByteArray();
        }
    }

    @Test
    void atFullSpeedNothingIsLostAndTheSameSeedGivesTheSameBytes() {
        var first = trace("speed=max", 4096);
        assertArrayEquals(first, trace("speed=max", 4096));
        assertArrayEquals(first, trace("speed=max", 1 << 20));
        assertFalse(java.util.Arrays.equals(first, trace("speed=max,seed=2", 4096)));
    }

    @Test
    void inRealTimeARingThatNobodyDrainsLosesRecords() {
        try (var target = target("speed=50")) {
            var loaded = target.load(sender(ProgramType.KPROBE, 4096), LoadOptions.DEFAULT);
            loaded.attach("main", ProbeSpec.of(ProbeKind.KPROBE, "kmem_cache_free"));
            try (var reader = loaded.openRingBuffer("ring")) {
                runToEnd(target, Duration.ofSeconds(2));
                int[] count = {0};
                reader.poll(0, record -> count[0]++ >= 0);
                assertTrue(count[0] > 0 && count[0] < target.model().firings());
            }
        }
    }

    /** Who sleeps until a time of the kernel cannot read meanwhile: the buffer fills up, and the time comes nevertheless. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void atFullSpeedTheKernelDoesNotWaitForAReaderThatWaitsForIt(boolean readBefore) throws InterruptedException {
        try (var target = target("speed=max")) {
            var loaded = target.load(sender(ProgramType.KPROBE, 4096), LoadOptions.DEFAULT);
            loaded.attach("main", ProbeSpec.of(ProbeKind.KPROBE, "kmem_cache_free"));
            try (var reader = loaded.openRingBuffer("ring")) {
                if (readBefore) {
                    reader.poll(0, record -> true);
                }
                target.start(Optional.of(Duration.ofSeconds(2)));
                long start = target.monotonicNanos();
                assertTrue(target.sleepUntil(start + 1_000_000_000, Duration.ofMinutes(5)));
                int[] count = {0};
                reader.poll(0, record -> count[0]++ >= 0);
                assertTrue(count[0] > 0, "nothing arrived");
                assertTrue(count[0] < target.model().firings(), "a full buffer loses records");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"true, 0", "false, 1", "'ls /nowhere', 2", "'cat /etc/passwd', 0", "'sh -c \"date; true\"', 0"})
    void aCommandRunsInsideAndSaysHowItEnded(String command, int status) {
        try (var target = target("speed=max")) {
            var loaded = target.load(counter(ProgramType.TRACEPOINT), LoadOptions.DEFAULT);
            var process = target.spawn(command);
            loaded.attach(
                    "main",
                    new ProbeSpec(
                            ProbeKind.TRACEPOINT, "raw_syscalls", "sys_enter", 0, 0, OptionalInt.of(process.pid())));
            process.start();
            assertEquals(OptionalInt.empty(), process.exitStatus());
            runToEnd(target, Duration.ofSeconds(2));
            assertEquals(OptionalInt.of(status), process.exitStatus());
            // execve at least, and exit_group
            assertTrue(value(loaded.map("count")) >= 2);
            assertTrue(value(loaded.map("count")) < 2000);
        }
    }

    /** As tools attach to a static probe of all processes at once: by the place in its file. */
    @Test
    void aUserProbeAtThePlaceOfAStaticProbeFiresThere() {
        try (var target = target("speed=max,scenario=database")) {
            var image = target.model().userSpace.find("/usr/sbin/mysqld").orElseThrow();
            var place = image.probes().stream()
                    .filter(probe -> probe.name().equals("query__start"))
                    .findFirst()
                    .orElseThrow();
            var byName = target.load(counter(ProgramType.KPROBE), LoadOptions.DEFAULT);
            byName.attach(
                    "main", new ProbeSpec(ProbeKind.USDT, image.path(), place.toString(), 0, 0, OptionalInt.empty()));
            var byPlace = target.load(counter(ProgramType.KPROBE), LoadOptions.DEFAULT);
            var offset = "0x" + Long.toHexString(place.offset());
            byPlace.attach("main", new ProbeSpec(ProbeKind.UPROBE, image.path(), offset, 0, 0, OptionalInt.empty()));
            var nowhere = new ProbeSpec(ProbeKind.UPROBE, image.path(), "0x7", 0, 0, OptionalInt.empty());
            assertThrows(AttachException.class, () -> byPlace.attach("main", nowhere));
            runToEnd(target, Duration.ofSeconds(2));
            assertTrue(value(byName.map("count")) > 0);
            assertEquals(value(byName.map("count")), value(byPlace.map("count")));
        }
    }

    @Test
    void anUnknownCommandIsRefusedWithThoseThereAre() {
        try (var target = target("")) {
            var refusal = assertThrows(TargetException.class, () -> target.spawn("emacs"));
            assertTrue(
                    refusal.getMessage().contains("no program 'emacs'; it has admin, alloctest, apt, bash, cat"),
                    refusal.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "KPROBE, '', vfs_raed, vfs_read",
        "KPROBE, '', cache_free, kmem_cache_free",
        "TRACEPOINT, sched, sched_swich, sched:sched_switch",
        "RAWTRACEPOINT, '', sys_entr, sys_enter",
        "UPROBE, /usr/bin/bahs, main, /usr/bin/bash",
        "UPROBE, /usr/bin/bash, mian, main",
    })
    void aMisspeltProbeIsRefusedWithTheNearestNames(ProbeKind kind, String module, String name, String hint) {
        try (var target = target("")) {
            var loaded = target.load(counter(ProgramType.KPROBE), LoadOptions.DEFAULT);
            var probe = new ProbeSpec(kind, module, name, 0, 0, OptionalInt.empty());
            var refusal = assertThrows(AttachException.class, () -> loaded.attach("main", probe));
            assertTrue(refusal.hint().contains(hint), refusal.hint());
        }
    }

    @Test
    void beginAndEndRunInTheProcessOfTheSession() {
        try (var target = target("")) {
            LoadedObject loaded = target.load(counter(ProgramType.KPROBE), LoadOptions.DEFAULT);
            loaded.runOnce("main", new byte[0]);
            loaded.runOnce("main", new byte[8]);
            assertEquals(2, value(loaded.map("count")));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "arch=riscv",
                "seed=x",
                "cpus=0",
                "cpus=999",
                "speed=-1",
                "scenario=nothing",
                "colour=red",
                "seed"
            })
    void malformedOptionsNameThemselves(String option) {
        var refusal = assertThrows(IllegalArgumentException.class, () -> EmbeddedOptions.parse(option));
        assertTrue(
                refusal.getMessage().contains("option " + option.split("=")[0])
                        || refusal.getMessage().contains("no option '" + option.split("=")[0]),
                refusal.getMessage());
    }

    @Test
    void theSpecOfATargetReadsBack() {
        var options = EmbeddedOptions.parse("arch=x86-64,seed=7,cpus=2,speed=max,scenario=idle");
        assertEquals("embedded:arch=x86-64,seed=7,cpus=2,speed=max,scenario=idle", options.spec());
        assertEquals(options, EmbeddedOptions.parse(options.spec().substring("embedded:".length())));
        assertEquals("embedded", EmbeddedOptions.DEFAULT.spec());
    }
}
