package skep.arm64.lower;

/** What the code of a program needs from outside, by the slot that needs it: everything linked to numbers and addresses. */
public interface Calls {
    /** What the helper call, kernel function call, tail call or packet load at this slot goes to. */
    CallTarget target(int slot);

    /** What a call through a register goes to: the register's value arrives in x9. */
    long throughRegister();

    /** The number that the 64-bit immediate load at this slot loads. */
    long immediate(int slot);

    /**
     * A function in A64 calling convention: arguments in x0 to x4, result in x0, and in x1 whether the program ends with that
     * result (a tail call that was taken).
     *
     * @param address where it is
     * @param number what it expects in x9
     */
    record CallTarget(long address, int number) {}
}
