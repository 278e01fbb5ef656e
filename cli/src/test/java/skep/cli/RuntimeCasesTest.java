package skep.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import skep.session.Targets;
import skep.target.TargetException;

/**
 * The peer's run-time cases, where they are present: programs run in process, command lines through a shell, on the live
 * kernel if this user may trace it. Prints the rate of each tier and why rows failed. Case names hold for
 * {@code -Dskep.case=TEXT}, which runs the rows whose name contains it and prints their output; {@code -Dskep.tiers=AB}
 * runs some tiers only.
 */
@Tag("slow")
class RuntimeCasesTest {
    /** The share of rows of the tiers that need nothing but a kernel which must pass. */
    private static final double REQUIRED = 0.95;

    /** The same of those that trace what happens on the machine. */
    private static final double REQUIRED_LIVE = 0.85;

    private static final int EXTRA_SECONDS = 5;

    @TempDir
    Path folder;

    /** What became of a row. */
    private record Outcome(RuntimeCase row, Optional<String> skipped, Optional<String> failed) {}

    @Test
    void rowsOfTheTiersWithoutTestProgramsPass() throws Exception {
        var file = Path.of(System.getProperty("skep.root", "."), "../shared/data/tracing-language/runtime_cases.jsonl");
        assumeTrue(Files.exists(file), "no run-time cases at " + file);
        assumeTrue(mayTrace(), "this user may not trace the live kernel");
        var wanted = System.getProperty("skep.case", "");
        // The command names its process so; here the rows run inside of another.
        Files.writeString(Path.of("/proc/self/comm"), OWN_NAME);
        var tracer = tracer();
        var programs = buildPrograms();
        var outcomes = new ArrayList<Outcome>();
        for (var line : Files.readAllLines(file)) {
            var row = RuntimeCase.of(line);
            var tier = row.tier().substring(0, 1);
            if (System.getProperty("skep.tiers", "ABCD").contains(tier)
                    && (row.group() + " " + row.name()).contains(wanted)) {
                var outcome = run(row, tracer, programs, !wanted.isEmpty());
                outcomes.add(outcome);
                // At once: a run that is ended early has told what it knows.
                outcome.failed().ifPresent(reason -> tell(row, reason));
            }
        }
        report(outcomes);
        var rate = rate(outcomes, "A", "B");
        assertTrue(!wanted.isEmpty() || rate >= REQUIRED, "tiers A and B: " + rate);
        var live = rate(outcomes, "C", "D");
        assertTrue(!wanted.isEmpty() || live >= REQUIRED_LIVE, "tiers C and D: " + live);
    }

    private static boolean mayTrace() {
        try {
            Targets.open(Targets.LIVE).close();
            return true;
        } catch (TargetException e) {
            return false;
        }
    }

    /** The programs that rows of tier D trace: our own of the same names, functions and values. Empty without a compiler. */
    private boolean buildPrograms() throws Exception {
        var sources = Path.of(System.getProperty("skep.root", "."), "cli/src/test/resources/programs")
                .toAbsolutePath();
        var script = """
                set -e
                mkdir -p testprogs testlibs external_debug
                for file in SOURCES/*.c; do
                  name=$(basename $file .c)
                  case $name in
                    lib*) gcc -g -shared -fPIC $file -o testlibs/$name.so; chmod -x testlibs/$name.so ;;
                    uprobe_nofp) gcc -g -O1 -fomit-frame-pointer $file -o testprogs/$name ;;
                    *) gcc -g -O0 -fno-omit-frame-pointer -pthread $file -o testprogs/$name ;;
                  esac
                done
                cp testprogs/usdt_test testprogs/usdt_test_copy
                objcopy --only-keep-debug testprogs/uprobe_test external_debug/uprobe_test.debug
                objcopy --strip-debug --add-gnu-debuglink=external_debug/uprobe_test.debug \\
                  testprogs/uprobe_test testprogs/uprobe_test-stripped
                """.replace("SOURCES", sources.toString());
        return shell(script, Map.of(), 60).status() == 0;
    }

    private Outcome run(RuntimeCase row, Path tracer, boolean programs, boolean verbose) throws Exception {
        var reason = row.tier().startsWith("D") ? skipReasonOfPrograms(row, programs) : skipReason(row);
        if (reason.isPresent()) {
            return new Outcome(row, reason, Optional.empty());
        }
        for (var script : row.scripts().entrySet()) {
            var path = folder.resolve(script.getKey());
            Files.createDirectories(path.getParent());
            Files.writeString(path, script.getValue());
        }
        for (var shell : List.of(row.setup(), Optional.<String>empty())) {
            if (shell.isPresent()) {
                shell(shell.get(), Map.of(), EXTRA_SECONDS);
            }
        }
        var failed = row.tier().startsWith("D") ? traced(row, tracer, verbose) : judge(row, tracer, verbose);
        if (row.cleanup().isPresent()) {
            shell(row.cleanup().get(), Map.of(), EXTRA_SECONDS);
        }
        return new Outcome(row, Optional.empty(), failed);
    }

    private static Optional<String> skipReason(RuntimeCase row) {
        if (row.needsTestPrograms() || row.command().orElse("").contains("./testprogs")) {
            return Optional.of("needs the peer's test programs");
        }
        if (!row.before().isEmpty() || row.after().orElse("").contains("pidof bpftrace")) {
            return Optional.of("needs another process");
        }
        boolean otherArch = !row.arch().isEmpty()
                && row.arch().stream().noneMatch(a -> a.contains("x86_64") || a.contains("little"));
        return otherArch ? Optional.of("for another architecture") : Optional.empty();
    }

    private static Optional<String> skipReasonOfPrograms(RuntimeCase row, boolean programs) {
        if (!programs) {
            return Optional.of("needs gcc for the programs it traces");
        }
        if (row.name().contains("DWP")) {
            return Optional.of("needs a package of split debugging information");
        }
        boolean otherArch = !row.arch().isEmpty()
                && row.arch().stream().noneMatch(a -> a.equals("x86_64") || a.equals("le") || a.startsWith("!"));
        return otherArch ? Optional.of("for another architecture") : Optional.empty();
    }

    /** Traces programs: some run before the tracer starts, one is started when it says that probes are attached. */
    private Optional<String> traced(RuntimeCase row, Path tracer, boolean verbose) throws Exception {
        var before = new ArrayList<Process>();
        for (var command : row.before()) {
            before.add(new ProcessBuilder(command.split(" "))
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start());
        }
        try {
            var command = commandLine(row, tracer, before);
            var environment = new java.util.HashMap<>(row.environment());
            var text = row.after()
                    .map(after -> "coproc tracer { exec 2>&1; " + command + "; }\n"
                            + "while read -r line <&${tracer[0]}; do echo \"$line\"; case $line in"
                            + " __BPFTRACE_NOTIFY_PROBES_ATTACHED) (" + after + ") >/dev/null 2>&1 & ;; esac; done")
                    .orElse(command);
            environment.put("__BPFTRACE_NOTIFY_PROBES_ATTACHED", "1");
            var finished = shell(text, environment, row.timeoutSeconds() + EXTRA_SECONDS);
            if (verbose) {
                System.out.println(text + "\n" + finished.output() + "status " + finished.status());
            }
            for (var expectation : row.expectations()) {
                var mismatch = expectation.mismatch(finished.output());
                if (mismatch.isPresent()) {
                    return Optional.of("wanted " + firstLine(mismatch.get()) + ", got " + telling(finished.output()));
                }
            }
            return Optional.empty();
        } finally {
            before.forEach(Process::destroyForcibly);
        }
    }

    private static String commandLine(RuntimeCase row, Path tracer, List<Process> before) {
        var command = row.command()
                .orElse("{{BPFTRACE}}" + (row.isJson() ? " -q -f json" : "") + " -e '"
                        + row.program().orElse("").replace("'", "'\\''") + "'")
                .replace("{{BPFTRACE}}", tracer.toString());
        return before.isEmpty()
                ? command
                : command.replace(
                        "{{BEFORE_PID}}", Long.toString(before.getFirst().pid()));
    }

    private Optional<String> judge(RuntimeCase row, Path tracer, boolean verbose) throws Exception {
        Finished finished;
        int seconds = row.timeoutSeconds() + EXTRA_SECONDS;
        if (row.command().isPresent() || !row.environment().isEmpty()) {
            var command = row.command()
                    .orElse("{{BPFTRACE}}" + (row.isJson() ? " -q -f json" : "") + " -e '"
                            + row.program().orElse("").replace("'", "'\\''") + "'")
                    .replace("{{BPFTRACE}}", tracer.toString());
            finished = shell(command, row.environment(), seconds);
        } else {
            finished = inProcess(row, seconds);
        }
        if (verbose) {
            System.out.println(row.program().or(row::command).orElse("") + "\n" + finished.output() + "status "
                    + finished.status());
        }
        if (finished.status() == TIMED_OUT) {
            return Optional.of("timed out: " + firstLine(finished.output()));
        }
        for (var expectation : row.expectations()) {
            var mismatch = expectation.mismatch(finished.output()).flatMap(_ -> named(expectation, finished.output()));
            if (mismatch.isPresent()) {
                return Optional.of("wanted " + firstLine(mismatch.get()) + ", got " + telling(finished.output()));
            }
        }
        boolean failed = finished.status() != 0;
        if (row.willFail() != failed && row.returnCode() == 0) {
            return Optional.of("status " + finished.status() + ": " + telling(finished.output()));
        }
        return Optional.empty();
    }

    /** What the tracer's thread is called, where the rows have {@code bpftrace}. */
    private static final String OWN_NAME = "skep";

    private static String named(String program) {
        return program.replace("comm == \"bpftrace\"", "comm == \"" + OWN_NAME + "\"");
    }

    private static Optional<String> named(RuntimeCase.Expectation expectation, String output) {
        return expectation.value().contains("bpftrace")
                ? new RuntimeCase.Expectation(
                                expectation.mode(), expectation.value().replace("bpftrace", OWN_NAME))
                        .mismatch(output)
                : Optional.of(expectation.mode() + " " + expectation.value().strip());
    }

    private static final int TIMED_OUT = 124;

    private record Finished(int status, String output) {}

    private static Finished inProcess(RuntimeCase row, int seconds) throws InterruptedException {
        var args = new ArrayList<String>();
        if (row.isJson()) {
            args.addAll(List.of("-q", "-f", "json"));
        } else if (row.expectations().stream().allMatch(e -> e.mode().equals("text_none"))) {
            // What must not be printed is meant of the script, not of the line that counts probes.
            args.add("-q");
        }
        args.addAll(
                List.of("--duration", seconds + "s", "-e", named(row.program().orElseThrow())));
        var both = new ByteArrayOutputStream();
        var stream = new PrintStream(both, true, StandardCharsets.UTF_8);
        Callable<Integer> main = () -> Main.run(args, new ByteArrayInputStream(new byte[0]), stream, stream);
        var executor = Executors.newSingleThreadExecutor();
        try {
            int status = executor.submit(main).get(seconds + EXTRA_SECONDS, TimeUnit.SECONDS);
            return new Finished(status, both.toString(StandardCharsets.UTF_8));
        } catch (ExecutionException e) {
            return new Finished(1, both.toString(StandardCharsets.UTF_8) + "THROWN " + e.getCause());
        } catch (TimeoutException e) {
            return new Finished(TIMED_OUT, both.toString(StandardCharsets.UTF_8));
        } finally {
            executor.shutdownNow();
        }
    }

    private Finished shell(String command, Map<String, String> environment, int seconds)
            throws IOException, InterruptedException {
        var output = folder.resolve("output");
        var builder = new ProcessBuilder(
                        "timeout", "-s", "INT", "-k", "2", Integer.toString(seconds), "/bin/bash", "-c", command)
                .directory(folder.toFile())
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        int status = builder.start().waitFor();
        return new Finished(status, Files.readString(output, StandardCharsets.ISO_8859_1));
    }

    /** A script that starts the command from this test's class path. */
    private Path tracer() throws IOException {
        var script = folder.resolve("skep");
        var java = ProcessHandle.current().info().command().orElse("java");
        Files.writeString(
                script,
                "#!/bin/sh\nexec '" + java
                        + "' -XX:+UseSerialGC -XX:TieredStopAtLevel=1 --enable-native-access=ALL-UNNAMED"
                        + " --sun-misc-unsafe-memory-access=allow -Xlog:disable -cp '"
                        + System.getProperty("java.class.path") + "' skep.cli.Main \"$@\"\n");
        assertTrue(script.toFile().setExecutable(true));
        return script;
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("");
    }

    /** The line that tells most: the first error, else the first that is no announcement. */
    private static String telling(String output) {
        return output.lines()
                .filter(line -> line.contains("ERROR") || line.contains("THROWN"))
                .findFirst()
                .or(() -> output.lines()
                        .filter(line -> !line.isBlank() && !line.startsWith("Attached"))
                        .findFirst())
                .orElse("nothing");
    }

    private static void tell(RuntimeCase row, String reason) {
        System.out.println("FAIL " + row.tier() + " | " + row.group() + " | " + row.name() + " | " + reason);
    }

    private static double rate(List<Outcome> outcomes, String... tiers) {
        var judged = outcomes.stream()
                .filter(outcome -> outcome.skipped().isEmpty())
                .filter(outcome -> List.of(tiers).contains(outcome.row().tier().substring(0, 1)))
                .toList();
        long passed =
                judged.stream().filter(outcome -> outcome.failed().isEmpty()).count();
        return judged.isEmpty() ? 1 : (double) passed / judged.size();
    }

    private static void report(List<Outcome> outcomes) {
        var byTier = new TreeMap<String, int[]>();
        var skips = new TreeMap<String, Integer>();
        for (var outcome : outcomes) {
            var counts = byTier.computeIfAbsent(outcome.row().tier(), _ -> new int[3]);
            counts[outcome.skipped().isPresent() ? 2 : outcome.failed().isPresent() ? 1 : 0]++;
            outcome.skipped().ifPresent(reason -> skips.merge(reason, 1, Integer::sum));
        }
        byTier.forEach((tier, counts) -> System.out.printf(
                "%-20s passed %3d, failed %3d, skipped %3d%n", tier, counts[0], counts[1], counts[2]));
        skips.forEach((reason, count) -> System.out.println("skipped " + count + ": " + reason));
    }
}
