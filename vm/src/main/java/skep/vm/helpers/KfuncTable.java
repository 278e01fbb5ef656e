package skep.vm.helpers;

import java.util.Optional;
import skep.isa.kernel.Errno;
import skep.isa.kernel.Kfunc;
import skep.vm.BpfUnwind;
import skep.vm.HelperFunction;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.VmCpu;

/** What the VM does for kernel functions that programs call: those that mean something without the kernel's objects. */
public final class KfuncTable {
    /** {@code BPF_MAX_LOOPS}. */
    private static final long MAX_LOOPS = 8 << 20;

    private KfuncTable() {}

    /** The function of a row; empty if the VM has none, which programs are refused for. */
    public static Optional<HelperFunction> function(Kfunc row, Machine machine) {
        return Optional.ofNullable(
                switch (row.name()) {
                    case "bpf_iter_num_new" -> KfuncTable::newNumbers;
                    case "bpf_iter_num_next" -> KfuncTable::nextNumber;
                    case "bpf_iter_num_destroy" ->
                        (_, iterator, _, _, _, _) -> {
                            Memory.putLong(iterator, 0);
                            return 0;
                        };
                    // A running program keeps its CPU and all that it can reach: nothing is freed under it.
                    case "bpf_rcu_read_lock", "bpf_rcu_read_unlock", "bpf_preempt_disable", "bpf_preempt_enable" ->
                        (_, _, _, _, _, _) -> 0;
                    case "bpf_throw" ->
                        (_, cookie, _, _, _, _) -> {
                            throw new BpfUnwind(cookie);
                        };
                    case "bpf_rdonly_cast" -> (_, object, _, _, _, _) -> object;
                    case "bpf_task_acquire" -> (_, task, _, _, _, _) -> task;
                    case "bpf_task_release" -> (_, _, _, _, _, _) -> 0;
                    case "bpf_task_from_pid", "bpf_task_from_vpid" ->
                        (cpu, pid, _, _, _, _) -> cpu.services().taskOfPid((int) pid);
                    case "bpf_dynptr_adjust" -> DynptrHelpers::adjust;
                    case "bpf_dynptr_is_null" -> (_, dynptr, _, _, _, _) -> DynptrHelpers.isNull(dynptr) ? 1 : 0;
                    case "bpf_dynptr_is_rdonly" -> DynptrHelpers::isReadOnly;
                    case "bpf_dynptr_size" -> DynptrHelpers::sizeOrError;
                    case "bpf_dynptr_clone" -> DynptrHelpers::copy;
                    case "bpf_dynptr_slice" ->
                        (_, dynptr, offset, _, size, _) -> DynptrHelpers.window(dynptr, offset, size, false);
                    case "bpf_dynptr_slice_rdwr" ->
                        (_, dynptr, offset, _, size, _) -> DynptrHelpers.window(dynptr, offset, size, true);
                    default -> null;
                });
    }

    /** {@code struct bpf_iter_num}: the last number given, the end; 0 and 0 when there are no more. */
    private static long newNumbers(VmCpu cpu, long iterator, long start, long end, long d, long e) {
        long count = (long) (int) end - (int) start;
        if (count < 0 || count > MAX_LOOPS) {
            Memory.putLong(iterator, 0);
            return count < 0 ? Errno.EINVAL.negated() : Errno.E2BIG.negated();
        }
        Memory.putInt(iterator, (int) start - 1);
        Memory.putInt(iterator + 4, (int) end);
        return 0;
    }

    private static long nextNumber(VmCpu cpu, long iterator, long b, long c, long d, long e) {
        int next = Memory.getInt(iterator) + 1;
        if (next >= Memory.getInt(iterator + 4)) {
            Memory.putLong(iterator, 0);
            return 0;
        }
        Memory.putInt(iterator, next);
        return iterator;
    }
}
