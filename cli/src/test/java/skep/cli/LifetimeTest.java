package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.session.Targets;
import skep.target.TargetException;

/** Whatever ends a tracer, nothing of it stays in the kernel. */
class LifetimeTest {
    private static final String SCRIPT = "tracepoint:sched:sched_process_exit { @[comm] = count(); } "
            + "tracepoint:syscalls:sys_enter_getppid { @n = count(); } profile:hz:9 { @p = count(); } END { printf(\"the end\\n\"); }";

    private static final int SECONDS = 60;

    @TempDir
    Path folder;

    /** The ids of the programs that a process holds descriptors of. */
    private static Set<Integer> programs(long pid) throws IOException {
        var ids = new HashSet<Integer>();
        try (var descriptors = Files.list(Path.of("/proc/" + pid + "/fdinfo"))) {
            for (var descriptor : descriptors.toList()) {
                try {
                    Files.readAllLines(descriptor).stream()
                            .filter(line -> line.startsWith("prog_id:"))
                            .forEach(line -> ids.add(Integer.valueOf(line.replaceAll("[^0-9]", ""))));
                } catch (IOException closedMeanwhile) {
                    // Then it is none of those that stay.
                }
            }
        }
        return ids;
    }

    private static Set<Integer> loaded() {
        try (var target = Targets.open(Targets.LIVE)) {
            var ids = new HashSet<Integer>();
            target.inventory().orElseThrow().programs().forEach(row -> ids.add(row.id()));
            return ids;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"INT", "TERM", "KILL"})
    void aTracerThatEndsBySignalLeavesNothing(String signal) throws Exception {
        try {
            Targets.open(Targets.LIVE).close();
        } catch (TargetException refused) {
            Assumptions.abort("this user may not trace the live kernel");
        }
        var output = folder.resolve("output");
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "skep.cli.Main",
                "-e",
                SCRIPT));
        var tracer = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
            while (!Files.readString(output).contains("Attached 4 probes")) {
                assertTrue(tracer.isAlive(), () -> "it ended by itself: " + output);
                assertTrue(System.nanoTime() < giveUp, Files.readString(output));
                Thread.sleep(50);
            }
            var own = programs(tracer.pid());
            assertFalse(own.isEmpty());
            assertTrue(loaded().containsAll(own));
            new ProcessBuilder("kill", "-" + signal, Long.toString(tracer.pid()))
                    .start()
                    .waitFor();
            assertTrue(tracer.waitFor(SECONDS, TimeUnit.SECONDS));
            var left = own;
            // The kernel frees what a killed process held a moment after it is gone.
            for (int i = 0; i < 1_200 && !left.isEmpty(); i++) {
                left = new HashSet<>(own);
                left.retainAll(loaded());
                Thread.sleep(50);
            }
            assertEquals(Set.of(), left);
            boolean killed = signal.equals("KILL");
            assertEquals(!killed, Files.readString(output).contains("the end"), Files.readString(output));
            assertEquals(killed ? 137 : 0, tracer.exitValue());
        } finally {
            tracer.destroyForcibly();
        }
    }
}
