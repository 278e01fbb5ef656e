"""Each file that is opened, in Python: ./skep py opensnoop.py [SECONDS]"""
import sys

import skep

SCRIPT = """
tracepoint:syscalls:sys_enter_openat { @name[tid] = args.filename; }
tracepoint:syscalls:sys_exit_openat /@name[tid]/ {
  print((pid, comm, args.ret, str(@name[tid])));
  delete(@name, tid);
}
"""

options = {"duration": float(sys.argv[1])} if len(sys.argv) > 1 else {}
print("%-8s %-16s %4s %4s %s" % ("PID", "COMM", "FD", "ERR", "PATH"))
with skep.start(SCRIPT, **options) as trace:
    for event in trace:
        if event.kind == "print":
            pid, comm, result, path = event.value
            print("%-8d %-16s %4d %4d %s" % (pid, comm, max(result, -1), max(-result, 0), path))
