"""The one door to what carries the Python side: an object with the calls of Bridge.java.

Numbers and strings go through it; bytes are strings of one character a byte. Another carrier sets `host` before the
package bcc is imported.
"""
try:
    import polyglot
    host = polyglot.import_value("skep")
except ImportError:
    host = None

if host is None:
    raise ImportError("bcc runs under skep: ./skep bcc TOOL ARGUMENTS…")

failure = host.failure
failed_step = host.failedStep


def text(data):
    """What the bridge takes for bytes."""
    return data.decode("latin-1")


def name(value):
    """A name as a str, whether it was given as bytes or str."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, (bytes, bytearray)) else str(value)
