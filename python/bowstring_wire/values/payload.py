"""Payloads (spec section 3.1): a value's buffers, placed one behind the other.

A value is *encoded* first, which fixes its buffers and their sizes and copies nothing that is large; it is *placed*
when its destination is known: inside a frame (`inline_payload`) or in shared memory (`image_size`, `write_image`). So
a large value is copied once, to where it will stay. A buffer that does not exist as bytes yet (an Arrow stream) is a
writer, which is asked for its size first and for its bytes when the place is there.

Reading is the reverse, and copies nothing: `read_payload` checks the header against the bytes that are there and
returns slices that keep the payload alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any, Protocol

from bowstring_wire.messages import Encoding, Layout, ObjectHeader, Span
from bowstring_wire.protocol import ProtocolError

ALIGNMENT = 64  # of every buffer from the start of its image, and of every image in its segment
_PREFIX = Struct("<II")
_BARE_HEADER_SIZE = len(ObjectHeader().encode())
_GIL_FREE_COPY_BYTES_MIN = 1 << 18  # below this, numpy's call costs more than other threads gain
_COMPACT_ENCODINGS = frozenset((Encoding.BYTES, Encoding.PORTABLE, Encoding.PYTHON, Encoding.JAVA, Encoding.ERROR))
PAGE = 4096
# A large buffer starts a page: a copy whose target lies a little behind its source, modulo a page, waits for itself at
# each step (the processor takes the next read for one of what was just written), and runs at a quarter of the speed.
PAGE_ALIGNED_BYTES_MIN = 1 << 20
_ZEROS = bytes(PAGE)


class BufferWriter(Protocol):
    """A buffer that is made where it will lie."""

    @property
    def nbytes(self) -> int:
        """How many bytes `write_into` writes."""

    def write_into(self, target: memoryview) -> None:
        """Write exactly `nbytes` bytes; `target` is writable and that long."""


class Encoded:
    """A value written but not yet placed.

    Attributes:
        encoding: How buffer 0 is to be read (`messages.Encoding`).
        buffers: C-contiguous bytes-like objects, or writers: objects with `nbytes` and `write_into(memoryview)`.
            They are views of the value where that is possible: the value must not change until it is placed.
        element: TENSOR: the `messages.ElementType`.
        shape: TENSOR: length of each dimension.
        single_batch: ARROW: true for a record batch, false for a table.
        contains: The references inside the value, those of actor handles included: whatever the writer collects them as
            (`encode_portable`: a `messages.ObjectRef` each).
    """

    __slots__ = ("buffers", "contains", "element", "encoding", "shape", "single_batch")

    def __init__(
        self,
        encoding: int,
        buffers: list[Any],
        element: int = 0,
        shape: tuple[int, ...] = (),
        single_batch: bool = False,
        contains: list[Any] | None = None,
    ) -> None:
        self.encoding = encoding
        self.buffers = buffers
        self.element = element
        self.shape = shape
        self.single_batch = single_batch
        self.contains: list[Any] = [] if contains is None else contains

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers together, without header and padding."""
        return sum(map(buffer_size, self.buffers))


class Decodable:
    """A payload cut into its buffers, each a read-only slice that keeps the payload alive.

    Attributes:
        encoding: How buffer 0 is to be read (`messages.Encoding`).
        buffers: memoryviews, or numpy arrays of uint8 if the payload was one.
        element: TENSOR: the `messages.ElementType`.
        shape: TENSOR: length of each dimension.
        single_batch: ARROW: true for a record batch, false for a table.
    """

    __slots__ = ("buffers", "element", "encoding", "shape", "single_batch")

    def __init__(
        self,
        encoding: int,
        buffers: Sequence[Any],
        element: int = 0,
        shape: tuple[int, ...] = (),
        single_batch: bool = False,
    ) -> None:
        self.encoding = encoding
        self.buffers = buffers
        self.element = element
        self.shape = shape
        self.single_batch = single_batch


def buffer_size(buffer: Any) -> int:
    """Bytes of a bytes-like object or a writer."""
    kind = type(buffer)
    if kind is bytes or kind is bytearray:
        return len(buffer)
    size = getattr(buffer, "nbytes", None)
    return memoryview(buffer).nbytes if size is None else int(size)


def image_size(encoded: Encoded) -> int:
    """Length of the object image in bytes: header, padding and buffers."""
    return _spans(encoded)[1]


def write_image(encoded: Encoded, target: memoryview) -> None:
    """Write the object image.

    Args:
        encoded: The value. Its buffers are copied; nothing of it is kept.
        target: Writable bytes, `image_size(encoded)` long; in the store they start at a multiple of 64.

    Raises:
        ValueError: `target` is not that long.
    """
    spans, end = _spans(encoded)
    if len(target) != end:
        raise ValueError(f"the image takes {end} bytes, and the target has {len(target)}")
    header = _header(encoded, spans)
    at = len(header)
    target[:at] = header
    for buffer, (offset, length) in zip(encoded.buffers, spans, strict=True):
        if at != offset:
            target[at:offset] = bytes(offset - at)
        at = offset + length
        write_buffer(buffer, target[offset:at])


def tensor_header(element: int, shape: tuple[int, ...], size: int) -> tuple[bytes, int, int]:
    """For a tensor whose elements are filled in later: its image's header, where the elements start, and its length.

    Args:
        element: The `messages.ElementType`.
        shape: Length of each dimension.
        size: Bytes of the elements.
    """
    encoded = Encoded(Encoding.TENSOR, [b""], element, shape)
    start = _aligned(_buffers_start(encoded))
    return _header(encoded, [Span(start, size)]), start, start + size


def image_header(encoded: Encoded) -> tuple[bytes, int, int]:
    """For a value of one buffer that is filled in later: its image's header, where the buffer starts, and the image's
    length.

    Args:
        encoded: The value; its buffer is asked for its size only.
    """
    spans, end = _spans(encoded)
    return _header(encoded, spans), spans[0].offset, end


def inline_payload(encoded: Encoded) -> tuple[int, bytes]:
    """The payload as bytes, for a frame: (`messages.Layout`, payload). Copies; meant for values that are small."""
    buffers = encoded.buffers
    if len(buffers) == 1 and encoded.encoding in _COMPACT_ENCODINGS:
        return Layout.COMPACT, _as_bytes(buffers[0])
    spans, _ = _spans(encoded)
    parts = [_header(encoded, spans)]
    at = len(parts[0])
    for buffer, (offset, length) in zip(buffers, spans, strict=True):
        if at != offset:
            parts.append(_ZEROS[: offset - at])
        parts.append(_as_bytes(buffer) if hasattr(buffer, "write_into") else buffer)
        at = offset + length
    return Layout.IMAGE, b"".join(parts)


def read_payload(encoding: int, layout: int, data: Any) -> Decodable:
    """Cut a payload into its buffers. Copies nothing but the header.

    Args:
        encoding: What the frame says of the value (`messages.Encoding`).
        layout: How the payload is laid out (`messages.Layout`).
        data: bytes, memoryview or numpy array of uint8; one-dimensional. The buffers are read-only slices of it and
            keep it alive; what decodes from them does so too.

    Raises:
        ProtocolError: The payload breaks the spec, or its header names another encoding.
    """
    if type(data) is bytes:
        data = memoryview(data)
    elif type(data) is memoryview:
        data = data.toreadonly()
    elif isinstance(data, bytearray):
        data = memoryview(data).toreadonly()
    elif data.flags.writeable:
        data = data.view()
        data.flags.writeable = False
    if layout == Layout.COMPACT:
        if encoding not in _COMPACT_ENCODINGS:
            raise ProtocolError(f"a payload of encoding {encoding} can't be compact")
        return Decodable(encoding, (data,))
    if layout != Layout.IMAGE:
        raise ProtocolError(f"layout {layout} of a payload is unknown")
    size = len(data)
    if size < _PREFIX.size:
        raise ProtocolError(f"an object image of {size} bytes has no header")
    header_size, zero = _PREFIX.unpack_from(data)
    if zero or header_size & 7 or header_size + _PREFIX.size > size:
        raise ProtocolError(f"an object image of {size} bytes says that its header has {header_size}")
    header = ObjectHeader.decode(bytes(data[_PREFIX.size : _PREFIX.size + header_size]))
    if header.encoding != encoding:
        raise ProtocolError(f"the frame says encoding {encoding}, and the image's header {header.encoding}")
    if not header.buffers:
        raise ProtocolError("an object image has no buffer")
    at = _PREFIX.size + header_size
    buffers = []
    for offset, length in header.buffers:
        end = offset + length
        if offset % ALIGNMENT or offset < at or end > size:
            raise ProtocolError(f"a buffer from {offset} to {end} of an image of {size} bytes, {at} of them taken")
        buffers.append(data[offset:end])
        at = end
    return Decodable(encoding, buffers, header.element, header.shape, header.single_batch)


def write_buffer(buffer: Any, target: memoryview) -> None:
    """Copy one buffer (or let its writer write it) to `target`, which is exactly as long. Large copies free the GIL."""
    write_into = getattr(buffer, "write_into", None)
    if write_into is not None:
        write_into(target)
    elif len(target) >= _GIL_FREE_COPY_BYTES_MIN:
        import numpy as np

        np.copyto(np.frombuffer(target, np.uint8), np.frombuffer(buffer, np.uint8))
    elif len(target):
        target[:] = buffer if type(buffer) is bytes else memoryview(buffer).cast("B")


def _as_bytes(buffer: Any) -> bytes:
    if type(buffer) is bytes:
        return buffer
    if not hasattr(buffer, "write_into"):
        return bytes(memoryview(buffer))
    data = bytearray(buffer.nbytes)
    with memoryview(data) as target:
        buffer.write_into(target)
    return bytes(data)


def _aligned(at: int, alignment: int = ALIGNMENT) -> int:
    return (at + alignment - 1) & -alignment


def _buffers_start(encoded: Encoded) -> int:
    # The header's size follows from its counts alone (spec section 1.6): both vectors are aligned to 8.
    size = _PREFIX.size + _BARE_HEADER_SIZE + 8 + 16 * len(encoded.buffers)
    return size + 8 + 8 * len(encoded.shape) if encoded.shape else size


def _spans(encoded: Encoded) -> tuple[list[Span], int]:
    at = _buffers_start(encoded)
    spans = []
    for buffer in encoded.buffers:
        length = buffer_size(buffer)
        at = _aligned(at, PAGE if length >= PAGE_ALIGNED_BYTES_MIN else ALIGNMENT)
        spans.append(Span(at, length))
        at += length
    return spans, at


def _header(encoded: Encoded, spans: list[Span]) -> bytes:
    header = ObjectHeader(encoded.encoding, encoded.element, encoded.single_batch, tuple(spans), encoded.shape).encode()
    return _PREFIX.pack(len(header), 0) + header
