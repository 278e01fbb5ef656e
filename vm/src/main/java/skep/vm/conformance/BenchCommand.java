package skep.vm.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
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
    private static final long BATCH_NANOS = 10_000_000;

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
                var perRun = new ArrayList<Double>();
                long batch = 1;
                long end = System.nanoTime() + (long) (seconds * 1e9);
                while (System.nanoTime() < end || perRun.size() < 3) {
                    Memory.copy(contents, 0, memory.address(), contents.length);
                    machine.cpu().setBudget(Long.MAX_VALUE);
                    long nanos = time(executable, machine, memory.address(), contents.length, batch);
                    perRun.add((double) nanos / batch);
                    if (nanos < BATCH_NANOS) {
                        batch *= 2;
                    }
                }
                // The first half warms up: it is interpreted by the JVM and compiled meanwhile.
                var warm = new ArrayList<>(perRun.subList(perRun.size() / 2, perRun.size()));
                warm.sort(null);
                return String.format(
                        Locale.ROOT,
                        "%.1f ns a run minimum, %.1f median, %d insns, %.2f ns an insn, r0 0x%x, compiled in %.2f ms",
                        warm.getFirst(),
                        warm.get(warm.size() / 2),
                        insns,
                        warm.getFirst() / insns,
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

    private static long time(Executable executable, TestMachine machine, long memory, long length, long runs) {
        var cpu = machine.cpu();
        long start = System.nanoTime();
        for (long i = 0; i < runs; i++) {
            executable.run(cpu, memory, length);
        }
        return System.nanoTime() - start;
    }
}
