package skep.arm64.lower;

/** Addresses outside a program that its code needs: what calls and 64-bit immediates refer to. */
public interface Calls {
    /**
     * Address of a function in A64 calling convention that does what a helper does: arguments in x0 to x4, result in x0.
     *
     * @throws UnsupportedOperationException with the reason if there is none
     */
    long helper(int number);

    /** Address of the function that calls the helper whose number is in x9 ({@code callx}). */
    long helperByNumber();

    /** What a reference to the function at a slot stands for: helpers get it and call back. */
    long function(int slot);

    /** Like {@link #helper}, for a kernel function by BTF id. */
    long kfunc(int btfId, int module);

    /** The 64 bits that a map reference stands for. */
    long map(int fdOrIndex, boolean byIndex);

    /** Address of a byte in a map's first value. */
    long mapValue(int fdOrIndex, int offBytes, boolean byIndex);

    /** Address of a kernel variable. */
    long variable(int btfId, int moduleFd);
}
