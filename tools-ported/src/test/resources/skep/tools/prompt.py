"""The prompt of all languages on a terminal of its own: prompt.py COMMAND WORD … starts it. Says what went wrong, if anything."""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PATIENCE_SECONDS = 250

pid, terminal = pty.fork()
if pid == 0:
    # A terminal without a size shows nothing.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    os.environ.update(TERM="xterm")
    os.execv(sys.argv[1], sys.argv[1:])

seen = ""


def plain(text):
    return re.sub(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>]|[()].)", "", text).replace("\r", "")


def read_until(pattern):
    """Reads until what has come since the last match matches; returns it."""
    global seen
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = re.search(pattern, plain(seen))
        if found:
            text, seen = plain(seen)[: found.end()], plain(seen)[found.end():]
            return text
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                data = os.read(terminal, 65536).decode("utf-8", "replace")
            except OSError:
                break
            if not data:
                break
            seen += data
    sys.exit("no " + pattern + " in:\n" + plain(seen))


def type_in(text):
    os.write(terminal, text.encode())


read_until(r"skep> ")
type_in("1 << 20\r")
read_until(r"\n1048576\n")
read_until(r"skep> ")
# A script over two lines, completed by Tab, stopped by Ctrl-C when it has counted.
type_in("interval:ms:20 {\r")
read_until(r"\.\.\.\.> ")
type_in("@ticks = count(); printf(\"ti%s\\n\", \"ck\"); }\r")
read_until(r"\ntick\n")
type_in("\x03")
read_until(r"@ticks: [1-9]")
read_until(r"skep> ")
type_in("kprobe:vfs_rea\t\t")
read_until(r"vfs_readv")
type_in("\x03")
read_until(r"skep> ")
# Another language for a line, then until further notice; what one defines another sees.
type_in(":py words = ['a']\r")
read_until(r"skep> ")
type_in(":js\r")
read_until(r"js> ")
type_in("words.push('b'); words.join('-')\r")
read_until(r"\na-b\n")
read_until(r"js> ")
type_in(":java ((org.graalvm.polyglot.Value) words).getArraySize() + 40\r")
read_until(r"\n42\n")
read_until(r"js> ")
type_in(":py\r")
read_until(r"py> ")
type_in("def twice(x):\r")
read_until(r"\.\.\.\.> ")
type_in("    return 2 * x\r")
read_until(r"\.\.\.\.> ")
type_in("\r")
read_until(r"py> ")
type_in("twi\t(ticks[()] > 0)\r")
read_until(r"\n2\n")
read_until(r"py> ")
# Ctrl-C ends what runs, and not the prompt.
type_in("print('be' + 'gun') or exec('while True: pass')\r")
read_until(r"\nbegun\n")
type_in("\x03")
read_until(r"stopped\n")
read_until(r"py> ")
type_in("1 / 0\r")
read_until(r"ERROR: .*division")
read_until(r"py> ")
type_in(":bpf BPF_ARRAY(slots, u64, 4); int f(void *ctx) { return 0; }\r")
read_until(r"py> ")
type_in(":vars\r")
read_until(r"words: ")
read_until(r"py> ")
type_in(":skep\r")
read_until(r"skep> ")
type_in("\x04")
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
sys.exit("the prompt does not end")
