"""What tools use around tracing."""
import sys


def _cpu_range(path):
    cpus = []
    with open(path) as file:
        for part in file.read().strip().split(","):
            first, _, last = part.partition("-")
            if first:
                cpus.extend(range(int(first), int(last or first) + 1))
    return cpus


def get_online_cpus():
    return _cpu_range("/sys/devices/system/cpu/online")


def get_possible_cpus():
    return _cpu_range("/sys/devices/system/cpu/possible")


def detect_language(candidates, pid):
    """The language of a process: by the name of its program, else by the libraries that it has mapped."""
    import os
    names = [c.decode() if isinstance(c, bytes) else c for c in candidates]
    program = ""
    try:
        program = os.path.basename(os.readlink("/proc/%d/exe" % pid))
    except OSError:
        pass
    for name in names:
        if name in program:
            return name
    try:
        with open("/proc/%d/maps" % pid) as maps:
            files = {os.path.basename(line.split()[-1]) for line in maps if "/" in line}
    except OSError:
        return None
    for name in names:
        library = {"java": "libjvm", "c": "libc.", "node": "libnode"}.get(name, "lib" + name)
        if name != "c" and any(file.startswith(library) for file in files):
            return name
    return "c" if "c" in names and any(file.startswith("libc.") or file.startswith("libc-") for file in files) else None


FILESYSTEMENCODING = sys.getfilesystemencoding()


def printb(s, file=sys.stdout, nl=1):
    """Prints bytes as they are."""
    out = getattr(file, "buffer", file)
    if out is not file:
        file.flush()
    out.write(s + b"\n" if nl else s)
    file.flush()


class ArgString:
    """A word of the command line that can be had as bytes and as str."""

    def __init__(self, arg):
        if isinstance(arg, bytes):
            self.b, self.s = arg, arg.decode(FILESYSTEMENCODING, "surrogateescape")
        else:
            self.s, self.b = arg, arg.encode(FILESYSTEMENCODING, "surrogateescape")

    def __bytes__(self):
        return self.b

    def __str__(self):
        return self.s


def _assert_is_bytes(arg):
    """Names may be given as str: they are taken as their bytes."""
    if arg is None or isinstance(arg, bytes):
        return arg
    return ArgString(arg).__bytes__()


_STREQ = """
static inline bool %(name)s(char const *skep_text) {
    char skep_want[%(size)d] = { %(values)s };
    char skep_have[%(size)d];
    %(read)s(&skep_have, sizeof(skep_have), (void *)skep_text);
    for (int i = 0; i < %(compared)d; ++i) {
        if (skep_want[i] != skep_have[i]) {
            return false;
        }
    }
    return true;
}
"""


class StrcmpRewrite:
    """Replaces STRCMP("text", expression) in expressions by calls of C functions that it writes."""

    @staticmethod
    def rewrite_expr(expr, bin_cmp, is_user, probe_user_list, streq_functions, probeid):
        """The expression with calls in place of STRCMP, the functions, and the number of the next one."""
        import re

        def call(match):
            nonlocal streq_functions, probeid
            text, operand = match.group(1), match.group(2).strip()
            # Binary comparison takes the bytes as an initializer in C, with braces.
            values = text.strip("{} ").split(",") if bin_cmp else [str(byte) for byte in text.encode()] + ["0"]
            user = is_user or operand in probe_user_list
            name = "streq_%d" % probeid
            probeid += 1
            streq_functions += _STREQ % {
                "name": name, "size": len(values), "values": ", ".join(values), "compared": len(values) - 1,
                "read": "bpf_probe_read_user" if user else "bpf_probe_read_kernel"}
            return "%s((char const *)%s)" % (name, operand)

        expr = re.sub(r'STRCMP\("([^"]+)",(.+?)\)', call, expr)
        return {"expr": expr, "streq_functions": streq_functions, "probeid": probeid}
