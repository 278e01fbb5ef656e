package skep.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * How many {@code printf} events a second come through, and what they cost, beside bpftrace: the claim "200,000 a second without
 * loss". A program makes system calls at a given rate; each tracer in turn prints a line for each, into a file. What is
 * told: the lines that arrived, how long the traced program needed for what should take the given seconds (a tracer that is in its
 * way slows it down), and the processor time of tracer and program together.
 *
 * <pre>java -cp … skep.bench.EventRate [--rate N] [--seconds N] [--rounds N]      as root, in the project's folder</pre>
 */
public final class EventRate {
    private static final Path WORKLOAD = Path.of("bench/src/main/workload/paced.c");
    private static final String SCRIPT =
            "tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { printf(\"%d %s %d\\n\", pid, comm, nsecs); }";
    private static final Pattern TRACED = Pattern.compile("paced: (\\d+) calls in ([0-9.]+) s");
    private static final Pattern PROCESSOR = Pattern.compile("processor: ([0-9.]+) ([0-9.]+)");

    private EventRate() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        int rate = 200_000;
        int seconds = 5;
        int rounds = 3;
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            int value = Integer.parseInt(arguments[i + 1]);
            switch (arguments[i]) {
                case "--rate" -> rate = value;
                case "--seconds" -> seconds = value;
                case "--rounds" -> rounds = value;
                default -> throw new IllegalArgumentException(arguments[i]);
            }
        }
        var folder = Files.createTempDirectory("event-rate");
        var program = folder.resolve("paced");
        run(List.of("cc", "-O2", "-o", program.toString(), WORKLOAD.toString()), folder);
        var work = program + " " + rate + " " + seconds;
        System.out.printf(
                "%-10s %10s %10s %8s %12s %14s%n",
                "tracer", "events", "lines", "lost %", "traced for s", "processor s");
        for (int round = 0; round < rounds; round++) {
            measure("skep", List.of("./skep", "-q", "-e", SCRIPT, "-c", work), folder);
            measure("bpftrace", List.of("bpftrace", "-q", "-e", SCRIPT, "-c", work), folder);
        }
    }

    private static void measure(String name, List<String> command, Path folder)
            throws IOException, InterruptedException {
        var timed =
                new java.util.ArrayList<>(List.of("bash", "-c", "TIMEFORMAT='processor: %U %S'; time \"$@\"", "time"));
        timed.addAll(command);
        var said = run(timed, folder);
        long lines;
        try (var text = Files.lines(folder.resolve("out"), StandardCharsets.UTF_8)) {
            lines = text.filter(line -> line.contains(" paced ")).count();
        }
        var traced = TRACED.matcher(said);
        var processor = PROCESSOR.matcher(said);
        if (!traced.find() || !processor.find()) {
            System.out.printf("%-10s failed: %s%n", name, said);
            return;
        }
        long events = Long.parseLong(traced.group(1));
        System.out.printf(
                Locale.ROOT,
                "%-10s %10d %10d %8.2f %12s %14.2f%n",
                name,
                events,
                lines,
                100.0 * (events - lines) / events,
                traced.group(2),
                Double.parseDouble(processor.group(1)) + Double.parseDouble(processor.group(2)));
    }

    /** Runs a command, its output into the file {@code out}; what it says on standard error. */
    private static String run(List<String> command, Path folder) throws IOException, InterruptedException {
        var errors = folder.resolve("err");
        var process = new ProcessBuilder(command)
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(errors.toFile())
                .start();
        process.waitFor();
        return Files.readString(errors);
    }
}
