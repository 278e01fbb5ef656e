package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.elf.ElfException;
import skep.elf.ElfObject;
import skep.events.embedded.EmbeddedProvider;
import skep.target.LoadOptions;
import skep.target.LoadedObject;
import skep.target.Target;
import skep.target.TargetException;
import skep.vm.inspect.VmInventory;

/** Objects that clang makes mean the same on the live kernel and on the embedded one. */
class ObjectFileTest {
    @TempDir
    Path folder;

    private static final String SOURCE = """
            typedef unsigned char u8; typedef unsigned int u32; typedef unsigned long long u64; typedef long long s64;
            #define SEC(n) __attribute__((section(n), used))
            #define __uint(name, val) int (*name)[val]
            #define __type(name, val) typeof(val) *name
            #define __array(name, val) typeof(val) *name[]
            #define __ksym __attribute__((section(".ksyms")))
            #define __kconfig __attribute__((section(".kconfig")))
            #define __weak __attribute__((weak))
            #define __hidden __attribute__((visibility("hidden")))
            #define __noinline __attribute__((noinline))
            struct bpf_spin_lock { u32 val; };
            struct bpf_timer { u64 a, b; } __attribute__((aligned(8)));
            struct guarded { struct bpf_spin_lock lock; u32 pad; u64 count; };
            struct { __uint(type, 2); __uint(max_entries, 1); __type(key, u32); __type(value, struct guarded); } locks SEC(".maps");
            struct inner { __uint(type, 2); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } first SEC(".maps");
            struct inner second SEC(".maps");
            struct { __uint(type, 12); __uint(max_entries, 4); __type(key, u32); __array(values, struct inner); }
              outer SEC(".maps") = { .values = { [0] = &first, [2] = &second } };
            struct { __uint(type, 29); __uint(map_flags, 1); __type(key, int); __type(value, u64); } per_task SEC(".maps");
            struct { __uint(type, 30); __uint(max_entries, 100); __uint(map_extra, 3); __uint(value_size, 8);  } bloom SEC(".maps");
            static void *(*lookup)(void *, const void *) = (void *)1;
            static u64 (*now)(void) = (void *)5;
            static u64 (*pid_tgid)(void) = (void *)14;
            static long (*lock_)(struct bpf_spin_lock *) = (void *)93;
            static long (*unlock_)(struct bpf_spin_lock *) = (void *)94;
            static long (*timer_init)(struct bpf_timer *, void *, u64) = (void *)169;
            static long (*timer_set_callback)(struct bpf_timer *, void *) = (void *)170;
            static long (*timer_start)(struct bpf_timer *, u64, u64) = (void *)171;
            static void *(*task_btf)(void) = (void *)158;
            static void *(*task_storage_get)(void *, void *, void *, u64) = (void *)156;
            static long (*push)(void *, const void *, u64) = (void *)87;
            static long (*tail_call)(void *, void *, u32) = (void *)12;
            extern int LINUX_KERNEL_VERSION __kconfig;
            extern int CONFIG_HZ __kconfig __weak;
            extern _Bool CONFIG_BPF_SYSCALL __kconfig __weak;
            extern u64 CONFIG_NO_SUCH_THING __kconfig __weak;
            extern const void schedule __ksym;
            extern const void no_such_symbol __ksym __weak;
            const volatile u32 wanted = 7;
            u64 total = 3;
            u64 version, hz, sysc, fired, address, missing = 9, local;
            struct pair { u64 a, b; };
            __noinline int sum(struct pair *p, int by) { if (!p) return -1; return p->a * by + p->b; }
            __noinline __hidden int twice(int x) { return x * wanted; }
            SEC("raw_tp/sys_enter") int on_enter(void *ctx) {
              u32 zero = 0, two = 2;
              void *in = lookup(&outer, &two);
              if (in) { u64 *v = lookup(in, &two); if (v) __sync_fetch_and_add(v, 1); }
              struct pair p = { total, 5 };
              local = sum(&p, 10) + twice(3);
              version = LINUX_KERNEL_VERSION; hz = CONFIG_HZ; sysc = CONFIG_BPF_SYSCALL;
              address = (u64)&schedule; missing = (u64)&no_such_symbol + CONFIG_NO_SUCH_THING;
              push(&bloom, &version, 0);
              return 0;
            }
            SEC("tc") int locked(void *ctx) {
             u32 zero = 0;
              struct guarded *g = lookup(&locks, &zero);
              if (g) { lock_(&g->lock); g->count++; unlock_(&g->lock); }
             return 0;
            }
            char LICENSE[] SEC("license") = "GPL";
            """;

    private static final String KFUNCS = """
            #define SEC(n) __attribute__((section(n), used))
            #define __ksym __attribute__((section(".ksyms")))
            extern void bpf_rcu_read_lock(void) __ksym;
            extern void bpf_rcu_read_unlock(void) __ksym;
            extern void bpf_no_such_kfunc(void) __ksym __attribute__((weak));
            unsigned long long locked;
            SEC("tp_btf/sys_enter") int enter(void *ctx) {
              bpf_rcu_read_lock();
              locked++;
              bpf_rcu_read_unlock();
              if (bpf_no_such_kfunc) bpf_no_such_kfunc();
              return 0;
            }
            char LICENSE[] SEC("license") = "GPL";
            """;

    private static final String ITERATORS = """
            #define SEC(n) __attribute__((section(n), used))
            #define __ksym __attribute__((section(".ksyms")))
            typedef unsigned long long u64;
            struct bpf_iter_num { u64 opaque; };
            struct bpf_iter_bits { u64 opaque[2]; };
            struct bpf_iter_task { u64 opaque[3]; };
            struct task_struct { int pid, tgid; } __attribute__((preserve_access_index));
            extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
            extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
            extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
            extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *words, unsigned count) __ksym;
            extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym;
            extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;
            extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task, unsigned flags) __ksym;
            extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
            extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
            extern void bpf_rcu_read_lock(void) __ksym;
            extern void bpf_rcu_read_unlock(void) __ksym;
            u64 numbers, bits, processes, threads, leaders, refused;
            SEC("tp_btf/sys_enter") int walk(void *ctx) {
              struct bpf_iter_num num; struct bpf_iter_bits bit; struct bpf_iter_task tasks;
              u64 words[2] = { 1ull << 63 | 2, 1 | 64 }; int *i; struct task_struct *t;
              bpf_iter_num_new(&num, 3, 6);
              while ((i = bpf_iter_num_next(&num))) numbers += *i;
              bpf_iter_num_destroy(&num);
              bpf_iter_bits_new(&bit, words, 2);
              while ((i = bpf_iter_bits_next(&bit))) bits += *i;
              bpf_iter_bits_destroy(&bit);
              refused = bpf_iter_bits_new(&bit, words, 0);
              while ((i = bpf_iter_bits_next(&bit))) bits += 1000;
              bpf_iter_bits_destroy(&bit);
              bpf_rcu_read_lock();
              bpf_iter_task_new(&tasks, 0, 0);
              while ((t = bpf_iter_task_next(&tasks))) { processes++; if (t->pid == t->tgid) leaders++; }
              bpf_iter_task_destroy(&tasks);
              bpf_iter_task_new(&tasks, 0, 1);
              while ((t = bpf_iter_task_next(&tasks))) threads++;
              bpf_iter_task_destroy(&tasks);
              bpf_rcu_read_unlock();
              return 0;
            }
            char LICENSE[] SEC("license") = "GPL";
            """;

    private static final String WALKS = """
            typedef unsigned int u32; typedef unsigned long long u64;
            #define SEC(n) __attribute__((section(n), used))
            #define __uint(name, val) int (*name)[val]
            #define __type(name, val) __typeof__(val) *name
            #define KEPT __attribute__((preserve_access_index))
            struct seq_file; struct bpf_map;
            struct bpf_iter_meta { struct seq_file *seq; u64 session_id; u64 seq_num; } KEPT;
            struct task_struct { int pid, tgid; } KEPT;
            struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } KEPT;
            struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; struct bpf_map *map; u32 *key; u64 *value; } KEPT;
            struct { __uint(type, 1); __uint(max_entries, 64); __type(key, u32); __type(value, u64); } counts SEC(".maps");
            struct { __uint(type, 2); __uint(max_entries, 2); __type(key, u32); __type(value, u32); } small SEC(".maps");
            static long (*seq_printf)(struct seq_file *, const char *, u32, const void *, u32) = (void *)126;
            u64 tasks_seen;
            SEC("iter/task") int tasks(struct bpf_iter__task *ctx) {
              static const char text[] = "last %d";
              u64 seen = ctx->meta->seq_num;
              if (ctx->task) tasks_seen++;
              else seq_printf(ctx->meta->seq, text, sizeof text, &seen, 8);
              return 0;
            }
            #ifndef TASKS_ONLY
            SEC("iter/bpf_map_elem") int elements(struct bpf_iter__bpf_map_elem *ctx) {
              static const char text[] = "%d=%d ";
              u32 *key = ctx->key; u64 *value = ctx->value;
              if (!key || !value) return 0;
              u64 pair[2] = { *key, *value };
              seq_printf(ctx->meta->seq, text, sizeof text, pair, 16);
              *value += 1;
              return 0;
            }
            #endif
            char LICENSE[] SEC("license") = "GPL";
            """;

    private ElfObject compile(String source) throws IOException, InterruptedException {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/clang")), "clang is not installed");
        Files.writeString(folder.resolve("x.c"), source);
        var process = new ProcessBuilder("clang", "-g", "-O2", "-target", "bpf", "-c", "x.c", "-o", "x.o")
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        var messages = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), messages);
        return ElfObject.parse(Files.readAllBytes(folder.resolve("x.o")), "x");
    }

    private static Target open(String name) {
        if (name.equals("embedded")) {
            return new EmbeddedProvider().open("");
        }
        try {
            return new LinuxTargetProvider().open("");
        } catch (TargetException refusal) {
            Assumptions.abort("Unsupported " + refusal.getMessage());
            throw refusal;
        }
    }

    private static long variable(ElfObject elf, LoadedObject loaded, String name) {
        for (var map : elf.maps()) {
            var slot = elf.variables(map).get(name);
            if (slot != null) {
                return ByteBuffer.wrap(loaded.map(map.spec().name())
                                .lookup(new byte[4])
                                .orElseThrow())
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getLong((int) slot.offsetBytes());
            }
        }
        throw new AssertionError(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"embedded", "linux"})
    void mapsInMapsGlobalDataAndKernelNamesAreThere(String name) throws IOException, InterruptedException {
        var elf = compile(SOURCE);
        try (var target = open(name);
                var loaded = target.load(elf.relocated(target.kernel()), LoadOptions.DEFAULT)) {
            loaded.runOnce("on_enter", new byte[16]);
            assertEquals(1, loaded.map("second").lookup(new byte[] {2, 0, 0, 0}).orElseThrow()[0]);
            assertEquals(0, loaded.map("first").lookup(new byte[] {2, 0, 0, 0}).orElseThrow()[0]);
            assertEquals(3 * 10 + 5 + 3 * 7, variable(elf, loaded, "local"), "functions that are judged alone");
            assertEquals(0, variable(elf, loaded, "missing"), "what is weak and not there is 0");
            assertTrue(variable(elf, loaded, "address") < 0, "a kernel address");
            var version = target.kernel().version();
            assertEquals(version.major(), variable(elf, loaded, "version") >> 16);
            assertThrows(
                    TargetException.class,
                    () -> loaded.map("x.rodata").update(new byte[4], new byte[4], 0),
                    "constants are frozen");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"embedded", "linux"})
    void kernelFunctionsAreCalledByTheirTypes(String name) throws IOException, InterruptedException {
        var elf = compile(KFUNCS);
        try (var target = open(name);
                var loaded = target.load(elf.relocated(target.kernel()), LoadOptions.DEFAULT)) {
            assertEquals(1, loaded.programs().size());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"embedded", "linux"})
    void whatCoReFindsNoFieldForMustNotBeReached(String name) throws IOException, InterruptedException {
        var elf = compile("""
                #define SEC(n) __attribute__((section(n), used))
                struct task_struct { int pid; int no_such_field; } __attribute__((preserve_access_index));
                unsigned long long seen;
                SEC("raw_tp/sys_enter") int enter(void *ctx) {
                  struct task_struct *task = (void *)((unsigned long long (*)(void))35)();
                  if (__builtin_preserve_field_info(task->no_such_field, 2)) seen = (unsigned long long)&task->no_such_field;
                  else seen = 5;
                  return 0;
                }
                char LICENSE[] SEC("license") = "GPL";
                """);
        try (var target = open(name);
                var loaded = target.load(elf.relocated(target.kernel()), LoadOptions.DEFAULT)) {
            loaded.runOnce("enter", new byte[16]);
            assertEquals(5, variable(elf, loaded, "seen"));
        }
    }

    @Test
    void iteratorsAndDynptrsRunOnTheEmbeddedKernel() throws IOException, InterruptedException {
        var elf = compile(ITERATORS);
        try (var target = open("embedded");
                var loaded = target.load(elf.relocated(target.kernel()), LoadOptions.DEFAULT)) {
            loaded.runOnce("walk", new byte[16]);
            assertEquals(3 + 4 + 5, variable(elf, loaded, "numbers"));
            assertEquals(1 + 63 + 64 + 70, variable(elf, loaded, "bits"));
            assertEquals(-22, variable(elf, loaded, "refused"), "no words to walk");
            long processes = variable(elf, loaded, "processes");
            assertTrue(processes > 3, processes + " processes");
            assertTrue(variable(elf, loaded, "threads") >= processes, "every process has a thread");
            assertEquals(processes, variable(elf, loaded, "leaders"), "a process is told by the thread that leads it");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"embedded", "linux"})
    void iteratorsWalkTasks(String name) throws IOException, InterruptedException {
        var elf = compile("#define TASKS_ONLY\n" + WALKS);
        try (var target = open(name);
                var loaded = target.load(elf.relocated(target.kernel()), LoadOptions.DEFAULT)) {
            var text = new String(loaded.iterate("tasks", Optional.empty()));
            assertEquals("last " + (variable(elf, loaded, "tasks_seen") - 1), text);
        }
    }

    @Test
    void iteratorsWalkElementsOfMaps() throws IOException, InterruptedException {
        var elf = compile(WALKS);
        try (var target = open("embedded");
                var loaded = target.load(elf.relocated(target.kernel()), LoadOptions.DEFAULT)) {
            loaded.map("counts").update(new byte[] {5, 0, 0, 0}, new byte[] {9, 0, 0, 0, 0, 0, 0, 0}, 0);
            assertEquals("5=9 ", new String(loaded.iterate("elements", Optional.of("counts"))));
            assertEquals(
                    "5=10 ",
                    new String(loaded.iterate("elements", Optional.of("counts"))),
                    "values are written in place");
            var refusal = assertThrows(TargetException.class, () -> loaded.iterate("elements", Optional.of("small")));
            assertTrue(String.valueOf(refusal.getMessage()).contains("shorter"), refusal.getMessage());
            assertThrows(TargetException.class, () -> loaded.iterate("elements", Optional.empty()), "a map is needed");
        }
    }

    @Test
    void typedProgramsAreShownAsTheEmbeddedKernelLoadsThem() throws IOException, InterruptedException {
        compile(WALKS);
        var file = folder.resolve("x.o").toString();
        try (var inventory = new VmInventory.Provider().open(file)) {
            assertEquals(
                    List.of("tasks", "elements"),
                    inventory.programs().stream().map(row -> row.name()).toList());
        }
    }

    @Test
    void aKernelFunctionThatTheEmbeddedKernelLacksIsNamed() throws IOException, InterruptedException {
        var elf = compile(KFUNCS.replace("bpf_rcu_read_lock", "bpf_arena_alloc_pages"));
        try (var target = open("embedded")) {
            var refusal = assertThrows(ElfException.class, () -> elf.relocated(target.kernel()));
            assertTrue(
                    String.valueOf(refusal.getMessage()).contains("bpf_arena_alloc_pages, since an arena"),
                    refusal.getMessage());
        }
    }
}
