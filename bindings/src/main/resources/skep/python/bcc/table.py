"""Tables: a program's maps as dictionaries, its histograms and stacks printed, its buffers read."""
import ctypes as ct
import errno
import os
import sys
from collections.abc import MutableMapping

import bcc_bridge as bridge
from . import ctype

host = bridge.host

(BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_PERF_EVENT_ARRAY,
 BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_STACK_TRACE, BPF_MAP_TYPE_CGROUP_ARRAY,
 BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH, BPF_MAP_TYPE_LPM_TRIE, BPF_MAP_TYPE_ARRAY_OF_MAPS,
 BPF_MAP_TYPE_HASH_OF_MAPS, BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_CPUMAP, BPF_MAP_TYPE_XSKMAP,
 BPF_MAP_TYPE_SOCKHASH, BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
 BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK, BPF_MAP_TYPE_SK_STORAGE,
 BPF_MAP_TYPE_DEVMAP_HASH, BPF_MAP_TYPE_STRUCT_OPS, BPF_MAP_TYPE_RINGBUF) = range(1, 28)

BPF_ANY, BPF_NOEXIST, BPF_EXIST = range(3)

MAX_SLOTS = 65
stars_max = 40
log2_index_max = MAX_SLOTS
linear_index_max = 1025


# ---- histograms

def _stars(value, value_max, width):
    text = "*" * int(width * min(value, value_max) / value_max) if value_max else ""
    return text + "+" if value > value_max else text


def get_json_hist(vals, val_type, section_bucket=None):
    return _get_json_hist(vals, val_type, section_bucket)


def _get_json_hist(vals, val_type, section_bucket=None):
    import time
    top = max([i for i, value in enumerate(vals) if value > 0], default=-1)
    hist = {"ts": time.strftime("%Y-%m-%d %H:%M:%S"), "val_type": val_type, "data": []}
    if section_bucket:
        hist[section_bucket[0]] = section_bucket[1]
    for i in range(1, top + 1):
        low, high = (1 << i) >> 1, (1 << i) - 1
        hist["data"].append({"interval-start": low - 1 if low == high else low, "interval-end": high, "count": vals[i]})
    return hist


def _print_log2_hist(vals, val_type, strip_leading_zero):
    top = max([i for i, value in enumerate(vals) if value > 0], default=-1)
    most = max(vals, default=0)
    if top <= 0:
        return
    wide = top > 32
    stars = stars_max // 2 if wide else stars_max
    head, body = (15, 20) if wide else (5, 10)
    print("%*s%-*s : count     distribution" % (head, "", 29 if wide else 19, val_type))
    started = not strip_leading_zero
    for i in range(1, top + 1):
        low, high = (1 << i) >> 1, (1 << i) - 1
        if low == high:
            low -= 1
        started = started or bool(vals[i])
        if started:
            print("%*d -> %-*d : %-8d |%-*s|" % (body, low, body, high, vals[i], stars, _stars(vals[i], most, stars)))


def _print_linear_hist(vals, val_type, strip_leading_zero):
    top = max([i for i, value in enumerate(vals) if value > 0], default=-1)
    most = max(vals, default=0)
    if top < 0:
        return
    print("     %-13s : count     distribution" % val_type)
    started = not strip_leading_zero
    for i in range(top + 1):
        started = started or bool(vals[i])
        if started:
            print("        %-10d : %-8d |%-*s|" % (i, vals[i], stars_max, _stars(vals[i], most, stars_max)))


def get_table_type_name(ttype):
    for name, number in globals().items():
        if name.startswith("BPF_MAP_TYPE_") and number == ttype:
            return name[len("BPF_MAP_TYPE_"):].lower()
    return "<unknown>"


# ---- tables

class TableBase(MutableMapping):
    """A map; keys and leaves are values of ctypes classes made from the program's C types."""

    def __init__(self, bpf, description):
        self.bpf = bpf
        self._program = bpf._program
        (self._text_name, self.ttype, key, leaf, self.max_entries, self.flags, self._event, self._plan,
         self._histogram) = description
        self._name = self._text_name.encode()
        self.Key, self.Leaf = ctype.of(key), ctype.of(leaf)
        self.name = self._name
        self._cbs = {}
        self.map_fd = self.map_id = id(self) & 0x7fffffff

    def get_fd(self):
        """What tables of tables hold for this one."""
        return host.handle(self._program, self._text_name)

    # keys and leaves as bytes

    def _key(self, key):
        if isinstance(key, self.Key):
            return bytes(key).decode("latin-1")
        if isinstance(key, (bytes, bytearray)) and not issubclass(self.Key, ct.Array):
            return bytes(key).decode("latin-1")
        return ct._bytes_of(self.Key, key).decode("latin-1")

    def _leaf(self, leaf):
        if isinstance(leaf, self.Leaf):
            return bytes(leaf).decode("latin-1")
        return ct._bytes_of(self.Leaf, leaf).decode("latin-1")

    def _read(self, data, offset=0):
        return self.Leaf.from_buffer_copy(data, offset)

    def _leaf_size(self):
        return self.Leaf._size_

    def key_sprintf(self, key):
        return repr(key.value if hasattr(key, "value") else bytes(key)).encode()

    leaf_sprintf = key_sprintf

    def key_scanf(self, text):
        return self.Key(int(text, 0))

    def leaf_scanf(self, text):
        return self.Leaf(int(text, 0))

    # the dictionary

    def __getitem__(self, key):
        data = host.lookup(self._program, self._text_name, self._key(key))
        if data is False:
            raise KeyError
        return self._read(data.encode("latin-1"))

    def __setitem__(self, key, leaf):
        if host.update(self._program, self._text_name, self._key(key), self._leaf(leaf), 0) < 0:
            raise Exception("Could not update table: %s" % bridge.failure())

    def __delitem__(self, key):
        if not host.delete(self._program, self._text_name, self._key(key)):
            raise KeyError

    def __contains__(self, key):
        try:
            self[key]
            return True
        except KeyError:
            return False

    def _split(self, text):
        data = text.encode("latin-1")
        key_size, leaf_size = self.Key._size_, self._leaf_size()
        step = key_size + leaf_size
        read_key, read_leaf = self.Key.from_buffer_copy, self._read
        if ctype.is_number(self.Key):
            kind, unpack = self.Key, self.Key._unpack
            return [(kind(unpack(data, at)), read_leaf(data, at + key_size)) for at in range(0, len(data), step)]
        return [(read_key(data, at), read_leaf(data, at + key_size)) for at in range(0, len(data), step)]

    def _entries(self):
        return self._split(host.entries(self._program, self._text_name))

    def items(self):
        return self._entries()

    def values(self):
        return [leaf for _, leaf in self._entries()]

    def keys(self):
        return iter([key for key, _ in self._entries()])

    def iteritems(self):
        return iter(self._entries())

    def itervalues(self):
        return iter(self.values())

    iterkeys = keys

    def __iter__(self):
        return self.keys()

    iter = __iter__

    def __len__(self):
        return len(self._entries())

    def __bool__(self):
        return True

    def next(self, key):
        keys = [bytes(k) for k, _ in self._entries()]
        wanted = self._key(key).encode("latin-1") if key is not None else None
        at = keys.index(wanted) + 1 if wanted in keys else 0
        if at >= len(keys):
            raise StopIteration()
        return self.Key.from_buffer_copy(keys[at])

    def clear(self):
        host.clear(self._program, self._text_name)

    def zero(self):
        for key in list(self.keys()):
            self[key] = bytes(self._leaf_size())

    def pop(self, key=None, *default):
        try:
            leaf = self[key]
        except KeyError:
            if default:
                return default[0]
            raise
        del self[key]
        return leaf

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__

    # batches

    def items_lookup_batch(self):
        return iter(self._entries())

    def items_lookup_and_delete_batch(self):
        return iter(self._split(host.takeAll(self._program, self._text_name)))

    def items_update_batch(self, keys, values):
        keys, values = list(keys), list(values)
        if len(keys) != len(values):
            raise ValueError("keys and values must be of the same length")
        data = "".join(self._key(k) + self._leaf(v) for k, v in zip(keys, values))
        if host.updateAll(self._program, self._text_name, data, self.Key._size_, self._leaf_size()) < 0:
            raise Exception("BPF_MAP_UPDATE_BATCH has failed: %s" % bridge.failure())

    def items_delete_batch(self, keys=None):
        if keys is None:
            host.takeAll(self._program, self._text_name)
            return
        data = "".join(self._key(k) for k in keys)
        if host.deleteAll(self._program, self._text_name, data, self.Key._size_) < 0:
            raise KeyError("BPF_MAP_DELETE_BATCH has failed: %s" % bridge.failure())

    # histograms

    def _number(self, leaf):
        return leaf.value if hasattr(leaf, "value") else int(leaf)

    def _sections(self, slots, bucket_fn):
        """Histograms by the first member of the key; the slot is the second, behind padding."""
        names = [name for name in self.Key._names if not name.startswith("__pad")]
        bucket_name, slot_name = names[0], names[-1]
        several = len(names) > 2
        sections = {}
        for key, leaf in self.items():
            if several:
                bucket = tuple(getattr(key, name) for name in names[:-1])
            else:
                bucket = getattr(key, bucket_name)
                if isinstance(bucket, ct.Structure):
                    bucket = _Frozen(bucket)
            if bucket_fn:
                bucket = bucket_fn(bucket.structure if isinstance(bucket, _Frozen) else bucket)
            values = sections.get(bucket)
            if values is None:
                values = sections[bucket] = [0] * slots
            slot = getattr(key, slot_name)
            if slot < slots:
                values[slot] = self._number(leaf)
            elif slots == linear_index_max:
                raise IndexError("Index in print_linear_hist() of %d exceeds max of %d." % (slot, slots))
        return sections

    def _plain(self, slots):
        values = [0] * slots
        for key, leaf in self.items():
            if key.value < slots:
                values[key.value] = self._number(leaf)
            elif slots == linear_index_max and self._number(leaf):
                raise IndexError("Index in print_linear_hist() of %d exceeds max of %d." % (key.value, slots))
        return values

    def _print_hist(self, printer, slots, val_type, header, section_print_fn, bucket_fn, strip, bucket_sort_fn):
        if not issubclass(self.Key, ct.Structure):
            printer(self._plain(slots), val_type, strip)
            return
        sections = self._sections(slots, bucket_fn)
        buckets = list(sections)
        if bucket_sort_fn:
            buckets = bucket_sort_fn(buckets)
        for bucket in buckets:
            shown = bucket.structure if isinstance(bucket, _Frozen) else bucket
            if section_print_fn:
                shown = section_print_fn(shown)
                if isinstance(shown, bytes):
                    from .utils import printb
                    printb(b"\n" + header.encode() + b" = " + shown)
                else:
                    print("\n%s = %s" % (header, shown))
            else:
                print("\n%s = %r" % (header, shown))
            printer(sections[bucket], val_type, strip)

    def print_log2_hist(self, val_type="value", section_header="Bucket ptr", section_print_fn=None, bucket_fn=None,
                        strip_leading_zero=None, bucket_sort_fn=None):
        self._print_hist(_print_log2_hist, log2_index_max, val_type, section_header, section_print_fn, bucket_fn,
                         strip_leading_zero, bucket_sort_fn)

    def print_linear_hist(self, val_type="value", section_header="Bucket ptr", section_print_fn=None, bucket_fn=None,
                          strip_leading_zero=None, bucket_sort_fn=None):
        self._print_hist(_print_linear_hist, linear_index_max, val_type, section_header, section_print_fn, bucket_fn,
                         strip_leading_zero, bucket_sort_fn)

    def print_json_hist(self, val_type="value", section_header="Bucket ptr", section_print_fn=None, bucket_fn=None,
                        bucket_sort_fn=None):
        if not issubclass(self.Key, ct.Structure):
            print(_get_json_hist(self._plain(log2_index_max), val_type))
            return
        sections = self._sections(log2_index_max, bucket_fn)
        buckets = list(sections)
        if bucket_sort_fn:
            buckets = bucket_sort_fn(buckets)
        for bucket in buckets:
            shown = bucket.structure if isinstance(bucket, _Frozen) else bucket
            shown = section_print_fn(shown) if section_print_fn else shown
            print(_get_json_hist(sections[bucket], val_type, (section_header, shown)))


class _Frozen:
    """A structure as a key of a dictionary: by its bytes."""

    def __init__(self, structure):
        self.structure, self.data = structure, bytes(structure)

    def __eq__(self, other):
        return self.data == other.data

    def __hash__(self):
        return hash(self.data)


class HashTable(TableBase):
    pass


class LruHash(HashTable):
    pass


class ArrayBase(TableBase):
    def _index(self, key):
        i = key.value if hasattr(key, "value") else key
        if i < 0:
            i += self.max_entries
        if not 0 <= i < self.max_entries:
            raise IndexError("Array index out of range")
        return i.to_bytes(4, "little").decode("latin-1")

    _key = _index

    def __len__(self):
        return self.max_entries

    def __delitem__(self, key):
        self[key] = bytes(self._leaf_size())

    def __contains__(self, key):
        i = key.value if hasattr(key, "value") else key
        return 0 <= i < self.max_entries

    def clearitem(self, key):
        del self[key]


class Array(ArrayBase):
    pass


class _PerCpu:
    """Values of all CPUs in one leaf: each padded to eight bytes."""

    def __init__(self, bpf, description, reducer=None):
        super().__init__(bpf, description)
        self.reducer = reducer
        self.sLeaf = self.Leaf
        self.total_cpu = host.possibleCpus()
        self._stride = -(-self.sLeaf._size_ // 8) * 8
        self._simple = ctype.is_number(self.sLeaf)
        self.Leaf = self.sLeaf * self.total_cpu
        self.alignment = self.sLeaf._size_ % 8

    def _leaf_size(self):
        return self._stride * self.total_cpu

    def _read(self, data, offset=0):
        values = [ct._get(self.sLeaf, data, offset + cpu * self._stride) if self._simple
                  else self.sLeaf.from_buffer_copy(data, offset + cpu * self._stride) for cpu in range(self.total_cpu)]
        if self.reducer:
            import functools
            return self.sLeaf(functools.reduce(self.reducer, values))
        return _CpuValues(values)

    def _leaf(self, leaf):
        if isinstance(leaf, (bytes, bytearray)) and not isinstance(leaf, ct.Array):
            return bytes(leaf).decode("latin-1")
        parts = []
        for value in leaf:
            part = ct._bytes_of(self.sLeaf, value)
            parts.append(part + bytes(self._stride - len(part)))
        return b"".join(parts).decode("latin-1")

    def getvalue(self, key):
        return TableBase.__getitem__(self, key)

    def _values(self, key):
        data = host.lookup(self._program, self._text_name, self._key(key))
        if data is False:
            raise KeyError
        data = data.encode("latin-1")
        return [ct._get(self.sLeaf, data, cpu * self._stride) for cpu in range(self.total_cpu)]

    def sum(self, key):
        if not self._simple:
            raise IndexError("Leaf must be an integer type for default sum functions")
        return self.sLeaf(sum(self._values(key)))

    def max(self, key):
        return self.sLeaf(max(self._values(key)))

    def average(self, key):
        values = self._values(key)
        return sum(values) / len(values)

    def _number(self, leaf):
        return sum(leaf) if isinstance(leaf, _CpuValues) else leaf.value


class _CpuValues(list):
    """One value a CPU."""


class PerCpuHash(_PerCpu, HashTable):
    pass


class LruPerCpuHash(PerCpuHash):
    pass


class PerCpuArray(_PerCpu, ArrayBase):
    def __getitem__(self, key):
        return _PerCpu.getvalue(self, key)


class LpmTrie(TableBase):
    def __len__(self):
        raise NotImplementedError


class StackTrace(TableBase):
    MAX_DEPTH = 127
    BPF_F_STACK_BUILD_ID = 1 << 5

    class StackWalker:
        def __init__(self, addresses, resolve=None):
            self.addresses, self.resolve, self.n = addresses, resolve, -1

        def __iter__(self):
            return self

        def __next__(self):
            self.n += 1
            if self.n >= len(self.addresses) or self.addresses[self.n] == 0:
                raise StopIteration()
            address = self.addresses[self.n]
            return self.resolve(address) if self.resolve else address

        next = __next__

    def get_stack(self, stack_id):
        return self[self.Key(stack_id)]

    def _addresses(self, stack_id):
        key = (stack_id & 0xffffffff).to_bytes(4, "little").decode("latin-1")
        data = host.lookup(self._program, self._text_name, key) if stack_id >= 0 else False
        if data is False:
            raise KeyError
        data = data.encode("latin-1")
        return [int.from_bytes(data[at:at + 8], "little") for at in range(0, len(data), 8)]

    def walk(self, stack_id, resolve=None):
        return StackTrace.StackWalker(self._addresses(stack_id), resolve)

    def __len__(self):
        return sum(1 for _ in self)


class ProgArray(ArrayBase):
    def _leaf(self, leaf):
        fd = getattr(leaf, "fd", None)
        if fd is None:
            fd = leaf.value if hasattr(leaf, "value") else int(leaf)
        return (fd & 0xffffffff).to_bytes(4, "little").decode("latin-1")

    def __delitem__(self, key):
        if not host.delete(self._program, self._text_name, self._key(key)):
            raise KeyError


class CgroupArray(ArrayBase):
    def __setitem__(self, key, leaf):
        """The leaf is a descriptor of a cgroup's folder, or its path."""
        if not isinstance(leaf, (str, bytes)):
            ArrayBase.__setitem__(self, key, leaf)
            return
        if not host.live():
            raise Exception("cgroups of the embedded kernel are no folders that can be opened: %s" % leaf)
        import os
        fd = os.open(leaf, os.O_RDONLY)
        try:
            ArrayBase.__setitem__(self, key, self.Leaf(fd))
        finally:
            os.close(fd)


class _MapOfMaps:
    def _leaf(self, leaf):
        if isinstance(leaf, TableBase):
            number = host.handle(leaf._program, leaf._text_name)
        else:
            number = leaf.value if hasattr(leaf, "value") else int(leaf)
        return (number & 0xffffffff).to_bytes(4, "little").decode("latin-1")


class MapInMapArray(_MapOfMaps, ArrayBase):
    pass


class MapInMapHash(_MapOfMaps, HashTable):
    pass


class QueueStack:
    """A queue or stack."""

    def __init__(self, bpf, description):
        self.bpf, self._program = bpf, bpf._program
        self._text_name, self.ttype, _, leaf, self.max_entries, self.flags = description[:6]
        self.name = self._name = self._text_name.encode()
        self.Leaf = ctype.of(leaf)

    def push(self, leaf, flags=0):
        data = bytes(leaf) if isinstance(leaf, self.Leaf) else ct._bytes_of(self.Leaf, leaf)
        if host.update(self._program, self._text_name, "", data.decode("latin-1"), flags) < 0:
            raise Exception("Could not push to table: %s" % bridge.failure())

    def pop(self):
        data = host.take(self._program, self._text_name, "")
        if data is False:
            raise KeyError("Could not pop from table")
        return self.Leaf.from_buffer_copy(data.encode("latin-1"))

    def peek(self):
        data = host.lookup(self._program, self._text_name, "")
        if data is False:
            raise KeyError("Could not peek table")
        return self.Leaf.from_buffer_copy(data.encode("latin-1"))

    def itervalues(self):
        while True:
            try:
                yield self.pop()
            except KeyError:
                return

    def values(self):
        return list(self.itervalues())


# ---- events

class _Record:
    """A record whose type is not known: to be cast."""
    __slots__ = ("data",)

    def __init__(self, data):
        self.data = data

    def __raw__(self):
        return self.data

    def __bytes__(self):
        return self.data


def _event_class(table_name, plan, kinds):
    """A class with a slot a member, and a function that makes one from the values that the decoder hands over.

    Written out as Python text once for a table: a constructor with as many parameters as there are members is the
    fastest way from Java's values to an object.
    """
    names = [name for name, _ in plan]
    slots = [name if name.isidentifier() else "field_%d" % i for i, name in enumerate(names)]
    parameters = ["p%d" % i for i in range(len(names))]
    lines = ["class Event:",
             "    __slots__ = (%s'_raw', '_size')" % "".join("%r, " % slot for slot in slots),
             "def make(cpu, size%s):" % "".join(", " + p for p in parameters),
             "    e = new(Event)",
             "    e._raw = None",
             "    e._size = size"]
    for parameter, slot, (_, kind), c_type in zip(parameters, slots, plan, kinds):
        value = {"n": parameter,
                 "u": "%s if %s >= 0 else %s + 0x10000000000000000" % (parameter, parameter, parameter),
                 "t": "%s.encode('latin-1')" % parameter,
                 "b": "read(kind_%s, %s.encode('latin-1'), 0)" % (parameter, parameter)}[kind]
        lines.append("    e.%s = %s" % (slot, value))
    lines.append("    return e")
    space = {"new": object.__new__, "read": ct._get, "kind_" + "": None}
    for parameter, c_type in zip(parameters, kinds):
        space["kind_" + parameter] = c_type
    exec("\n".join(lines), space)
    event = space["Event"]
    event.__name__ = "%s_event" % table_name
    event._fields_ = list(zip(names, kinds))
    return event, space["make"]


class _EventTable(TableBase):
    def __init__(self, bpf, description):
        super().__init__(bpf, description)
        self._event_kind = ctype.of(self._event) if self._event else None
        self._make = None
        self._buffer = -1
        self._reading = None
        if self._plan:
            kinds = [ctype.of(member[1]) for member in self._event[3]]
            event, self._make = _event_class(self._text_name, self._plan, kinds)
            event.__raw__ = lambda record: self._raw(record)
            event.__bytes__ = event.__raw__
            self.Event = event

    def _raw(self, record):
        """All bytes of a record: there while its callback runs."""
        return host.record(self._buffer).encode("latin-1")

    def event(self, data):
        """The record as what the program submitted."""
        if self._make is not None and type(data) is self.Event:
            return data
        if self._event_kind is None:
            raise Exception("table %s: the type of what the program submits is not known; cast the data to a "
                            "ctypes.Structure" % self._text_name)
        return ct.cast(data, ct.POINTER(self._event_kind)).contents

    def _sink(self, callback, first):
        """What the bridge calls for each record: CPU, size, fields."""
        make = self._make
        if make is None:
            if first is None:
                return lambda cpu, size, data: callback(cpu, _Record(data.encode("latin-1")), size)
            return lambda cpu, size, data: callback(first[0], _Record(data.encode("latin-1")), size)
        names = ", ".join("p%d" % i for i in range(len(self._plan)))
        who = "cpu" if first is None else "context"
        space = {"make": make, "callback": callback, "context": first[0] if first else None}
        exec("def sink(cpu, size, %s):\n    callback(%s, make(cpu, size, %s), size)\n" % (names, who, names), space)
        return space["sink"]

    def _open(self, sink, size):
        number = host.openBuffer(self._program, self._text_name, size, sink)
        if number < 0:
            raise Exception("Could not open perf buffer: %s" % bridge.failure())
        self._buffer = number
        return number


class PerfEventArray(_EventTable, ArrayBase):
    def open_perf_buffer(self, callback, page_cnt=8, lost_cb=None, wakeup_events=1):
        """Calls callback(cpu, data, size) for records, lost_cb(count) when some were lost."""
        if page_cnt & (page_cnt - 1):
            raise Exception("Perf buffer page_cnt must be a power of two")
        number = self._open(self._sink(callback, None), page_cnt * 4096)
        self.bpf._perf_buffers[number] = lost_cb
        self.bpf.perf_buffers[(id(self), 0)] = number

    def open_perf_event(self, ev_type, ev_config):
        """Puts a counter of each CPU into the table, which programs read with perf_read and perf_counter_value."""
        if host.openCounters(self._program, self._text_name, ev_type, ev_config) < 0:
            raise Exception("Could not open perf event: %s" % bridge.failure())

    def __delitem__(self, key):
        pass


class RingBuf(_EventTable):
    def open_ring_buffer(self, callback, ctx=None):
        """Calls callback(ctx, data, size) for records; anything but None and 0 as a result ends the poll."""
        number = self._open(self._sink(callback, (ctx,)), 0)
        self.bpf._ring_buffers[number] = None

    def __len__(self):
        return 0


_CLASSES = {
    BPF_MAP_TYPE_HASH: HashTable, BPF_MAP_TYPE_ARRAY: Array, BPF_MAP_TYPE_PROG_ARRAY: ProgArray,
    BPF_MAP_TYPE_PERF_EVENT_ARRAY: PerfEventArray, BPF_MAP_TYPE_PERCPU_HASH: PerCpuHash,
    BPF_MAP_TYPE_PERCPU_ARRAY: PerCpuArray, BPF_MAP_TYPE_STACK_TRACE: StackTrace, BPF_MAP_TYPE_LRU_HASH: LruHash,
    BPF_MAP_TYPE_LRU_PERCPU_HASH: LruPerCpuHash, BPF_MAP_TYPE_LPM_TRIE: LpmTrie,
    BPF_MAP_TYPE_CGROUP_ARRAY: CgroupArray, BPF_MAP_TYPE_ARRAY_OF_MAPS: MapInMapArray,
    BPF_MAP_TYPE_HASH_OF_MAPS: MapInMapHash, BPF_MAP_TYPE_DEVMAP: Array, BPF_MAP_TYPE_CPUMAP: Array,
    BPF_MAP_TYPE_XSKMAP: Array, BPF_MAP_TYPE_QUEUE: QueueStack, BPF_MAP_TYPE_STACK: QueueStack,
    BPF_MAP_TYPE_RINGBUF: RingBuf}


def Table(bpf, description, **options):
    kind = _CLASSES.get(description[1], HashTable)
    if issubclass(kind, _PerCpu):
        return kind(bpf, description, options.get("reducer"))
    return kind(bpf, description)
