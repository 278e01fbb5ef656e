"""Traces, maps, histograms and events."""
from collections.abc import Mapping

try:
    import polyglot
    _open = polyglot.import_value("skep.scope")
except (ImportError, NameError) as missing:
    raise ImportError("skep runs under skep: ./skep py FILE") from missing
if _open is None:
    raise ImportError("skep runs under skep: ./skep py FILE")
_scope = _open()


class SkepError(Exception):
    """What a script or its target did wrong; `diagnostics` says where."""

    def __init__(self, message, diagnostics=()):
        super().__init__(message)
        self.diagnostics = diagnostics


class Diagnostic:
    """A mistake: severity, code, message, hint, and line, column, length of its place."""

    __slots__ = ("severity", "code", "message", "hint", "line", "column", "length")

    def __init__(self, own):
        for name in self.__slots__:
            setattr(self, name, getattr(own, name))

    def __repr__(self):
        return "%d:%d: %s: %s" % (self.line, self.column, self.severity, self.message)


def _told(failure):
    """The error of ours behind an exception of another language, or nothing."""
    try:
        diagnostics = [Diagnostic(d) for d in failure.diagnostics]
        return SkepError(str(failure.message), diagnostics)
    except AttributeError:
        return None


def _call(function, *arguments):
    try:
        return function(*arguments)
    except (KeyboardInterrupt, SystemExit, SkepError):
        raise
    except BaseException as failure:
        told = _told(failure)
        if told is None:
            raise
    raise told from None


class Bytes(bytes):
    """A buffer."""


def _kind(value):
    try:
        return value.skepKind
    except AttributeError:
        return ""


def _value(value):
    """A value of ours as Python has it."""
    if value is None or isinstance(value, (bool, str)):
        return value
    kind = _kind(value)
    if kind == "":
        return value
    if kind == "Array":
        return tuple([_value(element) for element in value])
    if kind == "Bytes":
        return Bytes(bytes.fromhex(value.hex))
    if kind == "Histogram":
        return Histogram(value)
    if kind == "Map":
        return Map(value)
    return Record({name: _value(getattr(value, name)) for name in value.skepNames})


class Record(dict):
    """Named values in order; members are attributes too."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Bucket(tuple):
    """Samples between low and high, both included."""

    __slots__ = ()
    low = property(lambda self: self[0])
    high = property(lambda self: self[1])
    count = property(lambda self: self[2])


class Histogram:
    """How many samples fell into each bucket; those of the same shape add up."""

    def __init__(self, own):
        self._own = own

    @property
    def skepOwn(self):
        return self._own

    @property
    def samples(self):
        return self._own.samples

    @property
    def buckets(self):
        return [Bucket((b.low, b.high, b.count)) for b in self._own]

    def percentile(self, percent):
        """An estimate, interpolated inside its bucket; percent is 0 to 100."""
        return _call(self._own.percentile, percent)

    p50 = property(lambda self: self.percentile(50))
    p90 = property(lambda self: self.percentile(90))
    p99 = property(lambda self: self.percentile(99))
    mean = property(lambda self: self._own.mean)

    def __add__(self, other):
        return Histogram(_call(self._own.plus, other._own))

    def __iter__(self):
        return iter(self.buckets)

    def __len__(self):
        return len(self._own)

    def frame(self):
        from ._frame import Frame
        return Frame({"low": [b[0] for b in self.buckets], "high": [b[1] for b in self.buckets],
                      "count": [b[2] for b in self.buckets]})

    def __str__(self):
        return self._own.toString().rstrip("\n")

    __repr__ = __str__


class Map(Mapping):
    """A map at one moment, in the order in which it is printed; a key of several parts is a tuple."""

    def __init__(self, own):
        self._own = own
        self._entries = None

    @property
    def skepOwn(self):
        return self._own

    @property
    def name(self):
        return self._own.name

    def _all(self):
        if self._entries is None:
            self._entries = {_value(row[0]): _value(row[1]) for row in self._own.rows()}
        return self._entries

    def __getitem__(self, key):
        return self._all()[key]

    def __iter__(self):
        return iter(self._all())

    def __len__(self):
        return self._own.size

    @property
    def value(self):
        """The value of a map without keys; None if nothing was stored."""
        return _value(self._own.value)

    def frame(self, *names):
        """A data frame: a column for each part of the key, and `value` (of histograms: samples, p50, p99, …)."""
        from ._frame import Frame
        return Frame.of_map(self, names)

    def __getattr__(self, name):
        # A map without keys answers for its only value: t["@us"].p99.
        if name.startswith("_") or self._own.keyed:
            raise AttributeError(name)
        return getattr(self.value, name)

    def __int__(self):
        return int(self.value or 0)

    def __float__(self):
        return float(self.value or 0)

    def __str__(self):
        return self._own.toString().rstrip("\n")

    __repr__ = __str__


class Event:
    """Something a script said: `kind`, `text`, `value`; the members of a printed record are attributes too."""

    __slots__ = ("kind", "text", "value")

    def __init__(self, own):
        self.kind = own.kind
        self.text = own.text
        self.value = _value(own.value)

    def __getattr__(self, name):
        if isinstance(self.value, Record) and name in self.value:
            return self.value[name]
        raise AttributeError(name)

    def __repr__(self):
        return "Event(%r, %r)" % (self.kind, self.text if self.value is None else self.value)


class Trace:
    """One run of a script. A context manager, which stops it; goes through its events when iterated."""

    def __init__(self, script, **options):
        self._own = _call(_scope.trace, script, options)

    @property
    def skepOwn(self):
        return self._own

    def on(self, kind, callback):
        """Calls back for each event of a kind ("printf", "print", "map", …; "event" for all); before it runs."""
        self._own.on(kind, lambda event: callback(Event(event)))
        return self

    def run(self, duration=None):
        """Runs to the end."""
        if duration is None:
            _call(self._own.run)
        else:
            _call(self._own.run, duration)
        return self

    def start(self):
        """Runs in the background."""
        _call(self._own.start)
        return self

    def stop(self):
        self._own.stop()
        return self

    def wait(self):
        """Waits for the end, calling back meanwhile."""
        _call(self._own.wait)
        return self

    def poll(self, seconds=0):
        """Calls back for what has come; how many events."""
        return _call(self._own.poll, seconds * 1000)

    status = property(lambda self: _call(lambda: self._own.status))
    ended = property(lambda self: self._own.ended)
    output = property(lambda self: self._own.output)
    lost = property(lambda self: self._own.lost)
    dropped = property(lambda self: self._own.dropped)
    warnings = property(lambda self: list(self._own.warnings))

    @property
    def maps(self):
        """All maps by name."""
        return {name: self[name] for name in self._own.mapNames}

    def __getitem__(self, name):
        """A map by its name, with or without @: as it is now, or was at the end."""
        try:
            return Map(_call(self._own.map, name))
        except SkepError as missing:
            if str(missing).startswith("no map"):
                raise KeyError(str(missing)) from None
            raise

    def map(self, name):
        return self[name]

    def histogram(self, name):
        """The histogram of a map without keys."""
        return Histogram(_call(self._own.histogram, name))

    def number(self, name):
        """The number in a map without keys; 0 if nothing was counted."""
        return self[name].value or 0

    def frame(self, *names, kind="print"):
        """The values printed with print(), a row each, as a data frame; runs or waits to the end."""
        from ._frame import Frame
        return Frame.of_events([event.value for event in self if event.kind == kind], names)

    def __iter__(self):
        own = iter(self._own)
        while True:
            try:
                event = _call(next, own)
            except StopIteration:
                return
            yield Event(event)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()
        return False

    def close(self):
        """Stops it and frees what it holds; results that were read stay."""
        self._own.close()

    def __repr__(self):
        return self._own.toString()


def prepare(script, **options):
    """A script ready to run. Options: duration (seconds), target, command, pid, args, parameters, name, unsafe, queue, overflow."""
    return Trace(script, **options)


def trace(script, **options):
    """Runs a script to its end; the options are those of prepare()."""
    made = Trace(script, **options)
    try:
        return made.run()
    except BaseException:
        made.close()
        raise


def start(script, **options):
    """Runs a script in the background."""
    return Trace(script, **options).start()


def probes(pattern):
    """The names of probes that match a pattern."""
    return list(_call(_scope.probes, pattern))


def describe(pattern):
    """The same with the types of their arguments."""
    return list(_call(_scope.describe, pattern))


def target(spec=None):
    """What is traced unless a trace says otherwise; with a spec, from now on that."""
    if spec is not None:
        _call(lambda: setattr(_scope, "target", spec))
    return _scope.target
