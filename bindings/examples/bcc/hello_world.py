"""Says hello whenever a process is made: text written with bpf_trace_printk comes through the kernel's trace."""
from bcc import BPF

PROGRAM = r"""
int hello(void *ctx) {
    bpf_trace_printk("hello\n");
    return 0;
}
"""

b = BPF(text=PROGRAM)
b.attach_kprobe(event=b.get_syscall_fnname("clone"), fn_name="hello")
print("Making processes says hello; Ctrl-C ends.")
try:
    b.trace_print()
except KeyboardInterrupt:
    pass
