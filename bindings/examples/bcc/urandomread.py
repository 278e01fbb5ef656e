"""Who asks for random bytes: a tracepoint with its fields; recent kernels have the system call instead."""
from bcc import BPF

OLD = 'TRACEPOINT_PROBE(random, urandom_read) { bpf_trace_printk("%d\\n", args->got_bits / 8); return 0; }'
NEW = 'TRACEPOINT_PROBE(syscalls, sys_enter_getrandom) { bpf_trace_printk("%d", args->len); return 0; }'

b = BPF(text=OLD if BPF.tracepoint_exists("random", "urandom_read") else NEW)
print("%-18s %-16s %-6s %s" % ("TIME(s)", "COMM", "PID", "BYTES"))
while True:
    try:
        task, pid, cpu, flags, stamp, message = b.trace_fields()
        print("%-18.9f %-16s %-6d %s" % (stamp, task.decode(), pid, message.decode()))
    except KeyboardInterrupt:
        break
