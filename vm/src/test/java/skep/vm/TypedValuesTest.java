package skep.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import skep.elf.ElfObject;
import skep.target.LoadOptions;

/** Values with timers and locks, from an object file that clang made, through the verifier. */
class TypedValuesTest {
    @TempDir
    Path folder;

    private static final String SOURCE = """
            typedef unsigned int u32;
            typedef unsigned long long u64;
            #define SEC(n) __attribute__((section(n), used))
            #define __uint(name, val) int (*name)[val]
            #define __type(name, val) typeof(val) *name
            struct bpf_spin_lock { u32 val; };
            struct bpf_timer { u64 opaque[2]; } __attribute__((aligned(8)));
            struct element { u64 hits; struct bpf_timer timer; };
            struct guarded { struct bpf_spin_lock lock; u32 pad; u64 a; u64 b; };
            struct { __uint(type, 1); __uint(max_entries, 4); __type(key, u32); __type(value, struct element); } timed SEC(".maps");
            struct { __uint(type, 2); __uint(max_entries, 1); __type(key, u32); __type(value, struct guarded); } shared SEC(".maps");
            struct { __uint(type, 3); __uint(max_entries, 2); __type(key, u32); __type(value, u32); } jumps SEC(".maps");
            static void *(*lookup)(void *, const void *) = (void *)1;
            static long (*update)(void *, const void *, const void *, u64) = (void *)2;
            static long (*tail_call)(void *, void *, u32) = (void *)12;
            static long (*spin_lock)(void *) = (void *)93;
            static long (*spin_unlock)(void *) = (void *)94;
            static long (*timer_init)(void *, void *, u64) = (void *)169;
            static long (*timer_set_callback)(void *, void *) = (void *)170;
            static long (*timer_start)(void *, u64, u64) = (void *)171;
            u64 fired;
            static int fire(void *map, u32 *key, struct element *e) { fired += 10 + *key; e->hits++; return 0; }
            SEC("tc") int start(void *ctx) {
              u32 key = 1;
              struct element fresh = {};
              update(&timed, &key, &fresh, 0);
              struct element *e = lookup(&timed, &key);
              if (!e) return 1;
              timer_init(&e->timer, &timed, 1);
              timer_set_callback(&e->timer, fire);
              return timer_start(&e->timer, 0, 0);
            }
            SEC("tc") int guard(void *ctx) {
              u32 key = 0;
              struct guarded *g = lookup(&shared, &key);
              if (!g) return 1;
              spin_lock(&g->lock);
              g->a++;
              g->b = g->a;
              spin_unlock(&g->lock);
              return g->b;
            }
            SEC("tc") int jump(void *ctx) { tail_call(ctx, &jumps, 1); return 99; }
            char LICENSE[] SEC("license") = "GPL";
            """;

    @Test
    void timersLocksAndTailCallsWork() throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/clang")), "clang is not installed");
        Files.writeString(folder.resolve("t.c"), SOURCE);
        var process = new ProcessBuilder("clang", "-g", "-O2", "-target", "bpf", "-c", "t.c", "-o", "t.o")
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        var messages = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), messages);
        var elf = ElfObject.parse(Files.readAllBytes(folder.resolve("t.o")), "t");
        try (var machine = new Machine(Machine.Config.ofCpus(1));
                var object = VmObject.load(machine, elf, LoadOptions.DEFAULT);
                var cpu = new VmCpu(machine, KernelServices.detached());
                var packet = new Packet(machine, skep.isa.kernel.ProgramType.SCHED_CLS)) {
            packet.load(new byte[64]);
            cpu.setPacket(packet);
            assertEquals(0, object.program("start").run(cpu, packet.context()));
            assertEquals(1, machine.timers().runDue(cpu));
            assertEquals(11, object.map("t.bss").entries().getFirst().value()[0]);
            assertEquals(1, object.map("timed").entries().getFirst().value()[0]);
            for (int i = 1; i <= 3; i++) {
                assertEquals(i, object.program("guard").run(cpu, packet.context()));
            }
            assertEquals(0, object.map("shared").entries().getFirst().value()[0], "the lock is not shown");
            assertEquals(99, object.program("jump").run(cpu, packet.context()));
            object.map("jumps")
                    .update(
                            new byte[] {1, 0, 0, 0},
                            new byte[] {(byte) object.program("guard").id(), 0, 0, 0},
                            0);
            assertEquals(4, object.program("jump").run(cpu, packet.context()));
            assertTrue(machine.timers().nextNanos().isEmpty());
        }
    }
}
