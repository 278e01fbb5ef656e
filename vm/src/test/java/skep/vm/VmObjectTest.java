package skep.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import skep.isa.Assembler;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.TargetException;

class VmObjectTest {
    private final Machine machine = new Machine(Machine.Config.ofCpus(2));

    @AfterEach
    void close() {
        assertEquals(0, machine.chargedBytes());
        machine.close();
    }

    private static ProgramSpec program(String name, String text, String... maps) {
        var code = Assembler.assemble(text);
        var references = new ArrayList<MapReference>();
        for (int i = 0; i < code.size(); i++) {
            if (code.opcode(i) == 0x18) {
                references.add(new MapReference(i++, maps[references.size()]));
            }
        }
        return new ProgramSpec(
                name, ProgramType.RAW_TRACEPOINT, Optional.empty(), "", "GPL", code, references, LineTable.EMPTY);
    }

    private static final BpfObject COUNTER = new BpfObject(
            List.of(program("count", """
                            r1 = 7
                            *(u64 *)(r10 -8) = r1
                            r2 = r10
                            r2 += -8
                            r1 = map[fd:0]
                            call bpf_map_lookup_elem
                            if r0 == 0 goto fresh
                            r1 = 1
                            lock *(u64 *)(r0 +0) += r1
                            r0 = 0
                            exit
                            fresh:
                            r1 = 1
                            *(u64 *)(r10 -16) = r1
                            r2 = r10
                            r2 += -8
                            r3 = r10
                            r3 += -16
                            r4 = 0
                            r1 = map[fd:0]
                            call bpf_map_update_elem
                            r0 = 1
                            exit
                            """, "counts", "counts"), program("emit", """
                            r1 = map[fd:0]
                            r2 = 16
                            r3 = 0
                            call bpf_ringbuf_reserve
                            if r0 == 0 goto out
                            r6 = r0
                            call bpf_get_smp_processor_id
                            *(u64 *)(r6 +0) = r0
                            *(u64 *)(r6 +8) = r0
                            r1 = r6
                            r2 = 0
                            call bpf_ringbuf_submit
                            out:
                            r0 = 0
                            exit
                            """, "events")),
            List.of(
                    new MapSpec("counts", MapType.HASH, 8, 8, 10, 0),
                    new MapSpec("events", MapType.RINGBUF, 0, 0, 4096, 0)));

    @Test
    void programsRunOnSharedMapsOnEveryBackend() {
        for (var backend : List.of("interp", "jvm")) {
            try (var object = VmObject.load(machine, COUNTER, new LoadOptions(0, backend));
                    var cpu = new VmCpu(machine, KernelServices.detached())) {
                assertEquals(backend, object.program("count").executable().backend());
                for (int i = 0; i < 10; i++) {
                    assertEquals(i == 0 ? 1 : 0, object.program("count").run(cpu, 0));
                }
                var entries = object.map("counts").entries();
                assertEquals(1, entries.size());
                assertEquals(7, entries.getFirst().key()[0]);
                assertEquals(10, entries.getFirst().value()[0]);
                try (var reader = object.openRingBuffer("events")) {
                    object.program("emit").run(cpu, 0);
                    var seen = new ArrayList<Long>();
                    reader.poll(0, record -> seen.add(record.get(ValueLayout.JAVA_LONG_UNALIGNED, 8)));
                    assertEquals(List.of(0L), seen);
                }
                assertThrows(IllegalArgumentException.class, () -> object.openRingBuffer("counts"));
            }
        }
    }

    @Test
    void whatIsRejectedLeavesNothingBehind() {
        var bad = new BpfObject(
                List.of(COUNTER.programs().getFirst(), program("bad", "r0 = r5\nexit\n")), COUNTER.maps());
        var failure = assertThrows(LoadException.class, () -> VmObject.load(machine, bad, LoadOptions.DEFAULT));
        assertEquals("bad", failure.program().name());
        assertEquals(0, failure.insn().orElseThrow());
        assertTrue(failure.log().contains("R5 !read_ok"), failure.log());
        assertTrue(machine.programs().nextId(0).isEmpty());
        var noMap = new BpfObject(List.of(), List.of(new MapSpec("m", MapType.ARENA, 0, 0, 1, 0)));
        assertThrows(TargetException.class, () -> VmObject.load(machine, noMap, LoadOptions.DEFAULT));
    }

    @Test
    void runsAreCountedWhileStatisticsAreOn() {
        try (var object = VmObject.load(machine, COUNTER, LoadOptions.DEFAULT);
                var cpu = new VmCpu(machine, KernelServices.detached())) {
            object.program("count").run(cpu, 0);
            assertEquals(Optional.empty(), object.summaries().getFirst().runCount());
            machine.enableStats(true);
            object.program("count").run(cpu, 0);
            object.program("count").run(cpu, 0);
            assertEquals(Optional.of(2L), object.summaries().getFirst().runCount());
        }
    }

    /** Tags that bpftool showed for the same code under Linux 6.18 and 6.1. */
    @Test
    void tagsAreTheKernels() {
        var code = Assembler.assemble("""
                r6 = r1
                r1 = 5
                *(u32 *)(r10 -4) = r1
                r2 = r10
                r2 += -4
                r1 = map[fd:77]
                call 1
                if r0 == 0 goto miss
                r1 = *(u64 *)(r0 +0)
                call sub
                exit
                miss: r0 = 0
                exit
                sub: r0 = r1
                r0 += 1
                exit
                """);
        assertEquals("f2bdac3d5a1d789f", ProgramTag.of(code, new KernelVersion(6, 18, 4)));
        assertEquals("902a6c85687c3447", ProgramTag.of(code, new KernelVersion(6, 1, 0)));
    }

    @Test
    void memoryIsKeptWhileAProgramRuns() throws InterruptedException {
        var object = VmObject.load(machine, COUNTER, new LoadOptions(0, "interp"));
        var stop = new java.util.concurrent.atomic.AtomicBoolean();
        var program = object.program("count");
        var runner = Thread.ofPlatform().start(() -> {
            try (var cpu = new VmCpu(machine, KernelServices.detached())) {
                while (!stop.get()) {
                    program.run(cpu, 0);
                }
            }
        });
        Thread.sleep(20);
        // A run that has begun goes on; one that would begin now is the caller's mistake, so it stops first.
        stop.set(true);
        object.close();
        runner.join();
        machine.retire(() -> {});
    }
}
