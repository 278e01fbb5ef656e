package skep.vm;

/**
 * A program that a backend has made ready to run. Safe to run from many threads, each with its own {@link VmCpu}.
 * Closing frees what the backend holds; it must not run any more then.
 */
public interface Executable extends AutoCloseable {
    /** Name of the backend that made it. */
    String backend();

    /** Size of machine code or JVM bytecode in bytes; 0 if it is interpreted. */
    int codeSizeBytes();

    /**
     * Runs the function at this slot with its five arguments, in a stack frame below those the CPU has in use. Backends
     * implement it; callers mostly want {@link #run}.
     *
     * @throws VmFault if the program is unverified and misbehaves
     * @throws BpfUnwind if a helper ends the program
     */
    long call(VmCpu cpu, int slot, long a, long b, long c, long d, long e);

    /** Runs the program from slot 0 with r1 = {@code context}; returns r0. */
    default long run(VmCpu cpu, long context) {
        return run(cpu, context, 0);
    }

    /** The same with r2, for machines without a context type: r1 = memory, r2 = its length. */
    default long run(VmCpu cpu, long a, long b) {
        var outer = cpu.enter();
        try {
            return call(cpu, 0, a, b, 0, 0, 0);
        } catch (BpfUnwind unwind) {
            return unwind.result();
        } finally {
            cpu.leave(outer);
        }
    }

    /** The code in readable form ({@code dump jited}); empty if there is none. */
    default String dump() {
        return "";
    }

    @Override
    default void close() {}
}
