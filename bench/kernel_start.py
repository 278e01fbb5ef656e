#!/usr/bin/env python3
"""Start of the Jupyter kernel against ipykernel's, in turn, in one run, through jupyter_client.

    python3 bench/kernel_start.py [ROUNDS]

Needs Debian's python3-jupyter-client and python3-ipykernel, or pip's. Prints for each round: seconds from start to the first reply
(kernel_info), and from running a first cell to its first picture (Skep) or result (ipykernel); then the medians and their ratio.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

from jupyter_client.manager import KernelManager

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FIRST_CELL = {
    "skep": "%%skep --target embedded:speed=max --duration 300ms\nkprobe:vfs_read { @bytes = hist(arg2); }",
    "python3": "1 + 1",
}
PATIENCE_SECONDS = 120


def measure(name):
    """Seconds to the first reply, and from there to the first thing that a cell shows."""
    manager = KernelManager(kernel_name=name)
    begun = time.monotonic()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE_SECONDS)
        ready = time.monotonic()
        cell = client.execute(FIRST_CELL[name])
        while True:
            message = client.get_iopub_msg(timeout=PATIENCE_SECONDS)
            data = message["content"].get("data", {})
            wanted = "image/svg+xml" if name == "skep" else "text/plain"
            if message["parent_header"].get("msg_id") == cell and wanted in data:
                return ready - begun, time.monotonic() - ready
            if message["msg_type"] == "error":
                sys.exit("\n".join(message["content"]["traceback"]))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as prefix:
        subprocess.run([os.path.join(ROOT, "skep"), "jupyter", "install", "--prefix", prefix], check=True,
                       stdout=subprocess.DEVNULL)
        os.environ["JUPYTER_PATH"] = os.path.join(prefix, "share", "jupyter")
        times = {"skep": [], "python3": []}
        for number in range(rounds):
            for name in times:
                start, shown = measure(name)
                times[name].append((start, shown))
                print("%d  %-8s first reply %.2f s, first %s %.2f s" %
                      (number + 1, name, start, "picture" if name == "skep" else "result", shown), flush=True)
    medians = {name: [statistics.median(column) for column in zip(*found)] for name, found in times.items()}
    print("median: skep %.2f s and %.2f s, ipykernel %.2f s and %.2f s; start %.2f of ipykernel's" %
          (*medians["skep"], *medians["python3"], medians["skep"][0] / medians["python3"][0]))


if __name__ == "__main__":
    main()
