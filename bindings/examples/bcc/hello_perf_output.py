"""Structures instead of text: each new process sends an event through a perf buffer."""
from bcc import BPF

PROGRAM = r"""
#include <linux/sched.h>
struct made { u32 pid; u64 ts; char comm[TASK_COMM_LEN]; };
BPF_PERF_OUTPUT(events);
int hello(struct pt_regs *ctx) {
    struct made e = {};
    e.pid = bpf_get_current_pid_tgid() >> 32;
    e.ts = bpf_ktime_get_ns();
    bpf_get_current_comm(&e.comm, sizeof(e.comm));
    events.perf_submit(ctx, &e, sizeof(e));
    return 0;
}
"""

b = BPF(text=PROGRAM)
b.attach_kprobe(event=b.get_syscall_fnname("clone"), fn_name="hello")
first = None
print("%-18s %-16s %-6s %s" % ("TIME(s)", "COMM", "PID", "MESSAGE"))


def show(cpu, data, size):
    global first
    e = b["events"].event(data)
    first = first or e.ts
    print("%-18.9f %-16s %-6d %s" % ((e.ts - first) / 1e9, e.comm.decode(), e.pid, "made a process"))


b["events"].open_perf_buffer(show)
while True:
    try:
        b.perf_buffer_poll()
    except KeyboardInterrupt:
        break
