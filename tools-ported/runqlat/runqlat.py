"""How long threads wait for a CPU once they could run, in Python: ./skep py runqlat.py [SECONDS]"""
import sys

import skep

SCRIPT = """
tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @queued[args.pid] = nsecs; }
tracepoint:sched:sched_switch {
  if (args.prev_pid && (args.prev_state & 255) == 0) { @queued[args.prev_pid] = nsecs; }
  $since = @queued[args.next_pid];
  if ($since) {
    @usecs = hist((nsecs - $since) / 1000);
    delete(@queued, args.next_pid);
  }
}
"""

options = {"duration": float(sys.argv[1])} if len(sys.argv) > 1 else {}
with skep.trace(SCRIPT, **options) as trace:
    print(trace["@usecs"])
