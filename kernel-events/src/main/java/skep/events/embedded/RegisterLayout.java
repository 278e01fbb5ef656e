package skep.events.embedded;

import skep.isa.kernel.Arch;

/**
 * {@code struct pt_regs} of an architecture: byte offsets of the registers that matter to programs.
 *
 * <pre>
 *   arm64   x0…x30 at 8*n, sp 248, pc 256, pstate 264, orig_x0 272, syscallno 280;  336 bytes
 *   x86-64  r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss;  168 bytes
 * </pre>
 *
 * @param arguments where the first six arguments of a function are
 * @param syscallArguments the same for system calls (x86-64 has r10 where functions have rcx)
 * @param link the return address of a function that was just entered, or -1 where it is on the stack
 * @param status flags of the processor and what they hold in kernel code
 */
record RegisterLayout(
        int sizeBytes,
        int[] arguments,
        int[] syscallArguments,
        int result,
        int instructionPointer,
        int stackPointer,
        int framePointer,
        int link,
        int syscallNumber,
        int originalArgument,
        int status,
        long kernelStatus) {
    private static final RegisterLayout ARM64 = new RegisterLayout(
            336,
            new int[] {0, 8, 16, 24, 32, 40},
            new int[] {0, 8, 16, 24, 32, 40},
            0,
            256,
            248,
            232,
            240,
            280,
            272,
            264,
            0x6000_0005L);

    private static final RegisterLayout X86_64 = new RegisterLayout(
            168,
            new int[] {112, 104, 96, 88, 72, 64},
            new int[] {112, 104, 96, 56, 72, 64},
            80,
            128,
            152,
            32,
            -1,
            120,
            112,
            144,
            0x246L);

    static RegisterLayout of(Arch arch) {
        return arch == Arch.ARM64 ? ARM64 : X86_64;
    }
}
