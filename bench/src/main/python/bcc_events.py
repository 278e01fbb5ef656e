"""How many events a second reach a Python callback without loss: ./skep py bench/src/main/python/bcc_events.py [RATE…]

A process of its own makes system calls at each rate for some seconds; a program sends an event for each, with the fields of a
usual tool, and the callback takes them apart as tools do. Says how many were made, received, and lost.
"""
import subprocess
import sys
import time

from bcc import BPF

SECONDS = 5
PAGES = 1024

GENERATOR = """
import os, sys, time
rate, seconds = int(sys.argv[1]), float(sys.argv[2])
sys.stdin.readline()
start, made = time.monotonic(), 0
while True:
    passed = time.monotonic() - start
    if passed >= seconds:
        break
    for _ in range(int(rate * passed) - made):
        os.getppid()
        made += 1
    time.sleep(0.001)
print(made)
"""

TEXT = """
struct data_t { u32 pid; u64 ts; u64 id; char comm[16]; };
BPF_PERF_OUTPUT(events);
int on_call(struct bpf_raw_tracepoint_args *ctx) {
    if (ctx->args[1] != %d || bpf_get_current_pid_tgid() >> 32 != PID) { return 0; }
    struct data_t data = {};
    data.pid = bpf_get_current_pid_tgid() >> 32;
    data.ts = bpf_ktime_get_ns();
    data.id = ctx->args[1];
    bpf_get_current_comm(&data.comm, sizeof(data.comm));
    events.perf_submit(ctx, &data, sizeof(data));
    return 0;
}
"""

GETPPID = {"x86_64": 110, "aarch64": 173}


def run(rate):
    import platform
    child = subprocess.Popen(["/usr/bin/python3", "-c", GENERATOR, str(rate), str(SECONDS)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    b = BPF(text=TEXT % GETPPID[platform.machine()], cflags=["-DPID=%d" % child.pid])
    b.attach_raw_tracepoint(tp="sys_enter", fn_name="on_call")
    got, lost, last = [0], [0], [0]

    def event(cpu, data, size):
        e = b["events"].event(data)
        text = "%-9.3f %-7d %-16s %d" % (e.ts / 1e9, e.pid, e.comm.decode(), e.id)
        got[0] += 1
        last[0] = len(text)

    def missed(count):
        lost[0] += count

    b["events"].open_perf_buffer(event, page_cnt=PAGES, lost_cb=missed)
    child.stdin.write(b"go\n")
    child.stdin.flush()
    while child.poll() is None:
        b.perf_buffer_poll(timeout=100)
    while b.perf_buffer_poll(timeout=100):
        pass
    made = int(child.stdout.read())
    b.cleanup()
    print("%7d wanted a second: made %d, received %d, told as lost %d" % (rate, made, got[0], lost[0]), flush=True)


for wanted in [int(word) for word in sys.argv[1:]] or [20000, 50000, 100000]:
    run(wanted)
