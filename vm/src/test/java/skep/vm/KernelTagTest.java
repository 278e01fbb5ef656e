package skep.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import skep.elf.ElfObject;
import skep.elf.ObjectWriter;
import skep.isa.Assembler;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;

/** Object files of ours loaded by bpftool into the kernel that the tests run on: it takes them, and has the same tags. */
class KernelTagTest {
    @TempDir
    Path folder;

    private static final List<String> PROGRAMS = List.of("r0 = 0\nexit\n", """
            r1 = 5
            *(u32 *)(r10 -4) = r1
            r2 = r10
            r2 += -4
            r1 = map[fd:0]
            call bpf_map_lookup_elem
            if r0 == 0 goto out
            r1 = *(u64 *)(r0 +0)
            call twice
            out:
            r0 = 0
            exit
            twice:
            r0 = r1
            r0 += r1
            exit
            """);

    @Test
    void tagsAreThoseOfThisKernel() throws IOException, InterruptedException {
        var tool = Path.of("/usr/sbin/bpftool");
        assumeTrue(Files.isExecutable(tool), "bpftool is not installed");
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may load programs");
        var version = Files.readString(Path.of("/proc/sys/kernel/osrelease")).split("[.-]");
        var kernel = new KernelVersion(Integer.parseInt(version[0]), Integer.parseInt(version[1]), 0);
        for (var text : PROGRAMS) {
            var bytes = ObjectWriter.write(object(text), Map.of("tagged", "socket"));
            var file = Files.write(folder.resolve("tagged.o"), bytes);
            var shown = load(tool, file);
            assumeTrue(!shown.contains("Operation not permitted"), "this machine does not allow it");
            var tag = Pattern.compile("tag ([0-9a-f]{16})").matcher(shown);
            assertTrue(tag.find(), shown);
            var code = ElfObject.parse(bytes, "tagged")
                    .relocated(Optional.empty())
                    .programs()
                    .getFirst()
                    .code();
            assertEquals(tag.group(1), ProgramTag.of(code, kernel), text);
        }
    }

    private static BpfObject object(String text) {
        var code = Assembler.assemble(text);
        var references = new ArrayList<MapReference>();
        for (int i = 0; i < code.size(); i++) {
            if (code.opcode(i) == 0x18) {
                references.add(new MapReference(i++, "counts"));
            }
        }
        var program = new ProgramSpec(
                "tagged", ProgramType.SOCKET_FILTER, Optional.empty(), "", "GPL", code, references, LineTable.EMPTY);
        return new BpfObject(List.of(program), List.of(new MapSpec("counts", MapType.HASH, 4, 8, 8, 0)));
    }

    /** In a mount namespace of its own, so that nothing is left behind. */
    private String load(Path tool, Path file) throws IOException, InterruptedException {
        var mount = Files.createDirectories(folder.resolve("fs"));
        var script = "mount -t bpf bpf %2$s && %1$s prog load %3$s %2$s/p && %1$s prog show pinned %2$s/p"
                .formatted(tool, mount, file);
        var process = new ProcessBuilder("unshare", "-m", "sh", "-c", script)
                .redirectErrorStream(true)
                .start();
        var output = new String(process.getInputStream().readAllBytes());
        process.waitFor();
        return output;
    }
}
