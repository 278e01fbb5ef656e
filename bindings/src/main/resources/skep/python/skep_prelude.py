"""What runs before a script: mends what GraalPy lacks of CPython, and lets a simulated kernel's files stand for this machine's."""
import builtins
import os
import sys
import time


def _exit(code=None):
    raise SystemExit(code)


def _mend():
    builtins.exit = builtins.quit = _exit
    if not hasattr(os, "major"):
        os.major = lambda device: (device >> 8 & 0xfff) | (device >> 32 & ~0xfff)
        os.minor = lambda device: (device & 0xff) | (device >> 12 & ~0xff)
        os.makedev = lambda major, minor: (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xff) << 12
    if not hasattr(time, "clock_gettime"):
        time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME = 0, 1, 7
        time.clock_gettime_ns = lambda clock: time.time_ns() if clock == 0 else _host().monotonicNanos()
        time.clock_gettime = lambda clock: time.clock_gettime_ns(clock) / 1e9
    real_stat = os.stat
    try:
        real_stat("/dev/null").st_rdev
    except AttributeError:
        os.stat = lambda path, **named: _Stat(real_stat(path, **named), path)
        real_lstat = os.lstat
        os.lstat = lambda path, **named: _Stat(real_lstat(path, **named), path)
    except OSError:
        _refuse_processes()


def _refuse_processes():
    """A sandbox: what would start a process is refused as the system refuses it."""
    import subprocess

    def refused(*_, **__):
        raise PermissionError(1, "Operation not permitted: the script runs in a sandbox")

    os.system = os.popen = subprocess.Popen = refused


class _Stat(tuple):
    """A result of stat that also knows the number of a device file."""

    def __new__(cls, result, path):
        made = tuple.__new__(cls, tuple(result))
        made._result, made._path = result, path
        return made

    def __getattr__(self, name):
        if name == "st_rdev":
            import subprocess
            words = subprocess.check_output(["stat", "-L", "-c", "%Hr %Lr", os.fspath(self._path)]).split()
            return os.makedev(int(words[0]), int(words[1]))
        if name in ("st_blksize", "st_blocks") and not hasattr(self._result, name):
            return 4096 if name == "st_blksize" else -(-self._result.st_size // 512)
        return getattr(self._result, name)


class _Simulated(tuple):
    """A result of stat for a file of a simulated system."""

    def __new__(cls, mode, inode, size, device):
        made = tuple.__new__(cls, (mode, inode, 0, 1, 0, 0, size, 0, 0, 0))
        made.st_mode, made.st_ino, made.st_dev, made.st_nlink, made.st_uid, made.st_gid, made.st_size = made[:7]
        made.st_atime = made.st_mtime = made.st_ctime = 0
        made.st_rdev, made.st_blksize, made.st_blocks = os.makedev(device >> 8, device & 255), 4096, -(-size // 512)
        return made


def _host():
    import bcc_bridge
    return bcc_bridge.host


_TARGET_FOLDERS = ("/proc/", "/sys/")


def _of_target(path):
    """Whether a path means a file of the traced system."""
    if isinstance(path, bytes):
        path = path.decode("utf-8", "surrogateescape")
    if not isinstance(path, str) or not path.startswith(_TARGET_FOLDERS):
        return None
    return None if path.startswith("/proc/self") else path.replace("//", "/")


def _missing(path):
    return FileNotFoundError(2, "No such file or directory", path)


def _simulate(host):
    """The files, processes, clock and CPUs of a simulated kernel take the place of this machine's."""
    import io
    real_open, real_listdir, real_exists = builtins.open, os.listdir, os.path.exists
    real_isfile, real_isdir, real_stat, real_kill = os.path.isfile, os.path.isdir, os.stat, os.kill
    real_sleep, real_access, real_readlink = time.sleep, os.access, os.readlink

    def read(path):
        data = host.readFile(path)
        return None if data is False else data.encode("latin-1")

    def opened(file, mode="r", *rest, **named):
        path = _of_target(file)
        if path is None:
            return real_open(file, mode, *rest, **named)
        data = read(path)
        if data is None:
            if host.listFolder(path) is not False:
                raise IsADirectoryError(21, "Is a directory", path)
            raise _missing(path)
        raw = io.BytesIO(data)
        if "b" in mode:
            return raw
        return io.TextIOWrapper(raw, named.get("encoding") or "utf-8", named.get("errors"))

    def listed(path="."):
        own = _of_target(path + "/" if path in ("/proc", "/sys") else path)
        if own is None:
            return real_listdir(path)
        names = host.listFolder(own)
        if names is False:
            raise _missing(path)
        return names.split("\n")

    def exists(path):
        own = _of_target(path)
        if own is None:
            return real_exists(path)
        return host.readFile(own) is not False or host.listFolder(own) is not False

    def isfile(path):
        own = _of_target(path)
        return real_isfile(path) if own is None else host.readFile(own) is not False

    def isdir(path):
        own = _of_target(path)
        return real_isdir(path) if own is None else host.listFolder(own) is not False

    def stat(path, **named):
        own = _of_target(path)
        if own is None:
            # files of the simulated system, where it has them; a script's own stay what they are
            told = host.fileStatus(os.fspath(path)) if isinstance(path, str) and path != sys.argv[0] else False
            if told is False:
                return real_stat(path, **named)
            inode, mode, size, device = (int(word) for word in told.split())
            return _Simulated(mode, inode, size, device)
        told = host.fileStatus(own)
        if told is False:
            raise _missing(path)
        inode, mode, size, device = (int(word) for word in told.split())
        return _Simulated(mode, inode, size, device)

    def readlink(path, **named):
        own = _of_target(path)
        link = False if own is None else host.readLink(own)
        if link is False:
            if own is None:
                return real_readlink(path, **named)
            raise _missing(path)
        return link

    def access(path, mode, **named):
        if _of_target(path) is None:
            return host.fileStatus(path) is not False or real_access(path, mode, **named)
        return exists(path)

    def kill(pid, signal):
        if pid == os.getpid():
            return real_kill(pid, signal)
        if signal == 0:
            if not host.isAlive(pid):
                raise ProcessLookupError(3, "No such process")
            return None
        raise PermissionError(1, "Operation not permitted: processes of a simulated kernel take no signals from here")

    def sleep(seconds):
        host.start()
        end = host.monotonicNanos() + int(seconds * 1e9)
        while not host.sleepUntil(end):
            real_sleep(0)
        if host.ended():
            interrupt()

    builtins.open, os.listdir, os.path.exists, os.path.isfile = opened, listed, exists, isfile
    io.open = opened
    os.path.isdir, os.stat, os.access, os.kill, time.sleep = isdir, stat, access, kill, sleep
    os.lstat, os.readlink = stat, readlink
    cpus = host.possibleCpus()
    os.cpu_count = lambda: cpus
    real_sysconf = os.sysconf
    os.sysconf = lambda name: cpus if name in ("SC_NPROCESSORS_ONLN", "SC_NPROCESSORS_CONF") else real_sysconf(name)
    real_uname, release, machine = os.uname, host.release(), host.machine()

    def uname():
        own = real_uname()
        return type(own)((own[0], own[1], release, "#1 SMP", machine))

    os.uname = uname
    _commands(read)


def _commands(read):
    """Programs of this machine that a script starts with paths of the simulated system get copies of the files."""
    import _posixsubprocess
    real_start = _posixsubprocess.fork_exec
    folder = []

    def copy(match):
        import shutil
        import tempfile
        path = match.group()
        own = _of_target(path)
        if own is None:
            return path
        if not folder:
            folder.append(tempfile.mkdtemp(prefix="skep-"))
            atexit.register(shutil.rmtree, folder[0], True)
        place = folder[0] + own
        data = read(own)
        if data is not None:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(data)
        return place

    def replaced(word):
        if isinstance(word, bytes):
            return os.fsencode(replaced(os.fsdecode(word)))
        return re.sub(r"(?<![\w./-])/(?:proc|sys)/[\w./:-]*\w", copy, word)

    def start(words, *rest):
        return real_start([replaced(word) for word in words], *rest)

    import atexit
    import re
    _posixsubprocess.fork_exec = start


def _tracefs():
    """Tools name tracefs below debugfs; where that is not mounted, its own mount point stands for it."""
    import io
    old, new = "/sys/kernel/debug/tracing", "/sys/kernel/tracing"
    if os.path.exists(old) or not os.path.exists(new + "/events"):
        return
    real_open, real_listdir, real_exists, real_isdir = builtins.open, os.listdir, os.path.exists, os.path.isdir

    def moved(path):
        if isinstance(path, bytes):
            return moved(path.decode("utf-8", "surrogateescape"))
        return new + path[len(old):] if isinstance(path, str) and path.startswith(old) else path

    def opened(file, *rest, **named):
        return real_open(moved(file), *rest, **named)

    builtins.open = io.open = opened
    os.listdir = lambda path=".": real_listdir(moved(path))
    os.path.exists = lambda path: real_exists(moved(path))
    os.path.isdir = lambda path: real_isdir(moved(path))


_handlers = {}


def interrupt():
    """Does what Ctrl-C does: the script's handler, or KeyboardInterrupt."""
    signal = sys.modules.get("signal")
    if signal is None:
        raise KeyboardInterrupt
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or handler is signal.default_int_handler:
        raise KeyboardInterrupt
    handler(signal.SIGINT, None)


def _capture(host):
    """What is printed goes to the host, which also says when the script is to end; signals are only remembered."""
    import io
    import signal

    class Kept(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            host.print(bytes(data).decode("latin-1"))
            return len(data)

    sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.BufferedWriter(Kept()), "utf-8", "surrogateescape", line_buffering=True)
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(io.BufferedWriter(Kept()), "utf-8", "surrogateescape", line_buffering=True)

    def remembered(number, handler):
        before = _handlers.get(number, signal.SIG_DFL)
        _handlers[number] = handler
        return before

    signal.signal = remembered
    signal.getsignal = lambda number: _handlers.get(number, signal.default_int_handler)

    def pause():
        while not host.ended():
            if host.live():
                _real_sleep(0.05)
            else:
                host.sleepUntil(host.monotonicNanos() + 50_000_000)
        interrupt()

    signal.pause = pause
    if host.live():
        def sleep(seconds):
            end = time.monotonic() + seconds
            while True:
                if host.ended():
                    return interrupt()
                left = end - time.monotonic()
                if left <= 0:
                    return None
                _real_sleep(min(left, 0.05))

        time.sleep = sleep


_real_sleep = time.sleep


def _print_failure(error):
    """A traceback without the frames of this module, then what is printed at exit is flushed."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.stdout.flush()
    try:
        error = error.with_traceback(trace)
    except TypeError:
        # An exception of Java's: it came through the bridge and is a fault of ours.
        print("skep: internal error: %s" % (error,), file=sys.stderr)
        return
    sys.excepthook(type(error), error, trace)


def _prepared(arguments):
    """What python3 does with its first words: sets sys.argv and sys.path; what then runs in the module __main__."""
    word = arguments[0]
    if word == "-c":
        sys.argv = ["-c"] + arguments[2:]
        sys.path.insert(0, "")
        return lambda main: exec(compile(arguments[1], "<string>", "exec"), main.__dict__)
    if word == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, os.getcwd())

        def module(main):
            import runpy
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)

        return module
    sys.argv = arguments
    if word == "-":
        sys.path.insert(0, "")
        return lambda main: exec(compile(sys.stdin.read(), "<stdin>", "exec"), main.__dict__)
    sys.path.insert(0, os.path.dirname(os.path.abspath(word)))

    def script(main):
        main.__file__ = word
        with open(word, "rb") as file:
            code = compile(file.read(), word, "exec")
        exec(code, main.__dict__)

    return script


def run(arguments, captured=False):
    """Runs a script, code, a module or standard input as python3 does; its exit status."""
    start = _prepared([str(a) for a in arguments])
    _mend()
    host = None
    try:
        import bcc_bridge
        host = bcc_bridge.host
    except ImportError:
        pass
    if captured:
        _capture(host)
    if host is not None and not host.live():
        _simulate(host)
    elif host is not None:
        _tracefs()
    main = type(sys)("__main__")
    main.__builtins__ = builtins
    sys.modules["__main__"] = main
    status = 0
    try:
        start(main)
    except SystemExit as leave:
        status = _status(leave)
    except KeyboardInterrupt as error:
        _print_failure(error)
        status = 130
    except BrokenPipeError:
        status = 1
    except BaseException as error:
        _print_failure(error)
        status = 1
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            pass
    return status


def _status(leave):
    if leave.code is None:
        return 0
    if isinstance(leave.code, int):
        return leave.code & 0xff
    print(leave.code, file=sys.stderr)
    return 1
