package skep.arm64.exec;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.jspecify.annotations.Nullable;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.VmFault;

/**
 * Runs the code of verified programs in the JVM's own process, on an aarch64 machine: a downcall enters it, upcalls serve its helpers. Code is
 * written through one mapping and executed through another. What is not proved does not run here: a fault would end the JVM.
 */
@SuppressWarnings("restricted")
final class NativeHost implements CodeHost {
    private final Sites sites = new Sites();
    private final CodeSpace space;
    private final long toExecutable;
    private final Routines routines;
    private final MethodHandle enter;
    private final MethodHandle maintain;
    private @Nullable VmCpu cpu;
    private @Nullable Throwable thrown;

    NativeHost(SharedPool pool) {
        long executable = pool.mapExecutable();
        toExecutable = executable - SharedPool.CODE;
        var linker = Linker.nativeLinker();
        var upcall = linker.upcallStub(
                bound(),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG),
                Arena.global());
        var image = new NativeRoutines(upcall.address());
        int[] words = image.words();
        // The first code in pages that nobody has executed yet: the kernel itself makes those fit to be executed.
        write(SharedPool.CODE, words);
        long taken = (4L * words.length + 63) & -64;
        space = new CodeSpace(SharedPool.CODE + taken, SharedPool.CODE_BYTES - taken);
        routines = new Routines(
                executable + 4L * image.callOutWord,
                executable + 4L * image.callRegisterWord,
                executable + 4L * image.loadKernelWord,
                executable + 4L * image.returnWord);
        var three = FunctionDescriptor.of(
                ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
        var two = FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
        enter = linker.downcallHandle(MemorySegment.ofAddress(executable + 4L * image.enterWord), three);
        maintain = linker.downcallHandle(MemorySegment.ofAddress(executable + 4L * image.maintainWord), two);
    }

    private MethodHandle bound() {
        try {
            var type = MethodType.methodType(
                    long.class, long.class, long.class, long.class, long.class, long.class, long.class, long.class);
            return MethodHandles.lookup().bind(this, "calledOut", type);
        } catch (ReflectiveOperationException impossible) {
            throw new AssertionError(impossible);
        }
    }

    @Override
    public Sites sites() {
        return sites;
    }

    @Override
    public Routines routines() {
        return routines;
    }

    @Override
    public synchronized long publish(int[] words, Arm64Executable program) {
        long address = space.take(4L * words.length);
        write(address, words);
        try {
            maintain.invokeExact(address + toExecutable, address + toExecutable + 4L * words.length);
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
        return address + toExecutable;
    }

    private static void write(long address, int[] words) {
        for (int i = 0; i < words.length; i++) {
            Memory.putInt(address + 4L * i, words[i]);
        }
    }

    @Override
    public synchronized void retract(long address, long sizeBytes) {
        space.give(address - toExecutable, sizeBytes);
    }

    @Override
    public synchronized long call(VmCpu caller, long entry, long[] arguments, long stack, boolean bounded) {
        if (bounded) {
            throw new IllegalArgumentException("code that may run forever is not for the JVM's own process");
        }
        var outerCpu = cpu;
        var outer = Mailbox.snapshot();
        cpu = caller;
        Mailbox.fillSnapshot(caller.services());
        try (var arena = Arena.ofConfined()) {
            var words = arena.allocateFrom(ValueLayout.JAVA_LONG, arguments);
            long result = (long) enter.invokeExact(entry, words.address(), stack);
            var failure = thrown;
            if (failure != null) {
                thrown = null;
                throw failure;
            }
            return result;
        } catch (RuntimeException | Error failure) {
            throw failure;
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        } finally {
            cpu = outerCpu;
            Mailbox.restoreSnapshot(outer);
        }
    }

    /** What emitted code calls. Nothing may be thrown through it: the code is left first, and then it is thrown again. */
    @SuppressWarnings("unused") // by its handle
    private long calledOut(long kind, long number, long a, long b, long c, long d, long e) {
        try {
            var running = cpu;
            if (running == null) {
                throw new AssertionError("no program runs");
            }
            var answer = kind == 1
                    ? new Runner.Answer(running.callRegister(number, a, b, c, d, e))
                    : sites.call(number, running, a, b, c, d, e);
            Mailbox.put(Mailbox.ENDS, answer.goesOn() ? 1 : 0);
            Mailbox.put(Mailbox.TAIL_CONTEXT, answer.context());
            return answer.result();
        } catch (Throwable failure) {
            thrown = failure;
            Mailbox.put(Mailbox.ENDS, NativeRoutines.LEAVES);
            return 0;
        }
    }

    @Override
    public VmFault explain(Runner.Fault fault) {
        return new VmFault(String.valueOf(fault.getMessage()));
    }
}
