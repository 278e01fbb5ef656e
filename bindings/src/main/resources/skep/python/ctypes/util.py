"""Where libraries lie."""
import bcc_bridge


def find_library(name):
    path = bcc_bridge.host.findLibrary(name)
    return path.rsplit("/", 1)[-1] if path else None
