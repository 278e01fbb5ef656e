package skep.arm64.lower;

import java.util.Optional;
import skep.arm64.a64.Encoding;
import skep.isa.Insn;
import skep.isa.Xlated;
import skep.vm.VmMap;

/** What the code of a program needs from outside, by the slot that needs it: everything linked to numbers and addresses. */
public interface Calls {
    /** What the helper call, kernel function call, tail call, packet load or load of kernel memory at this slot goes to. */
    CallTarget target(int slot);

    /** What a call through a register goes to: the register's value arrives in x9. */
    long throughRegister();

    /** The number that the 64-bit immediate load at this slot loads. */
    long immediate(int slot);

    /** Whether the load at this slot reads kernel memory, which the code cannot reach by itself. */
    default boolean isKernelLoad(int slot) {
        return false;
    }

    /** Where the elements lie that the helper call at this slot looks up, if it is a lookup in one array. */
    default Optional<VmMap.ArrayLayout> arrayLookup(int slot) {
        return Optional.empty();
    }

    /** Where the answers of helpers are that stay the same while a program runs, if they are kept somewhere. */
    default Optional<Snapshot> snapshot() {
        return Optional.empty();
    }

    /** Where the function at this slot lies, in the styles of Linux; 0 if that is not known. */
    default long functionAddress(int functionSlot) {
        return 0;
    }

    /** Whether the current task's address is in {@code sp_el0}, as in the kernel, so that some helpers need no call. */
    default boolean hasTaskRegister() {
        return false;
    }

    /** Whether an instruction of this kind, which only a kernel writes, is at this slot. */
    default boolean isInternal(int slot, Xlated.Internal kind) {
        return false;
    }

    /** Which instruction reads the base of this CPU's memory. */
    default Encoding cpuBase() {
        return Encoding.MRS_TPIDR_EL1;
    }

    /** How much of the stack the function at this slot uses, in bytes. */
    default int stackBytes(int functionSlot) {
        return Lowering.FULL_STACK_BYTES;
    }

    /** Told before each instruction which word its code begins at. */
    default void at(int slot, Insn insn, int word) {}

    /**
     * A function in A64 calling convention: arguments in x0 to x4, result in x0. A tail call that is taken leaves in x0 the address of
     * the code to go on with, in x2 its context, and in x1 something but zero.
     *
     * @param address where it is
     * @param number what it expects in x9, or {@link #NO_NUMBER}
     * @param near whether a {@code bl} reaches it
     */
    record CallTarget(long address, int number, boolean near) {
        public static final int NO_NUMBER = -1;

        /** One that may be anywhere. */
        public CallTarget(long address, int number) {
            this(address, number, false);
        }
    }

    /**
     * Words in memory that the caller of a program fills.
     *
     * @param address of the block
     * @param valid offset of a word that is not zero if the others hold
     * @param cpu offset of the CPU's number, which always holds
     * @param ktime offset of the monotonic clock
     * @param pidTgid offset of process and thread id
     * @param uidGid offset of user and group id
     * @param task offset of the current task's address
     * @param boot offset of the clock since boot, which counts suspension
     */
    record Snapshot(long address, int valid, int cpu, int ktime, int pidTgid, int uidGid, int task, int boot) {}
}
