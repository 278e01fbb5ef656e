"""Kernel memory that was allocated and not freed, in Python: ./skep py memleak.py [SECONDS]"""
import sys

import skep

SCRIPT = """
tracepoint:kmem:kmalloc, tracepoint:kmem:kmem_cache_alloc {
  @size[args.ptr] = (uint64)args.bytes_alloc;
  @site[args.ptr] = (args.call_site, ksym(args.call_site));
}
tracepoint:kmem:kfree, tracepoint:kmem:kmem_cache_free { delete(@size, args.ptr); delete(@site, args.ptr); }
"""

options = {"duration": float(sys.argv[1])} if len(sys.argv) > 1 else {}
with skep.trace(SCRIPT, **options) as trace:
    size, site = trace["@size"], trace["@site"]
    left = skep.Frame({"site": [site[at] for at in size], "bytes": list(size.values())})
    by_site = left.groupby("site").agg(bytes="sum", allocations=("bytes", "count"))
    for column in ("allocations", "bytes"):
        rows = sorted(zip(by_site[column], by_site["site"]))
        for value, (address, name) in rows:
            print("@%s[%d, %s]: %d" % (column, address, name, value))
