package skep.vm.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import skep.elf.ElfException;
import skep.target.TargetException;
import skep.target.ToolCommand;
import skep.vm.RefusedProgramException;
import skep.vm.VmFault;

/** {@code skep vm bench}: times raw programs. Each timed batch runs on fresh memory contents only at its beginning. */
public final class BenchCommand implements ToolCommand {
    private static final String MEMORY = "--memory";
    private static final String SECONDS = "--seconds";
    private static final String VERIFY = "--verify";
    private static final double MAX_SECONDS = 3600;
    /** Times are processor time of this thread: what other processes take is not the program's. */
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private static final long BATCH_NANOS = 10_000_000;

    /**
     * The warm-up ends when nothing has become faster for so long, or after the maximum. On a busy machine HotSpot's compilers wait
     * as long as this thread does.
     */
    private static final long SETTLED_NANOS = 1_500_000_000;

    private static final long MAX_WARM_UP_NANOS = 8_000_000_000L;

    @Override
    public String name() {
        return "vm bench";
    }

    @Override
    public String summary() {
        return """
                times programs: files of 8-byte instructions, or object files
                usage: skep vm bench [--backend NAME] [--seconds S] [--memory FILE] [--verify yes|no] FILE…
                r1 points to the memory, r2 is its length; programs of object files get it as their packet. A program
                that the verifier accepts for that memory runs without tests, any other one, and each with --verify no,
                with a test of each access. Prints a line a program: nanoseconds a run (minimum and median), instructions
                a run, the result, the time to compile, and whether it was verified.
                """;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        try {
            var options = Options.parse(arguments, Set.of(Options.BACKEND, MEMORY, SECONDS, VERIFY));
            if (options.words().isEmpty()) {
                throw new IllegalArgumentException("a file of instructions is needed");
            }
            double seconds = seconds(options.value(SECONDS, "3"));
            boolean verify = switch (options.value(VERIFY, "yes")) {
                case "yes" -> true;
                case "no" -> false;
                default -> throw new IllegalArgumentException(VERIFY + " takes yes or no");
            };
            var memoryFile = options.value(MEMORY, "");
            var memory = memoryFile.isEmpty() ? new byte[0] : Files.readAllBytes(Path.of(memoryFile));
            var backend = options.backend();
            for (var file : options.words()) {
                try (var subject = BenchSubject.open(backend, Path.of(file), memory, verify)) {
                    out.println(file + ": " + measure(subject, seconds));
                }
            }
            return 0;
        } catch (RefusedProgramException | VmFault | ElfException | TargetException failure) {
            err.println("vm bench: " + failure.getMessage());
            return 1;
        } catch (IllegalArgumentException e) {
            err.println("vm bench: " + e.getMessage());
            return 2;
        } catch (IOException e) {
            err.println("vm bench: cannot read " + e.getMessage());
            return 2;
        }
    }

    private static double seconds(String text) {
        try {
            double seconds = Double.parseDouble(text);
            if (seconds >= 0 && seconds <= MAX_SECONDS) {
                return seconds;
            }
        } catch (NumberFormatException _) {
            // said below
        }
        throw new IllegalArgumentException(SECONDS + " takes a number from 0 to " + MAX_SECONDS + ", not " + text);
    }

    private static String measure(BenchSubject subject, double seconds) {
        subject.reset();
        long r0 = subject.run();
        var timer = new Timer(subject);
        timer.warmUp();
        var perRun = new ArrayList<Double>();
        long end = System.nanoTime() + (long) (seconds * 1e9);
        while (System.nanoTime() < end || perRun.size() < 3) {
            perRun.add(timer.batch());
        }
        perRun.sort(null);
        var insns = subject.insns().isPresent()
                ? String.format(
                        Locale.ROOT,
                        "%d insns, %.2f ns an insn",
                        subject.insns().getAsLong(),
                        perRun.getFirst() / subject.insns().getAsLong())
                : "insns not counted";
        return String.format(
                Locale.ROOT,
                "%.1f ns a run minimum, %.1f median, %s, r0 0x%x, compiled in %.2f ms, %s",
                perRun.getFirst(),
                perRun.get(perRun.size() / 2),
                insns,
                r0,
                subject.compileNanos() / 1e6,
                subject.mode());
    }

    /** Runs a program in batches long enough to be timed. */
    private static final class Timer {
        private final BenchSubject subject;
        private long runs = 1;

        Timer(BenchSubject subject) {
            this.subject = subject;
        }

        /** Runs until HotSpot has nothing more to gain: no batch has been faster for a while. */
        void warmUp() {
            long start = THREADS.getCurrentThreadCpuTime();
            long improved = start;
            double best = Double.MAX_VALUE;
            for (long now = start; now - improved < SETTLED_NANOS && now - start < MAX_WARM_UP_NANOS; ) {
                double nanos = batch();
                now = THREADS.getCurrentThreadCpuTime();
                if (nanos < 0.95 * best) {
                    best = nanos;
                    improved = now;
                }
            }
        }

        /** Nanoseconds a run, of one batch on fresh memory. */
        double batch() {
            subject.reset();
            long start = THREADS.getCurrentThreadCpuTime();
            subject.run(runs);
            long nanos = THREADS.getCurrentThreadCpuTime() - start;
            double perRun = (double) nanos / runs;
            if (nanos < BATCH_NANOS) {
                runs *= 2;
            }
            return perRun;
        }
    }
}
