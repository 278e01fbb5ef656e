"""Sizes of requests of block devices, as a histogram in powers of two and a linear one."""
from time import sleep

from bcc import BPF

PROGRAM = r"""
#include <uapi/linux/ptrace.h>
#include <linux/blk-mq.h>
BPF_HISTOGRAM(log2);
BPF_HISTOGRAM(linear);
int on_end(struct pt_regs *ctx, struct request *req) {
    log2.increment(bpf_log2l(req->__data_len / 1024));
    linear.increment(req->__data_len / 1024);
    return 0;
}
"""

b = BPF(text=PROGRAM)
end = "__blk_account_io_done" if BPF.get_kprobe_functions(b"__blk_account_io_done") else "blk_account_io_done"
b.attach_kprobe(event=end, fn_name="on_end")
print("Counting; Ctrl-C shows.")
try:
    sleep(99999999)
except KeyboardInterrupt:
    print()
b["log2"].print_log2_hist("kbytes")
print()
b["linear"].print_linear_hist("kbytes")
