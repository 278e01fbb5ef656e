package skep.events.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import skep.isa.kernel.Arch;

/** What the model's {@code /proc}, {@code /sys} and tracefs say is what happened in it. */
class SystemFilesTest {
    private static String read(Observed observed, String path) {
        return new String(
                observed.kernel.files.read(path).orElseThrow(() -> new AssertionError("no file " + path)),
                StandardCharsets.UTF_8);
    }

    /** The numbers of a line that begins with a word. */
    private static long sum(String text, String first) {
        return text.lines()
                .map(line -> List.of(line.strip().split("\\s+")))
                .filter(words -> words.getFirst().equals(first))
                .flatMap(words -> words.stream().skip(1))
                .filter(word -> word.matches("\\d+"))
                .mapToLong(Long::parseLong)
                .sum();
    }

    private static Task task(Observed observed, String name) {
        return observed.kernel.processes.all().values().stream()
                .filter(task -> task.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @EnumSource(Arch.class)
    void whatAFolderListsIsThere(Arch arch) {
        try (var observed = Observed.of(arch).run(200)) {
            var folders = new ArrayList<>(List.of("/proc", "/sys"));
            int files = 0;
            for (int i = 0; i < folders.size(); i++) {
                var folder = folders.get(i);
                for (var name : observed.kernel.files.list(folder).orElseThrow()) {
                    var path = folder + "/" + name;
                    // of many alike one is enough
                    if (path.startsWith("/sys/kernel/debug/tracing")
                            || path.matches("/proc/\\d+/.*")
                                    && !path.startsWith("/proc/" + task(observed, "systemd").tid)) {
                        continue;
                    }
                    boolean isFolder = observed.kernel.files.list(path).isPresent();
                    if (isFolder) {
                        folders.add(path);
                    } else {
                        assertTrue(
                                observed.kernel.files.read(path).isPresent()
                                        || observed.kernel.files.link(path).isPresent(),
                                path);
                        files++;
                    }
                }
                assertTrue(folders.size() < 20_000, "folders without an end");
            }
            assertTrue(files > 500, files + " files");
        }
    }

    @ParameterizedTest
    @EnumSource(Arch.class)
    void countsOfFilesAreWhatTracersSee(Arch arch) {
        long[] seen = new long[3];
        var options = "scenario=web-server" + (arch == Arch.ARM64 ? "" : ",arch=x86-64");
        try (var observed = new Observed(options)) {
            observed.event("irq", "softirq_entry", (point, f) -> seen[0] += f.field(point, "vec") == 3 ? 1 : 0)
                    .event("irq", "irq_handler_entry", (point, f) -> seen[1] += f.field(point, "irq") == 60 ? 1 : 0)
                    .event("sched", "sched_switch", (point, f) -> seen[2]++)
                    .run(2000);
            assertTrue(seen[0] > 100 && seen[1] > 10, Arrays.toString(seen));
            assertEquals(seen[0], sum(read(observed, "/proc/softirqs"), "NET_RX:"));
            assertEquals(seen[1], sum(read(observed, "/proc/interrupts"), "60:"));
            assertEquals(seen[2], sum(read(observed, "/proc/stat"), "ctxt"));
        }
    }

    @Test
    void socketsAreListedWithAddressStateAndOwner() {
        try (var observed = new Observed("scenario=web-server").run(1000)) {
            var listening = read(observed, "/proc/net/tcp")
                    .lines()
                    .filter(line -> line.contains("00000000:0050 00000000:0000 0A"))
                    .toList();
            assertEquals(1, listening.size(), listening.toString());
            assertTrue(read(observed, "/proc/net/tcp6").lines().anyMatch(line -> line.contains(":0050 ")));
        }
    }

    @Test
    void aSleepingTaskSaysWhereItSleeps() {
        try (var observed = new Observed("scenario=idle").run(500)) {
            var folder = "/proc/" + task(observed, "systemd").tid + "/";
            assertEquals("do_nanosleep", read(observed, folder + "wchan"));
            var stack = read(observed, folder + "stack").lines().toList();
            assertTrue(stack.getFirst().startsWith("[<0>] __schedule+0x"), stack.toString());
            assertTrue(
                    stack.stream().anyMatch(line -> line.contains("__arm64_sys_clock_nanosleep+")), stack.toString());
        }
    }

    @Test
    void theFolderOfAControlGroupHasItsIdAsInodeNumber() {
        try (var observed = new Observed("").run(100)) {
            var kernel = observed.kernel;
            var node = task(observed, "node").process;
            var path = "/sys/fs/cgroup" + kernel.containers.path(node.cgroupId);
            assertEquals(node.cgroupId, kernel.files.status(path).orElseThrow().inode());
            assertTrue(read(observed, path + "/cgroup.procs").lines().anyMatch(String.valueOf(node.pid)::equals));
        }
    }

    @Test
    void servicesHoldProgramsThatTheyLoaded() {
        try (var observed = new Observed("scenario=idle").run(10)) {
            var folder = "/proc/" + task(observed, "systemd").tid + "/fd";
            var kinds = observed.kernel.files.list(folder).orElseThrow().stream()
                    .map(number ->
                            observed.kernel.files.link(folder + "/" + number).orElse(""))
                    .filter(link -> link.startsWith("anon_inode:bpf-"))
                    .toList();
            assertEquals(
                    List.of("anon_inode:bpf-prog", "anon_inode:bpf-map", "anon_inode:bpf-link"),
                    kinds.stream().distinct().toList());
        }
    }

    @ParameterizedTest
    @EnumSource(Arch.class)
    void membersThatWereRenamedAreFoundUnderBothNames(Arch arch) {
        try (var observed = Observed.of(arch)) {
            var types = new EmbeddedKernelInfo(observed.kernel).types().orElseThrow();
            int id = types.find("renamedata", skep.btf.BtfKind.STRUCT).orElseThrow();
            assertEquals(
                    types.path(id, "old_mnt_idmap").orElseThrow().offsetBytes(),
                    types.path(id, "old_mnt_userns").orElseThrow().offsetBytes());
        }
    }
}
