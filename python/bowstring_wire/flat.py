"""FlatBuffers as this spec uses them: the canonical writer's pieces and a reader that checks every bound.

The writer's pieces are padded to 8 bytes, so that they can be joined in order (spec section 1.6). The reader takes
any valid layout: positions come from the peer, so each is checked before it is used, and a count is checked against
the bytes that are there before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from struct import Struct, calcsize, pack, unpack_from
from struct import error as StructError
from typing import Any, ClassVar, TypeVar

from bowstring_wire.protocol import ProtocolError

SHARED_BYTES_MIN = 64 << 10  # spec section 1.5, rule 4
TABLE_BYTES_MIN = 16

_U32 = Struct("<I")
_PAD = (b"", b"\0" * 7, b"\0" * 6, b"\0" * 5, b"\0" * 4, b"\0" * 3, b"\0" * 2, b"\0")
_M = TypeVar("_M", bound="Message")
_T = TypeVar("_T")


class Message:
    """Base of the generated classes: a table of the spec as a plain object."""

    __slots__: tuple[str, ...] = ()
    START: ClassVar[int]
    ROOT: ClassVar[bytes]

    def block(self) -> bytes:
        """The canonical bytes of this table alone: vtable, fields, tails."""
        raise TypeError(f"{type(self).__name__} is no generated message")

    @staticmethod
    def read(data: bytes, at: int) -> Any:
        raise TypeError("Message is no generated message")

    def encode(self) -> bytes:
        """The canonical bytes of a whole metadata buffer: a multiple of 8 long."""
        return self.ROOT + self.block()

    @classmethod
    def decode(cls: type[_M], data: bytes) -> _M:
        """Read a metadata buffer in any valid layout.

        Raises:
            ProtocolError: the bytes are no such table (spec section 1.5).
        """
        try:
            if data[4:8] != b"BWS1":
                raise ProtocolError(f"{cls.__name__}: file identifier {data[4:8]!r} instead of b'BWS1'")
            at = _U32.unpack_from(data)[0]
            if at & 3:
                raise ProtocolError(f"{cls.__name__}: root table at {at}, which is not aligned")
            message: _M = cls.read(data, at)
            return message
        except (StructError, IndexError, OverflowError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"{cls.__name__}: {error}") from error

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"


# Writing ------------------------------------------------------------------------------------------------------------


def string_chunk(text: str) -> bytes:
    data = text.encode()
    size = len(data)
    return _U32.pack(size) + data + b"\0" + _PAD[(size + 5) & 7]


def blob_chunk(data: bytes) -> bytes:
    size = len(data)
    return _U32.pack(size) + data + _PAD[(size + 4) & 7]


def narrow_chunk(items: Sequence[Any], element: Struct | str) -> bytes:
    data = _elements(items, element)
    return _U32.pack(len(items)) + data + _PAD[(len(data) + 4) & 7]


def wide_chunk(items: Sequence[Any], element: Struct | str) -> bytes:
    """A vector of elements that are aligned to 8 bytes: its count stands 4 bytes into the chunk."""
    data = _elements(items, element)
    return b"\0\0\0\0" + _U32.pack(len(items)) + data + _PAD[len(data) & 7]


def _elements(items: Sequence[Any], element: Struct | str) -> bytes:
    if isinstance(element, str):
        return pack(f"<{len(items)}{element}", *items)
    if len(items) == 1:
        return element.pack(*items[0])
    return b"".join([element.pack(*item) for item in items])


def _offsets_chunk(blocks: Iterable[bytes], start: int) -> bytes:
    blocks = list(blocks)
    count = len(blocks)
    size = (4 + 4 * count + 7) & ~7
    offsets = []
    at = size
    for index, block in enumerate(blocks):
        offsets.append(at + start - (4 + 4 * index))
        at += len(block)
    head = pack(f"<I{count}I", count, *offsets)
    return head.ljust(size, b"\0") + b"".join(blocks)


def strings_chunk(items: Sequence[str]) -> bytes:
    return _offsets_chunk(map(string_chunk, items), 0)


def tables_chunk(items: Sequence[Message], start: int) -> bytes:
    return _offsets_chunk((item.block() for item in items), start)


# Reading ------------------------------------------------------------------------------------------------------------


def table_fields(data: bytes, at: int, slots: tuple[Struct | None, ...]) -> tuple[Any, ...]:
    """Fields of a table in any layout: values of scalars and structs, positions of all else (0: absent)."""
    vtable = at - unpack_from("<i", data, at)[0]
    if not 0 <= vtable <= len(data) - 4:
        raise ProtocolError(f"vtable at {vtable}, outside of {len(data)} bytes")
    vtable_size, table_size = unpack_from("<HH", data, vtable)
    if vtable_size < 4 or vtable_size & 1 or vtable + vtable_size > len(data):
        raise ProtocolError(f"vtable of {vtable_size} bytes at {vtable}")
    if table_size < 4 or at + table_size > len(data):
        raise ProtocolError(f"table of {table_size} bytes at {at}, outside of {len(data)} bytes")
    known = (vtable_size - 4) // 2
    fields: list[Any] = []
    for index, slot in enumerate(slots):
        offset = unpack_from("<H", data, vtable + 4 + 2 * index)[0] if index < known else 0
        size = 4 if slot is None else slot.size
        if offset and not 4 <= offset <= table_size - size:
            raise ProtocolError(f"field {index} at {offset}, outside of its table of {table_size} bytes")
        if slot is None:
            fields.append(at + offset + _U32.unpack_from(data, at + offset)[0] if offset else 0)
        elif offset:
            fields.extend(slot.unpack_from(data, at + offset))
        else:
            fields.extend(slot.unpack(bytes(slot.size)))
    return tuple(fields)


class _Shared(bytes):
    """Metadata of which much may be pointed at more than once: bounds what is read of it (spec section 1.5, rule 4)."""

    left: int

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise ProtocolError(f"metadata of {len(self)} bytes points at the same places too often")


def _shared(data: bytes) -> _Shared:
    """The metadata as what all that is read through a vector of offsets is counted on."""
    if type(data) is _Shared:
        return data
    made = _Shared(data)
    made.left = SHARED_BYTES_MIN + 2 * len(data)
    return made


def unknown_value(field: str, value: int) -> ProtocolError:
    """For an enum whose values a reader must all know (spec chapter 9, rule 4)."""
    return ProtocolError(f"{field} has the unknown value {value}")


def _count(data: bytes, at: int, size: int) -> int:
    count: int = _U32.unpack_from(data, at)[0]
    if at + 4 + count * size > len(data):
        raise ProtocolError(f"{count} elements of {size} bytes at {at}, outside of {len(data)} bytes")
    if type(data) is _Shared:
        data.spend(4 + count * size)
    return count


def read_string(data: bytes, at: int) -> str:
    if not at or not (count := _count(data, at, 1)):
        return ""
    return str(data[at + 4 : at + 4 + count], "utf-8")


def read_blob(data: bytes, at: int) -> bytes:
    if not at or not (count := _count(data, at, 1)):
        return b""
    return bytes(data[at + 4 : at + 4 + count])


def read_scalars(data: bytes, at: int, code: str) -> tuple[int, ...]:
    if not at:
        return ()
    return unpack_from(f"<{_count(data, at, calcsize('<' + code))}{code}", data, at + 4)


def read_structs(data: bytes, at: int, element: Struct, kind: Any) -> tuple[Any, ...]:
    if not at or not (count := _count(data, at, element.size)):
        return ()
    if count == 1:
        return (kind._make(element.unpack_from(data, at + 4)),)
    return tuple(map(kind._make, element.iter_unpack(data[at + 4 : at + 4 + count * element.size])))


def _positions(data: bytes, at: int) -> list[int]:
    places = range(at + 4, at + 4 + 4 * _count(data, at, 4), 4)
    return [place + _U32.unpack_from(data, place)[0] for place in places]


def read_strings(data: bytes, at: int) -> tuple[str, ...]:
    if not at:
        return ()
    data = _shared(data)
    return tuple(read_string(data, place) for place in _positions(data, at))


def read_table(data: bytes, at: int, read: Callable[[bytes, int], _T]) -> _T | None:
    return read(data, at) if at else None


def read_tables(data: bytes, at: int, read: Callable[[bytes, int], _T]) -> tuple[_T, ...]:
    if not at:
        return ()
    data = _shared(data)
    places = _positions(data, at)
    data.spend(TABLE_BYTES_MIN * len(places))
    return tuple(read(data, place) for place in places)
