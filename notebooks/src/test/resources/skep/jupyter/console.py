"""jupyter console on a terminal of its own: a cell runs, Tab completes, a typing error has its caret, Ctrl-D ends it."""
import os
import pty
import re
import select
import sys
import time

PATIENCE_SECONDS = 250

pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.environ["COLUMNS"] = "100"
    os.execv(sys.executable, [sys.executable, "-m", "jupyter_console", "--kernel", "skep"])

seen = ""


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def read_until(pattern):
    """Reads until what has come since the last call matches; prompt_toolkit asks where the cursor is, and is told."""
    global seen
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if re.search(pattern, plain(seen)):
            found, seen = seen, ""
            return plain(found)
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            try:
                data = os.read(terminal, 65536).decode("utf-8", "replace")
            except OSError:
                data = ""
            for _ in range(data.count("\x1b[6n")):
                os.write(terminal, b"\x1b[1;1R")
            seen += data
            if not data:
                break
    sys.exit("no " + pattern + " in:\n" + plain(seen))


def type_in(text):
    os.write(terminal, text.encode())


read_until(r"In \[1\]: *")
type_in("%target embedded:speed=max\r")
read_until(r"Out\[1\]: embedded:speed=max")
read_until(r"In \[2\]: *")
type_in("kprobe:vfs_read { @reads = count(); } interval:ms:200 { exit(); }\r")
read_until(r"@reads: \d+")
read_until(r"In \[3\]: *")
type_in("kprobe:vfs_rea\t")
# The terminal draws what is new only: the letter that Tab added.
read_until(r"vfs_rea[^a-z]*d")
type_in(" { @completed = count(); } interval:ms:200 { exit(); }\r")
read_until(r"@completed: \d+")
read_until(r"In \[4\]: *")
type_in("kprobe:vfs_read { nosuch(); }\r")
read_until(r"~~~~~~")
read_until(r"In \[5\]: *")
type_in("\x04")
read_until(r"exit|Do you really want")
type_in("y\r")
deadline = time.monotonic() + PATIENCE_SECONDS
while time.monotonic() < deadline:
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        sys.exit(os.waitstatus_to_exitcode(status))
    try:
        if select.select([terminal], [], [], 0.2)[0]:
            os.read(terminal, 65536)
    except OSError:
        pass
sys.exit("the console does not end")
