"""Latency of vfs_read, with the C in a file of its own: vfsreadlat.py [INTERVAL [COUNT]]"""
import sys
from time import sleep

from bcc import BPF

interval = int(sys.argv[1]) if len(sys.argv) > 1 else 5
count = int(sys.argv[2]) if len(sys.argv) > 2 else -1

b = BPF(src_file="vfsreadlat.c")
b.attach_kprobe(event="vfs_read", fn_name="on_enter")
b.attach_kretprobe(event="vfs_read", fn_name="on_return")
print("Measuring reads; Ctrl-C ends.")
while count:
    try:
        sleep(interval)
    except KeyboardInterrupt:
        count = 1
    print()
    b["dist"].print_log2_hist("usecs")
    b["dist"].clear()
    count -= 1
