package skep.events.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.isa.kernel.Arch;

/** Programs that follow pointers from arguments find true values, at the offsets that the published types say. */
class KernelMemoryTest {
    /** Reads as a program would: types from KernelInfo, bytes from the helpers' services. */
    private static final class Eyes {
        private final EmbeddedServices services;
        private final Btf types;

        Eyes(Observed observed) {
            services = new EmbeddedServices(observed.kernel, 0);
            types = new EmbeddedKernelInfo(observed.kernel).types().orElseThrow();
        }

        long read(String struct, String path, long object) {
            var place = types.path(types.find(struct, BtfKind.STRUCT).orElseThrow(), path)
                    .orElseThrow();
            var bytes = new byte[8];
            int size = (int) types.sizeBytes(place.typeId());
            assertTrue(services.readKernel(object + place.offsetBytes(), bytes, size), struct + "." + path);
            return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        }

        String text(long address) {
            var text = new StringBuilder();
            var one = new byte[1];
            for (long at = address; services.readKernel(at, one, 1) && one[0] != 0; at++) {
                text.append((char) one[0]);
            }
            return text.toString();
        }
    }

    @ParameterizedTest
    @EnumSource(Arch.class)
    void theNameOfAFileIsFoundFromVfsRead(Arch arch) {
        var names = new HashSet<String>();
        try (var observed = Observed.of(arch)) {
            var eyes = new Eyes(observed);
            observed.entry("vfs_read", f -> {
                        long dentry = eyes.read("file", "f_path.dentry", f.argument(0));
                        if (dentry != 0) {
                            names.add(eyes.text(eyes.read("dentry", "d_name.name", dentry)));
                            assertEquals(
                                    eyes.read("file", "f_inode", f.argument(0)),
                                    eyes.read("dentry", "d_inode", dentry));
                        }
                    })
                    .run(500);
        }
        assertTrue(names.stream().anyMatch(n -> n.matches("page\\d+\\.html")), names.toString());
        assertTrue(names.contains("libc.so.6"), names.toString());
    }

    @ParameterizedTest
    @EnumSource(Arch.class)
    void theCurrentTaskSaysWhoItIs(Arch arch) {
        int[] checked = {0};
        try (var observed = Observed.of(arch)) {
            var eyes = new Eyes(observed);
            observed.entry("do_sys_openat2", f -> {
                        long task = observed.kernel.firing.current().address;
                        assertEquals(f.task().tid, (int) eyes.read("task_struct", "pid", task));
                        assertEquals(f.task().process.pid, (int) eyes.read("task_struct", "tgid", task));
                        assertEquals(f.task().name(), eyes.text(task + offset(eyes, "task_struct", "comm")));
                        long namespaces = eyes.read("task_struct", "nsproxy", task);
                        long mounts = eyes.read("nsproxy", "mnt_ns", namespaces);
                        assertTrue((int) eyes.read("mnt_namespace", "ns.inum", mounts) != 0);
                        assertEquals(f.cpu, (int) eyes.read("task_struct", "thread_info.cpu", task));
                        checked[0]++;
                    })
                    .run(500);
        }
        assertTrue(checked[0] > 100);
    }

    private static long offset(Eyes eyes, String struct, String path) {
        return eyes.types
                .path(eyes.types.find(struct, BtfKind.STRUCT).orElseThrow(), path)
                .orElseThrow()
                .offsetBytes();
    }

    @ParameterizedTest
    @EnumSource(Arch.class)
    void aBlockRequestLeadsToItsDisk(Arch arch) {
        int[] checked = {0};
        try (var observed = Observed.of(arch)) {
            var eyes = new Eyes(observed);
            observed.entry("blk_account_io_done", f -> {
                        long disk = eyes.read("request_queue", "disk", eyes.read("request", "q", f.argument(0)));
                        assertEquals("nvme0n1", eyes.text(disk + offset(eyes, "gendisk", "disk_name")));
                        assertEquals(259, (int) eyes.read("gendisk", "major", disk));
                        assertEquals(0, (int) eyes.read("request", "__data_len", f.argument(0)) % 4096);
                        checked[0]++;
                    })
                    .run(500);
        }
        assertTrue(checked[0] > 20);
    }

    @Test
    void whatIsNotMappedCannotBeRead() {
        try (var observed = new Observed("")) {
            var services = new EmbeddedServices(observed.kernel, 0);
            var bytes = new byte[8];
            assertFalse(services.readKernel(0, bytes, 8));
            assertFalse(services.readKernel(observed.kernel.addresses.linear(), bytes, 8));
            assertFalse(services.readKernel(observed.kernel.addresses.stacks() - 8, bytes, 8));
            assertFalse(services.readUser(0, bytes, 1));
            long task = observed.kernel.currentTask().address;
            assertTrue(services.readKernel(task, bytes, 8));
        }
    }

    @Test
    void freedPagesAreUnmappedAndMappedPagesReadAsTheyWereWritten() {
        var memory = new SparseMemory();
        var random = new Rng(1, "pages");
        var model = new java.util.HashMap<Long, Long>();
        var bytes = new byte[8];
        for (int i = 0; i < 20_000; i++) {
            long page = 0xffff_0000_0000_0000L + ((long) random.below(3000) << 12);
            switch (random.below(4)) {
                case 0 -> {
                    memory.unmap(page, 4096);
                    model.remove(page);
                }
                case 1 -> {
                    memory.map(page, 4096);
                    model.putIfAbsent(page, 0L);
                }
                default -> {
                    assertEquals(model.containsKey(page), memory.read(page + 8, bytes, 8));
                    if (model.containsKey(page)) {
                        assertEquals(
                                model.get(page),
                                ByteBuffer.wrap(bytes)
                                        .order(ByteOrder.LITTLE_ENDIAN)
                                        .getLong());
                        model.put(page, (long) i);
                        memory.putLong(page + 8, i);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Arch.class)
    void everyFunctionAndTracepointHasAType(Arch arch) {
        try (var observed = Observed.of(arch)) {
            var info = new EmbeddedKernelInfo(observed.kernel);
            var types = info.types().orElseThrow();
            for (var name : observed.kernel.symbols.probeableNames()) {
                assertTrue(types.function(name).isPresent(), name);
            }
            assertEquals(
                    "struct file *",
                    types.cName(types.function("vfs_read")
                            .orElseThrow()
                            .parameters()
                            .getFirst()
                            .typeId()));
            assertTrue(types.find("btf_trace_sched_switch", BtfKind.TYPEDEF).isPresent());
            assertTrue(types.struct("task_struct").orElseThrow().sizeBytes() > 4000);
        }
    }
}
