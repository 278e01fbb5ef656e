"""BCC's Python interface, carried by skep: programs in C compiled without LLVM, on the live kernel or a simulated one."""
import atexit
import os
import sys

import bcc_bridge as bridge
import skep_prelude
from .perf import Perf, PerfEventSampleFormat, PerfHWConfig, PerfSWConfig, PerfType  # noqa: F401
from .table import (  # noqa: F401
    BPF_ANY, BPF_EXIST, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_NOEXIST, PerfEventArray, RingBuf, StackTrace, Table,
    linear_index_max, log2_index_max)
from .usdt import USDT, USDTException  # noqa: F401
from .utils import ArgString, StrcmpRewrite, _assert_is_bytes, get_online_cpus, printb  # noqa: F401
from .version import __version__  # noqa: F401

host = bridge.host
_name = bridge.name

DEBUG_LLVM_IR = 0x1
DEBUG_BPF = 0x2
DEBUG_PREPROCESSOR = 0x4
DEBUG_SOURCE = 0x8
DEBUG_BPF_REGISTER_STATE = 0x10
DEBUG_BTF = 0x20

_POLL_MILLIS = 100
_PROBE_LIMIT = 1000
TRACEFS = "/sys/kernel/tracing"
DEBUGFS = "/sys/kernel/debug"


class SymbolCache:
    """Addresses of a process, or of the kernel (pid -1), as symbols."""

    def __init__(self, pid):
        # Tools that count for all processes together have an unsigned -1 here.
        self.pid = pid - (1 << 32) if pid >= 1 << 31 else pid
        self._known = {}

    def _find(self, addr):
        found = self._known.get(addr)
        if found is None:
            signed = addr - (1 << 64) if addr >> 63 else addr
            line = host.kernelSymbol(signed) if self.pid < 0 else host.userSymbol(self.pid, signed)
            if line:
                offset, symbol, module = line.split("\t")
                module = module or ("kernel" if self.pid < 0 else "")
                found = (symbol.encode("utf-8", "surrogateescape"), int(offset), module.encode())
            else:
                found = (None, addr, None)
            self._known[addr] = found
        return found

    def resolve(self, addr, demangle=True):
        return self._find(addr)

    def resolve_name(self, module, name):
        return host.kernelSymbolAddress(_name(name))


class BPFProgType:
    """Program types by their numbers (bpf.h)."""
    SOCKET_FILTER = 1
    KPROBE = 2
    SCHED_CLS = 3
    SCHED_ACT = 4
    TRACEPOINT = 5
    XDP = 6
    PERF_EVENT = 7
    CGROUP_SKB = 8
    CGROUP_SOCK = 9
    LWT_IN = 10
    LWT_OUT = 11
    LWT_XMIT = 12
    SOCK_OPS = 13
    SK_SKB = 14
    CGROUP_DEVICE = 15
    SK_MSG = 16
    RAW_TRACEPOINT = 17
    CGROUP_SOCK_ADDR = 18
    CGROUP_SOCKOPT = 25
    TRACING = 26
    LSM = 29


class BPFAttachType:
    """Attach types by their numbers (bpf.h)."""
    CGROUP_INET_INGRESS = 0
    CGROUP_INET_EGRESS = 1
    CGROUP_INET_SOCK_CREATE = 2
    CGROUP_SOCK_OPS = 3
    SK_SKB_STREAM_PARSER = 4
    SK_SKB_STREAM_VERDICT = 5
    CGROUP_DEVICE = 6
    SK_MSG_VERDICT = 7
    TRACE_RAW_TP = 23
    TRACE_FENTRY = 24
    TRACE_FEXIT = 25
    MODIFY_RETURN = 26
    LSM_MAC = 27
    TRACE_ITER = 28
    XDP = 37


class XDPAction:
    XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT = range(5)


class XDPFlags:
    UPDATE_IF_NOEXIST, SKB_MODE, DRV_MODE, HW_MODE, REPLACE = (1 << bit for bit in range(5))


class _Fds(dict):
    """What is attached, by its name; in a dictionary, since tools look at its keys and length."""


class BPF:
    """A program and all that is attached of it."""

    # program types, as attributes of the class as well
    SOCKET_FILTER, KPROBE, SCHED_CLS, SCHED_ACT = 1, 2, 3, 4
    TRACEPOINT, XDP, PERF_EVENT, CGROUP_SKB = 5, 6, 7, 8
    CGROUP_SOCK, LWT_IN, LWT_OUT, LWT_XMIT, SOCK_OPS, SK_SKB = 9, 10, 11, 12, 13, 14
    CGROUP_DEVICE, SK_MSG, RAW_TRACEPOINT, CGROUP_SOCK_ADDR = 15, 16, 17, 18
    CGROUP_SOCKOPT, TRACING, LSM = 25, 26, 29
    XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT = range(5)
    XDP_FLAGS_UPDATE_IF_NOEXIST, XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE = 1, 2, 4
    XDP_FLAGS_HW_MODE, XDP_FLAGS_REPLACE = 8, 16

    _sym_caches = {}
    _prefix = None
    _syscall_prefixes = (b"sys_", b"__x64_sys_", b"__x32_compat_sys_", b"__ia32_compat_sys_", b"__arm64_sys_",
                         b"__s390x_sys_", b"__s390_sys_", b"__riscv_sys_")

    _auto_includes = {
        "linux/time.h": ["time"],
        "linux/fs.h": ["fs", "file"],
        "linux/blkdev.h": ["bio", "request"],
        "linux/slab.h": ["alloc"],
        "linux/netdevice.h": ["sk_buff", "net_device"],
    }

    class Function:
        """A loaded function."""

        def __init__(self, bpf, name, fd):
            self.bpf, self.name, self.fd, self.sock = bpf, name, fd, -1

    def __init__(self, src_file=b"", hdr_file=b"", text=None, debug=0, cflags=(), usdt_contexts=(), allow_rlimit=True,
                 device=None, attach_usdt_ignore_pid=False):
        self.debug = debug
        self.kprobe_fds, self.uprobe_fds, self.tracepoint_fds = _Fds(), _Fds(), _Fds()
        self.raw_tracepoint_fds, self.kfunc_entry_fds, self.kfunc_exit_fds = _Fds(), _Fds(), _Fds()
        self.lsm_fds, self.fmod_ret_fds, self.open_perf_events = _Fds(), _Fds(), _Fds()
        self.xdp_fds = _Fds()
        self.perf_buffers, self._perf_buffers, self._ring_buffers = {}, {}, {}
        self.tables, self.funcs = {}, {}
        self.tracefile = None
        self.module = None
        self._program = -1
        folder, shown = "", "<text>"
        if text is None:
            path = BPF._find_file(src_file)
            folder, shown = os.path.dirname(os.path.abspath(path)), path
            with open(path, "rb") as file:
                text = file.read()
        if isinstance(text, (bytes, bytearray)):
            text = text.decode("utf-8", "surrogateescape")
        if debug & DEBUG_SOURCE:
            print(text, file=sys.stderr)
        usdt = [line for context in usdt_contexts for line in context._lines()]
        number = host.compile(text, shown, "\n".join(_name(flag) for flag in cflags), "\n".join(usdt), folder)
        if number < 0:
            print(bridge.failure(), file=sys.stderr)
            what = "compile BPF module" if bridge.failed_step() == "COMPILE" else "create the tables of BPF module"
            raise Exception("Failed to %s %s" % (what, shown))
        self._program = self.module = number
        atexit.register(self.cleanup)
        warnings = host.warnings(number)
        if warnings:
            print(warnings, end="", file=sys.stderr)
        tables, functions = eval(host.describe(number), {"__builtins__": {}})
        self._tables = {table[0]: table for table in tables}
        self._functions = {function[0]: function for function in functions}
        for context in usdt_contexts:
            context.attach_uprobes(self, attach_usdt_ignore_pid)
        self._autoload()

    @staticmethod
    def _find_file(name):
        name = _name(name)
        if not name:
            raise ValueError("either text or src_file is needed")
        for folder in ("", os.path.dirname(os.path.abspath(sys.argv[0]))):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return path
        raise FileNotFoundError(2, "No such file or directory", name)

    def _autoload(self):
        """Functions whose name says where they belong are attached at once."""
        for name, hint, target in self._functions.values():
            function = name.encode()
            if hint == "kprobe":
                self.attach_kprobe(event=self.fix_syscall_fnname(target.encode()), fn_name=function)
            elif hint == "kretprobe":
                self.attach_kretprobe(event=self.fix_syscall_fnname(target.encode()), fn_name=function)
            elif hint == "tracepoint":
                self.attach_tracepoint(tp=target.encode(), fn_name=function)
            elif hint == "raw_tracepoint":
                self.attach_raw_tracepoint(tp=target.encode(), fn_name=function)
            elif hint == "kfunc":
                self.attach_kfunc(fn_name=function)
            elif hint == "kretfunc":
                self.attach_kretfunc(fn_name=function)
            elif hint == "fmod_ret":
                self.attach_fmod_ret(fn_name=function)
            elif hint == "lsm":
                self.attach_lsm(fn_name=function)
            elif hint == "iter":
                self.attach_bpf_iter(fn_name=function)
            elif hint == "section":
                self._attach_section(function, *target.partition("/")[::2])

    def _attach_section(self, function, kind, where):
        """Sections as libbpf reads them; what is not known here is attached by the script."""
        if kind in ("kprobe", "kretprobe"):
            attach = self.attach_kprobe if kind == "kprobe" else self.attach_kretprobe
            attach(event=self.fix_syscall_fnname(where.encode()), fn_name=function)
        elif kind in ("ksyscall", "kretsyscall"):
            attach = self.attach_kprobe if kind == "ksyscall" else self.attach_kretprobe
            attach(event=self.get_syscall_fnname(where.encode()), fn_name=function)
        elif kind in ("tracepoint", "tp"):
            self.attach_tracepoint(tp=where.replace("/", ":").encode(), fn_name=function)
        elif kind in ("raw_tracepoint", "raw_tp"):
            self.attach_raw_tracepoint(tp=where.encode(), fn_name=function)
        elif kind in ("uprobe", "uretprobe") and ":" in where:
            path, _, symbol = where.rpartition(":")
            attach = self.attach_uprobe if kind == "uprobe" else self.attach_uretprobe
            attach(name=path.encode(), sym=symbol.encode(), fn_name=function)

    # ---- functions

    def load_func(self, func_name, prog_type, device=None, attach_type=-1):
        name = _name(func_name)
        known = self.funcs.get(name.encode())
        if known is not None:
            return known
        fd = host.load(self._program, name, prog_type, attach_type)
        if fd < 0:
            self._fail("Failed to load BPF program %r" % name.encode())
        function = self.funcs[name.encode()] = BPF.Function(self, name.encode(), fd)
        return function

    def load_funcs(self, prog_type=2):
        return [self.load_func(name, prog_type) for name in self._functions]

    def dump_func(self, func_name):
        return b""

    def disassemble_func(self, func_name):
        return ""

    @staticmethod
    def _fail(what):
        reason = bridge.failure()
        if reason.startswith("Unknown program"):
            raise Exception(reason)
        if reason.startswith("Failed to load BPF program"):
            raise Exception(reason)
        raise Exception("%s: %s" % (what, reason))

    # ---- tables

    def get_table(self, name, keytype=None, leaftype=None, reducer=None):
        name = _name(name)
        description = self._tables.get(name)
        if description is None:
            raise KeyError(name)
        table = Table(self, description, reducer=reducer)
        if keytype:
            table.Key = keytype
        if leaftype:
            table.Leaf = leaftype
        return table

    def __getitem__(self, key):
        name = _name(key)
        table = self.tables.get(name)
        if table is None:
            table = self.tables[name] = self.get_table(name)
        return table

    def __setitem__(self, key, leaf):
        self.tables[_name(key)] = leaf

    def __len__(self):
        return len(self._tables)

    def __delitem__(self, key):
        del self.tables[_name(key)]

    def __iter__(self):
        return iter(self._tables)

    def __bool__(self):
        return True

    # ---- kprobes

    @staticmethod
    def get_probe_limit():
        limit = os.environ.get("BCC_PROBE_LIMIT", "")
        return int(limit) if limit.isdigit() else _PROBE_LIMIT

    def _check_probe_quota(self, count):
        limit = BPF.get_probe_limit()
        if len(self.kprobe_fds) + len(self.uprobe_fds) + count > limit:
            raise Exception("Number of open probes would exceed global quota of %d (set BCC_PROBE_LIMIT for more)" % limit)

    @staticmethod
    def get_kprobe_functions(event_re):
        found = host.kernelFunctions(_name(event_re))
        return [name.encode() for name in found.split("\n")] if found else []

    def _attach_kprobe(self, returns, event, event_off, fn_name, event_re):
        event, fn_name, event_re = _name(event), _name(fn_name), _name(event_re)
        word = "kretprobe" if returns else "kprobe"
        if event_re:
            matches = BPF.get_kprobe_functions(event_re)
            self._check_probe_quota(len(matches))
            failed, reason = 0, None
            for match in matches:
                try:
                    self._attach_kprobe(returns, match, event_off, fn_name, "")
                except Exception as e:
                    failed, reason = failed + 1, e
            if failed == len(matches):
                raise Exception("Failed to attach BPF program %r to %s %r, it's not traceable (either non-existing, "
                                "inlined, or marked as \"notrace\")%s" %
                                (fn_name.encode(), word, event_re.encode(), ": %s" % reason if reason else ""))
            return self
        self._check_probe_quota(1)
        link = host.attachKprobe(self._program, fn_name, returns, event, event_off)
        if link < 0:
            self._fail("Failed to attach BPF program %r to %s %r, it's not traceable (either non-existing, inlined, or "
                       "marked as \"notrace\")" % (fn_name.encode(), word, event.encode()))
        key = b"%s_%s" % (b"r" if returns else b"p", event.replace(".", "_").replace("+", "_").encode())
        self.kprobe_fds.setdefault(key, {})[fn_name.encode()] = link
        return self

    def attach_kprobe(self, event=b"", event_off=0, fn_name=b"", event_re=b""):
        return self._attach_kprobe(False, event, event_off, fn_name, event_re)

    def attach_kretprobe(self, event=b"", fn_name=b"", event_re=b"", maxactive=0):
        return self._attach_kprobe(True, event, 0, fn_name, event_re)

    def _detach(self, fds, key, fn_name=None):
        links = fds.get(key)
        if links is None:
            raise Exception("%s is not attached" % (key,))
        for function in [_name(fn_name).encode()] if fn_name else list(links):
            host.detach(self._program, links.pop(function))
        if not links:
            del fds[key]

    def detach_kprobe(self, event, fn_name=None):
        self._detach(self.kprobe_fds, b"p_" + _name(event).replace(".", "_").replace("+", "_").encode(), fn_name)

    def detach_kretprobe(self, event, fn_name=None):
        self._detach(self.kprobe_fds, b"r_" + _name(event).replace(".", "_").replace("+", "_").encode(), fn_name)

    # ---- tracepoints

    @staticmethod
    def get_tracepoints(tp_re):
        found = host.tracepoints(_name(tp_re))
        return [name.encode() for name in found.split("\n")] if found else []

    @staticmethod
    def tracepoint_exists(category, event):
        return host.hasTracepoint(_name(category), _name(event))

    def attach_tracepoint(self, tp=b"", tp_re=b"", fn_name=b""):
        tp, tp_re, fn_name = _name(tp), _name(tp_re), _name(fn_name)
        if tp_re:
            for match in BPF.get_tracepoints(tp_re):
                self.attach_tracepoint(tp=match, fn_name=fn_name)
            return self
        category, _, event = tp.partition(":")
        link = host.attachTracepoint(self._program, fn_name, category, event)
        if link < 0:
            self._fail("Failed to attach BPF program %r to tracepoint %r" % (fn_name.encode(), tp.encode()))
        self.tracepoint_fds[tp.encode()] = {fn_name.encode(): link}
        return self

    def detach_tracepoint(self, tp=b""):
        self._detach(self.tracepoint_fds, _name(tp).encode())

    def attach_raw_tracepoint(self, tp=b"", fn_name=b""):
        tp, fn_name = _name(tp), _name(fn_name)
        if tp.encode() in self.raw_tracepoint_fds:
            raise Exception("Raw tracepoint %s has been attached" % tp)
        link = host.attachRawTracepoint(self._program, fn_name, tp)
        if link < 0:
            self._fail("Failed to attach BPF program %r to raw tracepoint %r" % (fn_name.encode(), tp.encode()))
        self.raw_tracepoint_fds[tp.encode()] = {fn_name.encode(): link}
        return self

    def detach_raw_tracepoint(self, tp=b""):
        self._detach(self.raw_tracepoint_fds, _name(tp).encode())

    # ---- typed programs

    def _target(self, fn_name, prefix):
        hint = self._functions.get(fn_name)
        if hint is not None and hint[2]:
            return hint[2]
        return fn_name[len(prefix):] if fn_name.startswith(prefix) else fn_name

    @staticmethod
    def add_prefix(prefix, name):
        name = _name(name)
        return (name if name.startswith(_name(prefix)) else _name(prefix) + name).encode()

    def _attach_typed(self, fds, kind, prefix, fn_name):
        fn_name = _name(fn_name)
        if fn_name not in self._functions:
            fn_name = _name(BPF.add_prefix(prefix, fn_name))
        if fn_name.encode() in fds:
            raise Exception("Kernel %s func %s has been attached" % (kind, fn_name))
        link = host.attachTyped(self._program, kind, fn_name, self._target(fn_name, prefix))
        if link < 0:
            self._fail("Failed to attach BPF program %r to kernel %s" % (fn_name.encode(), kind))
        fds[fn_name.encode()] = {fn_name.encode(): link}
        return self

    def attach_kfunc(self, fn_name=b""):
        return self._attach_typed(self.kfunc_entry_fds, "kfunc", "kfunc__", fn_name)

    def attach_kretfunc(self, fn_name=b""):
        return self._attach_typed(self.kfunc_exit_fds, "kretfunc", "kretfunc__", fn_name)

    def attach_fmod_ret(self, fn_name=b""):
        return self._attach_typed(self.fmod_ret_fds, "fmod_ret", "kmod_ret__", fn_name)

    def attach_lsm(self, fn_name=b""):
        return self._attach_typed(self.lsm_fds, "lsm", "lsm__", fn_name)

    def attach_bpf_iter(self, fn_name=b""):
        return self._attach_typed(_Fds(), "iter", "bpf_iter__", fn_name)

    def detach_kfunc(self, fn_name=b""):
        self._detach(self.kfunc_entry_fds, BPF.add_prefix("kfunc__", fn_name))

    def detach_kretfunc(self, fn_name=b""):
        self._detach(self.kfunc_exit_fds, BPF.add_prefix("kretfunc__", fn_name))

    def detach_fmod_ret(self, fn_name=b""):
        self._detach(self.fmod_ret_fds, BPF.add_prefix("kmod_ret__", fn_name))

    def detach_lsm(self, fn_name=b""):
        self._detach(self.lsm_fds, BPF.add_prefix("lsm__", fn_name))

    @staticmethod
    def support_kfunc():
        # Of x86-64 only, as tools expect it: the text that they compile then is for its system calls.
        return host.machine() == "x86_64" and host.supports("FENTRY") and host.supports("BTF")

    support_fmod_ret = support_kfunc

    @staticmethod
    def support_lsm():
        return host.hasType("FUNC", "bpf_lsm_bpf") and host.supports("FENTRY")

    @staticmethod
    def support_raw_tracepoint():
        return host.supports("RAW_TRACEPOINT")

    @staticmethod
    def support_raw_tracepoint_in_module():
        return host.supports("RAW_TRACEPOINT") and host.hasFunction("bpf_trace_modules")

    @staticmethod
    def kernel_struct_has_field(struct_name, field_name):
        return host.structHasField(_name(struct_name), _name(field_name))

    # ---- functions of user programs

    @staticmethod
    def find_library(libname):
        path = host.findLibrary(_name(libname))
        return path.encode() if path else None

    @staticmethod
    def find_exe(bin_path):
        path = host.findProgram(_name(bin_path))
        return path.encode() if path else None

    @staticmethod
    def _module_path(module):
        module = _name(module)
        if "/" in module:
            return module
        path = host.findLibrary(module) or host.findProgram(module)
        if not path:
            raise Exception("could not find library or program %s" % module)
        return path

    @staticmethod
    def get_user_functions_and_addresses(name, sym_re):
        found = host.userFunctions(BPF._module_path(name), _name(sym_re))
        # Places go by name here: no address is needed, and functions of one address are one place.
        return [(function.encode(), i) for i, function in enumerate(found.split("\n"))] if found else []

    @staticmethod
    def get_user_functions(name, sym_re):
        return {function for function, _ in BPF.get_user_functions_and_addresses(name, sym_re)}

    @staticmethod
    def get_user_addresses(name, sym_re):
        return {address for _, address in BPF.get_user_functions_and_addresses(name, sym_re)}

    def _attach_uprobe(self, returns, name, sym, sym_re, addr, fn_name, pid, sym_off):
        fn_name = _name(fn_name)
        if not name:
            raise Exception("a library or program is needed")
        path = BPF._module_path(name)
        if sym_re:
            found = host.userFunctions(path, _name(sym_re))
            matches = found.split("\n") if found else []
            self._check_probe_quota(len(matches))
            for match in matches:
                self._attach_uprobe(returns, name, match, "", None, fn_name, pid, 0)
            return self
        self._check_probe_quota(1)
        if not sym and addr is None:
            raise Exception("either a symbol or an address is needed")
        symbol = _name(sym) if sym else "0x%x" % addr
        link = host.attachUprobe(self._program, fn_name, returns, path, symbol, sym_off, -1 if pid is None else pid)
        if link < 0:
            self._fail("Failed to attach BPF program %r to %s %r of %s" % (
                fn_name.encode(), "uretprobe" if returns else "uprobe", symbol.encode(), path))
        key = "%s_%s_%s_%s" % ("r" if returns else "p", path.replace("/", "_"), symbol, sym_off)
        self.uprobe_fds.setdefault(key.encode(), {})[b"%s/%d/%d" % (fn_name.encode(), pid or -1, link)] = link
        return self

    def attach_uprobe(self, name=b"", sym=b"", sym_re=b"", addr=None, fn_name=b"", pid=-1, sym_off=0):
        return self._attach_uprobe(False, name, sym, sym_re, addr, fn_name, pid, sym_off)

    def attach_uretprobe(self, name=b"", sym=b"", sym_re=b"", addr=None, fn_name=b"", pid=-1):
        return self._attach_uprobe(True, name, sym, sym_re, addr, fn_name, pid, 0)

    def _detach_uprobe(self, returns, name, sym, addr, sym_off):
        symbol = _name(sym) if sym else "0x%x" % addr
        path = BPF._module_path(name)
        key = "%s_%s_%s_%s" % ("r" if returns else "p", path.replace("/", "_"), symbol, sym_off)
        self._detach(self.uprobe_fds, key.encode())

    def detach_uprobe(self, name=b"", sym=b"", addr=None, pid=-1, sym_off=0):
        self._detach_uprobe(False, name, sym, addr, sym_off)

    def detach_uretprobe(self, name=b"", sym=b"", addr=None, pid=-1):
        self._detach_uprobe(True, name, sym, addr, 0)

    def _attach_usdt(self, function, probe, pid):
        links = host.attachUsdt(
            self._program, function, probe._path, probe.provider.decode(), probe.name.decode(), pid)
        if not links:
            self._fail("Failed to attach BPF program %r to static probe %s" % (function.encode(), probe.short_name()))
        for link in links.split():
            key = b"p_%s_%s_%s" % (probe.bin_path.replace(b"/", b"_"), probe.short_name().encode(), link.encode())
            self.uprobe_fds[key] = {function.encode(): int(link)}

    # ---- perf events

    def attach_perf_event(self, ev_type=-1, ev_config=-1, fn_name=b"", sample_period=0, sample_freq=0, pid=-1, cpu=-1,
                          group_fd=-1):
        fn_name = _name(fn_name)
        link = host.attachPerfEvent(self._program, fn_name, ev_type, ev_config, sample_period, sample_freq, pid)
        if link < 0:
            self._fail("Failed to attach BPF program %r to perf event type %d config %d" % (
                fn_name.encode(), ev_type, ev_config))
        self.open_perf_events[ev_type, ev_config] = {fn_name.encode(): link}
        return self

    def attach_perf_event_raw(self, attr=None, fn_name=b"", pid=-1, cpu=-1, group_fd=-1):
        return self.attach_perf_event(attr.type, attr.config, fn_name, attr.sample_period, 0, pid, cpu, group_fd)

    def detach_perf_event(self, ev_type=-1, ev_config=-1):
        self._detach(self.open_perf_events, (ev_type, ev_config))

    # ---- networks

    _cgroup_links = {}

    @staticmethod
    def _attach_packet(kind, fn, target, flags=0):
        if not isinstance(fn, BPF.Function):
            raise Exception("arg 1 must be of type BPF.Function")
        bpf = fn.bpf
        link = host.attachPacket(bpf._program, kind, _name(fn.name), _name(target), flags)
        if link < 0:
            bpf._fail("Failed to attach BPF program %r to %s %s" % (fn.name, kind, _name(target)))
        return link

    def attach_xdp(self, dev=None, fn=None, flags=0):
        """Runs a function of type BPF.XDP on packets that a network interface receives."""
        link = self._attach_packet("xdp", fn, dev, flags)
        self.xdp_fds[_name(dev).encode()] = {fn.name: link}

    def remove_xdp(self, dev, flags=0):
        self._detach(self.xdp_fds, _name(dev).encode())

    @staticmethod
    def attach_raw_socket(fn, dev):
        """Filters copies of an interface's packets with a function of type BPF.SOCKET_FILTER; fn.sock reads what it keeps."""
        link = BPF._attach_packet("socket", fn, dev)
        fn.sock = host.socket(fn.bpf._program, link)

    @staticmethod
    def attach_func(fn, attachable_fd, attach_type, flags=0):
        """Attaches a function to the cgroup whose folder is open as attachable_fd; load_func must have been told the type."""
        path = os.readlink("/proc/self/fd/%d" % attachable_fd)
        if not os.path.isdir(path):
            raise Exception("attach_func: %s is not the folder of a cgroup; maps of sockets are not attached to yet" % path)
        BPF._cgroup_links[fn.name, attachable_fd, attach_type] = BPF._attach_packet("cgroup", fn, path)

    @staticmethod
    def detach_func(fn, attachable_fd, attach_type):
        link = BPF._cgroup_links.pop((fn.name, attachable_fd, attach_type), None)
        if link is None:
            raise Exception("%r is not attached there" % (fn.name,))
        host.detach(fn.bpf._program, link)

    # ---- how many

    def _open(self, fds):
        return sum(len(links) for links in fds.values())

    def num_open_kprobes(self):
        return self._open(self.kprobe_fds)

    def num_open_uprobes(self):
        return self._open(self.uprobe_fds)

    def num_open_tracepoints(self):
        return self._open(self.tracepoint_fds)

    # ---- system calls by their kernel functions

    def get_syscall_prefix(self):
        if BPF._prefix is None:
            BPF._prefix = self._syscall_prefixes[0]
            for prefix in self._syscall_prefixes:
                if any(self.ksymname(prefix + name) != -1 for name in (b"bpf", b"openat", b"read")):
                    BPF._prefix = prefix
                    break
        return BPF._prefix

    def get_syscall_fnname(self, name):
        return self.get_syscall_prefix() + _assert_is_bytes(name)

    def fix_syscall_fnname(self, name):
        for prefix in self._syscall_prefixes:
            if name.startswith(prefix):
                return self.get_syscall_fnname(name[len(prefix):])
        return name

    # ---- symbols

    @staticmethod
    def _sym_cache(pid):
        if pid < 0 and pid != -1:
            pid = -1
        cache = BPF._sym_caches.get(pid)
        if cache is None:
            cache = BPF._sym_caches[pid] = SymbolCache(pid)
        return cache

    @staticmethod
    def sym(addr, pid, show_module=False, show_offset=False, demangle=True):
        """The symbol that covers an address of a process, as bytes."""
        name, offset, module = BPF._sym_cache(pid).resolve(addr, demangle)
        text = name if name is not None else b"[unknown]"
        if show_offset and name is not None:
            text += b"+0x%x" % offset
        if show_module and module:
            text += b" [%s]" % os.path.basename(module)
        return text

    @staticmethod
    def ksym(addr, show_module=False, show_offset=False):
        return BPF.sym(addr, -1, show_module, show_offset, False)

    @staticmethod
    def ksymname(name):
        """The address of a kernel symbol, -1 if there is none."""
        address = host.kernelSymbolAddress(_name(name))
        if address == -1:
            return -1
        return address & 0xffffffffffffffff

    def add_module(self, modname):
        """Symbols of libraries are read when they are needed."""
        return None

    # ---- time

    @staticmethod
    def monotonic_time():
        return host.monotonicNanos()

    # ---- buffers

    def _poll(self, buffers, timeout):
        if not buffers:
            return 0
        numbers = list(buffers)
        end = None if timeout is None or timeout < 0 else host_millis() + timeout
        while True:
            left = _POLL_MILLIS if end is None else max(0, min(_POLL_MILLIS, end - host_millis()))
            count = host.poll(numbers, int(left))
            self._tell_lost(buffers)
            if count and not host.stopping():
                return count
            if host.ended():
                skep_prelude.interrupt()
                return 0
            if end is not None and host_millis() >= end:
                return 0

    @staticmethod
    def _tell_lost(buffers):
        for number, lost_cb in buffers.items():
            lost = host.newlyLost(number)
            if lost:
                if lost_cb:
                    lost_cb(lost)
                else:
                    print("Possibly lost %d samples" % lost, file=sys.stderr)

    def perf_buffer_poll(self, timeout=-1):
        """Waits for records of all open perf buffers and hands them to their callbacks."""
        return self._poll(self._perf_buffers, timeout)

    def perf_buffer_consume(self):
        return self._poll(self._perf_buffers, 0)

    def kprobe_poll(self, timeout=-1):
        return self.perf_buffer_poll(timeout)

    def ring_buffer_poll(self, timeout=-1):
        return self._poll(self._ring_buffers, timeout)

    def ring_buffer_consume(self):
        return self._poll(self._ring_buffers, 0)

    def _open_ring_buffer(self, *_):
        raise Exception("open ring buffers with their table: b[name].open_ring_buffer(callback)")

    # ---- trace_pipe

    def trace_open(self, nonblocking=False):
        if self.tracefile is None:
            self.tracefile = _TracePipe() if host.live() else _SimulatedTrace()
        return self.tracefile

    def trace_readline(self, nonblocking=False):
        """A line of the trace without its end; none at hand and nonblocking: None."""
        return self.trace_open().readline(nonblocking)

    def trace_fields(self, nonblocking=False):
        """(task, pid, cpu, flags, timestamp, message) of the next line."""
        while True:
            line = self.trace_readline(nonblocking)
            if not line and nonblocking:
                return (None,) * 6
            if line.startswith(b"CPU:"):
                continue
            try:
                task, rest = line[:16].lstrip(), line[17:]
                end = rest.find(b":")
                pid, cpu, flags, stamp = rest[:end].split()
                message = rest[end + 1:]
                message = message[message.find(b":") + 2:]
                return task, int(pid), int(cpu[1:-1]), flags, float(stamp), message
            except ValueError:
                return b"Unknown", 0, 0, b"Unknown", 0.0, line

    def trace_print(self, fmt=None):
        """Prints the trace until Ctrl-C; with fmt, its fields formatted."""
        while True:
            if fmt:
                fields = self.trace_fields(nonblocking=False)
                if not fields:
                    continue
                line = fmt.format(*fields)
            else:
                line = self.trace_readline(nonblocking=False)
            print(line)
            sys.stdout.flush()

    # ---- the end

    def cleanup(self):
        if self._program >= 0:
            host.closeProgram(self._program)
            self._program = -1
            # What was lost at the end is known once nothing is written any more.
            self._tell_lost(self._perf_buffers)
        for fds in (self.kprobe_fds, self.uprobe_fds, self.tracepoint_fds, self.raw_tracepoint_fds, self.kfunc_entry_fds,
                    self.kfunc_exit_fds, self.lsm_fds, self.fmod_ret_fds, self.open_perf_events):
            fds.clear()
        self._perf_buffers.clear()
        self._ring_buffers.clear()

    close = cleanup

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cleanup()

    def free_bcc_memory(self):
        return 0

    def donothing(self):
        """A callback that does nothing."""

    # ---- text that tools generate

    @classmethod
    def generate_auto_includes(cls, program_words):
        """#include lines for the words that an expression uses."""
        wanted = [header for header, words in cls._auto_includes.items()
                  if any(word in program_word for word in words for program_word in program_words)]
        return "".join("#include <%s>\n" % header for header in wanted)


def host_millis():
    """A clock for timeouts: the target's, whose waiting it is."""
    return host.monotonicNanos() // 1000000


class _TracePipe:
    """The trace of this machine's kernel."""

    def __init__(self):
        for folder in (TRACEFS, DEBUGFS + "/tracing"):
            path = folder + "/trace_pipe"
            if os.path.exists(path):
                self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                break
        else:
            raise FileNotFoundError(2, "No such file or directory", TRACEFS + "/trace_pipe")
        self._data = b""

    def readline(self, nonblocking=False):
        import time
        while b"\n" not in self._data:
            try:
                more = os.read(self._fd, 65536)
            except BlockingIOError:
                more = b""
            if more:
                self._data += more
            elif nonblocking:
                return None
            elif host.ended():
                skep_prelude.interrupt()
                return b""
            else:
                time.sleep(0.02)
        line, _, self._data = self._data.partition(b"\n")
        return line


class _SimulatedTrace:
    """The trace of a simulated kernel."""

    def readline(self, nonblocking=False):
        host.start()
        while True:
            line = host.traceLine()
            if line:
                return line.encode()
            if host.ended():
                skep_prelude.interrupt()
                return b""
            if nonblocking:
                return None
