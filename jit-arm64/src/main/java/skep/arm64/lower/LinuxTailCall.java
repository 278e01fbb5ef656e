package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.SCRATCH_1;
import static skep.arm64.lower.RegisterMap.SCRATCH_2;

import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.isa.Reg;

/**
 * A tail call as Linux makes it: index and count are tested, the program is taken from the array, and the code goes on behind the part of
 * that program's prologue that this one's has done already. To be read, not run: the offsets are those of the kernel's structures.
 */
final class LinuxTailCall {
    private static final int MAX_TAIL_CALLS = 33;
    /** Offsets in {@code struct bpf_array} and {@code struct bpf_prog} of Debian's kernels for arm64. */
    private static final int MAX_ENTRIES_AT = 36;

    private static final int CODE_AT = 48;

    private final Assembler asm;
    private final LinuxFrame frame;
    /** Offset of the programs in {@code struct bpf_array}, behind a {@code struct bpf_map} of another size in each kernel. */
    private final int pointersAt;

    LinuxTailCall(Assembler asm, LinuxFrame frame) {
        this.asm = asm;
        this.frame = frame;
        this.pointersAt = switch (frame) {
            case LinuxFrame.Linux61 _ -> 272;
            case LinuxFrame.Linux612 _ -> 264;
        };
    }

    void emit() {
        int array = RegisterMap.of(Reg.R2);
        int index = RegisterMap.of(Reg.R3);
        int out = asm.label();
        int carrySet = Encoding.B_COND.word("c", Condition.HS.bits());
        LinuxAlu.move64(asm, SCRATCH_1, MAX_ENTRIES_AT);
        asm.emit(Encoding.LDR_REG, "xmond", 2, SCRATCH_1, 3, array, SCRATCH_1);
        LinuxAlu.move(asm, 0, index, index);
        asm.emit(Encoding.CMP_REG, "smn", 0, SCRATCH_1, index);
        asm.conditional(carrySet, out);
        LinuxAlu.move64(asm, SCRATCH_1, MAX_TAIL_CALLS);
        int count = frame.tailCallCount();
        asm.emit(Encoding.CMP_REG, "smn", 1, SCRATCH_1, count);
        asm.conditional(carrySet, out);
        asm.emit(Encoding.ADD_IMM, "sind", 1, 1, count, count);
        LinuxAlu.move64(asm, SCRATCH_1, pointersAt);
        asm.emit(Encoding.ADD_REG, "smnd", 1, SCRATCH_1, array, SCRATCH_1);
        asm.emit(Encoding.UBFM, "sbrqnd", 1, 1, 61, 60, index, SCRATCH_2);
        asm.emit(Encoding.LDR_REG, "xmond", 3, SCRATCH_2, 3, SCRATCH_1, SCRATCH_2);
        asm.conditional(Encoding.CBZ.word("sd", 1, SCRATCH_2), out);
        frame.storeTailCallCount();
        switch (frame) {
            case LinuxFrame.Linux61 _ -> {
                codeAddress();
                frame.leaveForTailCall();
            }
            case LinuxFrame.Linux612 _ -> {
                frame.leaveForTailCall();
                codeAddress();
            }
        }
        asm.emit(Encoding.BR, "n", SCRATCH_1);
        asm.bind(out);
    }

    private void codeAddress() {
        LinuxAlu.move64(asm, SCRATCH_1, CODE_AT);
        asm.emit(Encoding.LDR_REG, "xmond", 3, SCRATCH_1, 3, SCRATCH_2, SCRATCH_1);
        asm.emit(Encoding.ADD_IMM, "sind", 1, 4 * frame.skippedWords(), SCRATCH_1, SCRATCH_1);
    }
}
