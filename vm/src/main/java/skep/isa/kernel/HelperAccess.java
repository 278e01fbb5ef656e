package skep.isa.kernel;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** Which program types may call which helpers: the {@code get_func_proto} functions of Linux 6.18 as sets. */
public final class HelperAccess {
    private HelperAccess() {}

    /** For every program, whoever loads it. */
    private static final Set<Helper> EVERYONE = of("""
            map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem map_peek_elem
            map_lookup_percpu_elem get_prandom_u32 get_smp_processor_id get_numa_node_id tail_call ktime_get_ns
            ktime_get_boot_ns ktime_get_tai_ns ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard
            ringbuf_query strncmp strtol strtoul get_current_pid_tgid get_ns_current_pid_tgid get_current_uid_gid
            get_current_comm
            """);

    /** For every program loaded with {@code CAP_BPF}. */
    private static final Set<Helper> CAP_BPF = of("""
            spin_lock spin_unlock jiffies64 per_cpu_ptr this_cpu_ptr timer_init timer_set_callback timer_start
            timer_cancel kptr_xchg for_each_map_elem loop user_ringbuf_drain ringbuf_reserve_dynptr
            ringbuf_submit_dynptr ringbuf_discard_dynptr dynptr_from_mem dynptr_read dynptr_write dynptr_data
            cgrp_storage_get cgrp_storage_delete get_current_cgroup_id get_current_ancestor_cgroup_id
            current_task_under_cgroup
            """);

    /** For every program loaded with {@code CAP_PERFMON}. */
    private static final Set<Helper> CAP_PERFMON = of("""
            trace_printk trace_vprintk get_current_task get_current_task_btf probe_read_user probe_read_kernel
            probe_read_user_str probe_read_kernel_str snprintf_btf snprintf task_pt_regs perf_event_read_value
            """);

    private static final Set<Helper> SOCKET_COMMON = of("""
            skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock
            skc_to_unix_sock skc_to_mptcp_sock ktime_get_coarse_ns
            """);

    private static final Set<Helper> LOOKUPS = of("sk_lookup_tcp sk_lookup_udp sk_release skc_lookup_tcp");

    private static final Set<Helper> SOCKET_FILTER = join(
            SOCKET_COMMON,
            of("skb_load_bytes skb_load_bytes_relative get_socket_cookie get_socket_uid perf_event_output"));

    private static final Set<Helper> CGROUP_CURRENT =
            of("get_current_uid_gid get_current_comm get_cgroup_classid get_local_storage get_retval set_retval");

    private static final Set<Helper> CLASSIFIER = join(SOCKET_COMMON, LOOKUPS, of("""
                    skb_store_bytes skb_load_bytes skb_load_bytes_relative skb_pull_data csum_diff csum_update csum_level
                    l3_csum_replace l4_csum_replace clone_redirect get_cgroup_classid skb_vlan_push skb_vlan_pop
                    skb_change_proto skb_change_type skb_adjust_room skb_change_tail skb_change_head skb_get_tunnel_key
                    skb_set_tunnel_key skb_get_tunnel_opt skb_set_tunnel_opt redirect redirect_neigh redirect_peer
                    get_route_realm get_hash_recalc set_hash_invalid set_hash perf_event_output skb_under_cgroup
                    get_socket_cookie get_socket_uid get_netns_cookie fib_lookup check_mtu sk_fullsock sk_storage_get
                    sk_storage_delete skb_get_xfrm_state skb_cgroup_classid skb_cgroup_id skb_ancestor_cgroup_id tcp_sock
                    get_listener_sock tcp_check_syncookie skb_ecn_set_ce tcp_gen_syncookie sk_assign skb_set_tstamp
                    tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4
                    tcp_raw_check_syncookie_ipv6
                    """));

    private static final Set<Helper> LIGHTWEIGHT_TUNNEL = join(SOCKET_COMMON, of("""
                    skb_load_bytes skb_pull_data csum_diff get_cgroup_classid get_route_realm get_hash_recalc
                    perf_event_output skb_under_cgroup
                    """));

    /** What the tracing program types share. */
    private static final Set<Helper> TRACING_COMMON = of("""
            get_current_task get_current_task_btf task_pt_regs get_current_uid_gid get_current_comm trace_printk
            perf_event_read probe_write_user probe_read_user probe_read_kernel probe_read_user_str probe_read_kernel_str
            probe_read probe_read_str get_current_cgroup_id get_current_ancestor_cgroup_id current_task_under_cgroup
            send_signal send_signal_thread perf_event_read_value get_task_stack copy_from_user copy_from_user_task
            snprintf_btf snprintf task_storage_get task_storage_delete get_func_ip get_branch_snapshot find_vma
            trace_vprintk jiffies64 per_cpu_ptr this_cpu_ptr for_each_map_elem loop
            """);

    private static final Set<Helper> OUTPUT_AND_STACKS =
            of("perf_event_output get_stackid get_stack get_attach_cookie");

    private static final Set<Helper> TYPED_TRACING = join(TRACING_COMMON, of("""
                    perf_event_output get_stackid get_stack get_attach_cookie skb_output xdp_output skc_to_tcp6_sock
                    skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock skc_to_unix_sock
                    skc_to_mptcp_sock sk_storage_get sk_storage_delete sock_from_file get_socket_cookie seq_printf
                    seq_write seq_printf_btf d_path get_func_arg get_func_ret get_func_arg_cnt
                    """));

    private static final Map<ProgramType, Set<Helper>> BY_TYPE = byType();

    private static Map<ProgramType, Set<Helper>> byType() {
        var rows = new EnumMap<ProgramType, Set<Helper>>(ProgramType.class);
        rows.put(ProgramType.SOCKET_FILTER, SOCKET_FILTER);
        rows.put(ProgramType.KPROBE, join(TRACING_COMMON, OUTPUT_AND_STACKS, of("override_return")));
        rows.put(ProgramType.SCHED_CLS, CLASSIFIER);
        rows.put(ProgramType.SCHED_ACT, CLASSIFIER);
        rows.put(ProgramType.TRACEPOINT, join(TRACING_COMMON, OUTPUT_AND_STACKS));
        rows.put(ProgramType.XDP, join(SOCKET_COMMON, LOOKUPS, of("""
                                perf_event_output csum_diff xdp_adjust_head xdp_adjust_meta redirect redirect_map
                                xdp_adjust_tail xdp_get_buff_len xdp_load_bytes xdp_store_bytes fib_lookup check_mtu
                                tcp_check_syncookie tcp_gen_syncookie tcp_raw_gen_syncookie_ipv4
                                tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6
                                """)));
        rows.put(
                ProgramType.PERF_EVENT,
                join(TRACING_COMMON, OUTPUT_AND_STACKS, of("perf_prog_read_value read_branch_records")));
        rows.put(ProgramType.CGROUP_SKB, join(SOCKET_FILTER, LOOKUPS, of("""
                                get_local_storage get_retval set_retval sk_fullsock sk_storage_get sk_storage_delete
                                skb_cgroup_id skb_ancestor_cgroup_id sk_cgroup_id sk_ancestor_cgroup_id tcp_sock
                                get_listener_sock skb_ecn_set_ce get_netns_cookie
                                """)));
        rows.put(
                ProgramType.CGROUP_SOCK,
                join(
                        CGROUP_CURRENT,
                        of("get_socket_cookie get_netns_cookie perf_event_output sk_storage_get ktime_get_coarse_ns")));
        rows.put(ProgramType.LWT_IN, join(LIGHTWEIGHT_TUNNEL, of("lwt_push_encap")));
        rows.put(ProgramType.LWT_OUT, LIGHTWEIGHT_TUNNEL);
        rows.put(ProgramType.LWT_XMIT, join(LIGHTWEIGHT_TUNNEL, of("""
                                skb_get_tunnel_key skb_set_tunnel_key skb_get_tunnel_opt skb_set_tunnel_opt redirect
                                clone_redirect skb_change_tail skb_change_head skb_store_bytes csum_update csum_level
                                l3_csum_replace l4_csum_replace set_hash_invalid lwt_push_encap
                                """)));
        rows.put(ProgramType.SOCK_OPS, join(SOCKET_COMMON, of("""
                                setsockopt getsockopt sock_ops_cb_flags_set sock_map_update sock_hash_update
                                get_socket_cookie get_local_storage perf_event_output sk_storage_get sk_storage_delete
                                get_netns_cookie load_hdr_opt store_hdr_opt reserve_hdr_opt tcp_sock
                                """)));
        rows.put(ProgramType.SK_SKB, join(SOCKET_COMMON, LOOKUPS, of("""
                                skb_store_bytes skb_load_bytes skb_pull_data skb_change_tail skb_change_head
                                skb_adjust_room get_socket_cookie get_socket_uid sk_redirect_map sk_redirect_hash
                                perf_event_output
                                """)));
        rows.put(ProgramType.CGROUP_DEVICE, join(CGROUP_CURRENT, of("perf_event_output ktime_get_coarse_ns")));
        rows.put(ProgramType.SK_MSG, join(SOCKET_COMMON, of("""
                                msg_redirect_map msg_redirect_hash msg_apply_bytes msg_cork_bytes msg_pull_data
                                msg_push_data msg_pop_data perf_event_output get_current_uid_gid sk_storage_get
                                sk_storage_delete get_netns_cookie get_cgroup_classid
                                """)));
        rows.put(ProgramType.RAW_TRACEPOINT, join(TRACING_COMMON, OUTPUT_AND_STACKS));
        rows.put(ProgramType.RAW_TRACEPOINT_WRITABLE, join(TRACING_COMMON, OUTPUT_AND_STACKS));
        rows.put(ProgramType.CGROUP_SOCK_ADDR, join(SOCKET_COMMON, LOOKUPS, CGROUP_CURRENT, of("""
                                bind get_socket_cookie get_netns_cookie perf_event_output sk_storage_get
                                sk_storage_delete setsockopt getsockopt
                                """)));
        rows.put(
                ProgramType.LWT_SEG6LOCAL,
                join(LIGHTWEIGHT_TUNNEL, of("lwt_seg6_store_bytes lwt_seg6_action lwt_seg6_adjust_srh")));
        rows.put(ProgramType.LIRC_MODE2, of("rc_repeat rc_keydown rc_pointer_rel trace_printk get_current_comm"));
        rows.put(
                ProgramType.SK_REUSEPORT,
                of("sk_select_reuseport skb_load_bytes skb_load_bytes_relative get_socket_cookie ktime_get_coarse_ns"));
        rows.put(ProgramType.FLOW_DISSECTOR, join(SOCKET_COMMON, of("skb_load_bytes")));
        rows.put(ProgramType.CGROUP_SYSCTL, join(CGROUP_CURRENT, of("""
                                sysctl_get_name sysctl_get_current_value sysctl_get_new_value sysctl_set_new_value
                                ktime_get_coarse_ns perf_event_output
                                """)));
        rows.put(ProgramType.CGROUP_SOCKOPT, join(CGROUP_CURRENT, of("""
                                get_netns_cookie sk_storage_get sk_storage_delete setsockopt getsockopt tcp_sock
                                perf_event_output
                                """)));
        rows.put(ProgramType.TRACING, TYPED_TRACING);
        rows.put(ProgramType.STRUCT_OPS, of("get_socket_cookie sk_storage_get sk_storage_delete"));
        rows.put(ProgramType.LSM, join(TYPED_TRACING, of("""
                                inode_storage_get inode_storage_delete bprm_opts_set ima_inode_hash ima_file_hash
                                get_attach_cookie setsockopt getsockopt
                                """)));
        rows.put(ProgramType.SK_LOOKUP, join(SOCKET_COMMON, of("perf_event_output sk_assign sk_release")));
        rows.put(
                ProgramType.SYSCALL,
                join(TRACING_COMMON, of("sys_bpf btf_find_by_name_kind sys_close kallsyms_lookup_name")));
        rows.put(ProgramType.EXT, CLASSIFIER);
        rows.put(ProgramType.NETFILTER, Set.of());
        return rows;
    }

    /**
     * Whether a program may call a helper.
     *
     * @param capBpf whether it was loaded with {@code CAP_BPF}
     * @param capPerfmon whether it was loaded with {@code CAP_PERFMON}
     */
    public static boolean allows(ProgramType type, Helper helper, boolean capBpf, boolean capPerfmon) {
        if (EVERYONE.contains(helper)) {
            return true;
        }
        if (capBpf && CAP_BPF.contains(helper)) {
            return true;
        }
        if (capPerfmon && CAP_PERFMON.contains(helper)) {
            return true;
        }
        var own = BY_TYPE.getOrDefault(type, Set.of());
        return own.contains(helper) && (capPerfmon || (!CAP_PERFMON.contains(helper) && !isConversion(helper)));
    }

    private static boolean isConversion(Helper helper) {
        return helper.name().startsWith("SKC_TO_");
    }

    private static Set<Helper> of(String names) {
        var set = EnumSet.noneOf(Helper.class);
        for (var name : names.strip().split("\\s+")) {
            set.add(Helper.valueOf(name.toUpperCase(java.util.Locale.ROOT)));
        }
        return set;
    }

    @SafeVarargs
    private static Set<Helper> join(Set<Helper>... sets) {
        var all = EnumSet.noneOf(Helper.class);
        for (var set : sets) {
            all.addAll(set);
        }
        return all;
    }
}
