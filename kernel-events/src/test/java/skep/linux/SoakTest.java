package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import skep.isa.Assembler;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadOptions;
import skep.target.Target;
import skep.target.TargetException;

/**
 * One process that loads, attaches, reads and closes again and again keeps neither descriptors nor memory. The hour:
 * {@code mvn -o -pl kernel-events -am test -Dslow -Dtest=SoakTest -Dskep.soak.minutes=60}.
 */
class SoakTest {
    /** What the process may grow by after it has warmed up: the JVM's own tables still do a little. */
    private static final long MAX_GROWTH_KIB = 48 << 10;

    private static final int WARM_UP_ROUNDS = 30;

    @Test
    void aFewSecondsOfRoundsKeepNothing() throws Exception {
        soak(Duration.ofSeconds(4));
    }

    @Tag("slow")
    @Test
    void anHourOfRoundsKeepsNothing() throws Exception {
        soak(Duration.ofMinutes(Integer.getInteger("skep.soak.minutes", 60)));
    }

    private static void soak(Duration length) throws Exception {
        try (var target = open()) {
            for (int i = 0; i < WARM_UP_ROUNDS; i++) {
                round(target);
            }
            long descriptors = descriptors();
            long memory = residentKib();
            long end = System.nanoTime() + length.toNanos();
            int rounds = 0;
            while (System.nanoTime() < end || rounds == 0) {
                round(target);
                rounds++;
            }
            assertEquals(descriptors, descriptors(), "descriptors after " + rounds + " rounds");
            long grown = residentKib() - memory;
            assertTrue(grown < MAX_GROWTH_KIB, grown + " KiB more after " + rounds + " rounds");
        }
    }

    private static Target open() {
        try {
            return new LinuxTargetProvider().open("");
        } catch (TargetException refusal) {
            Assumptions.abort("Unsupported " + refusal.getMessage());
            throw refusal;
        }
    }

    private static void round(Target target) {
        var code = Assembler.assemble("""
                *(u64 *)(r10 -8) = 1
                r1 = map[fd:0]
                r2 = r10
                r2 += -8
                r3 = 8
                r4 = 0
                call bpf_ringbuf_output
                r0 = 0
                exit
                """);
        int load = 0;
        while (code.opcode(load) != 0x18) {
            load++;
        }
        var events = List.of(new MapReference(load, "events"));
        var programs = new ArrayList<ProgramSpec>();
        for (var type : List.of(ProgramType.RAW_TRACEPOINT, ProgramType.PERF_EVENT)) {
            programs.add(new ProgramSpec(
                    type.kernelName(), type, Optional.empty(), "", "GPL", code, events, LineTable.EMPTY));
        }
        var maps = List.of(
                new MapSpec("events", MapType.RINGBUF, 0, 0, 4096, 0),
                new MapSpec("counts", MapType.HASH, 8, 8, 64, 0));
        try (var object = target.load(new BpfObject(programs, maps), LoadOptions.DEFAULT);
                var reader = object.openRingBuffer("events")) {
            object.attach("raw_tracepoint", ProbeSpec.tracepoint("sched", "sched_process_exec"));
            object.attach("perf_event", ProbeSpec.interval(1_000_000)).close();
            object.map("counts").update(new byte[8], new byte[8], 0);
            object.runOnce("raw_tracepoint", new byte[0]);
            assertTrue(reader.poll(0, record -> true) >= 1);
        }
    }

    private static long descriptors() throws IOException {
        try (var list = Files.list(Path.of("/proc/self/fd"))) {
            return list.count();
        }
    }

    private static long residentKib() throws IOException {
        System.gc();
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .sum();
    }
}
