package skep.vm.helpers;

import skep.isa.kernel.Errno;
import skep.vm.HelperFunction;
import skep.vm.KernelServices;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.maps.StackTraceMap;

/** Time, CPU, the current task, stacks. */
final class TaskHelpers {
    private static final int COMM_BYTES = 16;
    private static final int MAX_FRAMES = 127;
    private static final long WITH_BUILD_ID = 1 << 11;

    private TaskHelpers() {}

    /** A helper that only asks the kernel around. */
    @FunctionalInterface
    interface Question {
        long ask(KernelServices services);
    }

    static HelperFunction asks(Question question) {
        return (cpu, _, _, _, _, _) -> question.ask(cpu.services());
    }

    /** {@code long bpf_get_current_comm(buffer, size)}. */
    static long comm(VmCpu cpu, long buffer, long size, long c, long d, long e) {
        if (size <= 0) {
            return Errno.EINVAL.negated();
        }
        var comm = cpu.services().comm();
        int kept = (int) Math.min(Math.min(comm.length, COMM_BYTES - 1), size - 1);
        Memory.copy(comm, 0, buffer, kept);
        Memory.fill(buffer + kept, size - kept, (byte) 0);
        return 0;
    }

    /** {@code long bpf_get_ns_current_pid_tgid(dev, ino, info, size)}: there is one pid namespace. */
    static long namespacePid(VmCpu cpu, long dev, long ino, long info, long size, long e) {
        if (size != 8) {
            return Errno.EINVAL.negated();
        }
        long pidTgid = cpu.services().pidTgid();
        Memory.putInt(info, (int) pidTgid);
        Memory.putInt(info + 4, (int) (pidTgid >>> 32));
        return 0;
    }

    /** {@code long bpf_get_stackid(ctx, map, flags)}. */
    static HelperFunction stackId(skep.vm.Machine machine) {
        return (cpu, _, map, flags, _, _) -> {
            long known = StackTraceMap.SKIP_MASK
                    | StackTraceMap.USER_STACK
                    | StackTraceMap.FAST_COMPARE
                    | StackTraceMap.REUSE_ID;
            if ((flags & ~known) != 0) {
                return Errno.EINVAL.negated();
            }
            var stacks = (StackTraceMap) machine.mapOf(map);
            var frames = new long[stacks.maxFrames()];
            int count = walk(cpu, flags, frames);
            return count == 0 ? Errno.EFAULT.negated() : stacks.store(frames, count, flags);
        };
    }

    /** {@code long bpf_get_stack(ctx, buffer, size, flags)}: the number of bytes written. */
    static long stack(VmCpu cpu, long context, long buffer, long size, long flags, long e) {
        if ((flags & ~(StackTraceMap.SKIP_MASK | StackTraceMap.USER_STACK | WITH_BUILD_ID)) != 0
                || size < 0
                || size % 8 != 0) {
            return failed(buffer, size, Errno.EINVAL);
        }
        if ((flags & WITH_BUILD_ID) != 0) {
            return failed(buffer, size, Errno.EOPNOTSUPP);
        }
        var frames = new long[(int) Math.min(size / 8, MAX_FRAMES)];
        int count = walk(cpu, flags, frames);
        if (count == 0) {
            return failed(buffer, size, Errno.EFAULT);
        }
        for (int i = 0; i < count; i++) {
            Memory.putLong(buffer + 8L * i, frames[i]);
        }
        Memory.fill(buffer + 8L * count, size - 8L * count, (byte) 0);
        return 8L * count;
    }

    /** {@code long bpf_get_task_stack(task, buffer, size, flags)}: only the current task's stack is known. */
    static long taskStack(VmCpu cpu, long task, long buffer, long size, long flags, long e) {
        return task == cpu.services().currentTask()
                ? stack(cpu, 0, buffer, size, flags, 0)
                : failed(buffer, size, Errno.EOPNOTSUPP);
    }

    private static int walk(VmCpu cpu, long flags, long[] frames) {
        return cpu.services()
                .stack((flags & StackTraceMap.USER_STACK) != 0, (int) (flags & StackTraceMap.SKIP_MASK), frames);
    }

    private static long failed(long buffer, long size, Errno errno) {
        if (size > 0) {
            Memory.fill(buffer, size, (byte) 0);
        }
        return errno.negated();
    }

    /** {@code long bpf_get_func_arg(ctx, n, value)}: arguments of typed programs, whose count is before the first. */
    static long functionArgument(VmCpu cpu, long context, long n, long value, long d, long e) {
        if (Integer.toUnsignedLong((int) n) >= Memory.getLong(context - 8)) {
            return Errno.EINVAL.negated();
        }
        Memory.putLong(value, Memory.getLong(context + 8 * n));
        return 0;
    }

    /** {@code long bpf_get_func_ret(ctx, value)}: behind the last argument. */
    static long functionResult(VmCpu cpu, long context, long value, long c, long d, long e) {
        Memory.putLong(value, Memory.getLong(context + 8 * Memory.getLong(context - 8)));
        return 0;
    }

    static long functionArgumentCount(VmCpu cpu, long context, long b, long c, long d, long e) {
        return Memory.getLong(context - 8);
    }
}
