package skep.vm.helpers;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.isa.kernel.Errno;
import skep.isa.kernel.Kfunc;
import skep.vm.BpfUnwind;
import skep.vm.HelperFunction;
import skep.vm.KernelServices;
import skep.vm.Memory;
import skep.vm.VmCpu;

/** What the VM does for kernel functions that programs call: those that mean something without the kernel's objects. */
public final class KfuncTable {
    /** {@code BPF_MAX_LOOPS}. */
    private static final long MAX_LOOPS = 8 << 20;

    /** {@code BITS_ITER_NR_WORDS_MAX}. */
    private static final int MAX_BIT_WORDS = 511;

    /** {@code BPF_TASK_ITER_ALL_PROCS} and its neighbours. */
    private static final int ALL_PROCESSES = 0;

    private static final int ALL_THREADS = 1;
    private static final int THREADS_OF_PROCESS = 2;
    private static final int NO_MORE_TASKS = -1;

    private KfuncTable() {}

    /** The function of a row; empty if the VM has none, which programs are refused for. */
    public static Optional<HelperFunction> function(Kfunc row) {
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
                    case "bpf_iter_bits_new" -> KfuncTable::newBits;
                    case "bpf_iter_bits_next" -> KfuncTable::nextBit;
                    case "bpf_iter_bits_destroy" ->
                        (_, iterator, _, _, _, _) -> {
                            Memory.putLong(iterator, 0);
                            return 0;
                        };
                    case "bpf_iter_task_new" -> KfuncTable::newTasks;
                    case "bpf_iter_task_next" -> KfuncTable::nextTask;
                    case "bpf_iter_task_destroy" -> (_, _, _, _, _, _) -> 0;
                    case "bpf_rdonly_cast" -> (_, object, _, _, _, _) -> object;
                    case "bpf_task_acquire" -> (_, task, _, _, _, _) -> task;
                    case "bpf_task_release" -> (_, _, _, _, _, _) -> 0;
                    case "bpf_task_from_pid", "bpf_task_from_vpid" ->
                        (cpu, pid, _, _, _, _) -> cpu.services().taskOfPid((int) pid);
                    case "bpf_dynptr_from_skb", "bpf_dynptr_from_xdp" -> DynptrHelpers::fromPacket;
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

    /** The rows that the VM has functions for. */
    public static List<Kfunc> rows() {
        return Kfunc.all().stream().filter(row -> function(row).isPresent()).toList();
    }

    /** Families of functions that the VM does not have, by how their names begin, and why. */
    private static final Map<String, String> REFUSALS = Map.ofEntries(
            Map.entry("bpf_obj_", "since programs of the VM have no objects of their own types"),
            Map.entry("bpf_percpu_obj_", "since programs of the VM have no objects of their own types"),
            Map.entry("bpf_refcount_", "since programs of the VM have no objects of their own types"),
            Map.entry("bpf_list_", "since the VM has no linked lists of a program's own objects"),
            Map.entry("bpf_rbtree_", "since the VM has no trees of a program's own objects"),
            Map.entry("bpf_wq_", "since the VM has no work queues; timers do what those are mostly used for"),
            Map.entry(
                    "bpf_res_spin_",
                    "since locks that notice deadlocks need CPUs that run at once, and the model steps one at a time"),
            Map.entry("bpf_local_irq_", "since nothing interrupts programs of the VM"),
            Map.entry("bpf_arena_", "since an arena needs pages mapped at one address in two address spaces"),
            Map.entry("bpf_cpumask_", "since the VM has no CPU masks"),
            Map.entry("bpf_cgroup_", "since the model has no objects of control groups"),
            Map.entry("bpf_iter_css", "since the model has no objects of control groups"),
            Map.entry("bpf_iter_task_vma", "since processes of the model have no memory areas"));

    /** Why programs cannot call a function that has no row here, as the end of a sentence about it. */
    public static String refusal(String name) {
        return REFUSALS.entrySet().stream()
                .filter(family -> name.startsWith(family.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse("which this kernel does not show");
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

    /**
     * {@code struct bpf_iter_bits}. A single word is kept in the iterator, so that the program may change it afterwards; several are
     * read again word by word.
     *
     * <pre>
     *  0 the word, or the address of the words | 8 number of bits, 0 at the end | 12 the last bit given
     * </pre>
     */
    private static long newBits(VmCpu cpu, long iterator, long words, long count, long d, long e) {
        int number = (int) count;
        Memory.putLong(iterator, 0);
        Memory.putInt(iterator + 8, 0);
        Memory.putInt(iterator + 12, -1);
        if (words == 0 || number <= 0) {
            return Errno.EINVAL.negated();
        }
        if (number > MAX_BIT_WORDS) {
            return Errno.E2BIG.negated();
        }
        if (!MemoryHelpers.isReadable(cpu, words, number * 8)) {
            return Errno.EFAULT.negated();
        }
        Memory.putLong(iterator, number == 1 ? MemoryHelpers.word(cpu, words) : words);
        Memory.putInt(iterator + 8, number * Long.SIZE);
        return 0;
    }

    private static long nextBit(VmCpu cpu, long iterator, long b, long c, long d, long e) {
        int bits = Memory.getInt(iterator + 8);
        int bit = Memory.getInt(iterator + 12) + 1;
        while (bit < bits) {
            long inner = Memory.getLong(iterator);
            long word = bits == Long.SIZE ? inner : MemoryHelpers.word(cpu, inner + (bit / Long.SIZE) * 8L);
            long rest = word >>> bit;
            if (rest != 0) {
                Memory.putInt(iterator + 12, bit + Long.numberOfTrailingZeros(rest));
                return iterator + 12;
            }
            bit = (bit / Long.SIZE + 1) * Long.SIZE;
        }
        Memory.putInt(iterator + 8, 0);
        return 0;
    }

    /**
     * {@code struct bpf_iter_task}: processes, all threads, or the threads of one process.
     *
     * <pre>
     *  0 thread id of the last task given | 4 what is walked | 8 the process whose threads are walked
     * </pre>
     */
    private static long newTasks(VmCpu cpu, long iterator, long task, long flags, long d, long e) {
        int what = (int) flags;
        boolean known = what >= ALL_PROCESSES && what <= THREADS_OF_PROCESS;
        boolean good = known && (what != THREADS_OF_PROCESS || task != 0);
        Memory.putInt(iterator, good ? 0 : NO_MORE_TASKS);
        Memory.putInt(iterator + 4, what);
        Memory.putLong(iterator + 8, task);
        return good ? 0 : Errno.EINVAL.negated();
    }

    private static long nextTask(VmCpu cpu, long iterator, long b, long c, long d, long e) {
        int last = Memory.getInt(iterator);
        if (last == NO_MORE_TASKS) {
            return 0;
        }
        var next = cpu.services()
                .taskAfter(
                        last,
                        switch (Memory.getInt(iterator + 4)) {
                            case ALL_PROCESSES -> KernelServices.TaskWalk.PROCESSES;
                            case ALL_THREADS -> KernelServices.TaskWalk.THREADS;
                            default -> new KernelServices.TaskWalk(true, Memory.getLong(iterator + 8));
                        });
        Memory.putInt(iterator, next.map(KernelServices.WalkedTask::tid).orElse(NO_MORE_TASKS));
        return next.map(KernelServices.WalkedTask::address).orElse(0L);
    }
}
