"""How long requests to block devices take, in Python: ./skep py biolatency.py [SECONDS]"""
import sys

import skep

SCRIPT = """
tracepoint:block:block_rq_issue { @issued[args.dev, args.sector] = nsecs; }
tracepoint:block:block_rq_complete /@issued[args.dev, args.sector]/ {
  @usecs = hist((nsecs - @issued[args.dev, args.sector]) / 1000);
  delete(@issued, (args.dev, args.sector));
}
"""

options = {"duration": float(sys.argv[1])} if len(sys.argv) > 1 else {}
with skep.trace(SCRIPT, **options) as trace:
    print(trace["@usecs"])
