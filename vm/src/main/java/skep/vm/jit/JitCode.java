package skep.vm.jit;

import skep.vm.VmCpu;

/** What the hidden classes of a program implement; a program of several classes has one for the functions, all for the parts. */
interface JitCode {
    /** Runs the function at this slot in the frame that ends at {@code fp}. */
    long call(VmCpu cpu, int slot, long fp, long a, long b, long c, long d, long e);

    /**
     * Runs the part of a long function that this block belongs to, from the block on.
     *
     * @param block the block's number within this class
     * @return number of the class and of the block there to go on with, or {@link #DONE}
     */
    int part(VmCpu cpu, JitFrame frame, int block);

    /** The function has returned; r0 is in the frame. */
    int DONE = -1;

    /** Bits of a block's number; those of its class stand above. */
    int BLOCK_BITS = 20;
}
