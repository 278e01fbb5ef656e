package skep.arm64.exec;

import skep.vm.VmCpu;
import skep.vm.VmFault;

/** Where emitted code lies and runs: in a process of its own, or in the JVM's. */
interface CodeHost {
    /** What the code that runs there may call. */
    Sites sites();

    Routines routines();

    /**
     * Publishes code: copies it whole to where it will be executed, has the instruction caches forget what was there, and only then tells its
     * address.
     */
    long publish(int[] words, Arm64Executable program);

    /** Takes code back; nothing calls it any more, and its place will be used again. */
    void retract(long address, long sizeBytes);

    /**
     * Calls code.
     *
     * @param stack where its stack begins, growing down
     * @param bounded whether it is ended if it runs too long
     * @throws Runner.Fault if it did what the processor or a check does not allow, or ran too long
     */
    long call(VmCpu cpu, long entry, long[] arguments, long stack, boolean bounded);

    /** Turns a fault into one of the program in whose code it happened. */
    VmFault explain(Runner.Fault fault);

    /**
     * Addresses of what code calls.
     *
     * @param callOut a function of the JVM, its number in x9
     * @param callRegister what a register holds, its value in x9
     * @param loadKernel kernel memory, a site's number in x9, the address in x10, where the value comes back
     * @param returns returns what it is given
     */
    record Routines(long callOut, long callRegister, long loadKernel, long returns) {}
}
