"""There is no C library behind this package; the names that programs look up here are these."""
from .usdt import USDTProbe  # noqa: F401


class _Library:
    def __getattr__(self, name):
        raise NotImplementedError("libbcc.%s: this package has no C library behind it" % name)


lib = _Library()


class bcc_symbol_option:
    pass
