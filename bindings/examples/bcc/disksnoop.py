"""Time of each request of block devices: the address of the request is the key between its start and its end."""
from bcc import BPF

PROGRAM = r"""
#include <uapi/linux/ptrace.h>
#include <linux/blk-mq.h>
BPF_HASH(started, struct request *);
void on_start(struct pt_regs *ctx, struct request *req) {
    u64 now = bpf_ktime_get_ns();
    started.update(&req, &now);
}
void on_end(struct pt_regs *ctx, struct request *req) {
    u64 *from = started.lookup(&req);
    if (from) {
        bpf_trace_printk("%d %x %d\n", req->__data_len, req->cmd_flags, (bpf_ktime_get_ns() - *from) / 1000);
        started.delete(&req);
    }
}
"""

WRITE = 1

b = BPF(text=PROGRAM)
b.attach_kprobe(event="blk_mq_start_request", fn_name="on_start")
end = "__blk_account_io_done" if BPF.get_kprobe_functions(b"__blk_account_io_done") else "blk_account_io_done"
b.attach_kprobe(event=end, fn_name="on_end")
print("%-18s %-2s %-7s %8s" % ("TIME(s)", "T", "BYTES", "LAT(ms)"))
while True:
    try:
        task, pid, cpu, flags, stamp, message = b.trace_fields()
        size, bits, microseconds = message.split()
        kind = "W" if int(bits, 16) & WRITE else "R"
        print("%-18.9f %-2s %-7s %8.2f" % (stamp, kind, size.decode(), int(microseconds) / 1000))
    except KeyboardInterrupt:
        break
