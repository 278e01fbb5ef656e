package skep.elf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import skep.btf.Btf;
import skep.btf.BtfBuilder;
import skep.btf.BtfException;
import skep.btf.BtfType;
import skep.isa.Assembler;
import skep.isa.Disassembler;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.MapSetup;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;

class ElfObjectTest {
    @TempDir
    Path folder;

    private static BpfObject example() {
        var code = Assembler.assemble("""
                r6 = r1
                r1 = map[fd:0]
                call 14
                call pc+sub
                r1 = subprog[twice]
                exit
                sub:
                r2 = map[fd:0]
                call pc+twice
                exit
                twice:
                r0 = 2
                exit
                """.replace("pc+sub", "sub").replace("pc+twice", "twice"));
        var lines = new LineTable(List.of(
                new LineTable.Entry(0, "a.c", 0, 1, 3, "int main() {"), new LineTable.Entry(8, "a.c", 0, 1, 9, "sub")));
        return new BpfObject(
                List.of(new ProgramSpec(
                        "main_prog",
                        ProgramType.TRACEPOINT,
                        Optional.empty(),
                        "raw_syscalls/sys_enter",
                        "GPL",
                        code,
                        List.of(new MapReference(1, "counts"), new MapReference(8, "counts")),
                        lines)),
                List.of(
                        new MapSpec("counts", MapType.HASH, 4, 8, 100, 0),
                        new MapSpec("events", MapType.RINGBUF, 0, 0, 4096, 0)));
    }

    @Test
    void whatIsWrittenIsReadBack() {
        var object = example();
        var bytes = ObjectWriter.write(object, Map.of("main_prog", "tracepoint/raw_syscalls/sys_enter"));
        var elf = ElfObject.parse(bytes, "x");
        var again = elf.relocated(Optional.empty());
        assertEquals(object.maps(), again.maps());
        var program = again.programs().getFirst();
        assertEquals(Disassembler.text(object.programs().getFirst().code()), Disassembler.text(program.code()));
        assertEquals(object.programs().getFirst().mapReferences(), program.mapReferences());
        assertEquals("raw_syscalls/sys_enter", program.attachTo());
        assertEquals("GPL", program.license());
        assertEquals("int main() {", program.lines().at(3).orElseThrow().text());
        assertEquals("sub", program.lines().at(9).orElseThrow().text());
        assertArrayEquals(bytes, ObjectWriter.write(object, elf.sections()), "the same object, the same bytes");
    }

    @Test
    void sectionNamesSayWhatAProgramIs() {
        var table = Map.of(
                "kprobe/vfs_read", "KPROBE  vfs_read kprobe:vfs_read",
                "kretprobe/vfs_read", "KPROBE  vfs_read kretprobe:vfs_read",
                "tp/sched/sched_switch", "TRACEPOINT  sched/sched_switch tracepoint:sched:sched_switch",
                "raw_tp/sched_switch", "RAW_TRACEPOINT  sched_switch rawtracepoint:sched_switch",
                "fentry/vfs_read", "TRACING TRACE_FENTRY vfs_read fentry:vfs_read",
                "fexit.s/vfs_read", "TRACING TRACE_FEXIT vfs_read fexit:vfs_read",
                "xdp", "XDP XDP  ",
                "?tc", "SCHED_CLS   ",
                "cgroup_skb/ingress", "CGROUP_SKB CGROUP_INET_INGRESS  ",
                "lsm/file_open", "LSM LSM_MAC file_open lsm:file_open");
        table.forEach((name, expected) -> {
            var section = SectionName.of(name).orElseThrow(() -> new AssertionError(name));
            var found = section.type() + " "
                    + section.attachType().map(AttachType::name).orElse("") + " " + section.attachTo() + " "
                    + section.probe().map(p -> p.displayName()).orElse("");
            assertEquals(expected, found, name);
        });
        assertTrue(SectionName.of("nonsense").isEmpty());
        assertTrue(SectionName.of("xdpx").isEmpty());
    }

    private byte[] compile(String source) throws IOException, InterruptedException {
        var clang = List.of("clang", "clang-14", "clang-16", "clang-18").stream()
                .filter(name -> List.of("/usr/bin", "/usr/local/bin").stream()
                        .anyMatch(dir -> Files.isExecutable(Path.of(dir, name))))
                .findFirst();
        assumeTrue(clang.isPresent(), "clang is not installed: objects made by a compiler are not tested");
        var file = folder.resolve("a.bpf.c");
        var out = folder.resolve("a.bpf.o");
        Files.writeString(file, source);
        var process = new ProcessBuilder(
                        clang.get(), "-g", "-O2", "-target", "bpf", "-c", file.toString(), "-o", out.toString())
                .redirectErrorStream(true)
                .start();
        var messages = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), messages);
        return Files.readAllBytes(out);
    }

    private static final String SOURCE = """
            typedef unsigned int u32;
            typedef unsigned long long u64;
            #define SEC(n) __attribute__((section(n), used))
            #define __uint(name, val) int (*name)[val]
            #define __type(name, val) typeof(val) *name
            struct { __uint(type, 1); __uint(max_entries, 128); __type(key, u32); __type(value, u64); } counts SEC(".maps");
            struct inner { __uint(type, 2); __uint(max_entries, 1); __type(key, u32); __type(value, u32); } one SEC(".maps");
            struct { __uint(type, 12); __uint(max_entries, 2); __type(key, u32);
                     __uint(value_size, 4); struct inner *values[]; } outer SEC(".maps") = { .values = { [1] = &one } };
            static void *(*lookup)(void *, const void *) = (void *)1;
            static void *(*current)(void) = (void *)35;
            static long (*loop)(u32, void *, void *, u64) = (void *)181;
            static long (*probe_read_kernel)(void *, u32, const void *) = (void *)113;
            const volatile u32 wanted = 7;
            u64 total = 3;
            u64 zeroed;
            struct task_struct___mine { int pid; int tgid; char comm[16]; long absent; int bits : 3; }
                __attribute__((preserve_access_index));
            enum colour { RED = 5, GREEN = 6 };
            static __attribute__((noinline)) int twice(u32 x) { return x * wanted; }
            static long each(u32 i, void *context) { total += i; return 0; }
            SEC("tracepoint/raw_syscalls/sys_enter") int count(void *ctx) {
              struct task_struct___mine *t = current();
              int tgid = 0;
              probe_read_kernel(&tgid, 4, __builtin_preserve_access_index(&t->tgid));
              if (__builtin_preserve_field_info(t->absent, 2)) tgid += 100;
              if (__builtin_preserve_field_info(t->bits, 2)) tgid += __builtin_preserve_field_info(t->bits, 5);
              tgid += __builtin_preserve_enum_value(*(enum colour *)GREEN, 1);
              loop(3, each, 0, 0);
              zeroed += 2;
              u32 key = tgid;
              u64 *v = lookup(&counts, &key);
              return twice(v ? *v : tgid);
            }
            char LICENSE[] SEC("license") = "GPL";
            """;

    /** Types of a kernel in which everything lies elsewhere. */
    private static Btf kernel() {
        var builder = new BtfBuilder();
        int integer = builder.add(BtfType.Int.signed("int", 4));
        int bytes = builder.add(new BtfType.Array(integer, integer, 30));
        var anonymous = builder.add(new BtfType.Struct("", 8, List.of(BtfType.Member.at("tgid", integer, 4))));
        builder.add(new BtfType.Struct(
                "task_struct",
                200,
                List.of(
                        BtfType.Member.at("stack", bytes, 0),
                        BtfType.Member.at("", anonymous, 120),
                        BtfType.Member.at("pid", integer, 128),
                        new BtfType.Member("bits", integer, 8 * 132 + 5, 3))));
        builder.add(new BtfType.Enumeration("colour", 4, false, false, List.of(new BtfType.Enumerator("GREEN", 77))));
        return builder.build();
    }

    @Test
    void whatClangMakesIsLinkedAndRelocated() throws IOException, InterruptedException {
        var elf = ElfObject.parse(compile(SOURCE), "a");
        var maps = new HashMap<String, ElfObject.ElfMap>();
        elf.maps().forEach(m -> maps.put(m.spec().name(), m));
        var counts = maps.get("counts").spec();
        assertEquals(new MapSpec("counts", MapType.HASH, 4, 8, 128, 0), counts.with(MapSetup.NONE));
        var outer = maps.get("outer").spec().setup();
        assertEquals(MapType.ARRAY, outer.inner().orElseThrow().type());
        assertEquals(Map.of(1, "one"), outer.members());
        assertEquals(4, maps.get("a.rodata").spec().valueSizeBytes());
        assertArrayEquals(
                new byte[] {7, 0, 0, 0},
                maps.get("a.rodata").spec().setup().contents().orElseThrow().bytes());
        assertEquals(
                3, maps.get("a.data").spec().setup().contents().orElseThrow().bytes()[0]);
        assertTrue(maps.get("a.bss").spec().setup().contents().isEmpty());

        var program = elf.relocated(Optional.of(kernel())).programs().getFirst();
        var text = Disassembler.text(program.code());
        assertTrue(text.contains("r0 += 124") || text.contains("= 124"), "the offset of tgid\n" + text);
        assertTrue(text.contains("77"), "the value of GREEN\n" + text);
        assertTrue(text.contains("subprog["), "the callback\n" + text);
        assertTrue(text.lines().anyMatch(l -> l.contains("call pc+")), "the subprogram\n" + text);
        assertTrue(
                program.mapReferences().stream()
                        .map(MapReference::map)
                        .toList()
                        .containsAll(List.of("counts", "a.rodata", "a.data", "a.bss")),
                program.mapReferences().toString());
        assertTrue(program.lines().entries().stream().anyMatch(e -> e.text().startsWith("zeroed += 2")));
    }

    @Test
    void withoutTypesOfTheKernelRelocationsFail() throws IOException, InterruptedException {
        var elf = ElfObject.parse(compile(SOURCE), "a");
        var failure = assertThrows(ElfException.class, () -> elf.relocated(Optional.empty()));
        assertTrue(String.valueOf(failure.getMessage()).contains("task_struct"), failure.getMessage());
    }

    @Test
    void hostileFilesNeverDoMoreThanThrowOurException() {
        var good = ObjectWriter.write(example(), Map.of("main_prog", "xdp"));
        var random = new Random(3);
        for (int round = 0; round < 20_000; round++) {
            var bytes = good.clone();
            for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            int cut = random.nextInt(8) == 0 ? random.nextInt(bytes.length) : bytes.length;
            try {
                ElfObject.parse(java.util.Arrays.copyOf(bytes, cut), "x").relocated(Optional.empty());
            } catch (ElfException | BtfException expected) {
                assertTrue(String.valueOf(expected.getMessage()).length() > 5);
            }
        }
    }
}
