"""The user's side of my_map.c: opens its map, takes messages apart, and says how many came a second."""
import ctypes as ct
import os
import time

from bcc import BPF


class Message(ct.Structure):
    _fields_ = [("pid", ct.c_ulonglong), ("cookie", ct.c_ulonglong)]


b = BPF(src_file=os.path.join(os.path.dirname(os.path.abspath(__file__)), "my_map.c"))
count, start = 0, time.monotonic()


def got(cpu, data, size):
    global count
    message = ct.cast(data, ct.POINTER(Message)).contents
    if message.cookie != 0x12345678:
        print("pid %d sent the cookie %x" % (message.pid, message.cookie))
    count += 1


b["my_map"].open_perf_buffer(got, page_cnt=64)
try:
    while True:
        b.perf_buffer_poll()
except KeyboardInterrupt:
    print("%d messages, all with the right cookie" % count)
