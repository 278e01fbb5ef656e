package skep.vm.verifier;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What the types do not tell of the arguments of typed tracepoints and iterators: which may be null, and which are not kept
 * alive. Facts of Linux 6.18 ({@code kernel/bpf/btf.c}, {@code raw_tp_null_args}; the {@code bpf_iter_reg} of each iterator).
 */
final class TypedArguments {
    private TypedArguments() {}

    /** Arguments of tracepoints that the kernel passes as null now and then: name and numbers, counted from 0. */
    private static final String NULL_ARGUMENTS = """
            sched_pi_setprio 1
            sched_stick_numa 2
            sched_swap_numa 2
            tmigr_update_events 0
            mm_page_alloc 0
            mm_page_alloc_zone_locked 0
            mm_page_pcpu_drain 0
            mm_khugepaged_scan_pmd 1
            mm_collapse_huge_page_isolate 0
            mm_khugepaged_scan_file 1
            mm_khugepaged_collapse_file 1
            writeback_dirty_folio 1
            folio_wait_writeback 1
            posix_lock_inode 1
            fcntl_setlk 1
            locks_remove_posix 1
            flock_lock_inode 1
            break_lease_noblock 1
            break_lease_block 1
            break_lease_unblock 1
            generic_delete_lease 1
            time_out_leases 1
            ext4_mballoc_discard 1
            ext4_mballoc_free 1
            hugetlbfs_alloc_inode 1
            xfs_inodegc_flush 0
            xfs_inodegc_push 0
            xfs_inodegc_start 0
            xfs_inodegc_stop 0
            xfs_inodegc_queue 0
            xfs_inodegc_throttle 0
            xfs_fs_sync_fs 0
            xfs_blockgc_start 0
            xfs_blockgc_stop 0
            xfs_blockgc_worker 0
            xfs_blockgc_flush_all 0
            xfs_blockgc_free_space 1
            xfs_ioc_free_eofblocks 1
            xfs_map_blocks_found 4
            xfs_map_blocks_alloc 4
            xfs_btree_updkeys 2
            xfs_btree_overlapped_query_range 2
            xfs_defer_create_intent 0
            xfs_defer_cancel_list 0
            xfs_defer_pending_finish 0
            xfs_defer_pending_abort 0
            xfs_defer_relog_intent 0
            xfs_defer_isolate_paused 0
            xfs_defer_item_pause 0
            xfs_defer_item_unpause 0
            xfs_defer_add_item 0
            xfs_defer_cancel_item 0
            xfs_defer_finish_item 0
            afs_make_fs_call 1
            afs_make_fs_calli 1
            afs_make_fs_call1 1
            afs_make_fs_call2 1
            afs_protocol_error 0
            afs_flock_ev 1
            cachefiles_lookup 0 2
            cachefiles_unlink 0
            cachefiles_rename 0
            cachefiles_prep_read 0
            cachefiles_mark_active 0
            cachefiles_mark_failed 0
            cachefiles_mark_inactive 0
            cachefiles_vfs_error 0
            cachefiles_io_error 0
            cachefiles_ondemand_open 0
            cachefiles_ondemand_copen 0
            cachefiles_ondemand_close 0
            cachefiles_ondemand_read 0
            cachefiles_ondemand_cread 0
            cachefiles_ondemand_fd_write 0
            cachefiles_ondemand_fd_release 0
            netfs_failure 1
            device_pm_callback_start 1
            rxrpc_recvdata 0
            rxrpc_resend 1
            rxrpc_tq 1
            rxrpc_client 0
            xs_stream_read_data 0
            xprt_reserve_cong 1
            xprt_release_cong 1
            xprt_get_cong 1
            xprt_put_cong 1
            kfree_skb 3
            tcp_send_reset 0 1
            tcp_sendmsg_locked 2
            fib_table_lookup 2
            qdisc_dequeue 3
            host1x_cdma_push_gather 4
            tegra_dma_tx_status 2
            mr_integ_alloc 3
            """;

    private static final Map<String, Integer> NULL_MASKS = new HashMap<>();

    static {
        NULL_ARGUMENTS.lines().forEach(line -> {
            var words = line.split(" ");
            int mask = 0;
            for (int i = 1; i < words.length; i++) {
                mask |= 1 << Integer.parseInt(words[i]);
            }
            NULL_MASKS.put(words[0], mask);
        });
    }

    /** Whether a tracepoint's argument may be null. */
    static boolean tracepointNull(String tracepoint, int argument) {
        return (NULL_MASKS.getOrDefault(tracepoint, 0) >> argument & 1) != 0;
    }

    /** Arguments of iterators that are there at every element: the map that is iterated over. */
    private static final Set<String> ITERATED = Set.of("bpf_map_elem 1", "bpf_sk_storage_map 1", "sockmap 1");

    /** Arguments that are buffers of bytes, which may be read. */
    private static final Set<String> BUFFERS =
            Set.of("bpf_map_elem 2", "bpf_map_elem 3", "bpf_sk_storage_map 3", "sockmap 2");

    private static final Set<String> READ_ONLY_BUFFERS = Set.of("bpf_map_elem 2", "sockmap 2");

    /** Whether an iterator's argument is a key or value of a map. */
    static boolean iteratorBuffer(String iterator, int argument) {
        return BUFFERS.contains(iterator + " " + argument);
    }

    /** Whether that may only be read: keys. */
    static boolean iteratorBufferReadOnly(String iterator, int argument) {
        return READ_ONLY_BUFFERS.contains(iterator + " " + argument);
    }

    /** Arguments that nothing keeps alive beyond the call. */
    private static final Set<String> NOT_TRUSTED = Set.of(
            "bpf_link 1",
            "bpf_prog 1",
            "bpf_sk_storage_map 2",
            "dmabuf 1",
            "ipv6_route 1",
            "ksym 1",
            "netlink 1",
            "sockmap 3",
            "task_file 1",
            "task_file 3",
            "task_vma 1",
            "task_vma 2",
            "unix 1");

    /** Whether an iterator's argument may be null: the last call has no element. */
    static boolean iteratorNull(String iterator, int argument) {
        return argument > 0 && !ITERATED.contains(iterator + " " + argument);
    }

    /** Whether an iterator's argument stays valid as long as the program runs. */
    static boolean iteratorTrusted(String iterator, int argument) {
        return !NOT_TRUSTED.contains(iterator + " " + argument);
    }
}
