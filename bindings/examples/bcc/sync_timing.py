"""How soon one sync follows another: a table keeps the time of the last one between two firings."""
from bcc import BPF

PROGRAM = r"""
BPF_HASH(last);
int on_sync(struct pt_regs *ctx) {
    u64 key = 0, now = bpf_ktime_get_ns();
    u64 *before = last.lookup(&key);
    if (before && now - *before < 1000000000) {
        bpf_trace_printk("%d\n", (now - *before) / 1000000);
    }
    last.update(&key, &now);
    return 0;
}
"""

b = BPF(text=PROGRAM)
b.attach_kprobe(event=b.get_syscall_fnname("sync"), fn_name="on_sync")
print("Waiting for syncs that follow each other within a second; Ctrl-C ends.")
start = None
while True:
    try:
        task, pid, cpu, flags, stamp, message = b.trace_fields()
        start = start or stamp
        print("At %.2f s: a sync %s ms after the one before" % (stamp - start, message.decode()))
    except KeyboardInterrupt:
        break
