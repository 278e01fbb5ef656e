"""What most tools do, run once when the start-up cache is made: imports, options, a program, events, a table."""
from __future__ import print_function
import argparse
import os
import re
import socket
import struct
import sys
from collections import defaultdict, namedtuple
from datetime import datetime, timedelta
from time import sleep, strftime

from bcc import BPF
from bcc.containers import filter_by_containers
from bcc.utils import ArgString, printb

parser = argparse.ArgumentParser(
    description="A run for training", formatter_class=argparse.RawDescriptionHelpFormatter, epilog="examples:\n    ./x -d 1")
parser.add_argument("-T", "--timestamp", action="store_true", help="include timestamp on output")
parser.add_argument("-n", "--name", type=ArgString, help="only processes of this name")
parser.add_argument("-d", "--duration", type=int, default=1, help="duration in seconds")
parser.add_argument("--cgroupmap", help="trace cgroups in this table only")
parser.add_argument("--mntnsmap", help="trace mount namespaces in this table only")
arguments = parser.parse_args()

text = """
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>
struct data_t { u32 pid; u64 ts; char comm[TASK_COMM_LEN]; };
BPF_HASH(counts, u32, u64);
BPF_HISTOGRAM(dist);
BPF_PERF_OUTPUT(events);
int on_read(struct pt_regs *ctx, struct file *file) {
    if (container_should_be_filtered()) { return 0; }
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    counts.increment(pid);
    dist.increment(bpf_log2l(bpf_ktime_get_ns()));
    struct data_t data = {};
    data.pid = pid;
    data.ts = bpf_ktime_get_ns();
    bpf_get_current_comm(&data.comm, sizeof(data.comm));
    events.perf_submit(ctx, &data, sizeof(data));
    return 0;
}
"""
b = BPF(text=filter_by_containers(arguments) + text)
b.attach_kprobe(event="vfs_read", fn_name="on_read")
print("%-9s %-7s %s" % ("TIME(s)", "PID", "COMM"))


def print_event(cpu, data, size):
    event = b["events"].event(data)
    printb(b"%-9.3f %-7d %s" % (event.ts / 1e9, event.pid, event.comm))


b["events"].open_perf_buffer(print_event, page_cnt=64)
start = datetime.now()
while datetime.now() - start < timedelta(seconds=arguments.duration):
    b.perf_buffer_poll(timeout=100)
for key, value in sorted(b["counts"].items(), key=lambda entry: entry[1].value):
    print(strftime("%H:%M:%S"), key.value, value.value)
b["dist"].print_log2_hist("ns")
print(b.ksym(BPF.ksymname("vfs_read")))
