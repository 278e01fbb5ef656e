package skep.vm.helpers;

import skep.isa.kernel.Errno;
import skep.isa.kernel.Helper;
import skep.vm.HelperFunction;
import skep.vm.KernelServices;
import skep.vm.Machine;

/**
 * What the VM does for each helper: one row each. A row that refuses says which error a program sees, and why.
 *
 * <p>Rows are made when a program that calls the helper is compiled, not before.
 */
public final class HelperTable {
    /** Behind the highest number. */
    public static final int SIZE = Helper.CGRP_STORAGE_DELETE.number() + 1;

    private HelperTable() {}

    /** The function of a helper in a machine. */
    public static HelperFunction function(Helper helper, Machine machine) {
        return switch (helper) {
            // maps
            case MAP_LOOKUP_ELEM -> new MapHelpers.Lookup(machine);
            case MAP_UPDATE_ELEM -> new MapHelpers.Update(machine);
            case MAP_DELETE_ELEM -> new MapHelpers.Delete(machine);
            case MAP_PUSH_ELEM -> MapHelpers.push(machine);
            case MAP_POP_ELEM -> MapHelpers.pop(machine);
            case MAP_PEEK_ELEM -> MapHelpers.peek(machine);
            case MAP_LOOKUP_PERCPU_ELEM -> MapHelpers.lookupPerCpu(machine);
            case FOR_EACH_MAP_ELEM -> MapHelpers.forEach(machine);
            case REDIRECT_MAP -> MapHelpers.redirectMap(machine);
            case SK_STORAGE_GET, INODE_STORAGE_GET, TASK_STORAGE_GET, CGRP_STORAGE_GET ->
                MapHelpers.storageGet(machine);
            case SK_STORAGE_DELETE, INODE_STORAGE_DELETE, TASK_STORAGE_DELETE, CGRP_STORAGE_DELETE ->
                MapHelpers.storageDelete(machine);
            case GET_LOCAL_STORAGE -> MapHelpers.cgroupStorage(machine);
            case CURRENT_TASK_UNDER_CGROUP -> MapHelpers.underCgroup(machine);

            // time, CPU, task
            case KTIME_GET_NS, KTIME_GET_COARSE_NS -> TaskHelpers.asks(KernelServices::ktimeNanos);
            case KTIME_GET_BOOT_NS -> TaskHelpers.asks(KernelServices::bootNanos);
            case KTIME_GET_TAI_NS -> TaskHelpers.asks(KernelServices::taiNanos);
            case JIFFIES64 -> TaskHelpers.asks(KernelServices::jiffies);
            case GET_PRANDOM_U32 -> TaskHelpers.asks(services -> services.random() & 0xffff_ffffL);
            case GET_SMP_PROCESSOR_ID -> TaskHelpers.asks(KernelServices::cpu);
            case GET_NUMA_NODE_ID -> TaskHelpers.asks(KernelServices::numaNode);
            case GET_CURRENT_PID_TGID -> TaskHelpers.asks(KernelServices::pidTgid);
            case GET_CURRENT_UID_GID -> TaskHelpers.asks(KernelServices::uidGid);
            case GET_CURRENT_TASK, GET_CURRENT_TASK_BTF -> TaskHelpers.asks(KernelServices::currentTask);
            case GET_CURRENT_CGROUP_ID -> TaskHelpers.asks(KernelServices::cgroupId);
            case GET_CURRENT_ANCESTOR_CGROUP_ID ->
                (cpu, level, _, _, _, _) -> level == 0 ? cpu.services().cgroupId() : 0;
            case GET_CURRENT_COMM -> TaskHelpers::comm;
            case GET_NS_CURRENT_PID_TGID -> TaskHelpers::namespacePid;
            case TASK_PT_REGS -> (cpu, task, _, _, _, _) -> cpu.services().taskRegisters(task);
            case GET_FUNC_IP -> TaskHelpers.asks(KernelServices::functionAddress);
            case GET_ATTACH_COOKIE -> TaskHelpers.asks(KernelServices::attachCookie);
            case GET_FUNC_ARG -> TaskHelpers::functionArgument;
            case GET_FUNC_RET -> TaskHelpers::functionResult;
            case GET_FUNC_ARG_CNT -> TaskHelpers::functionArgumentCount;
            case GET_STACKID -> TaskHelpers.stackId(machine);
            case GET_STACK -> TaskHelpers::stack;
            case GET_TASK_STACK -> TaskHelpers::taskStack;
            case SEND_SIGNAL -> (cpu, signal, _, _, _, _) -> cpu.services().sendSignal((int) signal, false);
            case SEND_SIGNAL_THREAD ->
                (cpu, signal, _, _, _, _) -> cpu.services().sendSignal((int) signal, true);
            case OVERRIDE_RETURN ->
                (cpu, _, value, _, _, _) -> cpu.services().overrideReturn(value) ? 0 : Errno.EOPNOTSUPP.negated();

            // memory
            case PROBE_READ -> MemoryHelpers::probeRead;
            case PROBE_READ_STR -> MemoryHelpers::probeReadString;
            case PROBE_READ_KERNEL -> MemoryHelpers::probeReadKernel;
            case PROBE_READ_KERNEL_STR -> MemoryHelpers::probeReadKernelString;
            case PROBE_READ_USER, COPY_FROM_USER -> MemoryHelpers::probeReadUser;
            case PROBE_READ_USER_STR -> MemoryHelpers::probeReadUserString;
            case COPY_FROM_USER_TASK ->
                (cpu, to, size, from, task, flags) -> flags != 0
                        ? Errno.EINVAL.negated()
                        : task == cpu.services().currentTask()
                                ? MemoryHelpers.read(cpu, to, size, from, true)
                                : Errno.EFAULT.negated();
            case PROBE_WRITE_USER -> no(Errno.EPERM, "programs do not change the memory of processes");

            // strings and messages
            case STRNCMP -> StringHelpers::compare;
            case STRTOL -> StringHelpers::toLong;
            case STRTOUL -> StringHelpers::toUnsigned;
            case SNPRINTF -> StringHelpers::snprintf;
            case TRACE_PRINTK -> StringHelpers::tracePrintk;
            case TRACE_VPRINTK -> StringHelpers::traceVprintk;
            case SEQ_PRINTF -> StringHelpers::seqPrintf;
            case SEQ_WRITE -> StringHelpers::seqWrite;
            case KALLSYMS_LOOKUP_NAME -> StringHelpers.symbolAddress(machine);
            case SNPRINTF_BTF, SEQ_PRINTF_BTF -> no(Errno.EOPNOTSUPP, "typed printing is done in user space");

            // records
            case RINGBUF_OUTPUT -> OutputHelpers.output(machine);
            case RINGBUF_RESERVE -> OutputHelpers.reserve(machine);
            case RINGBUF_SUBMIT -> OutputHelpers.submit(machine);
            case RINGBUF_DISCARD -> OutputHelpers.discard(machine);
            case RINGBUF_QUERY -> OutputHelpers.query(machine);
            case RINGBUF_RESERVE_DYNPTR -> DynptrHelpers.reserve(machine);
            case RINGBUF_SUBMIT_DYNPTR -> DynptrHelpers.commit(machine, false);
            case RINGBUF_DISCARD_DYNPTR -> DynptrHelpers.commit(machine, true);
            case PERF_EVENT_OUTPUT, SKB_OUTPUT, XDP_OUTPUT -> OutputHelpers.perfOutput(machine);
            case USER_RINGBUF_DRAIN -> ControlHelpers.drain(machine);

            // control
            case TAIL_CALL -> no(Errno.EINVAL, "the backends do it");
            case LOOP -> ControlHelpers::loop;
            case SPIN_LOCK -> ControlHelpers::lock;
            case SPIN_UNLOCK -> ControlHelpers::unlock;
            case TIMER_INIT -> ControlHelpers.timerInit(machine);
            case TIMER_SET_CALLBACK -> ControlHelpers.timerSetCallback(machine);
            case TIMER_START -> ControlHelpers.timerStart(machine);
            case TIMER_CANCEL -> ControlHelpers.timerCancel(machine);
            case KPTR_XCHG -> ControlHelpers::exchangePointer;
            case DYNPTR_FROM_MEM -> DynptrHelpers::fromMemory;
            case DYNPTR_READ -> DynptrHelpers::read;
            case DYNPTR_WRITE -> DynptrHelpers::write;
            case DYNPTR_DATA -> DynptrHelpers::slice;
            case PER_CPU_PTR, THIS_CPU_PTR -> (_, address, _, _, _, _) -> address;

            // packets
            case SKB_STORE_BYTES,
                    SKB_LOAD_BYTES,
                    SKB_LOAD_BYTES_RELATIVE,
                    SKB_PULL_DATA,
                    SKB_CHANGE_PROTO,
                    SKB_CHANGE_TYPE,
                    SKB_CHANGE_TAIL,
                    SKB_CHANGE_HEAD,
                    SKB_ADJUST_ROOM,
                    SKB_VLAN_PUSH,
                    SKB_VLAN_POP,
                    SKB_GET_TUNNEL_KEY,
                    SKB_SET_TUNNEL_KEY,
                    SKB_GET_TUNNEL_OPT,
                    SKB_SET_TUNNEL_OPT,
                    SKB_ECN_SET_CE,
                    SKB_SET_TSTAMP,
                    L3_CSUM_REPLACE,
                    L4_CSUM_REPLACE,
                    CSUM_DIFF,
                    CSUM_UPDATE,
                    CSUM_LEVEL,
                    GET_HASH_RECALC,
                    SET_HASH_INVALID,
                    SET_HASH,
                    XDP_ADJUST_HEAD,
                    XDP_ADJUST_TAIL,
                    XDP_ADJUST_META,
                    XDP_GET_BUFF_LEN,
                    XDP_LOAD_BYTES,
                    XDP_STORE_BYTES,
                    REDIRECT,
                    REDIRECT_NEIGH,
                    REDIRECT_PEER,
                    CLONE_REDIRECT,
                    GET_SOCKET_COOKIE,
                    GET_SOCKET_UID,
                    GET_NETNS_COOKIE,
                    GET_ROUTE_REALM,
                    GET_CGROUP_CLASSID,
                    SKB_CGROUP_CLASSID,
                    SKB_CGROUP_ID,
                    SKB_ANCESTOR_CGROUP_ID,
                    SKB_UNDER_CGROUP,
                    CHECK_MTU -> PacketHelpers.function(helper);
            case FIB_LOOKUP -> no(Errno.ENODEV, "there is no routing table");
            case SKB_GET_XFRM_STATE -> no(Errno.EINVAL, "there is no IPsec");
            case LWT_PUSH_ENCAP, LWT_SEG6_STORE_BYTES, LWT_SEG6_ADJUST_SRH, LWT_SEG6_ACTION ->
                no(Errno.EINVAL, "there is no tunnel to push a packet into");

            // sockets
            case SK_LOOKUP_TCP, SK_LOOKUP_UDP, SKC_LOOKUP_TCP, SK_FULLSOCK, TCP_SOCK, GET_LISTENER_SOCK ->
                (_, _, _, _, _, _) -> 0;
            case SKC_TO_TCP6_SOCK,
                    SKC_TO_TCP_SOCK,
                    SKC_TO_TCP_TIMEWAIT_SOCK,
                    SKC_TO_TCP_REQUEST_SOCK,
                    SKC_TO_UDP6_SOCK,
                    SKC_TO_UNIX_SOCK,
                    SKC_TO_MPTCP_SOCK,
                    SOCK_FROM_FILE -> (_, _, _, _, _, _) -> 0;
            case SK_RELEASE -> no(Errno.EINVAL, "no socket was ever handed out");
            case SK_CGROUP_ID, SK_ANCESTOR_CGROUP_ID -> (_, _, _, _, _, _) -> 0;
            case SETSOCKOPT, GETSOCKOPT, BIND -> no(Errno.EINVAL, "there are no sockets");
            case SOCK_OPS_CB_FLAGS_SET, TCP_SEND_ACK -> no(Errno.EINVAL, "there are no sockets");
            case LOAD_HDR_OPT, STORE_HDR_OPT, RESERVE_HDR_OPT -> no(Errno.EPERM, "there are no sockets");
            case SK_ASSIGN -> no(Errno.EOPNOTSUPP, "there are no sockets");
            case SK_SELECT_REUSEPORT -> no(Errno.ENOENT, "there are no sockets");
            case SK_REDIRECT_MAP, MSG_REDIRECT_MAP, SK_REDIRECT_HASH, MSG_REDIRECT_HASH ->
                (_, _, _, _, _, _) -> 0; // SK_DROP: the socket is gone
            case SOCK_MAP_UPDATE, SOCK_HASH_UPDATE -> no(Errno.EOPNOTSUPP, "there are no sockets");
            case MSG_APPLY_BYTES, MSG_CORK_BYTES -> (_, _, _, _, _, _) -> 0;
            case MSG_PULL_DATA, MSG_PUSH_DATA, MSG_POP_DATA -> no(Errno.EINVAL, "there are no messages");
            case TCP_CHECK_SYNCOOKIE,
                    TCP_GEN_SYNCOOKIE,
                    TCP_RAW_GEN_SYNCOOKIE_IPV4,
                    TCP_RAW_GEN_SYNCOOKIE_IPV6,
                    TCP_RAW_CHECK_SYNCOOKIE_IPV4,
                    TCP_RAW_CHECK_SYNCOOKIE_IPV6 -> no(Errno.EPROTO, "there is no TCP");

            // events, other subsystems
            case PERF_EVENT_READ, PERF_EVENT_READ_VALUE, PERF_PROG_READ_VALUE ->
                no(Errno.ENOENT, "there are no hardware counters");
            case READ_BRANCH_RECORDS, GET_BRANCH_SNAPSHOT -> no(Errno.ENOENT, "there are no branch records");
            case RC_REPEAT, RC_KEYDOWN, RC_POINTER_REL -> no(Errno.EOPNOTSUPP, "there is no remote control");
            case SYSCTL_GET_NAME, SYSCTL_GET_CURRENT_VALUE, SYSCTL_GET_NEW_VALUE, SYSCTL_SET_NEW_VALUE ->
                no(Errno.EINVAL, "there are no sysctls");
            case D_PATH -> no(Errno.EINVAL, "the simulated kernel has no path tree");
            case BPRM_OPTS_SET -> no(Errno.EINVAL, "nothing is executed");
            case IMA_INODE_HASH, IMA_FILE_HASH -> no(Errno.EOPNOTSUPP, "there is no integrity measurement");
            case SYS_BPF, SYS_CLOSE, BTF_FIND_BY_NAME_KIND -> no(Errno.EPERM, "programs do not call the system call");
            case FIND_VMA -> no(Errno.ENOENT, "processes are simulated without memory areas");
            case GET_RETVAL -> (_, _, _, _, _, _) -> 0;
            case SET_RETVAL -> no(Errno.EOPNOTSUPP, "no system call waits for the result");
        };
    }

    /** Why a helper does nothing here; empty for those that work. */
    public static String refusal(Helper helper, Machine machine) {
        return function(helper, machine) instanceof Refusal refusal
                ? refusal.errno().name() + ": " + refusal.reason()
                : "";
    }

    private static HelperFunction no(Errno errno, String reason) {
        return new Refusal(errno, reason);
    }
}
