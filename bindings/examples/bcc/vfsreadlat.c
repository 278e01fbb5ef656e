/* Time of reads: noted when a thread enters vfs_read, taken when it returns. */
#include <uapi/linux/ptrace.h>

BPF_HASH(entered, u32);
BPF_HISTOGRAM(dist);

int on_enter(struct pt_regs *ctx) {
    u32 thread = bpf_get_current_pid_tgid();
    u64 now = bpf_ktime_get_ns();
    entered.update(&thread, &now);
    return 0;
}

int on_return(struct pt_regs *ctx) {
    u32 thread = bpf_get_current_pid_tgid();
    u64 *from = entered.lookup(&thread);
    if (from) {
        dist.increment(bpf_log2l((bpf_ktime_get_ns() - *from) / 1000));
        entered.delete(&thread);
    }
    return 0;
}
