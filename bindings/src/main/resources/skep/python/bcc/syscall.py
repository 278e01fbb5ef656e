"""System calls by number and name, of the target's architecture."""
import bcc_bridge


class _Syscalls(dict):
    """Read when it is first looked at."""

    def _read(self):
        if not dict.__len__(self):
            for line in bcc_bridge.host.syscalls().split("\n"):
                number, _, name = line.partition("\t")
                dict.__setitem__(self, int(number), name.encode())
        return self

    def __getitem__(self, number):
        return dict.__getitem__(self._read(), number)

    def get(self, number, default=None):
        return dict.get(self._read(), number, default)

    def __contains__(self, number):
        return dict.__contains__(self._read(), number)

    def __iter__(self):
        return dict.__iter__(self._read())

    def __len__(self):
        return dict.__len__(self._read())

    def items(self):
        return dict.items(self._read())

    def keys(self):
        return dict.keys(self._read())

    def values(self):
        return dict.values(self._read())


syscalls = _Syscalls()


def syscall_name(syscall_num):
    return syscalls.get(syscall_num, b"[unknown: %d]" % syscall_num)
