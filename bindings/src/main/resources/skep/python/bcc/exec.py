"""A command that is started by a tool: it waits until the tool is ready."""
import signal
import subprocess
import os

_running = {}


def run_cmd(cmd):
    """Starts a command, stopped before its first instruction; its pid."""
    words = cmd if isinstance(cmd, (list, tuple)) else ["sh", "-c", cmd]
    child = subprocess.Popen(["sh", "-c", 'kill -STOP $$; exec "$@"', "sh", *words])
    _running[child.pid] = child
    return child.pid


def cmd_ready(pid):
    """Lets it run."""
    import time
    for _ in range(200):
        with open("/proc/%d/stat" % pid) as stat:
            if stat.read().rpartition(")")[2].split()[0] == "T":
                break
        time.sleep(0.01)
    os.kill(pid, signal.SIGCONT)


def cmd_exited(pid):
    child = _running.get(pid)
    return child is None or child.poll() is not None
