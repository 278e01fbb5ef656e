"""The same with the fields of the trace taken apart: time, task, pid, message."""
from bcc import BPF

PROGRAM = r"""
int hello(void *ctx) {
    bpf_trace_printk("a process\n");
    return 0;
}
"""

b = BPF(text=PROGRAM)
b.attach_kprobe(event=b.get_syscall_fnname("clone"), fn_name="hello")
print("%-18s %-16s %-6s %s" % ("TIME(s)", "COMM", "PID", "MESSAGE"))
while True:
    try:
        task, pid, cpu, flags, stamp, message = b.trace_fields()
        print("%-18.9f %-16s %-6d %s" % (stamp, task.decode(), pid, message.decode()))
    except KeyboardInterrupt:
        break
