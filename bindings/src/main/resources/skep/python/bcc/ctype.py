"""C types of a program as ctypes classes: made from the tuples that the compiler describes them with."""
import ctypes as ct

_INTEGERS = {
    (1, 0): ct.c_ubyte, (1, 1): ct.c_byte, (2, 0): ct.c_ushort, (2, 1): ct.c_short, (4, 0): ct.c_uint, (4, 1): ct.c_int,
    (8, 0): ct.c_ulonglong, (8, 1): ct.c_longlong, (16, 0): ct.c_uint64 * 2, (16, 1): ct.c_int64 * 2}
_known = {}


def of(description):
    kind = _known.get(description)
    if kind is None:
        kind = _known[description] = _make(description)
    return kind


def _make(description):
    what = description[0]
    if what == "i":
        return ct.c_char if description[3] else _INTEGERS[description[1], description[2]]
    if what == "e":
        return _INTEGERS[description[1], description[2]]
    if what == "b":
        return ct.c_bool
    if what == "f":
        return ct.c_float if description[1] == 4 else ct.c_double
    if what == "p":
        return ct.c_ulonglong
    if what == "a":
        return of(description[1]) * description[2]
    if what in ("s", "u"):
        base = ct.Union if what == "u" else ct.Structure
        kind = type(base)(description[1] or "anonymous", (base,), {})
        kind._place([(m[0], of(m[1]), m[2], m[3], m[4]) for m in description[3]], description[2])
        return kind
    return ct.c_ubyte * 0


def is_number(kind):
    return issubclass(kind, ct._SimpleCData)
