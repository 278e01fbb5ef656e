"""A lean ctypes: what tracing tools do with C data, on bytearrays, without a foreign-function interface.

Structures and unions are views of a bytearray; arrays are bytearrays themselves, so that sockets and struct take them.
Reading a field of a simple type gives a Python value, as in CPython.
"""
from struct import Struct as _Packer


class ArgumentError(Exception):
    pass


class _SimpleType(type):
    def __mul__(cls, count):
        return _array_type(cls, count)

    __rmul__ = __mul__

    def from_buffer_copy(cls, source, offset=0):
        return cls(cls._unpack(bytes(source), offset))

    from_buffer = from_buffer_copy


class _SimpleCData(metaclass=_SimpleType):
    __slots__ = ("_value", "_base")
    _size_ = 8
    _packer = _Packer("<Q")
    _bits = 0
    _signed = False

    def __init__(self, value=0):
        self._value = self._fit(value)

    @classmethod
    def _fit(cls, value):
        if cls._bits:
            try:
                value = value.__index__()
            except AttributeError:
                raise TypeError("an integer is required (got type %s)" % type(value).__name__) from None
            value &= (1 << cls._bits) - 1
            if cls._signed and value >> (cls._bits - 1):
                value -= 1 << cls._bits
        return value

    @classmethod
    def _unpack(cls, data, offset):
        return cls._packer.unpack_from(data, offset)[0]

    @classmethod
    def _pack(cls, value):
        if isinstance(value, _SimpleCData):
            value = value._value
        return cls._packer.pack(cls._fit(value))

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, value):
        self._value = self._fit(value)

    def __bytes__(self):
        return self._packer.pack(self._value)

    def __bool__(self):
        return bool(self._value)

    def __repr__(self):
        return "%s(%r)" % (type(self).__name__, self._value)


def _integer(name, size, signed, code):
    kind = _SimpleType(name, (_SimpleCData,), {
        "__slots__": (), "_size_": size, "_align_": size, "_bits": 8 * size, "_signed": signed,
        "_packer": _Packer("<" + code), "_type_": code})
    return kind


c_byte = c_int8 = _integer("c_byte", 1, True, "b")
c_ubyte = c_uint8 = _integer("c_ubyte", 1, False, "B")
c_short = c_int16 = _integer("c_short", 2, True, "h")
c_ushort = c_uint16 = _integer("c_ushort", 2, False, "H")
c_int = c_int32 = _integer("c_int", 4, True, "i")
c_uint = c_uint32 = _integer("c_uint", 4, False, "I")
c_long = c_int64 = c_ssize_t = _integer("c_long", 8, True, "q")
c_ulong = c_uint64 = c_size_t = _integer("c_ulong", 8, False, "Q")
c_longlong = c_long
c_ulonglong = c_ulong


class c_bool(_SimpleCData):
    __slots__ = ()
    _size_ = _align_ = 1
    _packer = _Packer("?")
    _fit = classmethod(lambda cls, value: bool(value))


class c_float(_SimpleCData):
    __slots__ = ()
    _size_ = _align_ = 4
    _packer = _Packer("<f")
    _fit = classmethod(lambda cls, value: float(value))


class c_double(_SimpleCData):
    __slots__ = ()
    _size_ = _align_ = 8
    _packer = _Packer("<d")
    _fit = classmethod(lambda cls, value: float(value))


c_longdouble = c_double


class c_char(_SimpleCData):
    __slots__ = ()
    _size_ = _align_ = 1
    _packer = _Packer("c")

    def __init__(self, value=b"\0"):
        self._value = self._fit(value)

    @classmethod
    def _fit(cls, value):
        if isinstance(value, int):
            return bytes((value,))
        if len(value) != 1:
            raise TypeError("one character bytes, bytearray or integer expected")
        return bytes(value)


class c_void_p(_SimpleCData):
    __slots__ = ()
    _size_ = _align_ = 8

    def __init__(self, value=None):
        self._value = value

    @classmethod
    def _fit(cls, value):
        return (value or 0) & 0xffffffffffffffff

    @classmethod
    def _unpack(cls, data, offset):
        return cls._packer.unpack_from(data, offset)[0] or None

    def __bytes__(self):
        return self._packer.pack(self._fit(self._value))


class c_char_p(c_void_p):
    __slots__ = ()

    def __bytes__(self):
        return bytes(8)


class py_object(c_void_p):
    __slots__ = ()


class c_wchar_p(c_void_p):
    __slots__ = ()


# ---- arrays

class _ArrayType(type):
    def __mul__(cls, count):
        return _array_type(cls, count)

    __rmul__ = __mul__


class Array(bytearray, metaclass=_ArrayType):
    """An array: the bytes themselves, plus where they were copied from, so that writes reach the structure."""
    _type_ = c_ubyte
    _length_ = 0

    def __init__(self, *values):
        bytearray.__init__(self, self._size_)
        self._origin = None
        for i, value in enumerate(values):
            self[i] = value

    @classmethod
    def _view(cls, data, offset):
        array = cls()
        bytearray.__setitem__(array, slice(0, cls._size_), data[offset:offset + cls._size_])
        array._origin = (data, offset)
        return array

    @classmethod
    def from_buffer_copy(cls, source, offset=0):
        source = bytes(source)
        if len(source) - offset < cls._size_:
            raise ValueError("Buffer size too small (%d instead of at least %d bytes)" % (len(source), cls._size_ + offset))
        array = cls._view(source, offset)
        array._origin = None
        return array

    from_buffer = from_buffer_copy

    def __len__(self):
        return self._length_

    def __iter__(self):
        for i in range(self._length_):
            yield self[i]

    def _index(self, i):
        if i < 0:
            i += self._length_
        if not 0 <= i < self._length_:
            raise IndexError("invalid index")
        return i * self._type_._size_

    def __getitem__(self, i):
        if isinstance(i, slice):
            items = [self[j] for j in range(*i.indices(self._length_))]
            return b"".join(items) if self._type_ is c_char else items
        return _get(self._type_, self, self._index(i))

    def __setitem__(self, i, value):
        if isinstance(i, slice):
            for j, item in zip(range(*i.indices(self._length_)), value):
                self[j] = bytes((item,)) if self._type_ is c_char and isinstance(item, int) else item
            return
        self._put(self._index(i), _bytes_of(self._type_, value))

    def _put(self, at, data):
        bytearray.__setitem__(self, slice(at, at + len(data)), data)
        if self._origin is not None:
            base, offset = self._origin
            if isinstance(base, Array):
                base._put(offset + at, data)
            elif isinstance(base, bytearray):
                base[offset + at:offset + at + len(data)] = data

    def __bytes__(self):
        return bytes(memoryview(self))

    @property
    def raw(self):
        return bytes(memoryview(self))

    @property
    def value(self):
        if self._type_ is not c_char:
            raise AttributeError("value")
        return self.raw.split(b"\0", 1)[0]

    @value.setter
    def value(self, value):
        if len(value) > self._size_:
            raise ValueError("byte string too long")
        self._put(0, bytes(value) + b"\0" if len(value) < self._size_ else bytes(value))

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__

    def __repr__(self):
        return "<%s object at 0x%x>" % (type(self).__name__, id(self))


_arrays = {}


def _array_type(element, count):
    key = (element, count)
    kind = _arrays.get(key)
    if kind is None:
        kind = _ArrayType("%s_Array_%d" % (element.__name__, count), (Array,), {
            "_type_": element, "_length_": count, "_size_": element._size_ * count, "_align_": element._align_})
        _arrays[key] = kind
    return kind


def _get(kind, data, offset):
    """A value of this type in a buffer: Python's own for simple types, bytes for text, else a view."""
    if issubclass(kind, _SimpleCData):
        return kind._unpack(data, offset)
    if issubclass(kind, Array) and kind._type_ is c_char:
        raw = bytes(memoryview(data)[offset:offset + kind._size_])
        return raw.split(b"\0", 1)[0]
    return kind._view(data, offset)


def _bytes_of(kind, value):
    if issubclass(kind, _SimpleCData):
        return kind._pack(value)
    if isinstance(value, (bytes, str)) and issubclass(kind, Array):
        value = value.encode() if isinstance(value, str) else value
        if len(value) > kind._size_:
            raise ValueError("bytes too long (%d, maximum length %d)" % (len(value), kind._size_))
        return value + bytes(kind._size_ - len(value))
    if isinstance(value, (tuple, list)):
        return bytes(kind(*value))
    data = bytes(value)
    if len(data) != kind._size_:
        raise TypeError("expected %s instance, got %s" % (kind.__name__, type(value).__name__))
    return data


# ---- structures and unions

class _Field:
    """A member: reads and writes the buffer of its structure."""

    def __init__(self, name, kind, offset, bit_offset=0, bits=0):
        self.name, self.kind, self.offset, self.bit_offset, self.bits = name, kind, offset, bit_offset, bits
        self.size = kind._size_ if not bits else (bits << 16) | bit_offset
        self.simple = issubclass(kind, _SimpleCData) and not bits
        self.unpack = kind._unpack if self.simple else None

    def __get__(self, instance, owner):
        if instance is None:
            return self
        at = instance._offset + self.offset
        if self.simple:
            return self.unpack(instance._buffer, at)
        if self.bits:
            unit = int.from_bytes(instance._buffer[at:at + self.kind._size_], "little")
            value = unit >> self.bit_offset & ((1 << self.bits) - 1)
            if self.kind._signed and value >> (self.bits - 1):
                value -= 1 << self.bits
            return value
        return _get(self.kind, instance._buffer, at)

    def __set__(self, instance, value):
        at = instance._offset + self.offset
        size = self.kind._size_
        if self.bits:
            mask = ((1 << self.bits) - 1) << self.bit_offset
            unit = int.from_bytes(instance._buffer[at:at + size], "little") & ~mask
            unit |= (int(value) << self.bit_offset) & mask
            instance._buffer[at:at + size] = unit.to_bytes(size, "little")
        else:
            instance._buffer[at:at + size] = _bytes_of(self.kind, value)

    def __repr__(self):
        return "<Field type=%s, ofs=%d, size=%d>" % (self.kind.__name__, self.offset, self.kind._size_)


class _CompositeType(type):
    def __init__(cls, name, bases, space):
        super().__init__(name, bases, space)
        if "_fields_" in space:
            cls._lay_out()

    def __setattr__(cls, name, value):
        super().__setattr__(name, value)
        if name == "_fields_":
            cls._lay_out()

    def __mul__(cls, count):
        return _array_type(cls, count)

    __rmul__ = __mul__

    def _lay_out(cls):
        pack = getattr(cls, "_pack_", 0)
        anonymous = getattr(cls, "_anonymous_", ())
        offset, size, align, bit = 0, 0, 1, 0
        for base in cls.__mro__[1:]:
            if "_size_" in base.__dict__ and base._size_:
                offset = size = base._size_
                align = base._align_
                break
        names = [f[0] for base in reversed(cls.__mro__[1:]) for f in base.__dict__.get("_fields_", ())]
        unit = None
        for field in cls._fields_:
            name, kind = field[0], field[1]
            bits = field[2] if len(field) > 2 else 0
            own = min(pack, kind._align_) if pack else kind._align_
            align = max(align, own)
            if cls._union:
                descriptor = _Field(name, kind, 0, 0, bits)
                size = max(size, kind._size_)
            elif bits:
                if unit is None or unit[0]._size_ != kind._size_ or bit + bits > 8 * kind._size_:
                    offset = -(-offset // own) * own
                    unit, bit = (kind, offset), 0
                    offset += kind._size_
                descriptor = _Field(name, kind, unit[1], bit, bits)
                bit += bits
                size = offset
            else:
                unit = None
                offset = -(-offset // own) * own
                descriptor = _Field(name, kind, offset)
                offset += kind._size_
                size = offset
            type.__setattr__(cls, name, descriptor)
            names.append(name)
            if name in anonymous:
                for inner in kind._names:
                    below = kind.__dict__.get(inner) or getattr(kind, inner)
                    type.__setattr__(cls, inner, _Field(
                        inner, below.kind, descriptor.offset + below.offset, below.bit_offset, below.bits))
        type.__setattr__(cls, "_size_", -(-size // align) * align)
        type.__setattr__(cls, "_align_", align)
        reachable = []
        for name in names:
            if name in anonymous:
                reachable.extend(cls.__dict__[name].kind._names)
            reachable.append(name)
        type.__setattr__(cls, "_names", reachable)
        type.__setattr__(cls, "_order", names)

    def _place(cls, members, size, align=1):
        """Members at given places: (name, type, offset, bit offset, bit size)."""
        names, fields = [], []
        for name, kind, offset, bit_offset, bits in members:
            if name:
                type.__setattr__(cls, name, _Field(name, kind, offset, bit_offset, bits))
                names.append(name)
                fields.append((name, kind, bits) if bits else (name, kind))
            else:
                for inner in kind._names:
                    below = getattr(kind, inner)
                    type.__setattr__(cls, inner, _Field(
                        inner, below.kind, offset + below.offset, below.bit_offset, below.bits))
                    names.append(inner)
                    fields.append((inner, below.kind, below.bits) if below.bits else (inner, below.kind))
            align = max(align, kind._align_)
        for name, value in (("_fields_", fields), ("_size_", size), ("_align_", align), ("_names", names),
                            ("_order", names)):
            type.__setattr__(cls, name, value)


class Structure(metaclass=_CompositeType):
    _union = False
    _size_ = 0
    _align_ = 1
    _names = ()
    _order = ()

    def __init__(self, *values, **named):
        self._buffer = bytearray(self._size_)
        self._offset = 0
        if len(values) > len(self._order):
            raise TypeError("too many initializers")
        for name, value in zip(self._order, values):
            setattr(self, name, value)
        for name, value in named.items():
            setattr(self, name, value)

    @classmethod
    def _view(cls, data, offset):
        instance = cls.__new__(cls)
        instance._buffer, instance._offset = data, offset
        return instance

    @classmethod
    def from_buffer_copy(cls, source, offset=0):
        source = bytes(source)
        if len(source) - offset < cls._size_:
            raise ValueError("Buffer size too small (%d instead of at least %d bytes)" % (len(source), cls._size_ + offset))
        return cls._view(bytearray(source[offset:offset + cls._size_]), 0)

    from_buffer = from_buffer_copy

    def __bytes__(self):
        return bytes(memoryview(self._buffer)[self._offset:self._offset + self._size_])


class Union(Structure):
    _union = True


LittleEndianStructure = Structure


class BigEndianStructure(Structure):
    def __init__(self, *values, **named):
        raise NotImplementedError("big-endian structures")


# ---- pointers

class _Pointer:
    """A pointer: the object it points to, or the bytes there."""
    _size_ = _align_ = 8
    _type_ = None

    def __init__(self, target=None):
        self._target = target

    @property
    def contents(self):
        if self._target is None:
            raise ValueError("NULL pointer access")
        return self._target

    @contents.setter
    def contents(self, target):
        self._target = target

    def __getitem__(self, i):
        if i:
            raise IndexError("invalid index")
        target = self.contents
        return target.value if isinstance(target, _SimpleCData) else target

    def __setitem__(self, i, value):
        if i:
            raise IndexError("invalid index")
        self.contents.value = value

    def __bool__(self):
        return self._target is not None

    @classmethod
    def _unpack(cls, data, offset):
        return None

    @classmethod
    def _view(cls, data, offset):
        return cls()

    def __bytes__(self):
        return bytes(8)


_pointers = {}


def POINTER(kind):
    known = _pointers.get(kind)
    if known is None:
        known = type("LP_" + kind.__name__, (_Pointer,), {"_type_": kind})
        _pointers[kind] = known
    return known


def pointer(target):
    return POINTER(type(target))(target)


def byref(target, offset=0):
    return pointer(target)


def _memory(source):
    """The bytes that something points to."""
    raw = getattr(source, "__raw__", None)
    if raw is not None:
        return raw()
    if isinstance(source, _Pointer):
        return _memory(source.contents)
    return bytes(source)


def cast(source, kind):
    if issubclass(kind, _Pointer):
        if source is None:
            return kind()
        if isinstance(source, _Pointer) and isinstance(source._target, kind._type_):
            return kind(source._target)
        data = _memory(source)
        size = kind._type_._size_
        if len(data) < size:
            data += bytes(size - len(data))
        return kind(kind._type_.from_buffer_copy(data))
    if issubclass(kind, _SimpleCData):
        if issubclass(kind, c_char_p):
            result = kind()
            result._value = _memory(source).split(b"\0", 1)[0]
            return result
        value = source.value if isinstance(source, _SimpleCData) else source
        return kind(value if isinstance(value, int) else id(source))
    raise TypeError("cast() argument 2 must be a pointer, not %s" % kind.__name__)


def sizeof(thing):
    return thing._size_


def alignment(thing):
    return thing._align_


def addressof(thing):
    return id(thing)


def create_string_buffer(init, size=None):
    if isinstance(init, int):
        return (c_char * init)()
    buffer = (c_char * (size if size is not None else len(init) + 1))()
    buffer.value = init
    return buffer


c_buffer = create_string_buffer


def string_at(source, size=-1):
    data = _memory(source)
    return data.split(b"\0", 1)[0] if size < 0 else data[:size]


def memmove(target, source, count):
    data = source if isinstance(source, (bytes, bytearray)) else _memory(source)
    target = target.contents if isinstance(target, _Pointer) else target
    if isinstance(target, Array):
        target._put(0, bytes(data[:count]))
    elif isinstance(target, Structure):
        target._buffer[target._offset:target._offset + count] = data[:count]
    else:
        target.value = type(target).from_buffer_copy(bytes(data[:count])).value
    return target


def memset(target, value, count):
    return memmove(target, bytes((value & 255,)) * count, count)


_errno = 0


def get_errno():
    return _errno


def set_errno(value):
    global _errno
    before, _errno = _errno, value
    return before


class CDLL:
    """Libraries cannot be called from here."""

    def __init__(self, name=None, mode=0, handle=None, use_errno=False, use_last_error=False, winmode=None):
        self._name = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise OSError("%s of %s: C libraries cannot be called from scripts that skep runs" % (name, self._name))


PyDLL = CDLL


class LibraryLoader:
    def LoadLibrary(self, name):
        return CDLL(name)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return CDLL(name)


cdll = LibraryLoader()
pydll = LibraryLoader()
pythonapi = CDLL(None)
RTLD_LOCAL, RTLD_GLOBAL, DEFAULT_MODE = 0, 256, 0


def CFUNCTYPE(result, *arguments, **options):
    return lambda function=None: function


PYFUNCTYPE = CFUNCTYPE
