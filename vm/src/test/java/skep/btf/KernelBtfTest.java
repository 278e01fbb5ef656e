package skep.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Against the types of the kernel that the tests run on. */
class KernelBtfTest {
    private static final Path VMLINUX = Path.of("/sys/kernel/btf/vmlinux");

    private static Btf kernel() throws IOException {
        assumeTrue(Files.isReadable(VMLINUX), "this kernel publishes no BTF");
        return Btf.parse(Files.readAllBytes(VMLINUX));
    }

    @Test
    void everyTypeOfTheKernelIsReadAndWrittenBackTheSame() throws IOException {
        var btf = kernel();
        var copy = BtfBuilder.copyOf(btf).build();
        assertEquals(btf.endId(), copy.endId());
        for (int id = 1; id < btf.endId(); id++) {
            assertEquals(btf.type(id), copy.type(id));
        }
    }

    @Test
    void layoutsHoldTogether() throws IOException {
        var btf = kernel();
        int task = btf.find("task_struct", BtfKind.STRUCT).orElseThrow();
        var comm = btf.member(task, "comm").orElseThrow();
        assertEquals(16, btf.sizeBytes(comm.typeId()));
        assertEquals("char[16]", btf.cName(comm.typeId()));
        var pid = btf.member(task, "pid").orElseThrow();
        var tgid = btf.member(task, "tgid").orElseThrow();
        assertEquals(pid.offsetBytes() + 4, tgid.offsetBytes());
        assertTrue(btf.path(task, "se.load.weight").isPresent());
        assertTrue(btf.function("vfs_read").orElseThrow().parameters().size() == 4);
        assertEquals(
                "struct file *",
                btf.cName(btf.function("vfs_read")
                        .orElseThrow()
                        .parameters()
                        .getFirst()
                        .typeId()));
    }

    @Test
    void structsAreAsLargeAsTheirMembersNeed() throws IOException {
        var btf = kernel();
        btf.ids(BtfKind.STRUCT).forEach(id -> {
            var struct = (BtfType.Struct) btf.type(id);
            for (var member : struct.members()) {
                if (member.bitFieldBits() == 0) {
                    assertTrue(
                            member.offsetBits() / 8 + btf.sizeBytes(member.typeId()) <= struct.sizeBytes(),
                            () -> struct.name() + "." + member.name());
                }
            }
        });
    }
}
