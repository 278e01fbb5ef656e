package skep.cli;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import skep.target.ToolCommand;

/** Runs what people start most, so that the cache of loaded and linked classes made from this run serves them all. */
final class Training {
    private static final String SCRIPT = """
            BEGIN { printf("%s %d\\n", comm, pid); @n = count(); @h = hist(5); @l = lhist(5, 0, 10, 1); print(@n); }
            interval:ms:1 { @[comm, pid] = sum(1); @s = stats(cpu); if (@x++ > 3) { clear(@x); exit(); } }
            END { delete(@l); print((1, "a")); time("%H:%M\\n"); }
            """;
    private static final String TRACE =
            "tracepoint:raw_syscalls:sys_enter /pid == cpid/ { @[args.id] = count(); @us = hist(nsecs % 1000); }";
    private static final String PROBE =
            "kprobe:vfs_read { @start[tid] = nsecs; } kretprobe:vfs_read /@start[tid]/ { @ns = hist(nsecs - @start[tid]); "
                    + "delete(@start[tid]); @[comm] = count(); printf(\"%d %s\\n\", pid, comm); }";

    // The kernel this machine runs refuses all of this to most users: then the embedded one alone trains the cache.
    private static final List<List<String>> COMMANDS = List.of(
            List.of("-h"),
            List.of("-e", "BEGIN { exit(); }"),
            List.of("-e", SCRIPT),
            List.of("-f", "json", "-e", SCRIPT),
            List.of("-e", TRACE, "-c", "true"),
            List.of("-e", "begin { undefined(); }"),
            List.of("--target", "embedded:speed=max", "--duration", "100ms", "-e", PROBE));

    private Training() {}

    /** @param args names of tools to train with; without, the tracing language is trained */
    public static void main(String[] args) {
        var out = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        InputStream in = new ByteArrayInputStream(new byte[0]);
        if (List.of(args).equals(List.of("repl"))) {
            in = new ByteArrayInputStream(PROMPT.getBytes(StandardCharsets.UTF_8));
            Main.run(List.of("repl", "--target", "embedded:speed=max"), in, out, System.err);
            return;
        }
        for (var command : args.length == 0 ? COMMANDS : runsOf(List.of(args))) {
            // A command that this machine refuses has still loaded the classes it came to.
            Main.run(command, in, out, System.err);
        }
    }

    private static final String PROMPT = """
            begin { @x = 1; exit(); }
            :py print(x.value)
            :js console.log(1)
            :java 1 + 1
            :bpf int f(void *ctx) { return 0; }
            """;

    private static List<List<String>> runsOf(List<String> tools) {
        return ServiceLoader.load(ToolCommand.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(tool -> tools.contains(tool.name()))
                .flatMap(tool -> tool.trainingRuns().stream().map(run -> {
                    var command = new ArrayList<>(List.of(tool.name().split(" ")));
                    command.addAll(run);
                    return List.copyOf(command);
                }))
                .toList();
    }
}
