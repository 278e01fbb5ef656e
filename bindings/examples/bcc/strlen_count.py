"""Which texts a function of the C library is called with, and how often: strlen_count.py [FUNCTION]"""
import sys
from time import sleep

from bcc import BPF

PROGRAM = r"""
#include <uapi/linux/ptrace.h>
struct text { char bytes[64]; };
BPF_HASH(counts, struct text);
int count(struct pt_regs *ctx) {
    if (!PT_REGS_PARM1(ctx)) {
        return 0;
    }
    struct text key = {};
    bpf_probe_read_user_str(&key.bytes, sizeof(key.bytes), (void *)PT_REGS_PARM1(ctx));
    counts.increment(key);
    return 0;
}
"""

b = BPF(text=PROGRAM)
b.attach_uprobe(name="c", sym=sys.argv[1] if len(sys.argv) > 1 else "strlen", fn_name="count")
print("Counting; Ctrl-C shows.")
try:
    sleep(99999999)
except KeyboardInterrupt:
    pass
print("%10s %s" % ("COUNT", "TEXT"))
for key, value in sorted(b["counts"].items(), key=lambda entry: entry[1].value):
    print("%10d %r" % (value.value, key.bytes.decode("utf-8", "replace")))
