"""Each program that is started, in Python: ./skep py execsnoop.py [SECONDS]"""
import sys

import skep

SCRIPT = """
tracepoint:syscalls:sys_enter_execve {
  print((elapsed / 1000000, pid, ppid));
  join(args.argv);
}
"""

options = {"duration": float(sys.argv[1])} if len(sys.argv) > 1 else {}
print("%-10s %-8s %-8s %s" % ("TIME(ms)", "PID", "PPID", "ARGS"))
with skep.start(SCRIPT, **options) as trace:
    for event in trace:
        if event.kind == "print":
            start = "%-10d %-8d %-8d " % event.value
        elif event.kind == "join":
            print(start + event.text, end="")
