package skep.session.bcc;

import java.util.List;
import java.util.Optional;
import skep.btf.BtfKind;
import skep.isa.kernel.KernelInfo;

/**
 * Kernel functions in which, or right beside which, a tracepoint fires with the same arguments: where a kernel has no
 * kprobes, a program of such a function runs at the tracepoint. Sources: the functions named, in Linux 6.5 to 6.18.
 */
final class TracepointEquivalents {
    /**
     * @param words for each argument of the function the tracepoint's argument that it is, -1 if it is not passed
     * @param difference what differs from a kprobe of the function, or empty
     */
    record Equivalent(String function, String tracepoint, List<Integer> words, String difference) {}

    private static final List<Equivalent> TABLE = List.of(
            new Equivalent("blk_account_io_start", "block_io_start", List.of(0), ""),
            new Equivalent("__blk_account_io_start", "block_io_start", List.of(0), ""),
            new Equivalent("blk_account_io_done", "block_io_done", List.of(0), ""),
            new Equivalent("__blk_account_io_done", "block_io_done", List.of(0), ""),
            new Equivalent("blk_mq_start_request", "block_rq_issue", List.of(0), ""),
            new Equivalent("mark_buffer_dirty", "block_dirty_buffer", List.of(0), ""),
            new Equivalent("tcp_rcv_established", "tcp_probe", List.of(0, 1), ""),
            new Equivalent("sched_fork", "sched_process_fork", List.of(-1, 1), "only forks that succeed, at their end"),
            new Equivalent("wake_up_new_task", "sched_wakeup_new", List.of(0), "at its end"),
            new Equivalent("ttwu_do_wakeup", "sched_wakeup", List.of(-1, 0), ""),
            new Equivalent("try_to_wake_up", "sched_waking", List.of(0), "only tasks that do sleep"),
            new Equivalent(
                    "kmem_cache_alloc",
                    "kmem_cache_alloc",
                    List.of(2, 3),
                    "at its end, with the allocations of a node"),
            new Equivalent(
                    "kmem_cache_alloc_noprof",
                    "kmem_cache_alloc",
                    List.of(2, 3),
                    "at its end, with the allocations of a node"),
            new Equivalent(
                    "tcp_retransmit_skb", "tcp_retransmit_skb", List.of(0, 1), "only what was sent, at its end"));

    private TracepointEquivalents() {}

    /** What stands for a function on this kernel; its tracepoint is there. */
    static Optional<Equivalent> of(KernelInfo kernel, String function) {
        return TABLE.stream()
                .filter(row -> row.function().equals(function) && has(kernel, row.tracepoint()))
                .findFirst();
    }

    /** Whether the kernel has a tracepoint for programs, with or without an event in tracefs. */
    static boolean has(KernelInfo kernel, String tracepoint) {
        return kernel.types()
                .map(btf -> btf.find("btf_trace_" + tracepoint, BtfKind.TYPEDEF).isPresent())
                .orElse(false);
    }
}
