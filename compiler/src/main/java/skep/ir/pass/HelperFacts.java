package skep.ir.pass;

import skep.ir.Inst;
import skep.isa.kernel.Helper;

/** What the passes know of helpers. */
final class HelperFacts {
    private HelperFacts() {}

    /** Whether a call gives the same answer however often it is made in one run: the task, the CPU, the event. */
    static boolean isConstantInRun(Helper helper) {
        return switch (helper) {
            case GET_CURRENT_PID_TGID,
                    GET_CURRENT_UID_GID,
                    GET_CURRENT_TASK,
                    GET_CURRENT_TASK_BTF,
                    GET_CURRENT_CGROUP_ID,
                    GET_SMP_PROCESSOR_ID,
                    GET_NUMA_NODE_ID,
                    GET_FUNC_IP,
                    GET_ATTACH_COOKIE,
                    GET_FUNC_ARG_CNT -> true;
            default -> false;
        };
    }

    /** Whether a call whose result nobody reads may be left out. */
    static boolean isRemovable(Helper helper) {
        return isConstantInRun(helper)
                || switch (helper) {
                    case KTIME_GET_NS,
                            KTIME_GET_BOOT_NS,
                            KTIME_GET_COARSE_NS,
                            KTIME_GET_TAI_NS,
                            JIFFIES64,
                            GET_PRANDOM_U32,
                            MAP_LOOKUP_ELEM,
                            MAP_LOOKUP_PERCPU_ELEM -> true;
                    default -> false;
                };
    }

    /** Whether a call may add or delete entries of maps, or run other code that does. */
    static boolean changesMaps(Helper helper) {
        return !isRemovable(helper)
                        && !onlyReadsMemory(helper)
                        && switch (helper) {
                            case PROBE_READ,
                                    PROBE_READ_STR,
                                    PROBE_READ_KERNEL,
                                    PROBE_READ_KERNEL_STR,
                                    PROBE_READ_USER,
                                    PROBE_READ_USER_STR,
                                    GET_CURRENT_COMM,
                                    GET_STACK,
                                    SNPRINTF,
                                    RINGBUF_RESERVE -> false;
                            default -> true;
                        }
                || helper == Helper.MAP_UPDATE_ELEM
                || helper == Helper.MAP_DELETE_ELEM;
    }

    /** Whether a call writes nothing through the pointers it is given. */
    static boolean onlyReadsMemory(Helper helper) {
        return switch (helper) {
            case MAP_LOOKUP_ELEM,
                    MAP_UPDATE_ELEM,
                    MAP_DELETE_ELEM,
                    RINGBUF_OUTPUT,
                    RINGBUF_SUBMIT,
                    RINGBUF_DISCARD,
                    PERF_EVENT_OUTPUT,
                    TRACE_PRINTK,
                    STRNCMP,
                    GET_STACKID -> true;
            default -> isConstantInRun(helper);
        };
    }

    /** Whether the instruction may be left out when nobody reads its result. */
    static boolean isRemovable(Inst inst) {
        return switch (inst) {
            case Inst.CallHelper c -> isRemovable(c.helper());
            case Inst.CallKfunc c -> false;
            case Inst.Call c -> false;
            case Inst.AtomicUpdate a -> false;
            case Inst.CompareExchange c -> false;
            case Inst.Store s -> false;
            case Inst.Zero z -> z.sizeBytes() == 0;
            case Inst.Copy c -> c.sizeBytes() == 0;
            default -> true;
        };
    }
}
