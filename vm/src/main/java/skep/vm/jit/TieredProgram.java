package skep.vm.jit;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import skep.vm.Executable;
import skep.vm.RefusedProgramException;
import skep.vm.VmCpu;

/** A program that is interpreted until it has run often or long enough, then compiled. */
final class TieredProgram implements Executable {
    /** Runs after which a program is hot. */
    private static final int HOT_RUNS = 200;

    /** Instructions after which it is, however few the runs. */
    private static final long HOT_INSNS = 100_000;

    /** One thread compiles for all programs, below the priority of those that run them. */
    private static final ExecutorService COMPILER = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("skep-jit").priority(3).factory());

    private static final VarHandle HEAT = heat();

    private final Executable interpreted;
    private final Supplier<Executable> compiler;
    private volatile Executable current;
    private volatile boolean closed;
    /** Counted without synchronisation: a lost count delays compilation, nothing else. Negative once it is ordered. */
    private long heat;

    TieredProgram(Executable interpreted, Supplier<Executable> compiler) {
        this.interpreted = interpreted;
        this.compiler = compiler;
        this.current = interpreted;
    }

    private static VarHandle heat() {
        try {
            return MethodHandles.lookup().findVarHandle(TieredProgram.class, "heat", long.class);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public String backend() {
        return current.backend();
    }

    @Override
    public int codeSizeBytes() {
        return current.codeSizeBytes();
    }

    @Override
    public String dump() {
        return current.dump();
    }

    @Override
    public long call(VmCpu cpu, int slot, long a, long b, long c, long d, long e) {
        var executable = current;
        if (executable != interpreted) {
            return executable.call(cpu, slot, a, b, c, d, e);
        }
        long before = cpu.budget();
        long result = executable.call(cpu, slot, a, b, c, d, e);
        warm(before - cpu.budget());
        return result;
    }

    private void warm(long insns) {
        long warmer = heat + HOT_INSNS / HOT_RUNS + insns;
        if (heat < 0) {
            return;
        }
        heat = warmer;
        if (warmer >= HOT_INSNS && (long) HEAT.getAndSet(this, Long.MIN_VALUE) >= 0) {
            COMPILER.execute(this::compile);
        }
    }

    /** Compiles now, unless that has happened already. For tests, and for those who will not wait. */
    void compile() {
        if (closed || current != interpreted) {
            return;
        }
        try {
            var compiled = compiler.get();
            current = compiled;
            if (closed) {
                compiled.close();
            }
        } catch (RefusedProgramException refused) {
            // the interpreter goes on: what one backend cannot do the other has accepted
            heat = Long.MIN_VALUE;
        }
    }

    @Override
    public void close() {
        closed = true;
        var executable = current;
        if (executable != interpreted) {
            executable.close();
        }
        interpreted.close();
    }
}
