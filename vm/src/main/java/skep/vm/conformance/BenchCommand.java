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
import skep.isa.Bytecode;
import skep.target.ToolCommand;
import skep.vm.Backend;
import skep.vm.Executable;
import skep.vm.KernelServices;
import skep.vm.Memory;
import skep.vm.RefusedProgramException;
import skep.vm.UnverifiedProgram;
import skep.vm.VmFault;

/** {@code skep vm bench}: times raw programs. Each timed batch runs on fresh memory contents only at its beginning. */
public final class BenchCommand implements ToolCommand {
    private static final String MEMORY = "--memory";
    private static final String SECONDS = "--seconds";
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
                times programs given as files of 8-byte instructions
                usage: skep vm bench [--backend NAME] [--seconds S] [--memory FILE] FILE…
                r1 points to the memory, r2 is its length. Prints a line a program: nanoseconds a run (minimum and
                median), instructions a run, the result and the time to compile.
                """;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        try {
            var options = Options.parse(arguments, Set.of(Options.BACKEND, MEMORY, SECONDS));
            if (options.words().isEmpty()) {
                throw new IllegalArgumentException("a file of instructions is needed");
            }
            double seconds = Double.parseDouble(options.value(SECONDS, "3"));
            var memoryFile = options.value(MEMORY, "");
            var memory = memoryFile.isEmpty() ? new byte[0] : Files.readAllBytes(Path.of(memoryFile));
            for (var file : options.words()) {
                var code = Bytecode.ofBytes(Files.readAllBytes(Path.of(file)));
                out.println(file + ": " + measure(options.backend(), code, memory, seconds));
            }
            return 0;
        } catch (RefusedProgramException | VmFault failure) {
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

    private static String measure(Backend backend, Bytecode code, byte[] contents, double seconds) {
        try (var machine = new TestMachine(UbpfHelpers.all(), KernelServices.detached(), 0);
                var memory = machine.lend(contents)) {
            long insns = countInsns(machine, code, memory.address(), contents);
            long start = System.nanoTime();
            try (var executable = backend.compile(new UnverifiedProgram("bench", code), machine.runtime())) {
                long compileNanos = System.nanoTime() - start;
                Memory.copy(contents, 0, memory.address(), contents.length);
                machine.cpu().setBudget(Long.MAX_VALUE);
                long r0 = executable.run(machine.cpu(), memory.address(), contents.length);
                var timer = new Timer(executable, machine, memory.address(), contents);
                timer.warmUp();
                var perRun = new ArrayList<Double>();
                long end = System.nanoTime() + (long) (seconds * 1e9);
                while (System.nanoTime() < end || perRun.size() < 3) {
                    perRun.add(timer.batch());
                }
                perRun.sort(null);
                return String.format(
                        Locale.ROOT,
                        "%.1f ns a run minimum, %.1f median, %d insns, %.2f ns an insn, r0 0x%x, compiled in %.2f ms",
                        perRun.getFirst(),
                        perRun.get(perRun.size() / 2),
                        insns,
                        perRun.getFirst() / insns,
                        r0,
                        compileNanos / 1e6);
            }
        }
    }

    private static long countInsns(TestMachine machine, Bytecode code, long memory, byte[] contents) {
        var program = new UnverifiedProgram("bench", code);
        try (var interpreted = Backend.named(Options.DEFAULT_BACKEND).compile(program, machine.runtime())) {
            machine.cpu().setBudget(RowRunner.MAX_INSNS);
            interpreted.run(machine.cpu(), memory, contents.length);
            return RowRunner.MAX_INSNS - machine.cpu().budget();
        }
    }

    /** Runs a program in batches long enough to be timed. */
    private static final class Timer {
        private final Executable executable;
        private final TestMachine machine;
        private final long address;
        private final byte[] contents;
        private long runs = 1;

        Timer(Executable executable, TestMachine machine, long address, byte[] contents) {
            this.executable = executable;
            this.machine = machine;
            this.address = address;
            this.contents = contents;
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
            Memory.copy(contents, 0, address, contents.length);
            var cpu = machine.cpu();
            cpu.setBudget(Long.MAX_VALUE);
            long start = THREADS.getCurrentThreadCpuTime();
            for (long i = 0; i < runs; i++) {
                executable.run(cpu, address, contents.length);
            }
            long nanos = THREADS.getCurrentThreadCpuTime() - start;
            double perRun = (double) nanos / runs;
            if (nanos < BATCH_NANOS) {
                runs *= 2;
            }
            return perRun;
        }
    }
}
