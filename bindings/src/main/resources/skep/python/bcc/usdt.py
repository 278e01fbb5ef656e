"""Static probes of user programs."""
import os
import sys

import bcc_bridge as bridge

host = bridge.host


class USDTException(Exception):
    pass


class USDTProbeArgument:
    NONE, CONSTANT, DEREF_OFFSET, DEREF_IDENT, BASE_REGISTER_NAME, INDEX_REGISTER_NAME, SCALE = 0, 1, 2, 4, 8, 16, 32

    def __init__(self, size):
        self.size = size
        self.valid = self.NONE

    def __str__(self):
        return "%d %s bytes" % (abs(self.size), "  signed" if self.size < 0 else "unsigned")


class USDTProbeLocation:
    def __init__(self, probe, index, path, address, sizes):
        self.probe, self.index, self.num_arguments = probe, index, len(sizes)
        self.address, self.bin_path = address, path.encode()
        self._sizes = sizes

    def __str__(self):
        return "%s 0x%x" % (self.bin_path.decode(), self.address)

    def get_argument(self, index):
        if index >= len(self._sizes):
            raise USDTException("Argument index out of range in location %d" % self.index)
        return USDTProbeArgument(self._sizes[index])


class USDTProbe:
    def __init__(self, context, provider, name, path, semaphore):
        self.context = context
        self.provider, self.name, self.bin_path, self.semaphore = provider.encode(), name.encode(), path.encode(), semaphore
        self._path = path
        self._locations = []
        self.num_locations = self.num_arguments = 0

    def _add(self, address, sizes):
        self._locations.append(USDTProbeLocation(self, len(self._locations), self._path, address, sizes))
        self.num_locations = len(self._locations)
        self.num_arguments = max(self.num_arguments, len(sizes))

    def __str__(self):
        return "%s:%s [sema 0x%x]" % (self.provider.decode(), self.name.decode(), self.semaphore)

    def short_name(self):
        return "%s:%s" % (self.provider.decode(), self.name.decode())

    def get_location(self, index):
        if index >= len(self._locations):
            raise USDTException("Could not get probe location %d" % index)
        return self._locations[index]


_C_TYPES = {1: "uint8_t", 2: "uint16_t", 4: "uint32_t", 8: "uint64_t", -1: "int8_t", -2: "int16_t", -4: "int32_t",
            -8: "int64_t"}


class USDT:
    """The static probes of a program or library (path) or of all that a process has mapped (pid)."""

    def __init__(self, pid=None, path=None):
        self.pid, self.path = -1, None
        if pid and pid != -1:
            self.pid = int(pid)
        if path:
            path = bridge.name(path)
            resolved = path if "/" in path else host.findLibrary(path) or host.findProgram(path)
            if not resolved:
                raise USDTException("USDT failed to instrument path %s" % path)
            self.path = resolved
        elif self.pid < 0:
            raise USDTException("either a pid or a binary path must be specified")
        self._enabled = []
        self._probes = None

    def _paths(self):
        if self.path:
            return [self.path]
        paths = []
        try:
            with open("/proc/%d/maps" % self.pid) as maps:
                for line in maps:
                    parts = line.split(None, 5)
                    if len(parts) == 6 and "x" in parts[1] and parts[5].startswith("/"):
                        path = parts[5].rstrip("\n")
                        if path not in paths:
                            paths.append(path)
        except OSError:
            raise USDTException("USDT failed to instrument PID %d" % self.pid) from None
        return paths

    def _all(self):
        if self._probes is None:
            probes = {}
            for path in self._paths():
                for line in host.staticProbes(path).split("\n"):
                    if not line:
                        continue
                    provider, name, offset, semaphore, sizes = line.split("\t")
                    probe = probes.get((path, provider, name))
                    if probe is None:
                        probe = probes[path, provider, name] = USDTProbe(self, provider, name, path, int(semaphore))
                    probe._add(int(offset), [int(size) for size in sizes.split()])
            self._probes = list(probes.values())
        return self._probes

    def _find(self, name):
        name = bridge.name(name)
        provider, _, short = name.rpartition(":")
        for probe in self._all():
            if probe.name.decode() == short and (not provider or probe.provider.decode() == provider):
                return probe
        return None

    def enable_probe(self, probe, fn_name):
        found = self._find(probe)
        if found is None:
            near = sorted({p.short_name() for p in self._all() if bridge.name(probe).rpartition(":")[2][:4] in p.short_name()})
            raise USDTException(
                "Failed to enable USDT probe '%s':\nthe specified pid might not contain the given language's runtime,\n"
                "or the runtime was not built with the required USDT probes.%s" %
                (bridge.name(probe), " There are " + ", ".join(near[:5]) + "." if near else ""))
        self._enabled.append((found, bridge.name(fn_name)))

    def enable_probe_or_bail(self, probe, fn_name):
        try:
            self.enable_probe(probe, fn_name)
        except USDTException as e:
            print(e, file=sys.stderr)
            sys.exit(1)

    def get_context(self):
        return self

    def get_text(self):
        return "\n".join("/* %s handles %s */" % (function, probe.short_name()) for probe, function in self._enabled)

    def get_probe_arg_ctype(self, probe_name, arg_index):
        probe = self._find(probe_name)
        if probe is None or arg_index >= probe.num_arguments:
            raise USDTException("Invalid probe name or argument index")
        return _C_TYPES[probe.get_location(0)._sizes[arg_index]]

    def enumerate_probes(self):
        return list(self._all())

    def enumerate_active_probes(self):
        """(binary, function, address, pid) of each place that is attached."""
        return [(location.bin_path, function.encode(), location.address, self.pid)
                for probe, function in self._enabled for location in probe._locations]

    def addsem_probe(self, provider, probe, fn_name, pid=-1):
        self.enable_probe(b"%s:%s" % (provider, probe), fn_name)

    def _lines(self):
        """What the compiler is told: path, provider, name, function."""
        return ["\t".join((probe._path, probe.provider.decode(), probe.name.decode(), function))
                for probe, function in self._enabled]

    def attach_uprobes(self, bpf, attach_usdt_ignore_pid=False):
        for probe, function in self._enabled:
            bpf._attach_usdt(function, probe, -1 if attach_usdt_ignore_pid else self.pid)
