"""Requests that a web server tells by a static probe, with the argument of the probe: nodejs_http_server.py PID [PROBE [ARGUMENT]]

The probe is http__server__request of a Node.js built with probes, whose sixth argument is the path; any probe whose argument
is a text will do.
"""
import sys

from bcc import BPF, USDT

PROGRAM = r"""
#include <uapi/linux/ptrace.h>
int on_request(struct pt_regs *ctx) {
    u64 address = 0;
    char path[128] = {};
    bpf_usdt_readarg(ARGUMENT, ctx, &address);
    bpf_probe_read_user(&path, sizeof(path), (void *)address);
    bpf_trace_printk("path:%s\n", path);
    return 0;
}
"""

if len(sys.argv) < 2:
    print("usage: nodejs_http_server.py PID [PROBE [ARGUMENT]]")
    sys.exit(1)
probes = USDT(pid=int(sys.argv[1]))
probes.enable_probe(probe=sys.argv[2] if len(sys.argv) > 2 else "http__server__request", fn_name="on_request")
argument = sys.argv[3] if len(sys.argv) > 3 else "6"
b = BPF(text=PROGRAM, cflags=["-DARGUMENT=" + argument], usdt_contexts=[probes])
print("%-18s %-16s %-6s %s" % ("TIME(s)", "COMM", "PID", "REQUEST"))
while True:
    try:
        task, pid, cpu, flags, stamp, message = b.trace_fields()
        print("%-18.9f %-16s %-6d %s" % (stamp, task.decode(), pid, message.decode()))
    except KeyboardInterrupt:
        break
