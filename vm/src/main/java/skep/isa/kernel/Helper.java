package skep.isa.kernel;

import static skep.isa.kernel.HelperPrototype.Property.GPL_ONLY;
import static skep.isa.kernel.HelperPrototype.Property.MAY_SLEEP;
import static skep.isa.kernel.HelperPrototype.Property.PACKET_ACCESS;

import java.util.Locale;
import java.util.Optional;

/**
 * The BPF helpers ({@code enum bpf_func_id}, Linux 6.18): the one place where a helper is declared. The prototype's words
 * are those of {@link HelperPrototype}.
 */
public enum Helper {
    MAP_LOOKUP_ELEM(1, "value?(map, key)", PACKET_ACCESS),
    MAP_UPDATE_ELEM(2, "int(map, key, value, any)", PACKET_ACCESS),
    MAP_DELETE_ELEM(3, "int(map, key)", PACKET_ACCESS),
    PROBE_READ(4, "int(out, size0, any)", GPL_ONLY),
    KTIME_GET_NS(5, "int()"),
    TRACE_PRINTK(6, "int(in, size)", GPL_ONLY),
    GET_PRANDOM_U32(7, "int()"),
    GET_SMP_PROCESSOR_ID(8, "int()"),
    SKB_STORE_BYTES(9, "int(ctx, any, in, size, any)"),
    L3_CSUM_REPLACE(10, "int(ctx, any, any, any, any)"),
    L4_CSUM_REPLACE(11, "int(ctx, any, any, any, any)"),
    TAIL_CALL(12, "void(ctx, map, any)"),
    CLONE_REDIRECT(13, "int(ctx, any, any)"),
    GET_CURRENT_PID_TGID(14, "int()"),
    GET_CURRENT_UID_GID(15, "int()"),
    GET_CURRENT_COMM(16, "int(out, size)"),
    GET_CGROUP_CLASSID(17, "int(ctx)"),
    SKB_VLAN_PUSH(18, "int(ctx, any, any)"),
    SKB_VLAN_POP(19, "int(ctx)"),
    SKB_GET_TUNNEL_KEY(20, "int(ctx, out, size, any)"),
    SKB_SET_TUNNEL_KEY(21, "int(ctx, in, size, any)"),
    PERF_EVENT_READ(22, "int(map, any)", GPL_ONLY),
    REDIRECT(23, "int(any, any)"),
    GET_ROUTE_REALM(24, "int(ctx)"),
    PERF_EVENT_OUTPUT(25, "int(ctx, map, any, in, size0)", GPL_ONLY),
    SKB_LOAD_BYTES(26, "int(ctx, any, out, size)"),
    GET_STACKID(27, "int(ctx, map, any)", GPL_ONLY),
    CSUM_DIFF(28, "int(in?, size0, in?, size0, any)", PACKET_ACCESS),
    SKB_GET_TUNNEL_OPT(29, "int(ctx, out, size)"),
    SKB_SET_TUNNEL_OPT(30, "int(ctx, in, size)"),
    SKB_CHANGE_PROTO(31, "int(ctx, any, any)"),
    SKB_CHANGE_TYPE(32, "int(ctx, any)"),
    SKB_UNDER_CGROUP(33, "int(ctx, map, any)"),
    GET_HASH_RECALC(34, "int(ctx)"),
    GET_CURRENT_TASK(35, "int()", GPL_ONLY),
    PROBE_WRITE_USER(36, "int(any, in, size)", GPL_ONLY),
    CURRENT_TASK_UNDER_CGROUP(37, "int(map, any)"),
    SKB_CHANGE_TAIL(38, "int(ctx, any, any)"),
    SKB_PULL_DATA(39, "int(ctx, any)"),
    CSUM_UPDATE(40, "int(ctx, any)"),
    SET_HASH_INVALID(41, "int(ctx)"),
    GET_NUMA_NODE_ID(42, "int()"),
    SKB_CHANGE_HEAD(43, "int(ctx, any, any)"),
    XDP_ADJUST_HEAD(44, "int(ctx, any)"),
    PROBE_READ_STR(45, "int(out, size0, any)", GPL_ONLY),
    GET_SOCKET_COOKIE(46, "int(ctx)"),
    GET_SOCKET_UID(47, "int(ctx)"),
    SET_HASH(48, "int(ctx, any)"),
    SETSOCKOPT(49, "int(ctx, any, any, in, size)"),
    SKB_ADJUST_ROOM(50, "int(ctx, any, any, any)"),
    REDIRECT_MAP(51, "int(map, any, any)"),
    SK_REDIRECT_MAP(52, "int(ctx, map, any, any)"),
    SOCK_MAP_UPDATE(53, "int(ctx, map, key, any)", PACKET_ACCESS),
    XDP_ADJUST_META(54, "int(ctx, any)"),
    PERF_EVENT_READ_VALUE(55, "int(map, any, out, size)", GPL_ONLY),
    PERF_PROG_READ_VALUE(56, "int(ctx, out, size)", GPL_ONLY),
    GETSOCKOPT(57, "int(ctx, any, any, out, size)"),
    OVERRIDE_RETURN(58, "int(ctx, any)", GPL_ONLY),
    SOCK_OPS_CB_FLAGS_SET(59, "int(ctx, any)"),
    MSG_REDIRECT_MAP(60, "int(ctx, map, any, any)"),
    MSG_APPLY_BYTES(61, "int(ctx, any)"),
    MSG_CORK_BYTES(62, "int(ctx, any)"),
    MSG_PULL_DATA(63, "int(ctx, any, any, any)"),
    BIND(64, "int(ctx, in, size)"),
    XDP_ADJUST_TAIL(65, "int(ctx, any)"),
    SKB_GET_XFRM_STATE(66, "int(ctx, any, out, size, any)"),
    GET_STACK(67, "int(ctx, out, size0, any)", GPL_ONLY),
    SKB_LOAD_BYTES_RELATIVE(68, "int(ctx, any, out, size, any)"),
    FIB_LOOKUP(69, "int(ctx, inout, size, any)", GPL_ONLY),
    SOCK_HASH_UPDATE(70, "int(ctx, map, key, any)", PACKET_ACCESS),
    MSG_REDIRECT_HASH(71, "int(ctx, map, key, any)"),
    SK_REDIRECT_HASH(72, "int(ctx, map, key, any)"),
    LWT_PUSH_ENCAP(73, "int(ctx, any, in, size)"),
    LWT_SEG6_STORE_BYTES(74, "int(ctx, any, in, size)"),
    LWT_SEG6_ADJUST_SRH(75, "int(ctx, any, any)"),
    LWT_SEG6_ACTION(76, "int(ctx, any, in, size)"),
    RC_REPEAT(77, "int(ctx)", GPL_ONLY),
    RC_KEYDOWN(78, "int(ctx, any, any, any)", GPL_ONLY),
    SKB_CGROUP_ID(79, "int(ctx)"),
    GET_CURRENT_CGROUP_ID(80, "int()"),
    GET_LOCAL_STORAGE(81, "value(map, any)"),
    SK_SELECT_REUSEPORT(82, "int(ctx, map, key, any)"),
    SKB_ANCESTOR_CGROUP_ID(83, "int(ctx, any)"),
    SK_LOOKUP_TCP(84, "sock?(ctx, in, size, any, any)", PACKET_ACCESS),
    SK_LOOKUP_UDP(85, "sock?(ctx, in, size, any, any)", PACKET_ACCESS),
    SK_RELEASE(86, "int(release btf-sock)"),
    MAP_PUSH_ELEM(87, "int(map, value, any)", PACKET_ACCESS),
    MAP_POP_ELEM(88, "int(map, out value)"),
    MAP_PEEK_ELEM(89, "int(map, out value)"),
    MSG_PUSH_DATA(90, "int(ctx, any, any, any)"),
    MSG_POP_DATA(91, "int(ctx, any, any, any)"),
    RC_POINTER_REL(92, "int(ctx, any, any)", GPL_ONLY),
    SPIN_LOCK(93, "void(lock)"),
    SPIN_UNLOCK(94, "void(lock)"),
    SK_FULLSOCK(95, "sock?(sock-common)"),
    TCP_SOCK(96, "tcp-sock?(sock-common)"),
    SKB_ECN_SET_CE(97, "int(ctx)"),
    GET_LISTENER_SOCK(98, "sock?(sock-common)"),
    SKC_LOOKUP_TCP(99, "sock-common?(ctx, in, size, any, any)", PACKET_ACCESS),
    TCP_CHECK_SYNCOOKIE(100, "int(btf-sock, in, size, in, size)", PACKET_ACCESS),
    SYSCTL_GET_NAME(101, "int(ctx, out, size, any)"),
    SYSCTL_GET_CURRENT_VALUE(102, "int(ctx, out, size)"),
    SYSCTL_GET_NEW_VALUE(103, "int(ctx, out, size)"),
    SYSCTL_SET_NEW_VALUE(104, "int(ctx, in, size)"),
    STRTOL(105, "int(in, size, any, out:8)"),
    STRTOUL(106, "int(in, size, any, out:8)"),
    SK_STORAGE_GET(107, "value?(map, btf-sock?, value?, any)"),
    SK_STORAGE_DELETE(108, "int(map, btf-sock?)"),
    SEND_SIGNAL(109, "int(any)"),
    TCP_GEN_SYNCOOKIE(110, "int(btf-sock, in, size, in, size)", PACKET_ACCESS),
    SKB_OUTPUT(111, "int(btf:sk_buff, map, any, in, size0)", GPL_ONLY),
    PROBE_READ_USER(112, "int(out, size0, any)", GPL_ONLY),
    PROBE_READ_KERNEL(113, "int(out, size0, any)", GPL_ONLY),
    PROBE_READ_USER_STR(114, "int(out, size0, any)", GPL_ONLY),
    PROBE_READ_KERNEL_STR(115, "int(out, size0, any)", GPL_ONLY),
    TCP_SEND_ACK(116, "int(btf:tcp_sock, any)", GPL_ONLY),
    SEND_SIGNAL_THREAD(117, "int(any)"),
    JIFFIES64(118, "int()"),
    READ_BRANCH_RECORDS(119, "int(ctx, out?, size0, any)", GPL_ONLY),
    GET_NS_CURRENT_PID_TGID(120, "int(any, any, out, size)"),
    XDP_OUTPUT(121, "int(btf:xdp_buff, map, any, in, size0)", GPL_ONLY),
    GET_NETNS_COOKIE(122, "int(ctx?)"),
    GET_CURRENT_ANCESTOR_CGROUP_ID(123, "int(any)"),
    SK_ASSIGN(124, "int(ctx, btf-sock, any)"),
    KTIME_GET_BOOT_NS(125, "int()"),
    SEQ_PRINTF(126, "int(btf:seq_file, in, size, in?, size0)", GPL_ONLY),
    SEQ_WRITE(127, "int(btf:seq_file, in, size0)", GPL_ONLY),
    SK_CGROUP_ID(128, "int(btf-sock)"),
    SK_ANCESTOR_CGROUP_ID(129, "int(btf-sock, any)"),
    RINGBUF_OUTPUT(130, "int(map, in, size0, any)"),
    RINGBUF_RESERVE(131, "ringbuf-mem?(map, alloc-size, any)"),
    RINGBUF_SUBMIT(132, "void(release ringbuf-mem, any)"),
    RINGBUF_DISCARD(133, "void(release ringbuf-mem, any)"),
    RINGBUF_QUERY(134, "int(map, any)"),
    CSUM_LEVEL(135, "int(ctx, any)"),
    SKC_TO_TCP6_SOCK(136, "btf?:tcp6_sock(btf-sock)"),
    SKC_TO_TCP_SOCK(137, "btf?:tcp_sock(btf-sock)"),
    SKC_TO_TCP_TIMEWAIT_SOCK(138, "btf?:tcp_timewait_sock(btf-sock)"),
    SKC_TO_TCP_REQUEST_SOCK(139, "btf?:tcp_request_sock(btf-sock)"),
    SKC_TO_UDP6_SOCK(140, "btf?:udp6_sock(btf-sock)"),
    GET_TASK_STACK(141, "int(btf:task_struct, out, size0, any)"),
    LOAD_HDR_OPT(142, "int(ctx, inout, size, any)"),
    STORE_HDR_OPT(143, "int(ctx, in, size, any)"),
    RESERVE_HDR_OPT(144, "int(ctx, any, any)"),
    INODE_STORAGE_GET(145, "value?(map, btf?:inode, value?, any)"),
    INODE_STORAGE_DELETE(146, "int(map, btf?:inode)"),
    D_PATH(147, "int(btf:path, out, size0)"),
    COPY_FROM_USER(148, "int(out, size0, any)", MAY_SLEEP),
    SNPRINTF_BTF(149, "int(out, size, in, size, any)"),
    SEQ_PRINTF_BTF(150, "int(btf:seq_file, in, size0, any)"),
    SKB_CGROUP_CLASSID(151, "int(ctx)"),
    REDIRECT_NEIGH(152, "int(any, in?, size0, any)"),
    PER_CPU_PTR(153, "mem-or-btf?(percpu, any)"),
    THIS_CPU_PTR(154, "mem-or-btf(percpu)"),
    REDIRECT_PEER(155, "int(any, any)"),
    TASK_STORAGE_GET(156, "value?(map, btf?:task_struct, value?, any)"),
    TASK_STORAGE_DELETE(157, "int(map, btf?:task_struct)"),
    GET_CURRENT_TASK_BTF(158, "trusted btf:task_struct()"),
    BPRM_OPTS_SET(159, "int(btf:linux_binprm, any)"),
    KTIME_GET_COARSE_NS(160, "int()"),
    IMA_INODE_HASH(161, "int(btf:inode, out, size)", MAY_SLEEP),
    SOCK_FROM_FILE(162, "btf?:socket(btf:file)"),
    CHECK_MTU(163, "int(ctx, any, inout:4, any, any)"),
    FOR_EACH_MAP_ELEM(164, "int(map, func, stack?, any)"),
    SNPRINTF(165, "int(out?, size0, str, in?, size0)"),
    SYS_BPF(166, "int(any, in, size)"),
    BTF_FIND_BY_NAME_KIND(167, "int(in, size, any, any)"),
    SYS_CLOSE(168, "int(any)"),
    TIMER_INIT(169, "int(timer, map, any)"),
    TIMER_SET_CALLBACK(170, "int(timer, func)"),
    TIMER_START(171, "int(timer, any, any)"),
    TIMER_CANCEL(172, "int(timer)"),
    GET_FUNC_IP(173, "int(ctx)"),
    GET_ATTACH_COOKIE(174, "int(ctx)"),
    TASK_PT_REGS(175, "btf:pt_regs(btf:task_struct)"),
    GET_BRANCH_SNAPSHOT(176, "int(out, size0)"),
    TRACE_VPRINTK(177, "int(in, size, in?, size0)", GPL_ONLY),
    SKC_TO_UNIX_SOCK(178, "btf?:unix_sock(btf-sock)"),
    KALLSYMS_LOOKUP_NAME(179, "int(in, size0, any, out:8)"),
    FIND_VMA(180, "int(btf:task_struct, any, func, stack?, any)"),
    LOOP(181, "int(any, func, stack?, any)"),
    STRNCMP(182, "int(in, size, str)"),
    GET_FUNC_ARG(183, "int(ctx, any, out:8)"),
    GET_FUNC_RET(184, "int(ctx, out:8)"),
    GET_FUNC_ARG_CNT(185, "int(ctx)"),
    GET_RETVAL(186, "int()"),
    SET_RETVAL(187, "int(any)"),
    XDP_GET_BUFF_LEN(188, "int(ctx)"),
    XDP_LOAD_BYTES(189, "int(ctx, any, out, size)"),
    XDP_STORE_BYTES(190, "int(ctx, any, in, size)"),
    COPY_FROM_USER_TASK(191, "int(out, size0, any, btf:task_struct, any)", GPL_ONLY, MAY_SLEEP),
    SKB_SET_TSTAMP(192, "int(ctx, any, any)"),
    IMA_FILE_HASH(193, "int(btf:file, out, size)", MAY_SLEEP),
    KPTR_XCHG(194, "btf?(kptr, release btf?)"),
    MAP_LOOKUP_PERCPU_ELEM(195, "value?(map, key, any)", PACKET_ACCESS),
    SKC_TO_MPTCP_SOCK(196, "btf?:mptcp_sock(sock-common)"),
    DYNPTR_FROM_MEM(197, "int(out, size0, any, new dynptr:local)"),
    RINGBUF_RESERVE_DYNPTR(198, "int(map, any, any, new dynptr:ringbuf)"),
    RINGBUF_SUBMIT_DYNPTR(199, "void(release dynptr:ringbuf, any)"),
    RINGBUF_DISCARD_DYNPTR(200, "void(release dynptr:ringbuf, any)"),
    DYNPTR_READ(201, "int(out, size0, const dynptr, any, any)"),
    DYNPTR_WRITE(202, "int(const dynptr, any, in, size0, any)"),
    DYNPTR_DATA(203, "dynptr-mem?(const dynptr, any, alloc-size0)"),
    TCP_RAW_GEN_SYNCOOKIE_IPV4(204, "int(in:20, in, size0)", PACKET_ACCESS),
    TCP_RAW_GEN_SYNCOOKIE_IPV6(205, "int(in:40, in, size0)", PACKET_ACCESS),
    TCP_RAW_CHECK_SYNCOOKIE_IPV4(206, "int(in:20, in:20)", PACKET_ACCESS),
    TCP_RAW_CHECK_SYNCOOKIE_IPV6(207, "int(in:40, in:20)", PACKET_ACCESS),
    KTIME_GET_TAI_NS(208, "int()"),
    USER_RINGBUF_DRAIN(209, "int(map, func, stack?, any)"),
    CGRP_STORAGE_GET(210, "value?(map, btf?:cgroup, value?, any)"),
    CGRP_STORAGE_DELETE(211, "int(map, btf?:cgroup)");

    private static final Helper[] ALL = values();

    private static final HelperPrototype SOCKET_POINTER = HelperPrototype.parse("int(btf-sock?)");

    private final int number;
    private final HelperPrototype prototype;

    Helper(int number, String prototype, HelperPrototype.Property... properties) {
        this.number = number;
        this.prototype = HelperPrototype.parse(prototype, properties);
    }

    /** Arguments, result and what it needs. */
    public HelperPrototype prototype() {
        return prototype;
    }

    /**
     * The same for a type of program. The cookie of a socket is asked for with the context where that stands for a packet or
     * socket, and with the socket itself where it is a kernel structure ({@code bpf_get_socket_ptr_cookie_proto} of
     * net/core/filter.c).
     */
    public HelperPrototype prototype(ProgramType type) {
        return this == GET_SOCKET_COOKIE && (type == ProgramType.TRACING || type == ProgramType.STRUCT_OPS)
                ? SOCKET_POINTER
                : prototype;
    }

    /** The number in the system call interface. */
    public int number() {
        return number;
    }

    /** The name as the kernel writes it, without {@code bpf_}. */
    public String kernelName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The row with this number, if there is one. */
    public static Optional<Helper> ofNumber(int number) {
        return number > 0 && number <= ALL.length ? Optional.of(ALL[number - 1]) : Optional.empty();
    }
}
