"""Arrow tables and record batches (spec section 3.5): an IPC stream, written and read in place.

Writing. pyarrow writes the stream to a sink that keeps each part instead of copying it: messages as bytes, bodies as
the very buffers of the table. That gives the size, exactly, for next to nothing. pyarrow aligns bodies to 8 bytes and
has no switch for more; so the parts are laid out again here with every buffer at a multiple of 64, which means new
offsets in the message's FlatBuffer: they have a fixed width, and are overwritten where they stand. If the parts are
not as this module knows them, the stream is taken as pyarrow wrote it, which is valid too. The one copy of the bodies
is the one to their final place.

Reading. pyarrow reads the stream from the payload itself: arrays are slices of it, and keep it alive.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import TYPE_CHECKING, Any

from bowstring_wire.messages import Encoding
from bowstring_wire.protocol import ProtocolError
from bowstring_wire.values.payload import ALIGNMENT, Decodable, Encoded, buffer_size, write_buffer

if TYPE_CHECKING:
    import pyarrow as pa

_CONTINUATION = b"\xff\xff\xff\xff"
_PADDING = bytes(ALIGNMENT)
_I32 = Struct("<i")
_U16 = Struct("<H")
_I64 = Struct("<q")
_BUFFER = Struct("<qq")
_JOINED_BYTES_MAX = 4096
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3  # Arrow's MessageHeader union


def is_arrow(value: Any) -> bool:
    """Whether `value` is a pyarrow Table or RecordBatch."""
    kind = type(value)
    return kind.__module__ == "pyarrow.lib" and kind.__name__ in ("Table", "RecordBatch")


def encode_arrow(value: pa.Table | pa.RecordBatch) -> Encoded:
    """Write a Table or RecordBatch as ARROW: its buffers are not copied before it is placed.

    Raises:
        ValueError: pyarrow can't write it to a stream.
    """
    import pyarrow as pa

    return Encoded(Encoding.ARROW, [StreamWriter(value)], single_batch=isinstance(value, pa.RecordBatch))


class StreamWriter:
    """An Arrow IPC stream that is made where it will lie; a `payload.BufferWriter`."""

    __slots__ = ("_parts", "nbytes")

    def __init__(self, value: pa.Table | pa.RecordBatch) -> None:
        self._parts = _joined(parts_of(value))
        self.nbytes = sum(map(buffer_size, self._parts))

    def write_into(self, target: memoryview) -> None:
        at = 0
        for part in self._parts:
            end = at + buffer_size(part)
            write_buffer(part, target[at:end])
            at = end


def parts_of(value: pa.Table | pa.RecordBatch) -> list[Any]:
    """The stream in parts: messages as bytes, bodies as the buffers of the value."""
    import pyarrow as pa

    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), value.schema) as stream:
        stream.write(value)
    try:
        return _laid_out(sink.parts)
    except (StructError, IndexError, _Unknown):
        return sink.parts


def field_nodes(part: bytes) -> int:
    """Where the first FieldNode stands in a part that is a record batch's message; 0 if it is something else."""
    metadata = bytearray(part)
    try:
        message = _root(metadata)
        kind_at = _field(metadata, message, 1)
        if not kind_at or metadata[kind_at] != _RECORD_BATCH:
            return 0
        batch = _follow(metadata, _field(metadata, message, 2))
        return _follow(metadata, _field(metadata, batch, 1)) + 4
    except (StructError, IndexError, _Unknown):
        return 0


def _joined(parts: list[Any]) -> list[Any]:
    """The same bytes in fewer parts: small ones are copied together, because each costs a call when it is placed."""
    out: list[Any] = []
    small: list[Any] = []
    for part in parts:
        if (len(part) if type(part) is bytes else part.size) < _JOINED_BYTES_MAX:
            small.append(part)
            continue
        if small:
            out.append(b"".join(small))
            small.clear()
        out.append(part)
    if small:
        out.append(b"".join(small))
    return out


class _Unknown(Exception):
    """The parts are not those that this module knows how to lay out."""


class _Sink:
    """A file, for pyarrow, that keeps what is written instead of copying it."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.write = self.parts.append  # nobody reads how much was written

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


def _laid_out(parts: list[Any]) -> list[Any]:
    """The same stream with every body buffer at a multiple of 64 from its start."""
    out: list[Any] = []
    at = index = 0
    while True:
        if parts[index] != _CONTINUATION:
            raise _Unknown
        index += 1
        size = _I32.unpack(parts[index])[0]
        index += 1
        if size == 0:
            out += [_CONTINUATION, bytes(4)]
            if index != len(parts):
                raise _Unknown
            return out
        metadata = bytearray()
        while len(metadata) < size:
            metadata += parts[index]
            index += 1
        if len(metadata) != size:
            raise _Unknown
        # The length of a message's metadata counts its padding: more of it puts the body where we want it.
        room = _aligned(at + 8 + size) - at - 8
        body: list[Any] = []
        body_size, spans_at, spans = _body(metadata)
        filled = 0
        for offset, length in spans:
            if offset < 0 or length < 0:
                raise _Unknown
            _BUFFER.pack_into(metadata, spans_at, filled, length)
            spans_at += _BUFFER.size
            if not length:
                continue
            while type(parts[index]) is bytes:  # padding behind the buffer before
                index += 1
            part = parts[index]
            index += 1
            if part.size != length:
                raise _Unknown
            body.append(part)
            padding = -length % ALIGNMENT
            if padding:
                body.append(_PADDING[:padding])
            filled += length + padding
        while type(parts[index]) is bytes and parts[index] != _CONTINUATION:
            index += 1
        if body_size:
            _set_body_size(metadata, filled)
        out += [_CONTINUATION, _I32.pack(room), bytes(metadata.ljust(room, b"\0")), *body]
        at += 8 + room + filled


def _aligned(at: int) -> int:
    return (at + ALIGNMENT - 1) & -ALIGNMENT


def _field(data: bytearray, table: int, index: int) -> int:
    """Position of a table's field, or 0."""
    vtable = table - _I32.unpack_from(data, table)[0]
    if 4 + 2 * index >= _U16.unpack_from(data, vtable)[0]:
        return 0
    offset: int = _U16.unpack_from(data, vtable + 4 + 2 * index)[0]
    return table + offset if offset else 0


def _root(data: bytearray) -> int:
    root: int = _I32.unpack_from(data)[0]
    return root


def _follow(data: bytearray, at: int) -> int:
    if not at:
        raise _Unknown
    return at + int(_I32.unpack_from(data, at)[0])


def _body(metadata: bytearray) -> tuple[int, int, list[tuple[int, int]]]:
    """(length of the body, where the vector of buffers stands, the buffers) of an Arrow message."""
    message = _root(metadata)
    kind_at = _field(metadata, message, 1)
    size_at = _field(metadata, message, 3)
    size = _I64.unpack_from(metadata, size_at)[0] if size_at else 0
    kind = metadata[kind_at] if kind_at else 0
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        if size:
            raise _Unknown
        return 0, 0, []
    batch = _follow(metadata, _field(metadata, message, 2))
    if kind == _DICTIONARY_BATCH:
        batch = _follow(metadata, _field(metadata, batch, 1))
    if not _field(metadata, batch, 2):
        if size:
            raise _Unknown
        return 0, 0, []
    vector = _follow(metadata, _field(metadata, batch, 2))
    count = _I32.unpack_from(metadata, vector)[0]
    spans_at = vector + 4
    spans = list(_BUFFER.iter_unpack(metadata[spans_at : spans_at + count * _BUFFER.size]))
    return size, spans_at, spans


def _set_body_size(metadata: bytearray, size: int) -> None:
    _I64.pack_into(metadata, _field(metadata, _root(metadata), 3), size)


def decode_arrow(decodable: Decodable) -> pa.Table | pa.RecordBatch:
    """The Table or RecordBatch that an ARROW payload holds: read-only, over the payload, which it keeps alive.

    Raises:
        ProtocolError: The buffer is no Arrow stream, or holds more or less than one batch where it says one.
    """
    if len(decodable.buffers) != 1:
        raise ProtocolError(f"an Arrow value has one buffer, and this one has {len(decodable.buffers)}")
    return arrow_from(decodable.buffers[0], decodable.single_batch)


def arrow_from(buffer: Any, single_batch: bool) -> pa.Table | pa.RecordBatch:
    """A Table or RecordBatch over a buffer; as `decode_arrow`."""
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(pa.py_buffer(buffer)) as stream:
            _ = stream.schema.names  # pyarrow decodes them when they are asked for, and that may be far from here
            table = None if single_batch else stream.read_all()
            batches = list(stream) if table is None else ()
        if table is not None:
            table.validate()
            return table
        if len(batches) == 1:
            batches[0].validate()
            return batches[0]
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, NotImplementedError) as error:
        raise ProtocolError(f"an Arrow stream of {len(buffer)} bytes: {error}") from error
    raise ProtocolError(f"an Arrow stream that should hold one record batch holds {len(batches)}")
