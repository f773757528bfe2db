"""Writes a Python value portably, for a reader in another language (spec 3.2, rules 2 and 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bowstring import _values
from bowstring.errors import BowstringError, SerializationError, qualified_name, record_from_exception
from bowstring_wire import messages as m
from bowstring_wire import values
from bowstring_wire.messages import FrameType, Layout, ValueState

if TYPE_CHECKING:
    from bowstring._runtime import Runtime

_INLINE, _STORED = int(ValueState.INLINE), int(ValueState.STORED)


def transcode(runtime: Runtime, message: m.Transcode, body: bytes) -> None:
    """Read the value, write it portably, and answer the node: Transcoded, or why not."""
    try:
        value = _read(runtime, message, body)
        encoded = _values.encode_portable(value)
        answer = m.Transcoded(message.request, encoding=encoded.encoding)
        payload = b""
        if encoded.nbytes <= runtime.inline_bytes_max:
            answer.state = _INLINE
            answer.layout, payload = values.inline_payload(encoded)
            answer.length = len(payload)
        else:
            extent, answer.location = runtime.writer.place_image(encoded)
            answer.state = _STORED
            answer.extent = extent.number
        runtime.tell(FrameType.TRANSCODED, answer, payload)
        if answer.state == _STORED:
            runtime.store.placed(extent)
    except BaseException as error:
        record = record_from_exception(error, "transcoding")
        runtime.tell(FrameType.FAILURE, m.Failure(message.request, record))
    with runtime.lock:
        runtime.node_connection.flush()


def _read(runtime: Runtime, message: m.Transcode, body: bytes) -> Any:
    """The value that is to be written portably.

    Raises:
        SerializationError: it can't be read; whoever asked for it is no Python, to which the reason itself says little.
    """
    try:
        if message.state == _INLINE:
            return _values.decode_inline(message.encoding, message.layout, body[: message.length])
        import numpy as np

        stored = m.ObjectValue(
            state=message.state,
            encoding=message.encoding,
            location=message.location,
            segment_path=message.segment_path,
            segment_length=message.segment_length,
        )
        held = runtime.store.pinned(stored)
        return _values.decode_inline(message.encoding, Layout.IMAGE, np.asarray(held))
    except BowstringError:
        raise
    except Exception as error:
        raise SerializationError(f"a value can't be read: {qualified_name(type(error))}: {error}") from error
