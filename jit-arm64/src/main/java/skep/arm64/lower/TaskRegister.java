package skep.arm64.lower;

import java.util.Optional;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.isa.kernel.Helper;

/** In the kernel {@code sp_el0} holds the current task's address: what helpers would say of it needs no call. */
final class TaskRegister {
    /** Offset of the CPU's number in {@code struct thread_info}, with which a task begins (Debian's 6.12 for arm64). */
    private static final int CPU_AT = 16;

    private TaskRegister() {}

    /** Puts a helper's answer into a register; false if the task does not know it. */
    static boolean answer(Assembler asm, Optional<Helper> helper, int register) {
        if (helper.isEmpty()) {
            return false;
        }
        switch (helper.get()) {
            case GET_SMP_PROCESSOR_ID -> {
                asm.emit(Encoding.MRS_SP_EL0, "d", RegisterMap.SCRATCH_1);
                asm.emit(Encoding.LDR_UIMM, "xind", 2, CPU_AT / 4, RegisterMap.SCRATCH_1, register);
            }
            case GET_CURRENT_TASK, GET_CURRENT_TASK_BTF -> asm.emit(Encoding.MRS_SP_EL0, "d", register);
            default -> {
                return false;
            }
        }
        return true;
    }
}
