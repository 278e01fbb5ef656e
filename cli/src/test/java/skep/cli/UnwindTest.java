package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import skep.linux.agent.AgentImage;
import skep.session.Session;
import skep.session.SessionOptions;
import skep.session.Targets;
import skep.session.view.TextRenderer;
import skep.target.Target;
import skep.target.TargetException;

/** Stacks of programs without frame pointers, through a library that has none either. */
class UnwindTest {
    /** {@code work} calls {@code getppid} from a comparison that {@code qsort} makes, {@code 7} times with three numbers or so. */
    private static final String PROGRAM = """
            #include <stdlib.h>
            #include <unistd.h>
            static volatile int sink;
            __attribute__((noinline)) int leaf(int n) { char room[100]; for (int i = 0; i < 100; i++) room[i] = n + i;
                sink += room[n & 31]; getppid(); return sink; }
            __attribute__((noinline)) int middle(int n) { return leaf(n) + 1; }
            __attribute__((noinline)) int compare(const void *a, const void *b) { middle(1); return *(int *)a - *(int *)b; }
            __attribute__((noinline)) int outer(int n) { int v[2] = {3, n}; qsort(v, 2, sizeof(int), compare); return v[0]; }
            int main(void) { for (int i = 0; i < 5; i++) sink += outer(i); return 0; }
            """;

    private static final List<String> CALLS = List.of("leaf", "middle", "compare", "outer", "main");

    @TempDir
    Path folder;

    private Target live() {
        try {
            return Targets.open(Targets.LIVE);
        } catch (TargetException refused) {
            Assumptions.abort("this user may not trace the live kernel");
            throw refused;
        }
    }

    private Path program(String... options) throws Exception {
        var source = Files.writeString(folder.resolve("program.c"), PROGRAM);
        var binary = folder.resolve("program");
        var command = new java.util.ArrayList<>(List.of("cc", "-O2", "-fomit-frame-pointer"));
        command.addAll(List.of(options));
        command.addAll(List.of("-o", binary.toString(), source.toString()));
        Optional<Process> compiler;
        try {
            compiler = Optional.of(new ProcessBuilder(command).inheritIO().start());
        } catch (java.io.IOException missing) {
            compiler = Optional.empty();
        }
        Assumptions.assumeTrue(compiler.isPresent(), "no C compiler here");
        assertTrue(
                compiler.get().waitFor(60, TimeUnit.SECONDS) && compiler.get().exitValue() == 0);
        return binary;
    }

    private static String run(Target target, String script, Path command) {
        var renderer = new TextRenderer();
        var text = new StringBuilder();
        var options =
                SessionOptions.DEFAULT.withDuration(Duration.ofSeconds(30)).withCommand(command.toString());
        try (var session = Session.prepare(target, "stdin", script, options, view -> {
            if (!renderer.isForStandardError(view)) {
                text.append(renderer.render(view));
            }
        })) {
            session.run();
        }
        return text.toString();
    }

    private static String inOrder() {
        return "(?s).*"
                + String.join("\\+.*", CALLS.stream().map(c -> "\\b" + c).toList()) + "\\+.*";
    }

    @Test
    void dwUstackFindsTheCallersOfAProgramWithoutFramePointers() throws Exception {
        var script =
                "tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { @[dw_ustack] = count(); @n[dw_ustack(2), tid]++; }";
        try (var target = live()) {
            var said = run(target, script, program());
            assertTrue(said.matches(inOrder()), said);
            // The same stacks are one row, though each copy had its own key.
            assertEquals(
                    1,
                    Pattern.compile("\\]: 5\\b")
                            .matcher(said.substring(0, said.indexOf("@n[")))
                            .results()
                            .count(),
                    said);
            assertEquals(
                    1, Pattern.compile("(?m)^@n\\[").matcher(said).results().count(), said);
        }
    }

    @Test
    void itIsAValueToPrintAtAProbeOfTheProgramToo() throws Exception {
        var binary = program("-no-pie");
        var script = "uprobe:" + binary + ":leaf /pid == cpid/ { printf(\"%s|%d\\n\", dw_ustack, 7); exit(); }";
        try (var target = live()) {
            var said = run(target, script, binary);
            assertTrue(said.matches(inOrder()), said);
            assertTrue(said.contains("|7"), said);
        }
    }

    @Test
    void overAnAgentTheStacksOfEndedProcessesHaveNamesToo() throws Exception {
        var binary = program();
        byte[] image;
        try (var here = live()) {
            image = AgentImage.of(here.kernel().arch());
        }
        var agent = Files.write(folder.resolve("agent"), image);
        assertTrue(agent.toFile().setExecutable(true));
        // Names are asked for when the map is shown, after the end of the process.
        var script =
                "tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { @d[dw_ustack] = count(); @k[ustack(1)] = count(); }";
        try (var target = Targets.open("exec:" + agent)) {
            var said = run(target, script, binary);
            assertTrue(said.matches(inOrder()), said);
            assertTrue(said.substring(said.indexOf("@k[")).contains("getppid+"), said);
        }
    }

    @Test
    void theTableForDebuggersServesWhereThereIsNoOther() throws Exception {
        var binary = program("-g", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables");
        var script = "uprobe:" + binary + ":leaf /pid == cpid/ { print(dw_ustack(3)); exit(); }";
        try (var target = live()) {
            var said = run(target, script, binary);
            assertTrue(said.matches("(?s).*leaf\\+.*middle\\+.*compare\\+.*"), said);
        }
    }
}
