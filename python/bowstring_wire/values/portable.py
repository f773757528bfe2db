"""Portable values (spec section 3.6): what every language reads.

A table or array by itself is ARROW or TENSOR; all else is a MessagePack tree whose arrays, tables, long lists and
long bytes lie in buffers of their own and are named in the tree by number. msgpack's C packer does the work; it asks
`_TreeWriter` for what it does not know. Before that the tree is surveyed (`tree`), because the packer lets pass what
the spec refuses: keys of any type, uint64, depth up to 511.

Reading trusts nothing. msgpack's own limits follow from the length of the data, but it allocates what an array's
head claims before it reads on, so that nested claims multiply; therefore it first skips through the tree, which builds
nothing and fails if something that was claimed is not there. Errors are ProtocolError where the bytes break
the spec, CrossLanguageError where they are right but Python has nothing to hold them.

References are the frontend's classes; it registers how they are written and read.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any

import msgpack

from bowstring_wire.messages import OBJECT_REF, ActorHandle, ElementType, Encoding, ObjectRef
from bowstring_wire.protocol import ProtocolError
from bowstring_wire.values.arrow import StreamWriter, arrow_from, decode_arrow, encode_arrow, is_arrow
from bowstring_wire.values.errors import CrossLanguageError
from bowstring_wire.values.payload import Decodable, Encoded
from bowstring_wire.values.tensor import array_from, decode_tensor, encode_tensor, flat_array, is_array
from bowstring_wire.values.tree import (
    DEPTH_MAX,
    INT_MAX,
    INT_MIN,
    LONG_BYTES_MIN,
    homogeneous,
    integers_fit,
    is_container,
    offender,
    survey,
    type_name,
)

_REFERENCE, _HANDLE, _TENSOR, _ARROW, _LONG_LIST, _LONG_BYTES = 1, 2, 3, 4, 5, 6
_TIMESTAMP = -1
_TIMESTAMP_DATA = Struct(">Iq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAVES = frozenset((int, float, bool, str, bytes, type(None)))
_MSGPACKS = frozenset((msgpack.ExtType, msgpack.Timestamp))
_PACKER_BYTES = 1 << 12  # msgpack's default of 256 KiB costs more to map than most trees to write
_OFFLOADED_BYTES_MIN = 64  # for each container that is visited in Python so that long parts need not be copied

_LONG_LISTS: dict[type, tuple[int, Callable[[Any], Any]]] = {
    int: (int(ElementType.INT64), lambda items: array("q", items)),
    float: (int(ElementType.FLOAT64), lambda items: array("d", items)),
    bool: (int(ElementType.BOOL), bytes),
}
_LONG_LIST_CODES = {ElementType.INT64: "q", ElementType.FLOAT64: "d", ElementType.BOOL: "?"}

_UNREADABLE = (ValueError, TypeError, OverflowError, KeyError, RecursionError, MemoryError, msgpack.UnpackException)

# Heads of what reading must look at itself: timestamps and uint64.
_TIMESTAMP_HEAD = re.compile(rb"\xc7\x0c\xff|\xd7\xff")
_UINT64_HEAD = re.compile(rb"\xcf[\x80-\xff]")  # of one beyond int64
_CLAIMS_CHECKED_BYTES_MIN = 1 << 16  # shorter data can't claim what hurts
_SECONDS_MIN = int((datetime.min.replace(tzinfo=UTC) - _EPOCH).total_seconds())
_SECONDS_MAX = int((datetime.max.replace(tzinfo=UTC, microsecond=0) - _EPOCH).total_seconds())


class _Codec:
    """How the frontend's classes of references are written and read; empty until it registers them."""

    __slots__ = (
        "handle_from_bytes",
        "handle_to_bytes",
        "kind_of_handle",
        "kind_of_ref",
        "ref_from_bytes",
        "ref_to_bytes",
    )

    def __init__(self) -> None:
        self.kind_of_ref: type | None = None
        self.kind_of_handle: type | None = None
        self.ref_to_bytes: Callable[[Any], bytes] = bytes
        self.ref_from_bytes: Callable[[bytes], Any] = bytes
        self.handle_to_bytes: Callable[[Any], bytes] = bytes
        self.handle_from_bytes: Callable[[bytes], Any] = bytes


_codec = _Codec()


def register_reference(
    kind_of_ref: type,
    to_bytes: Callable[[Any], bytes],
    from_bytes: Callable[[bytes], Any],
    kind_of_handle: type,
    handle_to_bytes: Callable[[Any], bytes],
    handle_from_bytes: Callable[[bytes], Any],
) -> None:
    """Say how references and actor handles are written in trees. Called once, by the frontend, at its import.

    Args:
        kind_of_ref: The class of references; its subclasses are meant too.
        to_bytes: A reference as the 40 bytes of the struct ObjectRef.
        from_bytes: The reverse.
        kind_of_handle: The class of actor handles; its subclasses are meant too.
        handle_to_bytes: A handle as the bytes of the table ActorHandle.
        handle_from_bytes: The reverse. The bytes were decoded once and are a valid ActorHandle.
    """
    _codec.kind_of_ref = kind_of_ref
    _codec.ref_to_bytes = to_bytes
    _codec.ref_from_bytes = from_bytes
    _codec.kind_of_handle = kind_of_handle
    _codec.handle_to_bytes = handle_to_bytes
    _codec.handle_from_bytes = handle_from_bytes


class _Unfit(Exception):
    """A part of the value does not fit; the message says why."""


# Writing ------------------------------------------------------------------------------------------------------------


def encode_portable(value: Any, path: str = "$") -> Encoded:
    """Write a value so that every language can read it.

    Args:
        value: A Table or RecordBatch (ARROW), a numpy array (TENSOR), or a tree as in section 3.6 (PORTABLE). Arrays
            and tables in it are not copied: they must not change until the value is placed.
        path: What errors call the value, as in `$.args[0]`.

    Raises:
        CrossLanguageError: A part of the value has no portable form; names its path.
    """
    kind = type(value)
    if kind in _LEAVES:
        if kind is bytes and len(value) >= LONG_BYTES_MIN:
            return _encode_tree(value, path)
        if kind is not int or INT_MIN <= value <= INT_MAX:
            try:
                return Encoded(Encoding.PORTABLE, [_packer(None).pack(value)])
            except ValueError:  # a lone surrogate, or more than 4 GiB
                pass
        raise _refusal(value, path, None)
    if is_array(value):
        encoded = encode_tensor(value)
        if encoded is None:
            raise _refusal(value, path, None)
        return encoded
    if is_arrow(value):
        try:
            return encode_arrow(value)
        except Exception as error:  # pyarrow's errors have no common base that a refusal could name
            raise CrossLanguageError(path, f"pyarrow can't write it as a stream: {error}") from error
    return _encode_tree(value, path)


def _encode_tree(value: Any, path: str) -> Encoded:
    found = survey(value)
    kind = type(value)
    # The packer would write its own types as they are, whatever they hold.
    if found.depth > DEPTH_MAX or not found.keys_fit or kind in _MSGPACKS or not _MSGPACKS.isdisjoint(found.kinds):
        raise _refusal(value, path, None)
    writer = _TreeWriter()
    try:
        offload = found.long_bytes > 0 and found.long_bytes >= found.containers * _OFFLOADED_BYTES_MIN
        offload = offload or kind is bytes or kind is bytearray
        packed = _packer(writer.extension).pack(writer.offloaded(value) if offload else value)
    except (_Unfit, ValueError, OverflowError, TypeError, BufferError, RecursionError) as error:
        raise _refusal(value, path, error) from error
    # The packer writes integers of 64 bits without a sign as well. The bytes that start one may stand for other things.
    if int in found.kinds and _UINT64_HEAD.search(packed) is not None and not integers_fit(value):
        raise _refusal(value, path, None)
    writer.buffers[0] = packed
    return Encoded(Encoding.PORTABLE, writer.buffers, contains=writer.contains)


def _packer(default: Callable[[Any], Any] | None) -> msgpack.Packer:
    return msgpack.Packer(default=default, strict_types=True, buf_size=_PACKER_BYTES)


class _TreeWriter:
    """What msgpack does not know: writes it as an extension, and gathers buffers and references.

    A value that stands in the tree twice has one buffer.
    """

    __slots__ = ("_alive", "_written", "buffers", "contains")

    def __init__(self) -> None:
        self.buffers: list[Any] = [b""]  # the tree takes the first place once it is packed
        self.contains: list[ObjectRef] = []
        self._written: dict[int, Any] = {}
        self._alive: list[Any] = []  # what an id stands for must not be replaced while it is known by its id

    def extension(self, value: Any) -> Any:
        """msgpack's `default`: something that it can pack instead of `value`."""
        kind = type(value)
        if kind is tuple:
            return self._long_list(value) or list(value)
        if kind is datetime:
            return _timestamp(value)
        module = kind.__module__
        if module == "numpy":
            return self._from_numpy(value)
        if is_arrow(value):
            return self._once(value, self._arrow)
        if _codec.kind_of_ref is not None and isinstance(value, _codec.kind_of_ref):
            data = _codec.ref_to_bytes(value)
            self.contains.append(ObjectRef._make(OBJECT_REF.unpack(data)))
            return msgpack.ExtType(_REFERENCE, data)
        if _codec.kind_of_handle is not None and isinstance(value, _codec.kind_of_handle):
            data = _codec.handle_to_bytes(value)
            self.contains.append(ActorHandle.decode(data).ref)
            return msgpack.ExtType(_HANDLE, data)
        raise _Unfit(_why_not(value))

    def offloaded(self, value: Any) -> Any:
        """The tree with long lists and long bytes replaced by extensions; shares all other leaves with `value`."""
        kind = type(value)
        if kind is bytes or kind is bytearray:
            return self._once(value, self._bytes) if len(value) >= LONG_BYTES_MIN else value
        if kind is dict:
            items = value.values()
            if not _may_hold_long(items):
                return value
            return dict(zip(value, map(self.offloaded, items), strict=True))
        if kind is list or kind is tuple:
            extension = self._long_list(value)
            if extension is not None:
                return extension
            return list(map(self.offloaded, value)) if _may_hold_long(value) else value
        return value

    def _once(self, value: Any, write: Callable[[Any], Any]) -> Any:
        extension = self._written.get(id(value))
        if extension is None:
            extension = self._written[id(value)] = write(value)
            self._alive.append(value)
        return extension

    def _buffer(self, buffer: Any) -> int:
        self.buffers.append(buffer)
        return len(self.buffers) - 1

    def _bytes(self, value: Any) -> Any:
        return msgpack.ExtType(_LONG_BYTES, msgpack.packb([self._buffer(value)]))

    def _arrow(self, value: Any) -> Any:
        try:
            writer = StreamWriter(value)
        except Exception as error:  # as in encode_portable
            raise _Unfit(f"pyarrow can't write it as a stream: {error}") from error
        single_batch = type(value).__name__ == "RecordBatch"
        return msgpack.ExtType(_ARROW, msgpack.packb([self._buffer(writer), single_batch]))

    def _long_list(self, items: Any) -> Any:
        kind = homogeneous(items)
        return self._once(items, lambda items: self._row(items, kind)) if kind is not None else None

    def _row(self, items: Any, kind: type) -> Any:
        element, convert = _LONG_LISTS[kind]
        return msgpack.ExtType(_LONG_LIST, msgpack.packb([self._buffer(convert(items)), element]))

    def _from_numpy(self, value: Any) -> Any:
        if is_array(value):
            return self._once(value, self._tensor)
        scalar = _scalar(value)
        if scalar is None:
            raise _Unfit(_why_not(value))
        return scalar

    def _tensor(self, value: Any) -> Any:
        flat = flat_array(value)
        if flat is None:
            raise _Unfit(_why_not(value))
        element, shape, row = flat
        return msgpack.ExtType(_TENSOR, msgpack.packb([self._buffer(row), element, shape]))


def _may_hold_long(items: Any) -> bool:
    kinds = set(map(type, items))
    return bytes in kinds or bytearray in kinds or any(map(is_container, kinds))


def _timestamp(value: datetime) -> Any:
    if value.utcoffset() is None:
        raise _Unfit(_why_not(value))
    since = value - _EPOCH
    data = _TIMESTAMP_DATA.pack(since.microseconds * 1000, since.days * 86_400 + since.seconds)
    # ExtType's constructor refuses MessagePack's own (negative) types; the packer does not.
    return tuple.__new__(msgpack.ExtType, (_TIMESTAMP, data))


def _scalar(value: Any) -> int | float | bool | None:
    """A numpy scalar as Python's, if it is a bool, an int64 or a float of at most 64 bits; else None."""
    code = value.dtype.str[1:] if hasattr(value, "dtype") else ""
    if code == "b1":
        return bool(value)
    if code in ("f2", "f4", "f8"):
        return float(value)
    if code in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        number = int(value)
        return number if number <= INT_MAX else None
    return None


def _refusal(value: Any, path: str, error: Exception | None) -> CrossLanguageError:
    at, reason = offender(value, path, _why_not) or (path, str(error) if error else "has no portable form")
    return CrossLanguageError(at, reason)


def _why_not(value: Any) -> str | None:
    """What keeps a value that is no container from crossing, and what to do; None if nothing does."""
    kind = type(value)
    if kind is int:
        return None if INT_MIN <= value <= INT_MAX else "an integer beyond 64 bits; pass it as a str or bytes"
    if kind is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            return "a str with a lone surrogate, which is no UTF-8; encode it to bytes"
        return None if len(value) < 1 << 30 else "a str of more than 1 GiB; pass it as bytes"
    if kind in _LEAVES or kind is bytearray:
        return None
    if kind is memoryview:
        return None if value.c_contiguous else "a memoryview that is not contiguous; pass bytes(...) of it"
    if kind is datetime:
        return None if value.utcoffset() is not None else "a datetime without a timezone; give it one (tzinfo)"
    if is_array(value):
        if flat_array(value) is not None:
            return None
        return f"a numpy array of dtype {value.dtype}; only bool, integers and floats of at most 64 bits cross"
    if is_arrow(value):
        return None
    for known in (_codec.kind_of_ref, _codec.kind_of_handle):
        if known is not None and isinstance(value, known):
            return None
    if kind.__module__ == "numpy" and _scalar(value) is not None:
        return None
    name = type_name(kind)
    for base, way in _WAYS:
        if isinstance(value, base):
            return f"a value of type {name}, which is not {base.__name__} itself; pass {way}"
    return f"a value of type {name} does not cross languages; see the table of types for what does"


# Subclasses would arrive as something else than they were, so that they are refused, with the way out.
_WAYS: tuple[tuple[type, str], ...] = (
    (bool, "bool(value)"),
    (int, "int(value)"),
    (float, "float(value)"),
    (str, "str(value)"),
    (bytes, "bytes(value)"),
    (bytearray, "bytes(value)"),
    (dict, "dict(value)"),
    (list, "list(value)"),
    (tuple, "tuple(value)"),
    (datetime, "a plain datetime"),
)


# Reading ------------------------------------------------------------------------------------------------------------


# First bytes of trees that are one number below 2**63, text of less than 256 bytes, a truth value or nil: of these
# msgpack reads all that the spec allows, and nothing else.
_NUMBERS = (*range(0x80), *range(0xCA, 0xCF), *range(0xD0, 0xD4), *range(0xE0, 0x100))
SCALAR_HEADS = frozenset((*_NUMBERS, *range(0xA0, 0xC0), 0xD9, 0xC0, 0xC2, 0xC3))


def decode_portable(decodable: Decodable) -> Any:
    """Read a value of an encoding that every language reads.

    Returns:
        TENSOR: a read-only numpy array over the payload. ARROW: a Table or RecordBatch over the payload. BYTES: a
        read-only memoryview of the payload. PORTABLE: the tree, with the tensors and tables in it over the payload;
        bytes are copied. What lies over the payload keeps it alive.

    Raises:
        ProtocolError: The payload breaks the spec, or is of an encoding that is not every language's.
        CrossLanguageError: Python can't hold a part of the value (a time that a datetime can't say).
    """
    encoding = decodable.encoding
    if encoding == Encoding.PORTABLE:
        return _decode_tree(decodable)
    if encoding == Encoding.TENSOR:
        return decode_tensor(decodable)
    if encoding == Encoding.ARROW:
        return decode_arrow(decodable)
    if encoding == Encoding.BYTES:
        if len(decodable.buffers) != 1:
            raise ProtocolError(f"bytes have one buffer, and these have {len(decodable.buffers)}")
        return memoryview(decodable.buffers[0])
    raise ProtocolError(f"encoding {encoding} is not one that every language reads")


def _decode_tree(decodable: Decodable) -> Any:
    # A copy, so that the heads can be sought at the speed of bytes.find; what it decodes to takes far more.
    data = bytes(decodable.buffers[0])
    try:
        if len(data) >= _CLAIMS_CHECKED_BYTES_MIN:
            _check_claims(data)
        inexact = _may_hold_inexact_times(data)
        value = msgpack.unpackb(
            data,
            ext_hook=_TreeReader(decodable.buffers).extension,
            object_pairs_hook=_map,
            strict_map_key=False,
            # As datetimes msgpack drops what is finer than a microsecond; as its Timestamps each can be looked at.
            timestamp=0 if inexact else 3,
        )
        kind = type(value)
        if kind is int:
            _check(INT_MIN <= value <= INT_MAX, "an integer beyond int64")
        elif kind is msgpack.Timestamp:
            value = _with_datetimes(value)
        elif is_container(kind):
            found = survey(value)
            _check(found.depth <= DEPTH_MAX, f"nested more than {DEPTH_MAX} deep")
            _check(found.keys_fit, "a key that is neither str nor int")
            if int in found.kinds and _UINT64_HEAD.search(data) is not None:
                _check(integers_fit(value), "an integer beyond int64")
            if msgpack.Timestamp in found.kinds:
                value = _with_datetimes(value)
    except (ProtocolError, CrossLanguageError):
        raise
    except _UNREADABLE as error:
        raise ProtocolError(f"a portable tree of {len(data)} bytes: {type(error).__name__}: {error}") from error
    return value


def _check(fits: bool, what: str) -> None:
    if not fits:
        raise ProtocolError(f"a portable tree holds {what}")


def _check_claims(data: bytes) -> None:
    """Refuse data that ends before all that its heads promise is there. Builds nothing."""
    walker = msgpack.Unpacker(max_buffer_size=len(data))
    walker.feed(data)
    walker.skip()


def _may_hold_inexact_times(data: bytes) -> bool:
    """Whether there is a timestamp (or what looks like one) that is no datetime exactly."""
    if b"\xc7\x0c\xff" not in data and b"\xd7\xff" not in data:
        return False
    for head in _TIMESTAMP_HEAD.finditer(data):
        at = head.end()
        nanoseconds = int.from_bytes(data[at : at + 4], "big")
        seconds = 0
        if head[0] == b"\xd7\xff":  # 64 bits: 30 of nanoseconds, 34 of seconds, which end before the year 2515
            nanoseconds >>= 2
        else:
            seconds = int.from_bytes(data[at + 4 : at + 12], "big", signed=True)
        if nanoseconds % 1000 or nanoseconds >= 10**9 or not _SECONDS_MIN <= seconds <= _SECONDS_MAX:
            return True
    return False


def _with_datetimes(value: Any) -> Any:
    """The tree with datetimes for msgpack's Timestamps.

    Raises:
        CrossLanguageError: One of them is no datetime exactly.
    """
    wrong = offender(value, "$", _not_a_datetime)
    if wrong is not None:
        raise CrossLanguageError(*wrong)
    return _replaced(value)


def _not_a_datetime(value: Any) -> str | None:
    if type(value) is not msgpack.Timestamp:
        return None
    if value.nanoseconds % 1000:
        return f"a timestamp with {value.nanoseconds} ns, finer than the microseconds of a datetime"
    if not _SECONDS_MIN <= value.seconds <= _SECONDS_MAX:
        return f"a timestamp of {value.seconds} s since 1970, outside of the years 1 to 9999 of a datetime"
    return None


def _replaced(value: Any) -> Any:
    kind = type(value)
    if kind is msgpack.Timestamp:
        return _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanoseconds // 1000)
    if kind is dict:
        return {key: _replaced(item) for key, item in value.items()}
    return [_replaced(item) for item in value] if kind is list else value


def _map(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ProtocolError("a portable tree holds a map with a key twice")
    return made


class _TreeReader:
    """msgpack's `ext_hook`: extensions as values over the payload's buffers."""

    __slots__ = ("_buffers",)

    def __init__(self, buffers: Any) -> None:
        self._buffers = buffers

    def extension(self, code: int, data: bytes) -> Any:
        if code == _REFERENCE:
            _check(len(data) == OBJECT_REF.size, f"a reference of {len(data)} bytes")
            _check(_codec.kind_of_ref is not None, "a reference, and no frontend has registered what reads it")
            return _codec.ref_from_bytes(data)
        if code == _HANDLE:
            ActorHandle.decode(data)
            _check(_codec.kind_of_handle is not None, "an actor handle, and no frontend has registered what reads it")
            return _codec.handle_from_bytes(data)
        if code == _TENSOR:
            number, element, shape = self._fields(data, (int, int, list))
            _check(all(type(length) is int for length in shape), f"a tensor of shape {shape}")
            return array_from(self._buffer(number), element, shape)
        if code == _ARROW:
            number, single_batch = self._fields(data, (int, bool))
            return arrow_from(self._buffer(number), single_batch)
        if code == _LONG_LIST:
            number, element = self._fields(data, (int, int))
            _check(element in _LONG_LIST_CODES, f"a long list of element type {element}")
            items: Any = memoryview(self._buffer(number))
            # A TypeError for a length that is no multiple of the element's is caught with msgpack's own.
            return items.cast(_LONG_LIST_CODES[ElementType(element)]).tolist()
        if code == _LONG_BYTES:
            return bytes(self._buffer(*self._fields(data, (int,))))
        raise ProtocolError(f"a portable tree holds extension type {code}, which the spec does not define")

    def _buffer(self, number: int) -> Any:
        # 0 is the tree itself.
        _check(0 < number < len(self._buffers), f"buffer {number} of {len(self._buffers)}")
        return self._buffers[number]

    def _fields(self, data: bytes, kinds: tuple[type, ...]) -> list[Any]:
        fields = msgpack.unpackb(data, strict_map_key=True)
        _check(type(fields) is list and tuple(map(type, fields)) == kinds, f"an extension with data {data[:64].hex()}")
        checked: list[Any] = fields
        return checked
