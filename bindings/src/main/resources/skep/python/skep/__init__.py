"""Traces of a kernel, in Python.

    import skep

    with skep.trace("kprobe:vfs_read { @[comm] = count(); @us = hist(arg2); }", duration=3) as t:
        for comm, reads in t["@"].items():
            print(comm, reads)
        print(t["@us"].p99)

    for event in skep.start("kprobe:vfs_read { print((pid, comm)); }", duration=1):
        print(event.value)

Runs under skep: ./skep py FILE, the prompt ./skep repl, notebooks.
"""
from ._trace import Bytes, Event, Histogram, Map, SkepError, Trace, describe, prepare, probes, start, target, trace
from ._frame import Frame

__all__ = ["trace", "start", "prepare", "probes", "describe", "target", "Trace", "Map", "Histogram", "Event", "Frame",
           "SkepError", "BPF"]


def __getattr__(name):
    if name == "BPF":
        # Several times as large as the rest: only who wants BCC's shape waits for it.
        from bcc import BPF
        return BPF
    raise AttributeError("module skep has no attribute " + repr(name))
